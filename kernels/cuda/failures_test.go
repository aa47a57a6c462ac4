//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// failing are computations in which every allocation and every launch fails once: of
// a matrix [12 10], whose values lie in [-0.4, 0.6).
var failing = []struct {
	name string
	f    func(x *tensor.Tensor) *tensor.Tensor
}{
	{"maps and sums", func(x *tensor.Tensor) *tensor.Tensor { return x.Add(x).Exp().Sum(1).LogSumExp() }},
	{"products", func(x *tensor.Tensor) *tensor.Tensor { return x.MatMul(x.T()).Tanh().Sum() }},
	{"branches", func(x *tensor.Tensor) *tensor.Tensor {
		a, b := x.MatMul(x.T()), x.T().MatMul(x)
		return a.MatMul(a).Sum().Add(b.MatMul(b).CumSum(0).Sum())
	}},
	{"gathers, scatters and running sums", func(x *tensor.Tensor) *tensor.Tensor {
		at := x.Abs().MulScalar(10).Cast(tensor.Int64)
		rows := x.CumSum(0).Gather(0, at)
		return x.ScatterAdd(0, at, rows).Softmax(1).Square().Sum()
	}},
	{"scan", func(x *tensor.Tensor) *tensor.Tensor {
		last, all := grad.Scan(func(s, row *tensor.Tensor) (*tensor.Tensor, *tensor.Tensor) {
			s = s.Add(row).Tanh()
			return s, s.Mul(row).Sum()
		}, x.Index(tensor.At(0)), x)
		return last.Sum().Add(all.Square().Sum())
	}},
	{"while", func(x *tensor.Tensor) *tensor.Tensor {
		return grad.While(func(s *tensor.Tensor) *tensor.Tensor { return s.Sum().Lt(tensor.Scalar(40).To(x.Device())) },
			func(s *tensor.Tensor) *tensor.Tensor { return s.MulScalar(1.5).Add(x.Square()) }, x, grad.MaxSteps(20)).Sum()
	}},
	{"cond", func(x *tensor.Tensor) *tensor.Tensor {
		return grad.Cond(x.Sum().Gt(tensor.Scalar(0).To(x.Device())),
			func(x *tensor.Tensor) *tensor.Tensor { return x.Exp().Sum() },
			func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Sum() }, x)
	}},
}

// Wherever in a computation memory, a launch or another call of the driver fails, its
// error says which, everything is given back, and the same computation works afterwards.
func TestFailuresAnywhere(t *testing.T) {
	onStandIn(t)
	data := make([]float64, 12*10)
	for i := range data {
		data[i] = float64(i*7%10)/10 - 0.4
	}
	d := openDevice(t)
	x, y := tensor.NewShaped(data, []int{12, 10}).To(d), tensor.Zeros(12, 10).To(d)
	for _, c := range failing {
		f := grad.Grad(c.f)
		eager := func() ([]float64, error) {
			g := f(x)
			defer tensor.Free(g)
			return g.Float64s()
		}
		t.Run(c.name+"/eager", func(t *testing.T) { failEverywhere(t, d, eager) })
		t.Run(c.name+"/program", func(t *testing.T) {
			// Prepared anew each time: what is made at its first runs fails too, and the
			// third replays what the second recorded.
			failEverywhere(t, d, func() ([]float64, error) {
				p, err := grad.Prepare(f, x)
				if err != nil {
					return nil, err
				}
				defer p.Close()
				for range 3 {
					if err := p.RunInto(t.Context(), y, x); err != nil {
						return nil, err
					}
				}
				return y.Float64s()
			})
		})
	}
	tensor.Free(x)
	collect(t, d, y)
	recordingsAreGivenBack(t, d)
	if calls := driverCalls(t, d); calls["cuStreamCreate"]-calls["cuStreamDestroy_v2"] != 1 {
		t.Errorf("%d streams were made, %d given back besides that of the device", calls["cuStreamCreate"], calls["cuStreamDestroy_v2"])
	}
}

// failEverywhere has the first allocation fail, then the second, until all that run
// needs are made, and so the launches, and so all calls of the driver: each with all
// that come after it, and each alone, which may do no harm, but none unnoticed.
func failEverywhere(t *testing.T, d *devcuda.Device, run func() ([]float64, error)) {
	want, err := run()
	if err != nil {
		t.Fatal(err)
	}
	collectTo(d, 2)
	calls := 0
	for _, what := range []string{"alloc", "launch", "call", "once"} {
		for n := 0; what != "once" || n < calls; n++ {
			t.Setenv("STANDIN_FAIL", fmt.Sprintf("%s:%d", what, n))
			got, err := run()
			t.Setenv("STANDIN_FAIL", "")
			if live := collectTo(d, 2); live != 2 {
				t.Fatalf("%s %d fails: %d buffers outstanding besides the two operands", what, n, live-2)
			}
			if err == nil {
				if n < 2 && what != "once" || !slices.Equal(got, want) {
					t.Errorf("with %d of %ss: %v, want %v", n, what, got, want)
				}
				if what == "once" {
					continue
				}
				calls = n
				break
			}
			var memory *device.OutOfMemoryError
			var cause *devcuda.DriverError
			if errors.As(err, &memory) && what == "launch" || memory == nil && what == "alloc" || !errors.As(err, &cause) || errors.Is(err, device.ErrLost) {
				t.Errorf("%s %d fails: %v", what, n, err)
			}
			if n > 5000 {
				t.Fatalf("%s %d fails still", what, n)
			}
			if n%5 == 0 {
				if got, err := run(); err != nil || !slices.Equal(got, want) {
					t.Errorf("after %s %d failed: %v, %v, want %v", what, n, got, err, want)
				}
			}
		}
	}
}
