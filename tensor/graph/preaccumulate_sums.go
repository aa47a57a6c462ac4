// Preaccumulation of sums: what all elements have in common, a parameter, has as its
// derivative sums over the elements, one for each use, which are added up. As far as these
// sums are over multiples of one root, they are one sum over the sum of the multiples,
// of which preaccumulation then makes one multiple.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// rootSum is a sum over multiples of a root.
type rootSum struct {
	root  Ref
	terms *kernels.Inst // what makes the multiples, nil where others' are added
	args  []Ref         // its operands, or the two sums that are added
	sum   *kernels.Inst // over the multiples
	axes  []int
}

// gatherSums makes of sums over multiples one sum, and sums apart from what they sum, in
// the sweep of a step. It returns the step with the values' new numbers.
func (g *Graph) gatherSums(known map[Ref]float64, step Step) Step {
	r := newReducer(g, known, step)
	uses := g.uses()
	sums, inner := map[Ref]*rootSum{}, map[Ref]bool{}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		if r.stage[x.Out] < sweeping {
			continue
		}
		s := r.sumOfMultiples(i)
		if s == nil {
			s = r.sumOfSums(i, sums, uses)
		}
		if s == nil {
			continue
		}
		sums[x.Out] = s
		if s.terms == nil {
			inner[s.args[0]], inner[s.args[1]] = true, true
		}
	}
	if len(sums) == 0 {
		return step
	}
	w := g.rewrite()
	multiples := map[Ref]Ref{} // of each sum, what it sums, in the new graph
	for i := range g.Instrs {
		v := g.Instrs[i].Out
		s := sums[v]
		switch {
		case s == nil:
			w.keep(i)
			continue
		case s.terms != nil && s.terms.Expr.IsIdentity():
			multiples[v] = w.number[s.args[0]]
		case s.terms != nil:
			multiples[v] = w.emit(s.terms, i, w.args(s.args)...)
		default:
			multiples[v] = w.emit(added(g.Aval(s.root)), i, multiples[s.args[0]], multiples[s.args[1]])
		}
		if !inner[v] {
			w.set(i, []Ref{w.emit(s.sum, i, multiples[v])})
		}
	}
	w.finish()
	return Step{w.args(step.Cotangents), w.args(step.Carries), w.args(step.Rows), step.Times}
}

// sumOfMultiples returns instruction i as a sum over multiples of one root, nil where it is
// none.
func (r *reducer) sumOfMultiples(i int) *rootSum {
	inst, args := r.g.Instrs[i].Inst, r.g.Args(i)
	if inst.Expr == nil || len(inst.Out) != 1 || inst.Expr.Outs[0].Reduce != loop.Sum || !inst.Expr.Plain(&inst.Expr.Outs[0]) {
		return nil
	}
	root, like := Untracked, -1
	for k, v := range args {
		switch {
		case r.stage[v] < sweeping:
		case root == Untracked:
			root, like = r.root[v], k
		case r.root[v] != root:
			return nil
		}
	}
	if root == Untracked {
		return nil
	}
	s := &rootSum{root: root}
	var kept []int
	if s.terms, s.axes, kept = termsOf(inst.Expr, like, r.g.Aval(root)); s.terms == nil {
		return nil
	}
	for _, k := range kept {
		s.args = append(s.args, args[k])
	}
	if !s.terms.Expr.StronglyLinear(func(in int) bool { return r.stage[s.args[in]] >= sweeping }) {
		return nil
	}
	for _, keep := range []bool{false, true} {
		sum, err := kernels.Sum.Inst(kernels.AxesOf(keep, s.axes...), r.g.Aval(root))
		if err == nil && kernels.EqualAval(sum.Out[0], inst.Out[0]) {
			s.sum = sum
			return s
		}
	}
	return nil
}

// termsOf returns the loop over what a sum sums, of type a and in the order in which operand
// like is loaded, with the dimensions that are summed and the operands that it has; nil
// where the operand is not loaded element by element, or the result is in another order.
func termsOf(e *loop.Expr, like int, a kernels.Aval) (terms *kernels.Inst, axes, operands []int) {
	at := slices.IndexFunc(e.Loads, func(l loop.Load) bool { return l.In == like })
	if at < 0 || len(e.Loads[at].Index) != len(a.Shape) {
		return nil, nil, nil
	}
	sub := make([]loop.Lin, len(e.Axes)) // of each axis, the dimension
	reduced, last := e.Reduced(&e.Outs[0]), -1
	for i, ax := range e.Axes {
		d := slices.IndexFunc(e.Loads[at].Index, loop.At(i).Equal)
		switch isReduced := slices.Contains(reduced, i); {
		case d < 0 && ax.Size == 1:
			sub[i] = loop.Fixed(0)
			continue
		case d < 0 || ax.Size != a.Shape[d] || !isReduced && d < last:
			return nil, nil, nil
		case isReduced:
			axes = append(axes, d)
		default:
			last = d
		}
		sub[i] = loop.At(d)
	}
	for d, n := range a.Shape {
		if n == 1 && !slices.ContainsFunc(sub, loop.At(d).Equal) {
			axes = append(axes, d)
		}
	}
	if len(axes) == 0 {
		return nil, nil, nil // a sum over nothing
	}
	slices.Sort(axes)
	f := loop.NewFusion(loop.Axes(a.Shape))
	for _, in := range e.Ins {
		f.Operand(in)
	}
	part := f.Part(e, sub, false, func(l loop.Load) loop.Node {
		if slices.Equal(e.Ins[l.In].Shape, a.Shape) { // the only element of a dimension is at its own place
			l.Index = slices.Clone(l.Index)
			for d, n := range a.Shape {
				if n == 1 {
					l.Index[d] = loop.At(d)
				}
			}
		}
		return f.Load(l)
	})
	f.Store(loop.Store{Value: part.Value(0), Index: loop.Ats(len(a.Shape)), Aval: a})
	now, operands := f.Expr()
	return kernels.NewLoop("terms", now), axes, operands
}

// sumOfSums returns instruction i as a sum that stands for two, which nothing else reads,
// nil where it is none.
func (r *reducer) sumOfSums(i int, sums map[Ref]*rootSum, uses []int) *rootSum {
	args := r.g.Args(i)
	if r.g.Instrs[i].Inst.Op != kernels.Add {
		return nil
	}
	a, b := sums[args[0]], sums[args[1]]
	if a == nil || b == nil || a.root != b.root || !slices.Equal(a.axes, b.axes) || uses[args[0]] != 1 || uses[args[1]] != 1 {
		return nil
	}
	return &rootSum{root: a.root, args: slices.Clone(args), sum: a.sum, axes: a.axes}
}

// added returns the elementwise sum of two values.
func added(a kernels.Aval) *kernels.Inst {
	inst, err := kernels.Add.Inst(nil, a, a)
	if err != nil {
		panic(err) // they are of one type
	}
	return inst
}
