package cpu

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// typed is an operand's type.
func typed(dt device.DType, shape ...int) loop.Aval { return loop.Aval{DType: dt, Shape: shape} }

// foldProduct is a reduction of the product of two operands of a shape over all but the
// first keep of its axes.
func foldProduct(kind loop.Combiner, dt device.DType, keep int, shape ...int) *loop.Expr {
	e := loop.New(loop.Axes(shape), []loop.Aval{typed(dt, shape...), typed(dt, shape...)})
	at := loop.Ats(len(shape))
	e.Store(loop.Store{Value: e.Mul(e.Load(0, at...), e.Load(1, at...)), Index: loop.Ats(keep), Reduce: kind, Aval: typed(dt, shape[:keep]...)})
	return e
}

// Reductions that are long enough to be shared out among workers in blocks.
func TestLongReductions(t *testing.T) {
	shapes := []struct {
		keep  int
		shape []int
	}{{0, []int{300_001}}, {1, []int{2, 140_000}}, {0, []int{3, 70_000}}}
	for i, kind := range []loop.Combiner{loop.Sum, loop.Prod, loop.Max, loop.LSE} {
		for j, s := range shapes {
			dt := []device.DType{device.Float64, device.Float32}[(i+j)%2]
			e := foldProduct(kind, dt, s.keep, s.shape...)
			r := rand.New(rand.NewPCG(1, 2))
			c := newCall(e, j%2 == 0, r)
			for _, a := range c.In { // without specials, which would decide alone
				eachElement(a, func(off int) { writeAt(a, off, num{f: r.NormFloat64()}) })
			}
			compare(t, e, c)
		}
	}
	// Columns: few results, many rows.
	e := foldOf(loop.Sum, []int{3, 150_000}, 1, []int{150_000, 3}, 1, 0)
	compare(t, e, newCall(e, true, rand.New(rand.NewPCG(3, 4))))
}

// Reductions over rows that are looked up are done in tiles of several rows, each looked up
// once: to one value or to several, shared out among workers or not, of all combiners.
func TestFlatReductions(t *testing.T) {
	for i, kind := range []loop.Combiner{loop.Sum, loop.Prod, loop.Max, loop.Min, loop.LSE} {
		for j, shape := range [][]int{{1, 1000, 8}, {1, 301, 10}, {1, 40_000, 16}, {3, 700, 16}, {2, 77, 5}} {
			dt := []device.DType{device.Float64, device.Float32}[(i+j)%2]
			e := loop.New(loop.Axes(shape), []loop.Aval{typed(dt, 20, shape[2]), typed(device.Int64, shape[1]), typed(dt, shape...)})
			at := loop.Ats(3)
			looked := e.Load(0, loop.Through(e.Load(1, at[1])), at[2])
			e.Store(loop.Store{Value: e.Sub(e.Load(2, at...), looked), Index: at[:1], Reduce: kind, Aval: typed(dt, shape[0])})
			r := rand.New(rand.NewPCG(5, 6))
			c := newCall(e, j%2 == 0, r)
			for k, a := range c.In {
				eachElement(a, func(off int) {
					if k == 1 {
						writeAt(a, off, num{i: r.Int64N(40) - 20})
					} else {
						writeAt(a, off, num{f: r.NormFloat64()})
					}
				})
			}
			compare(t, e, c)
			p := newKernel(kernels.NewLoop("x", e)).(*kernel).variant(c).plans[0]
			if p.cols.size == 1 || p.rows.size == 1 || len(p.reds) == 0 || p.reds[0].cols != 1 {
				t.Errorf("%v of %v is done in tiles of %d rows and %d columns", kind, shape, p.rows.size, p.cols.size)
			}
		}
	}
}

// eachElement calls f with the offset of every element.
func eachElement(a *kernels.Array, f func(off int)) {
	var walk func(d, off int)
	walk = func(d, off int) {
		if d == len(a.Shape) {
			f(off)
			return
		}
		for i := range a.Shape[d] {
			walk(d+1, off+i*a.Stride(d))
		}
	}
	walk(0, 0)
}

// lse returns the log of the sum of exponentials of values, by the kernel.
func lse(t *testing.T, values []float64) float64 {
	e := foldOf(loop.LSE, []int{len(values)}, 0, []int{len(values)}, 0)
	c := ready(e)
	copy(elements[float64](c.In[0]), values)
	if err := newKernel(kernels.NewLoop("lse", e)).Run(c); err != nil {
		t.Fatal(err)
	}
	return readAt(c.Out[0], 0).f
}

