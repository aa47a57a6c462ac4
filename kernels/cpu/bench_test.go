package cpu

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// shaped is the type of an operand of float64.
func shaped(shape ...int) loop.Aval { return loop.Aval{DType: device.Float64, Shape: shape} }

// ready returns a call of an expression on dense arrays of ones and halves.
func ready(e *loop.Expr) *kernels.Call {
	c := &kernels.Call{}
	array := func(a loop.Aval) *kernels.Array {
		mem := make([]float64, a.Size()+8)
		p := unsafe.Pointer(unsafe.SliceData(mem))
		for i := range mem {
			mem[i] = 0.5 + float64(i%2)/2
		}
		return &kernels.Array{Aval: a, Ptr: unsafe.Add(p, -uintptr(p)&63)}
	}
	for _, a := range e.Ins {
		c.In = append(c.In, array(a))
	}
	for _, o := range e.Outs {
		c.Out = append(c.Out, array(o.Aval))
	}
	return c
}

// measure runs a loop; bytes is what it must read and write.
func measure(b *testing.B, e *loop.Expr, c *kernels.Call, bytes int) {
	k := newKernel(kernels.NewLoop("bench", e))
	if err := k.Run(c); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		if err := k.Run(c); err != nil {
			b.Fatal(err)
		}
	}
}

// mapOf is an elementwise loop over operands of shape in.
func mapOf(out []int, in [][]int, body func(e *loop.Expr, x []loop.Node) loop.Node) *loop.Expr {
	var avals []loop.Aval
	for _, s := range in {
		avals = append(avals, shaped(s...))
	}
	return loop.Elementwise(avals, shaped(out...), body)
}

func addBody(e *loop.Expr, x []loop.Node) loop.Node { return e.Add(x[0], x[1]) }

// foldOf reduces a load of an operand of shape in; index gives, for each of its
// dimensions, the axis, of which the first keep are the result's.
func foldOf(kind loop.Combiner, axes []int, keep int, in []int, index ...int) *loop.Expr {
	e := loop.New(loop.Axes(axes), []loop.Aval{shaped(in...)})
	at := make([]loop.Lin, len(index))
	for d, a := range index {
		at[d] = loop.At(a)
	}
	e.Store(loop.Store{Value: e.Load(0, at...), Index: loop.Ats(keep), Reduce: kind, Aval: shaped(axes[:keep]...)})
	return e
}

func BenchmarkMap(b *testing.B) {
	for _, n := range []int{1, 3, 30, 100, 300, 1000, 10000, 100000, 1000000} {
		shape := []int{n}
		if n == 1 {
			shape = nil
		}
		b.Run(fmt.Sprintf("add/n=%d", n), func(b *testing.B) {
			e := mapOf(shape, [][]int{shape, shape}, addBody)
			measure(b, e, ready(e), 24*n)
		})
		b.Run(fmt.Sprintf("exp/n=%d", n), func(b *testing.B) {
			e := mapOf(shape, [][]int{shape}, func(e *loop.Expr, x []loop.Node) loop.Node { return e.Exp(x[0]) })
			measure(b, e, ready(e), 16*n)
		})
		b.Run(fmt.Sprintf("exp(-x*x)*sin(x)/n=%d", n), func(b *testing.B) {
			e := mapOf(shape, [][]int{shape}, func(e *loop.Expr, x []loop.Node) loop.Node {
				return e.Mul(e.Exp(e.Neg(e.Mul(x[0], x[0]))), e.Sin(x[0]))
			})
			measure(b, e, ready(e), 16*n)
		})
	}
	b.Run("select/n=1000000", func(b *testing.B) {
		e := mapOf([]int{1e6}, [][]int{{1e6}, {1e6}}, func(e *loop.Expr, x []loop.Node) loop.Node {
			return e.Select(e.Lt(x[0], x[1]), x[0], e.Const(device.Float64, 2))
		})
		measure(b, e, ready(e), 24e6)
	})
	b.Run("smul/n=1000000", func(b *testing.B) {
		e := mapOf([]int{1e6}, [][]int{{1e6}, {1e6}}, func(e *loop.Expr, x []loop.Node) loop.Node { return e.SMul(x[0], x[1]) })
		measure(b, e, ready(e), 24e6)
	})
}

func BenchmarkBroadcast(b *testing.B) {
	b.Run("bias/64x512", func(b *testing.B) {
		e := mapOf([]int{64, 512}, [][]int{{64, 512}, {512}}, addBody)
		measure(b, e, ready(e), 16*64*512)
	})
	b.Run("column/64x512", func(b *testing.B) {
		e := mapOf([]int{64, 512}, [][]int{{64, 512}, {64, 1}}, addBody)
		measure(b, e, ready(e), 16*64*512)
	})
	b.Run("bias/10000x3", func(b *testing.B) {
		e := mapOf([]int{10000, 3}, [][]int{{10000, 3}, {3}}, addBody)
		measure(b, e, ready(e), 16*30000)
	})
	b.Run("column/10000x3", func(b *testing.B) {
		e := mapOf([]int{10000, 3}, [][]int{{10000, 3}, {10000, 1}}, addBody)
		measure(b, e, ready(e), 16*30000)
	})
	b.Run("scalar/n=1000000", func(b *testing.B) {
		e := mapOf([]int{1e6}, [][]int{{1e6}, {}}, addBody)
		measure(b, e, ready(e), 16e6)
	})
}

