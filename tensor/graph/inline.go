// Inlining: calls, branches whose condition is known, and scans of one step become the
// instructions of their bodies, so that the other passes see them together with what
// is around them. Derivative rules of calls are not needed once a program is recorded.

package graph

import "github.com/cotangent-ad/cotangent/kernels"

// inline puts bodies in place of control flow that runs them exactly once, and reports
// whether there was any.
func (g *Graph) inline(known map[Ref]float64) bool {
	chosen := map[int]*Graph{}
	for i := range g.Instrs {
		if c := ControlOf(g.Instrs[i].Inst); c != nil {
			if b := c.onlyBody(g.Args(i), known); b != nil {
				chosen[i] = b
			}
		}
	}
	if len(chosen) == 0 {
		return false
	}
	w := g.rewrite()
	for i := range g.Instrs {
		if b := chosen[i]; b != nil {
			w.runOnce(i, b)
		} else {
			w.keep(i)
		}
	}
	w.finish()
	return true
}

// onlyBody returns the body that an instruction is certain to run exactly once, nil
// where there is none.
func (c *Control) onlyBody(args []Ref, known map[Ref]float64) *Graph {
	switch c.Form {
	case Call:
		return c.Body()
	case Cond:
		switch yes, ok := known[args[0]]; {
		case ok && yes != 0:
			return c.Bodies[0]
		case ok:
			return c.Bodies[1]
		}
	case Scan:
		if c.Length == 1 && !c.Counted {
			return c.Body()
		}
	}
	return nil
}

// runOnce writes a body in place of instruction i.
func (w *rewriter) runOnce(i int, b *Graph) {
	inst := w.old.Instrs[i].Inst
	c := ControlOf(inst)
	args := w.args(w.old.Args(i))
	switch c.Form {
	case Cond:
		args = args[1:]
	case Scan:
		for k := c.Consts + c.Carries; k < len(args); k++ { // the only rows
			args[k] = w.reshape(i, inst.In[k], inst.In[k].Shape[1:], args[k])
		}
	}
	out := w.splice(b, i, args)
	w.old.Preaccumulated = w.old.Preaccumulated.plus(b.Preaccumulated)
	if c.Form == Scan {
		for k := range c.Ys {
			v := &out[c.FirstY()+k]
			*v = w.reshape(i, b.Aval(b.Outputs[c.FirstY()+k]), inst.Out[c.FirstY()+k].Shape, *v)
		}
	}
	w.set(i, out)
}

// reshape appends a reshape of v, of type a.
func (w *rewriter) reshape(i int, a kernels.Aval, shape []int, v Ref) Ref {
	inst, err := kernels.Reshape.Inst(kernels.DimsOf(shape...), a)
	if err != nil {
		panic(err) // as many elements as there were
	}
	return w.emit(inst, i, v)
}
