package native

import (
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// What two results of one instruction have in common, and is worth it, is computed once,
// though something reads one of them that cannot be computed beside the other.
func TestNested(t *testing.T) {
	const rows, cols = 50, 1000
	f64 := func(shape ...int) kernels.Aval { return kernels.Aval{DType: device.Float64, Shape: shape} }
	e := loop.New(loop.Axes([]int{rows, cols}), []kernels.Aval{f64(rows, cols)})
	x := e.Exp(e.Load(0, loop.Ats(2)...))
	e.Store(loop.Store{Value: x, Index: loop.Ats(1), Reduce: loop.Sum, Aval: f64(rows)})
	e.Store(loop.Store{Value: x, Index: loop.Ats(2), Aval: f64(rows, cols)})
	g := new(graph.Graph)
	first := g.Emit(kernels.NewLoop("sums and values", e), g.Param(f64(rows, cols)))
	s := loop.New(loop.Axes([]int{rows, cols}), []kernels.Aval{f64(rows, cols)})
	s.Store(loop.Store{Value: s.Square(s.Load(0, loop.Ats(2)...)), Index: loop.Ats(2)[1:], Reduce: loop.Sum, Aval: f64(cols)})
	g.Output(first)
	g.Output(g.Emit(kernels.NewLoop("the other sums", s), first+1))
	p, err := translate(g, true)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(p.text, "exp_"); n != 1 {
		t.Errorf("%d exponentials instead of 1:\n%s", n, p.text)
	}
}
