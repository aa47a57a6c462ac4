// Loop invariants: what a loop computes anew in each step from what does not change is
// computed once, before it.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// lifted is a loop without its invariants, and what computes them.
type lifted struct {
	inst  *kernels.Inst
	ahead *Graph // from the loop's constants
}

// hoist puts the invariants of loops before them, and reports whether there were any.
func (g *Graph) hoist() bool {
	done := map[*Control]*lifted{}
	found := false
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		if c := ControlOf(inst); c != nil && (c.Form == Scan || c.Form == While) {
			if _, ok := done[c]; !ok {
				done[c] = c.lift(inst.Op)
			}
			found = found || done[c] != nil
		}
	}
	if !found {
		return false
	}
	w := g.rewrite()
	for i := range g.Instrs {
		c := ControlOf(g.Instrs[i].Inst)
		if c == nil || done[c] == nil {
			w.keep(i)
			continue
		}
		args := w.args(g.Args(i))
		values := w.splice(done[c].ahead, i, args[:c.Consts])
		first := w.emit(done[c].inst, i, slices.Insert(args, c.Consts, values...)...)
		for k := range g.Instrs[i].Inst.Out {
			w.number[g.Instrs[i].Out+Ref(k)] = first + Ref(k)
		}
	}
	w.finish()
	for _, l := range done {
		if l != nil {
			l.ahead.Release()
		}
	}
	return true
}

// lift takes the invariants out of a loop's body, nil where there are none.
func (c *Control) lift(op *kernels.Op) *lifted {
	body := c.Body()
	moves := c.invariantInstrs()
	var values []Ref // that what stays reads
	read := func(refs []Ref) {
		for _, v := range refs {
			if d := body.Def(v); d >= 0 && moves[d] && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	for i := range body.Instrs {
		if !moves[i] {
			read(body.Args(i))
		}
	}
	read(body.Outputs)
	if len(values) == 0 {
		return nil
	}
	ahead, err := body.Extract(body.Params[:c.Consts], values)
	if err != nil {
		return nil // not well-formed: left as it is for Verify
	}
	rest, err := body.Extract(slices.Insert(slices.Clone(body.Params), c.Consts, values...), body.Outputs)
	if err != nil {
		return nil
	}
	d := *c
	d.Consts += len(values)
	d.Bodies = []*Graph{rest}
	if c.Form == While {
		test := c.Bodies[0].Clone()
		var unread []Ref
		for _, v := range values {
			unread = append(unread, test.Input(body.Aval(v)))
		}
		test.Params = slices.Insert(test.Params, c.Consts, unread...)
		d.Bodies = []*Graph{test, rest}
	}
	return &lifted{d.Inst(op), ahead}
}

// invariantInstrs marks the instructions of the body that are to be computed ahead.
func (c *Control) invariantInstrs() []bool {
	body := c.Body()
	fixed := make([]bool, body.NumValues())
	for _, v := range body.Params[:c.Consts] {
		fixed[v] = true
	}
	for i := range body.Consts {
		fixed[body.Consts[i].Ref] = true
	}
	moves := make([]bool, len(body.Instrs))
	certain := c.Form == Scan && !c.Counted && c.Length > 0 // there is a step
	for i := range body.Instrs {
		x := &body.Instrs[i]
		moves[i] = !slices.ContainsFunc(body.Args(i), func(v Ref) bool { return !fixed[v] }) &&
			len(x.Inst.In) > 0 && (certain || cannotFail(x.Inst)) && ends(x.Inst) && body.worthKeeping(i)
		for k := range x.Inst.Out {
			fixed[x.Out+Ref(k)] = moves[i]
		}
	}
	// Views are for those who read them to make.
	read := make([]bool, len(body.Instrs)) // by instructions that move
	for i := len(body.Instrs) - 1; i >= 0; i-- {
		inst := body.Instrs[i].Inst
		moves[i] = moves[i] && (read[i] || !inst.Rearranges() && !isReshape(inst))
		for _, v := range body.Args(i) {
			if d := body.Def(v); moves[i] && d >= 0 {
				read[d] = true
			}
		}
	}
	return moves
}

// cannotFail reports whether an instruction fails for no values of its operands.
func cannotFail(inst *kernels.Inst) bool {
	if inst.Rearranges() || isReshape(inst) {
		return true
	}
	return inst.Expr != nil && !slices.ContainsFunc(inst.Expr.Loads, func(l loop.Load) bool {
		return slices.ContainsFunc(l.Index, func(l loop.Lin) bool { return l.Via != loop.None })
	})
}

// ends reports whether an instruction is certain to end.
func ends(inst *kernels.Inst) bool {
	c := ControlOf(inst)
	if c == nil {
		return true
	}
	if c.Form == While {
		return false
	}
	for _, b := range c.Bodies {
		for i := range b.Instrs {
			if !ends(b.Instrs[i].Inst) {
				return false
			}
		}
	}
	return true
}

// worthKeeping reports whether the results of instruction i had better be read than
// computed again: they are no larger than the operands, or take much longer.
func (g *Graph) worthKeeping(i int) bool {
	inst := g.Instrs[i].Inst
	if inst.Expr == nil || inst.Rearranges() {
		return true
	}
	in := 0
	for _, v := range g.Args(i) {
		in += g.footprint(v)
	}
	out := bytesOfAll(inst.Out)
	c := inst.Expr.Cost()
	return out <= in || flopTime*float64(c.Flops)+slowTime*float64(c.Transcendentals) > 4*moving(out)
}

// footprint returns the bytes of memory that a value has or views.
func (g *Graph) footprint(v Ref) int {
	n := bytesOf(g.Aval(v))
	for d := g.Def(v); d >= 0 && g.Instrs[d].Inst.Rearranges(); d = g.Def(v) {
		v = g.Args(d)[0]
		n = min(n, bytesOf(g.Aval(v)))
	}
	return n
}