func TestLSEOfExtremes(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"all -Inf", []float64{-inf, -inf, -inf}, -inf},
		{"some -Inf", []float64{-inf, 3, -inf}, 3},
		{"one Inf", []float64{1, inf, 2}, inf},
		{"both infinities", []float64{-inf, inf}, inf},
		{"NaN", []float64{1, nan, inf}, nan},
		{"large", []float64{1000, 1000}, 1000 + math.Ln2},
		{"small", []float64{-1000, -1000}, -1000 + math.Ln2},
	} {
		for _, pad := range []int{0, 20, 3000} { // lanes and blocks of nothing else
			values := append([]float64(nil), c.values...)
			for range pad {
				values = append(values, -inf)
			}
			everyWay(func(way string, _ *device.Workers) {
				if got := lse(t, values); !(math.Abs(got-c.want) <= 1e-12 || got == c.want || got != got && c.want != c.want) {
					t.Errorf("%s: %s and %d of -Inf: %v, want %v", way, c.name, pad, got, c.want)
				}
			})
		}
	}
}

// A result may be an operand's memory where it is elementwise.
func TestInPlace(t *testing.T) {
	for _, n := range []int{1, 5, 700, 5000} {
		everyWay(func(way string, workers *device.Workers) {
			e := mapOf([]int{n}, [][]int{{n}, {n}}, func(e *loop.Expr, x []loop.Node) loop.Node {
				return e.Select(e.Lt(x[0], e.Const(device.Float64, 0.7)), e.Add(e.Mul(x[0], x[1]), e.Exp(x[0])), x[1])
			})
			c := ready(e)
			want, _ := evaluate(e, c.In)
			c.Workers, c.Out[0] = workers, c.In[0]
			if err := newKernel(kernels.NewLoop("x", e)).Run(c); err != nil {
				t.Fatal(err)
			}
			for i, w := range want[0] {
				if got := readAt(c.Out[0], i); got.f != w.f {
					t.Fatalf("%s: n=%d element %d is %v, want %v", way, n, i, got.f, w.f)
				}
			}
		})
	}
}

// Two results, the first in an operand's memory that the second is made of, in
// one pass and in two.
func TestInPlaceOfTwo(t *testing.T) {
	for _, reduce := range []bool{false, true} {
		everyWay(func(way string, workers *device.Workers) {
			const n = 900
			e := loop.New(loop.Axes([]int{n}), []loop.Aval{shaped(n)})
			x := e.Load(0, loop.At(0))
			e.Store(loop.Store{Value: e.Exp(x), Index: loop.Ats(1), Aval: shaped(n)})
			if reduce {
				e.Store(loop.Store{Value: e.Square(x), Reduce: loop.Sum, Aval: shaped()})
			} else {
				e.Store(loop.Store{Value: e.Square(x), Index: loop.Ats(1), Aval: shaped(n)})
			}
			c := ready(e)
			want, _ := evaluate(e, c.In)
			c.Workers, c.Out[0] = workers, c.In[0]
			if err := newKernel(kernels.NewLoop("x", e)).Run(c); err != nil {
				t.Fatal(err)
			}
			for o := range want {
				for i, w := range want[o] {
					if got := readAt(c.Out[o], i); got.f != w.f {
						t.Fatalf("%s: result %d element %d is %v, want %v", way, o, i, got.f, w.f)
					}
				}
			}
		})
	}
}

// Add adds the result, computed on its own, to what is there.
func TestAdd(t *testing.T) {
	scatter := loop.New(loop.Axes([]int{50, 7}), []loop.Aval{shaped(50, 7), typed(device.Int64, 50)})
	index := scatter.Maximum(scatter.Minimum(scatter.Load(1, loop.At(0)), scatter.ConstInt(device.Int64, 4)), scatter.ConstInt(device.Int64, -5))
	scatter.Store(loop.Store{Value: scatter.Load(0, loop.At(0), loop.At(1)), Index: []loop.Lin{loop.Through(index), loop.At(1)}, Scatter: true, Aval: shaped(5, 7)})
	strided := loop.New(loop.Axes([]int{40}), []loop.Aval{shaped(40)})
	strided.Store(loop.Store{Value: strided.Exp(strided.Load(0, loop.At(0))), Index: []loop.Lin{loop.Affine(1, loop.Term{Axis: 0, Coef: 3})}, Aval: shaped(121)})
	empty := foldOf(loop.Sum, []int{3, 0}, 1, []int{3, 0}, 0, 1)
	permuted := loop.New(loop.Axes([]int{30, 40}), []loop.Aval{shaped(30, 40)})
	permuted.Store(loop.Store{Value: permuted.Load(0, loop.At(0), loop.At(1)), Index: []loop.Lin{loop.At(1), loop.At(0)}, Aval: shaped(40, 30)})
	for name, e := range map[string]*loop.Expr{
		"scalar":  mapOf(nil, [][]int{nil, nil}, addBody),
		"map":     mapOf([]int{20, 30}, [][]int{{20, 30}, {30}}, addBody),
		"copy":    mapOf([]int{20, 30}, [][]int{{20, 30}}, func(e *loop.Expr, x []loop.Node) loop.Node { return x[0] }),
		"rows":    foldOf(loop.Sum, []int{30, 40}, 1, []int{30, 40}, 0, 1),
		"columns": foldOf(loop.Sum, []int{30, 40}, 1, []int{40, 30}, 1, 0),
		"all":     foldOf(loop.LSE, []int{3000}, 0, []int{3000}, 0),
		"scatter": scatter, "strided": strided, "empty": empty, "permuted": permuted,
	} {
		everyWay(func(way string, workers *device.Workers) {
			c := newCall(e, true, rand.New(rand.NewPCG(5, 6)))
			for i := range c.Out[0].Size() {
				writeAt(c.Out[0], i, num{f: float64(i)})
			}
			want, err := evaluate(e, c.In)
			if err != nil {
				t.Fatal(err)
			}
			c.Add, c.Workers = true, workers
			if err := newKernel(kernels.NewLoop("x", e)).Run(c); err != nil {
				t.Fatal(err)
			}
			for i, w := range want[0] {
				if got := readAt(c.Out[0], i); !sameNum(device.Float64, got, num{f: float64(i) + w.f}) {
					t.Fatalf("%s, %s: element %d is %v, want %v", name, way, i, got.f, float64(i)+w.f)
				}
			}
		})
	}
}

