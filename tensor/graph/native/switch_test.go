package native

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// What the making of machine code decides can be left out, and changes no bit: along which
// axis vectors run, what becomes one loop nest, what lies in the same memory.
func TestPassesOff(t *testing.T) {
	defer func() { inspect = nil }()
	const rows = 2000
	f64 := func(shape ...int) kernels.Aval { return kernels.Aval{DType: device.Float64, Shape: shape} }
	for _, c := range []struct {
		without graph.Passes
		want    string
	}{
		{0, "2 loop nests, lanes along axes of [2000 6000], an arena of 46 KiB"},
		{graph.VectorAxis, "2 loop nests, lanes along axes of [3 6000], an arena of 46 KiB"},
		{graph.Fusion, "5 loop nests, lanes along axes of [2000 6000], an arena of 93 KiB"},
		{graph.Fusion | graph.Reuse, "5 loop nests, lanes along axes of [2000 6000], an arena of 187 KiB"},
	} {
		t.Run(c.without.String(), func(t *testing.T) {
			p := newProgram(t)
			at := func(i int) float64 { return math.Cos(float64(i)) }
			x, w := p.param(f64(rows, 3), at), p.param(f64(rows, 3), at)
			y := x
			for _, op := range []*kernels.Op{kernels.Square, kernels.Neg, kernels.Abs} {
				y = p.b.Apply(op, nil, y)[0]
			}
			y = p.b.Apply(kernels.Mul, nil, y, w)[0]
			p.output("sum over rows", p.b.Apply(kernels.Sum, kernels.AxesOf(false, 1), y)[0], false)
			p.b.g.Without = c.without
			got := ""
			inspect = func(g *grouping, p *printed) {
				var groups []*group
				lanes := map[int]bool{}
				for _, gr := range g.of {
					if !slices.Contains(groups, gr) {
						groups = append(groups, gr)
						lanes[gr.best.shared[gr.best.vec]] = true
					}
				}
				got = fmt.Sprintf("%d loop nests, lanes along axes of %v, an arena of %d KiB", len(groups), slices.Sorted(maps.Keys(lanes)), p.arena>>10)
			}
			if p.check("cpu:1"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
