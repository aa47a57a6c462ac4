// Memory budgets: programs fit them, and compute the same bits.

package graph

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"pgregory.net/rapid"
)

// sweepOf is a chain of n functions of x and a sweep over it, as reverse mode has it: each
// step reads a value of the chain, the last first.
func sweepOf(b *builder, n, size int) *Graph {
	x := b.param(size)
	ys := []Ref{x}
	for i := range n {
		ys = append(ys, b.apply([]*kernels.Op{kernels.Sin, kernels.Exp, kernels.Tanh}[i%3], nil, ys[i]))
	}
	c := b.apply(kernels.Neg, nil, ys[n])
	for i := n; i >= 0; i-- {
		c = b.apply(kernels.Mul, nil, c, ys[i])
	}
	return b.outputs(c)
}

// fitted makes a graph fit a budget, and sees that its program does.
func fitted(t *testing.T, g *Graph, budget int) {
	t.Helper()
	if err := g.Fit(budget, openDevice(t, "ref")); err != nil {
		t.Fatalf("%d bytes: %v", budget, err)
	}
	if err := g.Verify(); err != nil {
		t.Fatalf("%d bytes: %v\n%s", budget, err, g)
	}
	p := compile(t, g)
	if a := p.Stats().ArenaBytes; a > budget {
		t.Fatalf("an arena of %d bytes, beyond the budget of %d", a, budget)
	}
}

// A chain of n steps fits in memory for some 2√n values at less than twice the price, and
// in a few at more.
func TestFitChain(t *testing.T) {
	const n, size = 100, 8
	for _, c := range []struct {
		values int
		most   float64 // instructions, times those of the whole program
	}{{104, 1}, {60, 1.3}, {22, 1.6}, {12, 2.2}, {7, 4}} {
		b := newBuilder(t)
		g := sweepOf(b, n, size)
		whole, before := g.Clone(), len(g.Instrs)
		fitted(t, g, c.values*aligned(8*size))
		if r := float64(len(g.Instrs)) / float64(before); r > c.most {
			t.Errorf("with %d values in memory there are %.2f times as many instructions, want %v at most", c.values, r, c.most)
		}
		sameResults(t, whole, g)
	}
}

// The error names the smallest budget, which is enough then.
func TestFitTooSmall(t *testing.T) {
	b := newBuilder(t)
	g := sweepOf(b, 100, 8)
	whole, text := g.Clone(), g.String()
	var tooSmall *BudgetError
	if err := g.Fit(64, openDevice(t, "ref")); !errors.As(err, &tooSmall) || tooSmall.Budget != 64 {
		t.Fatalf("one value in memory: %v", err)
	}
	if g.String() != text {
		t.Error("the graph is another one after the error")
	}
	if most := 8 * 64; tooSmall.Smallest > most {
		t.Errorf("the smallest is %d bytes, want %d at most", tooSmall.Smallest, most)
	}
	fitted(t, g, tooSmall.Smallest)
	sameResults(t, whole, g)
}

// A loop whose body is large is made to fit by making the body fit.
func TestFitBody(t *testing.T) {
	const n = 40
	step := body(t, func(b *builder) []Ref {
		g := sweepOf(b, n, 8)
		v := g.Outputs[0]
		g.Outputs = nil
		return []Ref{v}
	})
	b := newBuilder(t)
	g := b.outputs(b.emit(&Control{Form: Scan, Bodies: []*Graph{step}, Carries: 1, Length: 3}, b.param(8)))
	whole := g.Clone()
	fitted(t, g, 12*64)
	sameResults(t, whole, g)
}

// emitTo returns what adds an operation to a graph.
func emitTo(t *rapid.T, g *Graph) func(op *kernels.Op, attr any, in ...Ref) Ref {
	return func(op *kernels.Op, attr any, in ...Ref) Ref {
		avals := make([]kernels.Aval, len(in))
		for i, v := range in {
			avals[i] = g.Aval(v)
		}
		inst, err := op.Inst(attr, avals...)
		if err != nil {
			t.Fatal(err)
		}
		return g.Emit(inst, in...)
	}
}

