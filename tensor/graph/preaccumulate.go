// Preaccumulation of local Jacobians (tape reduction): where a reverse sweep comes back to
// elements that were computed one by one from few others, through many values in between,
// it needs the derivatives of the few by the few and not the values in between. The
// derivatives are computed on the way there, while these values are at hand, and only they
// are kept (Naumann, Optimal accumulation of Jacobian matrices by elimination methods on
// the dual computational graph, Mathematical Programming 99, 2004; of single elements the
// statement-level preaccumulation of C++ tapes).
//
// The pass knows nothing of derivatives. It finds values that are strong multiples of
// one value, their root, element by element, by factors that are there before the root is:
// what the sweep computes from a cotangent. All factors on the way from the root are
// multiplied and added up first, and the root is multiplied once. A product is zero where a
// factor or the root is, in either order, so zeros stay strong; other results differ by
// rounding, where products of factors alone overflow or vanish, and where factors cancel:
// they are a zero then, which a root that is no number does not get past. That there is one
// root matters: of two, contributions can cancel before an infinite factor and not after it.
//
// In loops the cotangents that a step's sweep begins with are roots: one derivative of a
// step of a Runge-Kutta method by its state is kept, say, for what four stages are made of,
// and one by each parameter (preaccumulate_sums.go).

package graph

