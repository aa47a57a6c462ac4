package grad_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// on opens a device and makes it the default one for the test.
func on(t testing.TB, name string) device.Device {
	t.Helper()
	before, err := device.Default()
	if err != nil {
		t.Fatal(err)
	}
	dev, err := device.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := tensor.SetDefaultDevice(dev); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tensor.SetDefaultDevice(before) })
	return dev
}

func normals(n int) []float64 {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// TestSweepMemory: the sweep over a chain of a hundred elementwise operations
// needs the saved values and at most three buffers of its own.
func TestSweepMemory(t *testing.T) {
	const n, length = 1_000_000, 100
	if testing.Short() {
		t.Skip("800 MiB")
	}
	dev := on(t, "cpu:1")
	devicetest.NoLeaks(t, dev)
	x := tensor.New(normals(n))
	var atEnd int64
	f := func(x *T) *T {
		for i := range length {
			if i%2 == 0 {
				x = x.Sin() // saves its operand
			} else {
				x = x.MulScalar(1.01) // saves the constant only
			}
		}
		y := x.Sum()
		runtime.GC() // what the tape does not save is garbage once f returns
		runtime.GC()
		atEnd = dev.Stats().Outstanding
		device.ResetPeak(dev)
		return y
	}
	before := dev.Stats().Outstanding
	g := grad.Grad(f)(x)
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	const buffer = n * 8
	own := float64(dev.Stats().Peak-atEnd) / buffer
	saved := float64(atEnd-before) / buffer
	t.Logf("saved %.2f buffers, the sweep's own %.2f", saved, own)
	if own > 3.5 { // size classes round a buffer up by at most a ninth
		t.Errorf("the sweep took %.2f buffers of its own", own)
	}
	if saved > length/2+3 {
		t.Errorf("%.2f buffers were saved for %d operations that save one", saved, length/2)
	}
	g = nil
}

// TestTemporariesComeBack: without any collection, a gradient gives back all
// that it took but what it returns, and the next one takes nothing new.
func TestTemporariesComeBack(t *testing.T) {
	dev := on(t, "cpu:1")
	devicetest.NoLeaks(t, dev)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	x := tensor.New(normals(5000))
	f := grad.ValueAndGrad(func(x *T) *T {
		a, b := x.Square().Neg().Exp(), x.Sin()
		return a.Mul(b).Add(x.Square().AddScalar(1).Sqrt()).Add(a.Mul(a)).Sum()
	})
	var fresh int64
	before := dev.Stats().Live
	for i := range 4 {
		y, g := f(x)
		if y.Err() != nil || g.Err() != nil {
			t.Fatal(y.Err(), g.Err())
		}
		if n := dev.Stats().Live - before; n != 1 {
			t.Errorf("%d buffers outstanding after the gradient, which is one", n)
		}
		tensor.Free(g)
		if s := dev.Stats(); i == 0 {
			fresh = s.Allocs - s.Hits
		} else if n := s.Allocs - s.Hits - fresh; n != 0 {
			t.Errorf("%d fresh buffers the time after", n)
		}
	}
}

// TestWorkersAgree: gradients are the same, bit for bit, for any number of
// workers, and so are those of prepared programs.
func TestWorkersAgree(t *testing.T) {
	n := 300_000
	if testing.Short() {
		n = 70_000
	}
	type args struct{ X, A, B *T }
	f := func(p args) *T {
		y := p.X.Square().Neg().Exp().Mul(p.X.Sin()).Add(p.X.Square().AddScalar(1).Sqrt())
		m := p.A.MatMul(p.B).Tanh()
		return y.Sum().Add(m.LogSumExp(1).Sum()).Add(m.Sum(0).Square().Mean()).Add(p.X.LogSumExp())
	}
	var want [][]float64
	for _, name := range []string{"cpu:1", "cpu:2", "cpu:7"} {
		dev := on(t, name)
		p := args{tensor.New(normals(n)), tensor.New(normals(200*170)).Reshape(200, 170), tensor.New(normals(170*150)).Reshape(170, 150)}
		program, err := grad.Prepare(grad.Grad(f), p)
		if err != nil {
			t.Fatal(err)
		}
		prepared, err := program.Run(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for how, g := range map[string]args{"eager": grad.Grad(f)(p), "prepared": prepared} {
			for i, leaf := range []*T{g.X, g.A, g.B} {
				v, err := leaf.Float64s()
				if err != nil {
					t.Fatal(err)
				}
				if len(want) <= i {
					want = append(want, v)
				}
				for k := range v {
					if math.Float64bits(v[k]) != math.Float64bits(want[i][k]) {
						t.Fatalf("%s, %s: leaf %d entry %d is %v, with one worker %v", dev.Name(), how, i, k, v[k], want[i][k])
					}
				}
			}
		}
	}
}

// TestTemporaries: a long loop of forgotten temporaries stays within the limit.
func TestTemporaries(t *testing.T) {
	dev := on(t, "cpu:1")
	limit := dev.Limit()
	dev.SetLimit(256 << 20)
	device.ResetPeak(dev)
	defer dev.SetLimit(limit)
	steps := 20_000
	if testing.Short() {
		steps = 500
	}
	g := grad.Grad(func(x *T) *T { return x.Square().Sum() })
	x := tensor.New(normals(1 << 20)) // 8 MiB
	for i := range steps / 4 {        // each step makes about four temporaries
		y := g(x)
		if err := y.Err(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	if peak := dev.Stats().Peak; peak > 256<<20 {
		t.Errorf("peak %d MiB", peak>>20)
	}
}

func BenchmarkScalarOps(b *testing.B) {
	x, y := tensor.Scalar(1.5), tensor.Scalar(2.5)
	b.Run("eager/add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			x.Add(y)
		}
	})
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("grad/ops=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			g := grad.Grad(func(x *T) *T {
				for range n / 2 {
					x = x.Mul(y).Sin()
				}
				return x
			})
			for b.Loop() {
				if g(x).Err() != nil {
					b.Fatal("failed")
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(n), "ns/op-pair")
		})
	}
}