// More arrays than C has arguments for.
func TestManyOperands(t *testing.T) {
	shapes := make([][]int, 20)
	for i := range shapes {
		shapes[i] = []int{300}
	}
	e := mapOf([]int{300}, shapes, func(e *loop.Expr, x []loop.Node) loop.Node {
		sum := x[0]
		for _, y := range x[1:] {
			sum = e.Sub(e.Mul(sum, e.Const(device.Float64, 0.5)), y)
		}
		return sum
	})
	compare(t, e, newCall(e, false, rand.New(rand.NewPCG(7, 8))))
}

func TestCancel(t *testing.T) {
	for name, e := range map[string]*loop.Expr{
		"map": mapOf([]int{1e5}, [][]int{{1e5}, {1e5}}, addBody),
		"sum": foldOf(loop.Sum, []int{1e6}, 0, []int{1e6}, 0),
	} {
		everyWay(func(way string, workers *device.Workers) {
			c := ready(e)
			c.Cancel, c.Workers = new(atomic.Bool), workers
			k := newKernel(kernels.NewLoop("x", e))
			if err := k.Run(c); err != nil {
				t.Fatalf("%s, %s: %v before it is cancelled", name, way, err)
			}
			c.Cancel.Store(true)
			if err := k.Run(c); !errors.Is(err, kernels.ErrCancelled) {
				t.Errorf("%s, %s: %v when cancelled", name, way, err)
			}
		})
	}
}

// An index out of range is an error that names it; the first one where there
// are several.
func TestIndexError(t *testing.T) {
	const n = 3000
	for _, bad := range []int64{7, -8, math.MaxInt64, math.MinInt64} {
		e := loop.New(loop.Axes([]int{n}), []loop.Aval{shaped(7), typed(device.Int64, n)})
		e.Store(loop.Store{Value: e.Load(0, loop.Through(e.Load(1, loop.At(0)))), Index: loop.Ats(1), Aval: shaped(n)})
		everyWay(func(way string, workers *device.Workers) {
			c := newCall(e, true, rand.New(rand.NewPCG(9, 10)))
			for i := range n {
				writeAt(c.In[1], i, num{i: int64(i%14 - 7)})
			}
			writeAt(c.In[1], 1234, num{i: bad})
			writeAt(c.In[1], 2800, num{i: 99})
			c.Workers = workers
			err := newKernel(kernels.NewLoop("take", e)).Run(c)
			var ie *kernels.IndexError
			if !errors.As(err, &ie) || *ie != (kernels.IndexError{Op: "take", Index: bad, Size: 7}) {
				t.Errorf("%s: %v, want index %d", way, err, bad)
			}
		})
	}
}

// manyArrays adds up so many operands.
func manyArrays(n int) *loop.Expr {
	shapes := make([][]int, n)
	for i := range shapes {
		shapes[i] = []int{50}
	}
	return mapOf([]int{50}, shapes, func(e *loop.Expr, x []loop.Node) loop.Node {
		sum := x[0]
		for _, v := range x[1:] {
			sum = e.Add(sum, v)
		}
		return sum
	})
}

