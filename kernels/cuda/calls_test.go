//go:build cuda && cgo

package cuda_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"

	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// An operation that is carried out by itself asks the driver for its context and its
// kernel, and for nothing else; reading a number waits once.
func TestDriverCalls(t *testing.T) {
	onStandIn(t)
	t.Setenv(devcuda.EnvExact, "") // memory is used again
	d := openDevice(t)
	x, number := tensor.Ones(2000).To(d), tensor.Scalar(3).To(d)
	for _, c := range []struct {
		name string
		f    func() *tensor.Tensor
		want map[string]int
	}{
		{"add", func() *tensor.Tensor { return x.Add(x) }, map[string]int{"cuCtxSetCurrent": 1, "cuLaunchKernel": 1}},
		{"tanh", x.Tanh, map[string]int{"cuCtxSetCurrent": 1, "cuLaunchKernel": 1}},
		{"sum", func() *tensor.Tensor { return x.Sum() }, map[string]int{"cuCtxSetCurrent": 1, "cuLaunchKernel": 1}},
		{"read", func() *tensor.Tensor {
			if v, err := number.Item(); err != nil || v != 3 {
				t.Errorf("read %v, %v", v, err)
			}
			return number.Reshape(1)
		}, map[string]int{"cuCtxSetCurrent": 1, "cuMemcpyDtoHAsync_v2": 1, "cuStreamSynchronize": 1}},
		{"row", func() *tensor.Tensor { return x.Reshape(40, 50).T() }, map[string]int{}},
	} {
		sameCalls(t, d, c.name, c.want, func() error {
			tensor.Free(c.f())
			return nil
		})
	}
	tensor.Free(x)
	collect(t, d, number)
}

// A prepared program on numbers takes one launch and one wait, its derivative too, and
// waiting for what is done asks the driver once.
func TestDriverCallsOfPrograms(t *testing.T) {
	onStandIn(t)
	t.Setenv(devcuda.EnvExact, "")
	d := openDevice(t)
	type normal struct{ X, Mu, Sigma *tensor.Tensor }
	density := func(p normal) *tensor.Tensor {
		z := p.X.Sub(p.Mu).Div(p.Sigma)
		return z.Square().MulScalar(-0.5).Exp().Div(p.Sigma.MulScalar(math.Sqrt(2 * math.Pi)))
	}
	onHost := normal{tensor.Scalar(0.5), tensor.Scalar(0), tensor.Scalar(1)}
	onDevice := normal{onHost.X.To(d), onHost.Mu.To(d), onHost.Sigma.To(d)}
	var dst normal
	for _, x := range []**tensor.Tensor{&dst.X, &dst.Mu, &dst.Sigma} {
		*x = tensor.Zeros().To(d)
	}
	for _, c := range []struct {
		name, launch string
		x            normal
	}{
		{"numbers passed by value", "cuLaunchKernel", onHost},
		{"numbers on the device", "cuGraphLaunch", onDevice},
	} {
		value, err := grad.Prepare(density, onDevice)
		if err != nil {
			t.Fatal(err)
		}
		gradient, err := grad.Prepare(grad.Grad(density), onDevice)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for name, run := range map[string]func(context.Context) error{
			"value":    func(ctx context.Context) error { return value.RunInto(ctx, dst.X, c.x) },
			"gradient": func(ctx context.Context) error { return gradient.RunInto(ctx, dst, c.x) },
		} {
			want := map[string]int{"cuCtxSetCurrent": 2, c.launch: 1, "cuStreamSynchronize": 1}
			sameCalls(t, d, name+" of "+c.name, want, func() error { return run(context.Background()) })
		}
		sameCalls(t, d, "waiting", map[string]int{"cuCtxSetCurrent": 1, "cuStreamQuery": 1}, func() error { return dst.X.Wait(ctx) })
		cancel()
		value.Close()
		gradient.Close()
	}
	collect(t, d, onDevice.X, onDevice.Mu, onDevice.Sigma, dst.X, dst.Mu, dst.Sigma)
}

// sameCalls sees that f, when it has been called some times, calls of the driver what is wanted.
func sameCalls(t *testing.T, d *devcuda.Device, name string, want map[string]int, f func() error) {
	t.Helper()
	const times = 10
	again := func() {
		for range times {
			if err := f(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	again() // compiles, takes memory, records
	before := driverCalls(t, d)
	again()
	after := driverCalls(t, d)
	got := map[string]int{}
	for name, n := range after {
		// What asking takes is in both, and one more call to wait.
		if n -= before[name]; n >= times {
			got[name] = n / times
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s calls %v, want %v", name, got, want)
	}
}

// eager are operations carried out by themselves, on few elements.
func eager(x *tensor.Tensor) map[string]func() *tensor.Tensor {
	return map[string]func() *tensor.Tensor{
		"add":  func() *tensor.Tensor { return x.Add(x) },
		"tanh": x.Tanh,
		"sum":  func() *tensor.Tensor { return x.Sum() },
	}
}

// An operation that is carried out by itself makes few objects in Go beside its result.
func TestEagerAllocations(t *testing.T) {
	t.Setenv(devcuda.EnvExact, "")
	d := openDevice(t)
	x := tensor.Ones(4).To(d)
	for name, f := range eager(x) {
		tensor.Free(f())
		const most = 3
		if n := testing.AllocsPerRun(100, func() { tensor.Free(f()) }); n > most {
			t.Errorf("%s makes %v objects, more than %d", name, n, most)
		}
	}
	collect(t, d, x)
}

func BenchmarkEager(b *testing.B) {
	d := openDevice(b)
	x := tensor.Ones(4).To(d)
	for name, f := range eager(x) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tensor.Free(f())
			}
		})
	}
	tensor.Free(x)
}

// driverCalls is how often each of the driver's functions was called so far.
func driverCalls(t *testing.T, d *devcuda.Device) map[string]int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls")
	t.Setenv("STANDIN_CALLS", file)
	defer t.Setenv("STANDIN_CALLS", "")
	if err := d.Sync(context.Background()); err != nil { // by the driver, without looking at an event
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	calls := map[string]int{}
	for {
		var name string
		var n int
		if _, err := fmt.Fscan(f, &name, &n); err != nil {
			return calls
		}
		calls[name] = n
	}
}
