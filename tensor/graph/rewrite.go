// Rewriting: a graph written anew, with instructions left out, moved, or put in place
// of others.

package graph

import "github.com/cotangent-ad/cotangent/kernels"

// rewriter writes the instructions of a graph anew. Inputs come first; then whatever
// order and whichever instructions its user asks for.
type rewriter struct {
	old    *Graph
	next   *Graph
	number []Ref // the new number of each value; Untracked where it has none yet
}

// rewrite begins to write g anew.
func (g *Graph) rewrite() *rewriter {
	w := &rewriter{old: g, next: new(Graph), number: make([]Ref, g.NumValues())}
	for v := range w.number {
		w.number[v] = Untracked
	}
	for v, d := range g.def {
		if d < 0 {
			w.number[v] = w.next.Input(g.inputs[-1-d])
		}
	}
	return w
}

// args returns the new numbers of values.
func (w *rewriter) args(refs []Ref) []Ref {
	in := make([]Ref, len(refs))
	for k, v := range refs {
		in[k] = w.number[v]
	}
	return in
}

// keep appends instruction i.
func (w *rewriter) keep(i int) {
	x := &w.old.Instrs[i]
	first := w.emit(x.Inst, i, w.args(w.old.Args(i))...)
	for k := range x.Inst.Out {
		w.number[x.Out+Ref(k)] = first + Ref(k)
	}
}

// emit appends an instruction that stands where instruction i stood.
func (w *rewriter) emit(inst *kernels.Inst, i int, args ...Ref) Ref {
	first := w.next.Emit(inst, args...)
	if w.old.Places != nil {
		w.next.Place(w.old.PlaceOf(i))
	}
	return first
}

// splice appends the instructions of h on args, in place of instruction i, and returns
// what its outputs are.
func (w *rewriter) splice(h *Graph, i int, args []Ref) []Ref {
	inner := &rewriter{old: h, next: w.next, number: make([]Ref, h.NumValues())}
	for k, v := range h.Params {
		inner.number[v] = args[k]
	}
	for _, c := range h.Consts {
		inner.number[c.Ref] = w.next.Const(c.Array, c.Source)
	}
	for k := range h.Instrs {
		inner.keep(k)
		if h.Places == nil && w.old.Places != nil {
			w.next.Place(w.old.PlaceOf(i))
		}
	}
	return inner.args(h.Outputs)
}

// set makes the results of instruction i what refs are.
func (w *rewriter) set(i int, refs []Ref) {
	for k, v := range refs {
		w.number[w.old.Instrs[i].Out+Ref(k)] = v
	}
}

// finish puts what was written in place of the graph.
func (w *rewriter) finish() {
	g := w.old
	for k, v := range g.Params {
		g.Params[k] = w.number[v]
	}
	for k := range g.Consts {
		g.Consts[k].Ref = w.number[g.Consts[k].Ref]
	}
	g.Consts = append(g.Consts, w.next.Consts...)
	for k, v := range g.Outputs {
		g.Outputs[k] = w.number[v]
	}
	g.Record, g.Places = w.next.Record, w.next.Places
}
