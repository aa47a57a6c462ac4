// Random programs: compiled, they compute what they do with memory of their own for every value.

package graph

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"pgregory.net/rapid"
)

// step of a random program: an op on values drawn from those there are.
var randomSteps = []struct {
	op    *kernels.Op
	attrs []any
	two   bool
}{
	{kernels.Neg, []any{nil}, false},
	{kernels.Square, []any{nil}, false},
	{kernels.Sqrt, []any{nil}, false},
	{kernels.Lgamma, []any{nil}, false},
	{kernels.Add, []any{nil}, true},
	{kernels.Mul, []any{nil}, true},
	{kernels.Sub, []any{nil}, true},
	{kernels.Lt, []any{nil}, true},
	{kernels.Transpose, []any{kernels.Axes{}}, false},
	{kernels.Reshape, []any{kernels.DimsOf(3, 2), kernels.DimsOf(2, 3), kernels.DimsOf(6), kernels.DimsOf(1, 6), kernels.DimsOf(2, 1)}, false},
	{kernels.BroadcastTo, []any{kernels.DimsOf(2, 3), kernels.DimsOf(3, 2)}, false},
	{kernels.Slice, []any{
		kernels.RangesOf(kernels.Item(0)), kernels.RangesOf(kernels.From(1, 2)),
		kernels.RangesOf(kernels.All(), kernels.Stepped(kernels.End, kernels.Begin, -1)),
	}, false},
	{kernels.Pad, []any{kernels.PaddingOf([]int{1, 0}, []int{0, 0}), kernels.PaddingOf([]int{-1, 1}, []int{1, -1})}, false},
	{kernels.Sum, []any{kernels.Axes{}, kernels.AxesOf(true, 0), kernels.AxesOf(false, -1)}, false},
	{kernels.MaxReduce, []any{kernels.AxesOf(true, 0), kernels.AxesOf(false, -1)}, false},
	{kernels.LogSumExp, []any{kernels.AxesOf(true, 1), kernels.AxesOf(false, 0)}, false},
	{kernels.Matmul, []any{nil}, true},
}

// drawGraph builds a random program. Steps that do not fit their operands are left out.
func drawGraph(t *rapid.T) *Graph {
	g := new(Graph)
	values := []Ref{g.Param(f64(2, 3)), g.Param(f64(3, 2)), g.Const(*arrayOf([]float64{2, -1, 3, 0.5, 4, -2}, 2, 3), nil)}
	one := kernels.Array{Aval: f64(2, 3), Strides: []int{0, 0}, Ptr: arrayOf([]float64{1.5}).Ptr}
	values = append(values, g.Const(one, nil))
	value := func() Ref { return rapid.SampledFrom(values).Draw(t, "value") }
	for range rapid.IntRange(0, 30).Draw(t, "steps") {
		s := rapid.SampledFrom(randomSteps).Draw(t, "op")
		in := []Ref{value()}
		if s.two {
			in = append(in, value())
		}
		avals := make([]kernels.Aval, len(in))
		for i, v := range in {
			avals[i] = g.Aval(v)
		}
		inst, err := s.op.Inst(rapid.SampledFrom(s.attrs).Draw(t, "attr"), avals...)
		if err != nil || inst.In[0].DType == device.Bool && !s.two && s.op != kernels.Reshape && s.op != kernels.Transpose {
			continue
		}
		values = append(values, g.Emit(inst, in...))
	}
	for range rapid.IntRange(1, 4).Draw(t, "outputs") {
		g.Output(value())
	}
	return g
}

// direct runs a program with memory of its own for every value, and returns the
// bytes of the outputs.
func direct(g *Graph, in []*kernels.Array) [][]byte {
	backend, _ := kernels.BackendID("ref")
	vals := make([]*kernels.Array, g.NumValues())
	for i, v := range g.Params {
		vals[v] = in[i]
	}
	for i := range g.Consts {
		vals[g.Consts[i].Ref] = &g.Consts[i].Array
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		c := kernels.Call{}
		for _, v := range g.Args(i) {
			c.In = append(c.In, vals[v])
		}
		for k, a := range x.Inst.Out {
			vals[int(x.Out)+k] = empty(a)
			c.Out = append(c.Out, vals[int(x.Out)+k])
		}
		if err := x.Inst.Kernel(backend).Run(&c); err != nil {
			panic(err)
		}
	}
	out := make([][]byte, len(g.Outputs))
	for i, v := range g.Outputs {
		out[i] = slices.Clone(packed(vals[v]))
	}
	return out
}

// Views, in-place results, the memory plan, dead code and other passes change no bit
// of what a program computes, nor do destinations among the parameters.
func TestRandomPrograms(t *testing.T) {
	dev := openDevice(t, "ref")
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t)
		draw := func(shape ...int) *kernels.Array {
			return arrayOf(rapid.SliceOfN(rapid.Float64Range(-9, 9), 6, 6).Draw(t, "argument"), shape...)
		}
		in := []*kernels.Array{draw(2, 3), draw(3, 2)}
		want := direct(g, in)
		if n := len(g.Instrs); g.RemoveDead() > n {
			t.Fatal("more dead than there were")
		}
		g.Optimize(Passes(rapid.IntRange(0, AllPasses).Draw(t, "passes")), dev)
		for i := range g.Instrs {
			if e := g.Instrs[i].Inst.Expr; e != nil && e.Verify() != nil {
				t.Fatal(e.Verify(), e.Text())
			}
		}
		p, err := Compile(g, dev)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		out := destinations(p)
		overwrite := rapid.Bool().Draw(t, "overwrite")
		for i, v := range g.Outputs {
			for k, a := range in {
				if overwrite && kernels.EqualAval(a.Aval, g.Aval(v)) && !slices.Contains(out[:i], a) {
					out[i], in[k] = a, a
				}
			}
		}
		var none context.Context // which is one that never ends
		if err := p.Run(none, in, out); err != nil {
			t.Fatal(err)
		}
		for i := range out {
			if !bytes.Equal(packed(out[i]), want[i]) {
				t.Fatalf("output %d: got %x, want %x\n%s", i, packed(out[i]), want[i], g)
			}
		}
		if s := p.Stats(); s.NeedBytes > s.ArenaBytes {
			t.Fatalf("%+v", s)
		}
	})
}