// A contribution that is zero but for a slice, a diagonal or every other element
// is added like any other, in whatever order: zero added to -0 is 0.
func TestSweepGaps(t *testing.T) {
	minus := func(x *T) *T { return x.Neg().Mul(tensor.ZerosLike(x)).Sum() } // a cotangent of -0 everywhere
	parts := map[string]func(x *T) *T{
		"slice":    func(x *T) *T { return x.Index(tensor.All, tensor.Range(1, x.Dim(1))) },
		"row":      func(x *T) *T { return x.Index(tensor.At(1)) },
		"step":     func(x *T) *T { return x.Index(tensor.Step(0, x.Dim(0), 2)) },
		"diagonal": func(x *T) *T { return x.Diag(0) },
	}
	for name, part := range parts {
		for _, n := range []int{3, 60} {
			for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
				x := tensor.NewShaped(normals(n*n), []int{n, n}).Cast(dt)
				for order, f := range map[string]func(x *T) *T{
					"last":  func(x *T) *T { return part(x).Sum().Add(minus(x)) },
					"first": func(x *T) *T { return minus(x).Add(part(x).Sum()) },
					"thrice": func(x *T) *T {
						return minus(x).Add(minus(part(x))).Add(part(x).Sum()).Add(minus(part(x))).Add(minus(x))
					},
				} {
					g, err := grad.Grad(f)(x).Float64s()
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					for i, v := range g {
						if v == 0 && math.Signbit(v) {
							t.Errorf("%s of %v[%d %d], %s: element %d is -0", name, dt, n, n, order, i)
							break
						}
					}
				}
			}
		}
	}
}

// BenchmarkRows uses every row of a matrix by itself: the sweep adds to the rows
// in place, not to the whole matrix for each.
func BenchmarkRows(b *testing.B) {
	for _, n := range []int{100, 400} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			x := tensor.NewShaped(normals(n*100), []int{n, 100})
			g := grad.Grad(func(x *T) *T {
				sum := tensor.Scalar(0)
				for i := range n {
					sum = sum.Add(x.Index(tensor.At(i)).Square().Sum())
				}
				return sum
			})
			for b.Loop() {
				if err := g(x).Err(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
