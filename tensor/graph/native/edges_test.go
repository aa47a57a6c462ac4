package native

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// What is guarded or depends on positions is the same in the middle as at the edges,
// wherever these are.
func TestEdges(t *testing.T) {
	array := func(shape ...int) kernels.Aval { return kernels.Aval{DType: device.Float64, Shape: shape} }
	for _, n := range []int{70, 1003, 2048, 3001} {
		for _, k := range []int{0, 1, 9, 1024, 1025, n - 70, n - 1, n} {
			if k < 0 || k > n {
				continue
			}
			t.Run(fmt.Sprint(n, ",", k), func(t *testing.T) {
				p := newProgram(t)
				x := p.param(array(3, n), func(i int) float64 { return float64(i + 1) })
				y := p.param(array(n), func(i int) float64 { return -float64(i + 1) })
				e := loop.New(loop.Axes([]int{3, n}), []kernels.Aval{x.Aval(), y.Aval()})
				at := loop.Ats(2)
				number := func(v int) loop.Node { return e.ConstInt(device.Int64, int64(v)) }
				i := e.Iota(1)
				for _, v := range []loop.Node{
					e.Select(e.Lt(i, number(k)), e.Load(1, at[1]), e.LoadGuarded(1, at[1].Plus(-k))),
					e.Select(e.Le(number(k), e.Add(number(-2), i)), e.LoadGuarded(0, at[0].Plus(1), at[1].Plus(-3)), e.LoadGuarded(1, at[1].Plus(5))),
					e.Select(e.Eq(i, number(k)), e.Load(0, at...), e.Select(e.Ne(number(k/2), i), e.LoadGuarded(0, at[0].Plus(-1), at[1].Plus(k)), e.Load(1, at[1]))),
				} {
					e.Store(loop.Store{Value: v, Index: at, Aval: array(3, n)})
				}
				for j, v := range p.b.ApplyInst(kernels.NewLoop("edges", e), x, y) {
					p.output(fmt.Sprint(j), v, false)
				}
				printed, err := translate(p.b.g, true)
				if err != nil {
					t.Fatal(err)
				}
				if n > 1003 && !strings.Contains(printed.text, "const long end") {
					t.Error("there is no loop over the middle")
				}
				p.check("cpu:1")
			})
		}
	}
}