func BenchmarkTranspose(b *testing.B) {
	for _, n := range []int{100, 1000, 1024} {
		b.Run(fmt.Sprintf("%dx%d", n, n), func(b *testing.B) {
			e := loop.New(loop.Axes([]int{n, n}), []loop.Aval{shaped(n, n)})
			e.Store(loop.Store{Value: e.Load(0, loop.At(1), loop.At(0)), Index: loop.Ats(2), Aval: shaped(n, n)})
			measure(b, e, ready(e), 16*n*n)
		})
	}
}

func BenchmarkReduce(b *testing.B) {
	for _, kind := range []struct {
		name string
		c    loop.Combiner
	}{{"sum", loop.Sum}, {"max", loop.Max}, {"lse", loop.LSE}} {
		for _, n := range []int{3, 100, 1000, 100000, 1000000} {
			b.Run(fmt.Sprintf("%s/all/n=%d", kind.name, n), func(b *testing.B) {
				e := foldOf(kind.c, []int{n}, 0, []int{n}, 0)
				measure(b, e, ready(e), 8*n)
			})
		}
		for _, s := range [][2]int{{1000, 1000}, {100000, 10}, {10, 100000}} {
			b.Run(fmt.Sprintf("%s/rows/%dx%d", kind.name, s[0], s[1]), func(b *testing.B) {
				e := foldOf(kind.c, s[:], 1, s[:], 0, 1)
				measure(b, e, ready(e), 8e6)
			})
			b.Run(fmt.Sprintf("%s/columns/%dx%d", kind.name, s[0], s[1]), func(b *testing.B) {
				e := foldOf(kind.c, []int{s[1], s[0]}, 1, s[:], 1, 0)
				measure(b, e, ready(e), 8e6)
			})
		}
		b.Run(kind.name+"/middle/100x100x100", func(b *testing.B) {
			e := foldOf(kind.c, []int{100, 100, 100}, 2, []int{100, 100, 100}, 0, 2, 1)
			measure(b, e, ready(e), 8e6)
		})
	}
	b.Run("dot/n=1000000", func(b *testing.B) {
		e := loop.New(loop.Axes([]int{1e6}), []loop.Aval{shaped(1e6), shaped(1e6)})
		e.Store(loop.Store{Value: e.Mul(e.Load(0, loop.At(0)), e.Load(1, loop.At(0))), Reduce: loop.Sum, Aval: shaped()})
		measure(b, e, ready(e), 16e6)
	})
}

func BenchmarkGather(b *testing.B) {
	index := loop.Aval{DType: device.Int64, Shape: []int{10000}}
	e := loop.New(loop.Axes([]int{10000, 64}), []loop.Aval{shaped(1000, 64), index})
	e.Store(loop.Store{Value: e.Load(0, loop.Through(e.Load(1, loop.At(0))), loop.At(1)), Index: loop.Ats(2), Aval: shaped(10000, 64)})
	s := loop.New(loop.Axes([]int{10000, 64}), []loop.Aval{shaped(10000, 64), index})
	s.Store(loop.Store{Value: s.Load(0, loop.At(0), loop.At(1)), Index: []loop.Lin{loop.Through(s.Load(1, loop.At(0))), loop.At(1)}, Scatter: true, Aval: shaped(1000, 64)})
	for _, x := range []struct {
		name string
		e    *loop.Expr
	}{{"rows/10000x64", e}, {"scatter/10000x64", s}} {
		b.Run(x.name, func(b *testing.B) {
			c := ready(x.e)
			for i := range 10000 {
				writeAt(c.In[1], i, num{i: int64(i * 7919 % 1000)})
			}
			measure(b, x.e, c, 16*640000)
		})
	}
}

func BenchmarkStencil(b *testing.B) {
	n := 1000
	e := loop.New(loop.Axes([]int{n, n}), []loop.Aval{shaped(n, n)})
	at := func(i, j int) loop.Node { return e.LoadGuarded(0, loop.At(0).Plus(i), loop.At(1).Plus(j)) }
	sum := e.Add(e.Add(at(-1, 0), at(1, 0)), e.Add(at(0, -1), at(0, 1)))
	e.Store(loop.Store{Value: e.Sub(e.Mul(e.Const(device.Float64, 4), at(0, 0)), sum), Index: loop.Ats(2), Aval: shaped(n, n)})
	b.Run("laplace/1000x1000", func(b *testing.B) { measure(b, e, ready(e), 16*n*n) })
}
