// Passes go into the bodies of control flow.

package graph

import (
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/kernels"
)

// optimizeBodies puts optimised copies in place of the bodies of control flow. What
// is constant around a body, known, is so in it.
func (g *Graph) optimizeBodies(passes Passes, known map[Ref]float64) {
	type site struct {
		control *Control
		known   string
	}
	done := map[site]*kernels.Inst{}
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		c := ControlOf(inst)
		if c == nil {
			continue
		}
		args, text := c.invariants(g.Args(i), known)
		at := site{c, text}
		if done[at] == nil {
			d := *c
			d.Bodies = make([]*Graph, len(c.Bodies))
			for k, b := range c.Bodies {
				d.Bodies[k] = b.Clone()
				inside := map[Ref]float64{}
				for p, v := range args {
					inside[b.Params[p]] = v
				}
				d.Bodies[k].optimize(passes, inside)
			}
			done[at] = d.Inst(inst.Op)
		}
		g.Instrs[i].Inst = done[at]
	}
}

// invariants returns the known values of the bodies' parameters that are the same in all
// steps, by position, and the same as text.
func (c *Control) invariants(args []Ref, known map[Ref]float64) (values map[int]float64, text string) {
	values = map[int]float64{}
	n := len(args)
	switch c.Form {
	case Cond:
		args, n = args[1:], n-1
	case Scan, While:
		n = c.Consts
	}
	for p, v := range args[:n] {
		if x, ok := known[v]; ok {
			values[p] = x
			text += fmt.Sprint(p, ":", math.Float64bits(x), " ")
		}
	}
	return values, text
}