import (
	"cmp"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// leastKept is the size in bytes from which on values are worth it.
const leastKept = 4 << 10

// Preaccumulated tells what preaccumulation did.
type Preaccumulated struct {
	Values  int // local derivatives that are kept
	Bytes   int // of them
	Instead int // bytes of what had to be kept before
}

// plus adds up.
func (p Preaccumulated) plus(q Preaccumulated) Preaccumulated {
	return Preaccumulated{p.Values + q.Values, p.Bytes + q.Bytes, p.Instead + q.Instead}
}

// Step is a step of a loop with the sweep over it, in one graph: the step runs with all
// others before any of the sweep does, and what the sweep reads of it is kept for each.
type Step struct {
	Cotangents []Ref // inputs that are there when the sweep is
	Carries    []Ref // inputs that are kept where the sweep reads them; others are there anyhow
	Rows       []Ref // values that are kept anyhow
	Times      int   // how many steps there are
}

// sweeping is the stage of cotangents, beyond all of a step.
const sweeping = 1 << 20

// reducer looks for what to preaccumulate.
type reducer struct {
	g     *Graph
	known map[Ref]float64
	step  Step
	stage []int32 // of each value: how many times all elements of something must be there before
	root  []Ref   // of each value
	trees map[Ref]*tree
	order []*tree
	kept  []bool // of each value: an output, or read by what is no tree of its root's
	uses  [][]int32
}

// tree is the instructions that compute multiples of one root.
type tree struct {
	root   Ref
	instrs []int32
	outs   []Ref        // results that others read, by factors that are not known
	early  []Ref        // what the factors are made of
	reads  map[Ref]bool // the same
	after  int32        // the last instruction that makes some of it

	factors *kernels.Inst // the loop that computes the factors of outs
	args    []Ref         // its operands
}

// PreaccumulateStep is the pass Preaccumulate for a step with its sweep, if it is among the
// passes: the derivatives that the sweep reads become values of the step. It returns
// which instructions compute them, nil where there are none that are worth it; g is then not
// to be used any more. Parameters and outputs are to be all that is known of g, whose values
// are numbered anew.
func (g *Graph) PreaccumulateStep(passes Passes, step Step) (early map[*kernels.Inst]bool) {
	if !passes.Has(Fusion|Preaccumulate) || len(step.Cotangents) == 0 {
		return nil
	}
	o := &optimizer{passes: passes, uniform: map[elements]uniformity{}}
	step = g.gatherSums(o.known(g, nil), step)
	return g.preaccumulate(o.known(g, nil), step)
}

// preaccumulate changes g and returns which instructions compute what it keeps: they stay
// with what they are made of.
func (g *Graph) preaccumulate(known map[Ref]float64, step Step) (early map[*kernels.Inst]bool) {
	r := newReducer(g, known, step)
	var chosen []*tree
	for _, t := range r.order {
		if r.gather(t); !r.inTime(t) || !r.pays(t) {
			continue
		}
		if r.factor(t); len(t.args) > 0 {
			chosen = append(chosen, t)
		}
	}
	if len(chosen) == 0 {
		return nil
	}
	early = r.rewrite(chosen)
	g.RemoveDead()
	return early
}

func newReducer(g *Graph, known map[Ref]float64, step Step) *reducer {
	n := g.NumValues()
	r := &reducer{g: g, known: known, step: step, stage: make([]int32, n), root: make([]Ref, n), trees: map[Ref]*tree{}, kept: make([]bool, n), uses: make([][]int32, n)}
	for v := range r.root {
		r.root[v] = Ref(v)
	}
	for _, v := range step.Cotangents {
		r.stage[v] = sweeping
	}
	for i := range g.Instrs {
		r.instr(i)
	}
	for _, v := range g.Outputs {
		r.kept[v] = true
	}
	for i := range g.Instrs {
		for _, v := range g.Args(i) {
			r.kept[v] = r.kept[v] || r.root[v] != r.root[g.Instrs[i].Out]
		}
	}
	return r
}

// instr finds the stage and the root of the results of an instruction.
func (r *reducer) instr(i int) {
	x, args := &r.g.Instrs[i], r.g.Args(i)
	stage := int32(0)
	for k, v := range args {
		stage = max(stage, r.stage[v])
		if len(r.uses[v]) == 0 || !slices.Contains(args[:k], v) {
			r.uses[v] = append(r.uses[v], int32(i))
		}
	}
	late := func(k int) bool { return r.stage[args[k]] == stage }
	if !isPointwise(x.Inst) {
		stage++
	}
	for k := range x.Inst.Out {
		r.stage[x.Out+Ref(k)] = stage
	}
	if x.Inst.Expr == nil || stage == 0 || x.Inst.Rearranges() || !x.Inst.Expr.StronglyLinear(late) {
		return
	}
	root := Untracked
	for k, v := range args {
		switch {
		case !late(k):
		case root == Untracked:
			root = r.root[v]
		case root != r.root[v]:
			return
		}
	}
	if !slices.ContainsFunc(x.Inst.Out, func(a kernels.Aval) bool { return !kernels.EqualAval(a, r.g.Aval(root)) }) {
		r.join(root, i)
	}
}

// join adds an instruction to the tree of a root.
func (r *reducer) join(root Ref, i int) {
	t := r.trees[root]
	if t == nil {
		t = &tree{root: root, reads: map[Ref]bool{}}
		r.trees[root] = t
		r.order = append(r.order, t)
	}
	t.instrs = append(t.instrs, int32(i))
	x := &r.g.Instrs[i]
	for k := range x.Inst.Out {
		r.root[x.Out+Ref(k)] = root
	}
}

// isPointwise reports whether each element of a result depends on few of the operands, so
// that loops that read it can be one with it.
func isPointwise(inst *kernels.Inst) bool {
	if inst.Expr == nil {
		return isReshape(inst)
	}
	return !slices.ContainsFunc(inst.Expr.Outs, func(s loop.Store) bool { return s.Reduce != loop.NoReduce || s.Scatter })
}

// gather finds what a tree begins and ends with.
func (r *reducer) gather(t *tree) {
	factored := map[Ref]bool{} // by factors that are not known
	t.after = -1
	for _, i := range t.instrs {
		x := &r.g.Instrs[i]
		by := false
		for _, v := range r.g.Args(int(i)) {
			if _, known := r.known[v]; r.root[v] == t.root {
				by = by || factored[v]
			} else if by = by || !known; !known && !t.reads[v] {
				t.early, t.reads[v] = append(t.early, v), true
				t.after = max(t.after, int32(r.g.Def(v)))
			}
		}
		for k := range x.Inst.Out {
			v := x.Out + Ref(k)
			if factored[v] = by; by && r.kept[v] {
				t.outs = append(t.outs, v)
			}
		}
	}
}

// inStep reports whether the graph is a step with its sweep.
func (r *reducer) inStep() bool { return len(r.step.Cotangents) > 0 }

// inTime reports whether a tree's factors can be computed in a step, and the root cannot.
func (r *reducer) inTime(t *tree) bool {
	if !r.inStep() {
		return true
	}
	return r.stage[t.root] >= sweeping && !slices.ContainsFunc(t.early, func(v Ref) bool { return r.stage[v] >= sweeping })
}

// isKept reports whether v takes memory until a sweep has read it.
func (r *reducer) isKept(v Ref) bool { return r.g.Def(v) >= 0 || slices.Contains(r.step.Carries, v) }

// pays reports whether a tree's factors take less to keep than what they are made of.
func (r *reducer) pays(t *tree) bool {
	each := bytesOf(r.g.Aval(t.root))
	factors := each * len(t.outs)
	if each*max(r.step.Times, 1) < leastKept || factors == 0 {
		return false
	}
	read := 0
	for _, v := range t.early {
		read += bytesOf(r.g.Aval(v))
	}
	kept := r.instead(t)
	return kept >= factors && kept+read > 2*factors
}

// instead returns the bytes of what is kept for a tree only: none for what is there anyhow,
// nor for what is quickly made of the rest.
func (r *reducer) instead(t *tree) (bytes int) {
	for _, v := range t.early {
		if r.isKept(v) && !r.readLater(v, t) && !r.isQuick(v, t) {
			bytes += bytesOf(r.g.Aval(v))
		}
	}
	return bytes
}

// readLater reports whether something else than a tree reads v when the root is there.
func (r *reducer) readLater(v Ref, t *tree) bool {
	anyhow := r.g.Outputs
	if r.inStep() {
		anyhow = r.step.Rows
	}
	if slices.Contains(anyhow, v) {
		return true
	}
	later := min(r.stage[t.root], sweeping)
	return slices.ContainsFunc(r.uses[v], func(i int32) bool {
		x := &r.g.Instrs[i]
		return r.stage[x.Out] >= later && r.root[x.Out] != t.root
	})
}

// isQuick reports whether v is made by arithmetic of what the tree reads anyhow.
func (r *reducer) isQuick(v Ref, t *tree) bool {
	d := r.g.Def(v)
	if d < 0 {
		return false
	}
	inst := r.g.Instrs[d].Inst
	if !isPointwise(inst) || inst.Expr == nil || inst.Expr.Cost().Transcendentals > 0 {
		return false
	}
	return !slices.ContainsFunc(r.g.Args(d), func(v Ref) bool {
		_, known := r.known[v]
		return !known && r.isKept(v) && !t.reads[v]
	})
}

// rewrite computes the factors of trees where what they are made of is there.
func (r *reducer) rewrite(list []*tree) map[*kernels.Inst]bool {
	slices.SortStableFunc(list, func(a, b *tree) int { return cmp.Compare(a.after, b.after) })
	early := map[*kernels.Inst]bool{}
	factor := map[Ref]Ref{} // of each result, its number in the new graph
	w := r.g.rewrite()
	next := 0
	for i := -1; i < len(r.g.Instrs); i++ {
		if i >= 0 {
			r.keep(w, i, factor)
		}
		for ; next < len(list) && list[next].after == int32(i); next++ {
			t := list[next]
			early[t.factors] = true
			first := w.emit(t.factors, int(t.instrs[0]), w.args(t.args)...)
			for k, v := range t.outs {
				factor[v] = first + Ref(k)
			}
			r.g.Preaccumulated = r.g.Preaccumulated.plus(Preaccumulated{len(t.outs), bytesOfAll(t.factors.Out), r.instead(t)})
		}
	}
	w.finish()
	return early
}

// keep writes instruction i, and where it makes multiples of a root these once more from
// the root.
func (r *reducer) keep(w *rewriter, i int, factor map[Ref]Ref) {
	w.keep(i)
	x := &r.g.Instrs[i]
	for k := range x.Inst.Out {
		v := x.Out + Ref(k)
		if c, ok := factor[v]; ok {
			w.number[v] = w.emit(strongProduct(x.Inst.Out[k]), i, c, w.number[r.root[v]])
		}
	}
}

// factor makes the loop over a tree's factors: the tree for a root of ones.
func (r *reducer) factor(t *tree) {
	a := r.g.Aval(t.root)
	f := loop.NewFusion(loop.Axes(a.Shape))
	one := f.Const(a, 1)
	parts := map[int32]*loop.Part{}
	var operands []Ref
	number := map[Ref]int{}
	value := func(v Ref, l loop.Load) loop.Node {
		c, known := r.known[v]
		switch {
		case v == t.root:
			return one
		case r.root[v] == t.root:
			d := int32(r.g.Def(v))
			return parts[d].Value(int(v - r.g.Instrs[d].Out))
		case known && !slices.ContainsFunc(l.Index, func(l loop.Lin) bool { return l.Via != loop.None }):
			return f.InRange(l.Index, r.g.Aval(v).Shape, f.Const(r.g.Aval(v), c))
		}
		in, ok := number[v]
		if !ok {
			in = f.Operand(r.g.Aval(v))
			operands, number[v] = append(operands, v), in
		}
		l.In = in
		return f.Load(l)
	}
	for _, i := range t.instrs {
		e, args := r.g.Instrs[i].Inst.Expr, r.g.Args(int(i))
		parts[i] = f.Part(e, loop.Ats(len(e.Axes)), false, func(l loop.Load) loop.Node { return value(args[l.In], l) })
	}
	for _, v := range t.outs {
		d := r.g.Def(v)
		s := r.g.Instrs[d].Inst.Expr.Outs[v-r.g.Instrs[d].Out]
		s.Value = value(v, loop.Load{})
		f.Store(s)
	}
	e, kept := f.Expr()
	t.factors = kernels.NewLoop("partial", e.Simplify())
	for _, i := range kept {
		t.args = append(t.args, operands[i])
	}
}

// strongProduct returns the elementwise strong product of two values.
func strongProduct(a kernels.Aval) *kernels.Inst {
	return kernels.NewLoop("smul", loop.Elementwise([]kernels.Aval{a, a}, a, func(e *loop.Expr, x []loop.Node) loop.Node {
		return e.SMul(x[0], x[1])
	}))
}
