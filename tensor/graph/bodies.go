// Passes go into the bodies of control flow.

package graph

import (
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/kernels"
)

// eachBody puts copies in place of the bodies of control flow, changed by f, which is
// told what is known of their parameters: what is constant around a body is so in it.
func (g *Graph) eachBody(known map[Ref]float64, f func(*Graph, given)) {
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
		values, text := c.invariants(g.Args(i), known)
		at := site{c, text}
		if done[at] == nil {
			d := *c
			d.Bodies = make([]*Graph, len(c.Bodies))
			for k, b := range c.Bodies {
				d.Bodies[k] = b.Clone()
				f(d.Bodies[k], values)
			}
			done[at] = d.Inst(inst.Op)
		}
		g.Instrs[i].Inst = done[at]
	}
}

// invariants returns the known values of the bodies' parameters that are the same in all
// steps, and the same as text.
func (c *Control) invariants(args []Ref, known map[Ref]float64) (values given, text string) {
	values = given{}
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