// drawLong builds a random program in which many values are alive at the same time: what
// comes last reads what came first.
func drawLong(t *rapid.T) *Graph {
	g := new(Graph)
	apply := emitTo(t, g)
	values := []Ref{g.Param(f64(2, 3)), g.Const(*arrayOf([]float64{2, -1, 3, 0.5, 4, -2}, 2, 3), nil)}
	for range rapid.IntRange(5, 40).Draw(t, "steps") {
		a, b := rapid.SampledFrom(values).Draw(t, "a"), values[len(values)-1]
		switch rapid.IntRange(0, 6).Draw(t, "op") {
		case 0:
			b = apply(kernels.Sin, nil, a)
		case 1:
			b = apply(kernels.Add, nil, a, b)
		case 2:
			b = apply(kernels.Sub, nil, b, a)
		case 3: // a view, which lies in what it views
			b = apply(kernels.Mul, nil, b, apply(kernels.Slice, kernels.RangesOf(kernels.From(1, 2)), a))
		case 4: // a view that is a copy, in the end
			b = apply(kernels.Reshape, kernels.DimsOf(2, 3), apply(kernels.Transpose, kernels.Axes{}, a))
		case 5:
			b = apply(kernels.Sub, nil, b, apply(kernels.Sum, kernels.AxesOf(true, 1), a))
		case 6:
			two := apply(opTwo, nil, a)
			values = append(values, two)
			b = two + 1
		}
		values = append(values, b)
	}
	last := values[len(values)-1]
	for i := len(values) - 1; i >= 0; i-- {
		last = apply(kernels.Add, nil, apply(kernels.Tanh, nil, last), values[i])
	}
	g.Output(last)
	for range rapid.IntRange(0, 2).Draw(t, "outputs") {
		g.Output(rapid.SampledFrom(values).Draw(t, "output"))
	}
	return g
}

// Random programs fit any budget, or say which they fit, and compute the same bits.
func TestFitRandom(t *testing.T) {
	dev := openDevice(t, "ref")
	again := 0
	rapid.Check(t, func(t *rapid.T) {
		g := drawLong(t)
		g.RemoveDead()
		g.Optimize(Passes(rapid.IntRange(0, AllPasses).Draw(t, "passes")), dev)
		p, err := Compile(g, dev)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		whole := p.Stats().ArenaBytes
		in := []*kernels.Array{arrayOf([]float64{1, -2, 3, 0.5, 5, 6}, 2, 3)}
		want := direct(g, in)
		budget := rapid.IntRange(0, max(whole, 1)).Draw(t, "budget")
		fit := func(budget int) error {
			h := g.Clone()
			defer h.Release()
			if err := h.Fit(budget, dev); err != nil {
				return err
			}
			if len(h.Instrs) > len(g.Instrs) {
				again++
			}
			q, err := Compile(h, dev)
			if err != nil {
				t.Fatalf("%v\n%s", err, h)
			}
			defer q.Close()
			if a := q.Stats().ArenaBytes; a > budget {
				t.Fatalf("an arena of %d bytes, beyond the budget of %d", a, budget)
			}
			out := destinations(q)
			if err := q.Run(t.Context(), in, out); err != nil {
				t.Fatal(err)
			}
			for i := range out {
				if !bytes.Equal(packed(out[i]), want[i]) {
					t.Fatalf("output %d: got %x, want %x\n%s", i, packed(out[i]), want[i], h)
				}
			}
			return nil
		}
		err = fit(budget)
		var tooSmall *BudgetError
		switch {
		case errors.As(err, &tooSmall):
			if tooSmall.Smallest <= budget || tooSmall.Smallest > device.BlockSize(whole) {
				t.Fatalf("%v, of a program of %d bytes", err, whole)
			}
			if err := fit(tooSmall.Smallest); err != nil {
				t.Fatalf("%v, which is not true: %v", tooSmall, err)
			}
		case err != nil:
			t.Fatal(err)
		}
	})
	if again == 0 {
		t.Errorf("no program had to compute something again")
	}
}

// BenchmarkFit measures the planning, an instruction.
func BenchmarkFit(b *testing.B) {
	for _, n := range []int{1e3, 1e4} {
		for _, part := range []int{2, 10} {
			b.Run(fmt.Sprintf("instructions=%d/memory=1÷%d", 2*n, part), func(b *testing.B) {
				g := sweepOf(newBuilder(b), n, 8)
				dev := openDevice(b, "ref")
				for b.Loop() {
					h := g.Clone()
					if err := h.Fit(64*n/part, dev); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(2*n), "ns/instruction")
			})
		}
	}
}