// longScalars is n nodes over two single numbers, with three results.
func longScalars(n int) *loop.Expr {
	e := loop.New(nil, []loop.Aval{shaped(), shaped()})
	x, y := e.Load(0), e.Load(1)
	for i := 0; len(e.Nodes) < n; i++ {
		if x = e.Add(e.Like(y, float64(i)), x); i%3 == 1 {
			x = e.Binary(loop.SMul, x, y)
		} else if len(e.Nodes) < n {
			x = e.Sin(x)
		}
	}
	for _, v := range []loop.Node{x, y, loop.Node(n / 2)} {
		e.Store(loop.Store{Value: v, Aval: shaped()})
	}
	return e
}

// Loops over single numbers have a short way up to a number of nodes; it gives what tiles
// give.
func TestLongScalars(t *testing.T) {
	for _, n := range []int{20, 24, 25, 100, 255, 256, 257, 400} {
		e := longScalars(n)
		_, tiles := newKernel(kernels.NewLoop("x", e)).(*kernel)
		if tiles != (len(e.Nodes) > maxScalar) {
			t.Errorf("%d nodes by tiles: %v", len(e.Nodes), tiles)
		}
		compare(t, e, newCall(e, true, rand.New(rand.NewPCG(uint64(n), 1))))
	}
}

// Runs in a steady state take nothing from the heap.
func TestAllocations(t *testing.T) {
	if instrumented {
		t.Skip("detectors and sanitizers allocate on their own")
	}
	for name, e := range map[string]*loop.Expr{
		"scalar":  mapOf(nil, [][]int{nil, nil}, addBody),
		"scalars": mapOf(nil, [][]int{nil, nil}, func(e *loop.Expr, x []loop.Node) loop.Node { return e.SMul(e.Cos(x[0]), x[1]) }),
		"long":    longScalars(200),
		"small":   mapOf([]int{5}, [][]int{{5}, {5}}, addBody),
		"many":    manyArrays(100),
		"map":     mapOf([]int{1e5}, [][]int{{1e5}, {1e5}}, addBody),
		"rows":    foldOf(loop.Sum, []int{100, 1000}, 1, []int{100, 1000}, 0, 1),
		"sum":     foldOf(loop.Sum, []int{1e6}, 0, []int{1e6}, 0),
		"lse":     foldOf(loop.LSE, []int{1000, 1000}, 1, []int{1000, 1000}, 1, 0),
	} {
		for _, workers := range []*device.Workers{nil, twoWorkers} {
			c := ready(e)
			c.Workers = workers
			k := newKernel(kernels.NewLoop("x", e))
			run := func() {
				if err := k.Run(c); err != nil {
					t.Fatal(err)
				}
			}
			run()
			if n := testing.AllocsPerRun(50, run); n != 0 {
				t.Errorf("%s, workers %v: %v allocations a run", name, workers != nil, n)
			}
		}
	}
}

// A kernel that is called with different layouts keeps a plan for each.
func TestLayouts(t *testing.T) {
	e := mapOf([]int{40, 50}, [][]int{{40, 50}, {40, 50}}, addBody)
	k := newKernel(kernels.NewLoop("x", e)).(*kernel)
	r := rand.New(rand.NewPCG(11, 12))
	for i := range 3 * maxVariants {
		c := newCall(e, i%3 == 0, r)
		want, _ := evaluate(e, c.In)
		for range 2 {
			if err := k.Run(c); err != nil {
				t.Fatal(err)
			}
			for i, w := range want[0] {
				if got := readAt(c.Out[0], i); !sameNum(device.Float64, got, w) {
					t.Fatalf("element %d is %v, want %v", i, got.f, w.f)
				}
			}
		}
	}
	if n := len(*k.others.Load()); n > maxVariants {
		t.Errorf("%d plans are kept", n)
	}
}

// Every elementary function, in both types and at sizes around the tiles'.
func TestElementary(t *testing.T) {
	for _, f := range elementaries {
		for _, dt := range []device.DType{device.Float64, device.Float32} {
			for _, n := range []int{1, 3, 64, 700} {
				t.Run(fmt.Sprintf("%v/%v/n=%d", f.fn, dt, n), func(t *testing.T) {
					in := []loop.Aval{typed(dt, n), typed(dt, n)}
					if n == 1 {
						in = []loop.Aval{typed(dt), typed(dt)}
					}
					e := loop.Elementwise(in, in[0], func(e *loop.Expr, x []loop.Node) loop.Node {
						switch {
						case f.fn == loop.Polygamma:
							return e.Polygamma(2, x[0])
						case f.fn.Arity() == 2:
							return e.Binary(f.fn, x[0], x[1])
						}
						return e.Unary(f.fn, x[0])
					})
					compare(t, e, newCall(e, true, rand.New(rand.NewPCG(13, 14))))
				})
			}
		}
	}
}
