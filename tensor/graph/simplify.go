// Simplification: what changes nothing is left out. A rule holds for every value, bit for
// bit: so x*1, x-0 and a strong product with 0 are what one expects, but x+0 (of -0) and
// x*0 (of NaN) stay. Within loops the same rules hold (loop.Fusion).

package graph

import (
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// simplifier goes through a graph once, operands before what is made of them.
type simplifier struct {
	g     *Graph
	known map[Ref]float64
	same  []Ref // of each value, an earlier one that it equals, or itself
}

// simplify puts earlier values in place of equal ones.
func (g *Graph) simplify(known map[Ref]float64) {
	s := &simplifier{g, known, make([]Ref, g.NumValues())}
	for v := range s.same {
		s.same[v] = Ref(v)
	}
	for i := range g.Instrs {
		s.replace(g.Args(i))
		s.instr(i)
	}
	s.replace(g.Outputs)
}

func (s *simplifier) replace(refs []Ref) {
	for k, v := range refs {
		refs[k] = s.same[v]
	}
}

// instr simplifies an instruction.
func (s *simplifier) instr(i int) {
	x := &s.g.Instrs[i]
	if len(x.Inst.Out) != 1 || ControlOf(x.Inst) != nil {
		return
	}
	args := s.g.Args(i)
	switch {
	case x.Inst.Op == kernels.Reshape:
		s.reshape(x, args)
	case x.Inst.Expr == nil:
	case x.Inst.Expr.IsIdentity():
		s.same[x.Out] = args[0]
	case x.Inst.Rearranges():
		s.rearrange(x, args)
	case len(args) == 1:
		s.twice(x, args[0])
	}
	if e := x.Inst.Expr; e != nil && s.same[x.Out] == x.Out && len(args) > 0 && s.partly(args) {
		s.evaluate(x, args)
	}
}

// reshape makes one of two reshapes, or none.
func (s *simplifier) reshape(x *Instr, args []Ref) {
	if d := s.g.Def(args[0]); d >= 0 && s.g.Instrs[d].Inst.Op == kernels.Reshape {
		from := s.g.Args(d)[0]
		if inst, err := kernels.Reshape.Inst(kernels.DimsOf(x.Inst.Out[0].Shape...), s.g.Aval(from)); err == nil {
			x.Inst, args[0] = inst, from
		}
	}
	if kernels.EqualAval(x.Inst.In[0], x.Inst.Out[0]) {
		s.same[x.Out] = args[0]
	}
}

// rearrange finds rearrangements that undo their operand's: a transpose of a transpose.
func (s *simplifier) rearrange(x *Instr, args []Ref) {
	d := s.g.Def(args[0])
	if d < 0 {
		return
	}
	from := s.g.Instrs[d].Inst
	if from.Expr == nil || !from.Rearranges() || !kernels.EqualAval(from.In[0], x.Inst.Out[0]) {
		return
	}
	outer, inner := &x.Inst.Expr.Loads[0], &from.Expr.Loads[0]
	index, ok := loop.Subst(inner.Index, axesAt(from.Expr, outer.Index))
	if ok && slices.EqualFunc(index, loop.Ats(len(index)), func(l, at loop.Lin) bool {
		return l.Equal(at) || l.Equal(loop.Fixed(0)) && from.In[0].Shape[at.Terms[0].Axis] == 1
	}) {
		s.same[x.Out] = s.g.Args(d)[0]
	}
}

// again lists functions of functions that are one of the two: of the operand where undone,
// else of itself.
var again = []struct {
	outer, inner *kernels.Op
	undone       bool
}{
	{kernels.Neg, kernels.Neg, true},
	{kernels.LogicalNot, kernels.LogicalNot, true},
	{kernels.Abs, kernels.Abs, false},
	{kernels.Relu, kernels.Relu, false},
	{kernels.Sign, kernels.Sign, false},
}

// twice finds functions that their operand makes needless.
func (s *simplifier) twice(x *Instr, v Ref) {
	d := s.g.Def(v)
	if d < 0 {
		return
	}
	for _, r := range again {
		from := s.g.Args(d)
		if x.Inst.Op != r.outer || s.g.Instrs[d].Inst.Op != r.inner || !kernels.EqualAval(x.Inst.Out[0], s.g.Instrs[d].Inst.In[0]) {
			continue
		}
		if s.same[x.Out] = v; r.undone {
			s.same[x.Out] = from[0]
		}
	}
}

// partly reports whether some operand is known, or one is there twice.
func (s *simplifier) partly(args []Ref) bool {
	for k, v := range args {
		if _, ok := s.known[v]; ok || slices.Contains(args[:k], v) {
			return true
		}
	}
	return false
}

// evaluate computes a loop with what is known of its operands: it may be one of them, or
// known itself.
func (s *simplifier) evaluate(x *Instr, args []Ref) {
	e := x.Inst.Expr
	if st := &e.Outs[0]; st.Reduce != loop.NoReduce || !e.Plain(st) {
		return
	}
	f := loop.NewFusion(e.Axes)
	var operands []Ref
	part := f.Part(e, loop.Ats(len(e.Axes)), false, func(l loop.Load) loop.Node {
		v := args[l.In]
		if c, ok := s.known[v]; ok && !slices.ContainsFunc(l.Index, func(l loop.Lin) bool { return l.Via != loop.None }) {
			return f.InRange(l.Index, s.g.Aval(v).Shape, f.Const(s.g.Aval(v), c))
		}
		if l.In = slices.Index(operands, v); l.In < 0 {
			l.In = f.Operand(s.g.Aval(v))
			operands = append(operands, v)
		}
		return f.Load(l)
	})
	out := e.Outs[0]
	out.Value, out.Index = part.Value(0), part.Index(0)
	f.Store(out)
	now, kept := f.Expr()
	switch c, ok := now.Uniform(); {
	case ok:
		s.full(x, c)
	case now.IsIdentity():
		s.same[x.Out] = operands[kept[0]]
	}
}

// full makes the result one of nothing.
func (s *simplifier) full(x *Instr, c float64) {
	if c != c || c == 0 && math.Signbit(c) {
		return // no attribute that equals itself alone
	}
	a := x.Inst.Out[0]
	if inst, err := kernels.Full.Inst(kernels.Fill{DType: a.DType, Shape: kernels.DimsOf(a.Shape...), Value: c}); err == nil {
		x.Inst = inst
		s.known[x.Out] = c
	}
}
