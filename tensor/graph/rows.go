// Rows of loops: where a step keeps most of what it computed, for a later loop, it keeps
// all of it, and that loop takes the part: what is computed is written where it is kept,
// and not copied there.

package graph

import "github.com/cotangent-ad/cotangent/kernels"

// wastedRow is the part of a row that may be kept though nothing reads it: one in so many.
const wastedRow = 64

// wholeRows has scans keep values instead of slices of them, where nothing but other
// scans read these, row by row.
func (g *Graph) wholeRows() {
	cuts := map[Ref]*kernels.Inst{} // of results that are kept whole: what takes the part
	for i := range g.Instrs {
		x := &g.Instrs[i]
		if c := ControlOf(x.Inst); c != nil && c.Form == Scan && !c.Counted {
			for k := range c.Ys {
				if cut := c.cut(c.FirstY() + k); cut != nil {
					cuts[x.Out+Ref(c.FirstY()+k)] = cut
				}
			}
		}
	}
	for _, v := range g.Outputs {
		delete(cuts, v)
	}
	for i := range g.Instrs {
		c := ControlOf(g.Instrs[i].Inst)
		for k, v := range g.Args(i) {
			if c == nil || c.Form != Scan || k < c.Consts+c.Carries || k >= c.Consts+c.Carries+c.Xs {
				delete(cuts, v)
			}
		}
	}
	if len(cuts) == 0 {
		return
	}
	w := g.rewrite()
	for i := range g.Instrs {
		x := &g.Instrs[i]
		kept, read := make([]bool, len(x.Inst.Out)), make([]*kernels.Inst, len(x.Inst.In))
		any := false
		for k := range kept {
			kept[k] = cuts[x.Out+Ref(k)] != nil
			any = any || kept[k]
		}
		for k, v := range g.Args(i) {
			read[k] = cuts[v]
			any = any || read[k] != nil
		}
		if !any {
			w.keep(i)
			continue
		}
		c := ControlOf(x.Inst)
		first := w.emit(c.keeping(kept).reading(read).Inst(x.Inst.Op), i, w.args(g.Args(i))...)
		for k := range kept {
			w.number[x.Out+Ref(k)] = first + Ref(k)
		}
	}
	w.finish()
}

// cut returns the instruction that makes an output of the body, if that is the slice of
// a value that the body computes, and most of it; else nil.
func (c *Control) cut(output int) *kernels.Inst {
	body := c.Body()
	v := body.Outputs[output]
	d := body.Def(v)
	if d < 0 || body.Instrs[d].Inst.Op != kernels.Slice {
		return nil
	}
	inst, whole := body.Instrs[d].Inst, body.Args(int(d))[0]
	maker := body.Def(whole)
	if maker < 0 || body.Instrs[maker].Inst.Rearranges() || inst.In[0].Size()-inst.Out[0].Size() > inst.In[0].Size()/wastedRow {
		return nil
	}
	return inst
}

// keeping returns the scan with the outputs of its body that are marked whole.
func (c *Control) keeping(marked []bool) *Control {
	body := c.Body()
	outputs := make([]Ref, len(body.Outputs))
	for k, v := range body.Outputs {
		if outputs[k] = v; marked[k] {
			outputs[k] = body.Args(body.Def(v))[0]
		}
	}
	d := *c
	d.Bodies = []*Graph{body.Clone()}
	d.Body().Outputs = outputs
	d.Body().RemoveDead()
	return &d
}

// reading returns the scan with operands whose rows are whole, of which the instructions
// that are there take the part.
func (c *Control) reading(cuts []*kernels.Inst) *Control {
	old, body := c.Body(), new(Graph)
	args := make([]Ref, len(old.Params))
	for k, v := range old.Params {
		a := old.Aval(v)
		if cuts[k] != nil {
			a = cuts[k].In[0]
		}
		args[k] = body.Param(a)
	}
	for k, cut := range cuts {
		if cut != nil {
			args[k] = body.Emit(cut, args[k])
		}
	}
	w := &rewriter{old: body, next: body}
	body.Outputs = w.splice(old, -1, args)
	body.Without = old.Without
	old.Release() // the copy that keeping made
	d := *c
	d.Bodies = []*Graph{body}
	return &d
}
