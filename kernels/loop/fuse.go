// Fusion: several loops written as one, in which a loop that reads what another
// computes takes it from there.

package loop

import (
	"math"
	"slices"
)

// Fusion is a fused loop in the making. Its nodes are copies of those of the
// loops that it stands for, function by function and in the order of their
// arguments, so that it gives what they give, bit for bit.
type Fusion struct{ e *Expr }

// NewFusion begins a loop over axes, which are given names.
func NewFusion(axes []Axis) *Fusion {
	e := New(slices.Clone(axes), nil)
	for i := range e.Axes {
		e.Axes[i].Name = AxisName(i)
	}
	e.Fused = true
	return &Fusion{e}
}

// Operand adds an operand and returns its number.
func (f *Fusion) Operand(a Aval) int {
	f.e.Ins = append(f.e.Ins, a)
	return len(f.e.Ins) - 1
}

// Load returns the load of an operand of the fused loop.
func (f *Fusion) Load(l Load) Node { return f.e.load(l) }

// Const returns a constant.
func (f *Fusion) Const(a Aval, v float64) Node { return f.e.Const(a.DType, v) }

// InRange returns n where an affine index lies within shape, else 0.
func (f *Fusion) InRange(index []Lin, shape []int, n Node) Node {
	for d, l := range index {
		if lo, hi := l.bounds(f.e.Axes); lo < 0 || hi >= shape[d] {
			n = f.e.Select(f.e.within(f.e.linNode(l), shape[d]), n, f.e.Like(n, 0))
		}
	}
	return n
}

// Store adds a result.
func (f *Fusion) Store(s Store) { f.e.Store(s) }

// Expr ends the fusion and returns the loop, and which operands it has kept: those
// that it reads.
func (f *Fusion) Expr() (e *Expr, operands []int) {
	operands = f.e.compact(true)
	return f.e, operands
}

// Part is the copy of a loop in a fusion.
type Part struct{ r *rebuild }

// Part returns the copy of e in which axis a is sub[a]. Its loads are made by
// load, which is given them with their indices over the fusion's axes; with
// guard, which is for a sub that may leave the range of an axis, they are guarded.
func (f *Fusion) Part(e *Expr, sub []Lin, guard bool, load func(Load) Node) *Part {
	r := newRebuild(e, f.e, sub)
	r.guard, r.load = guard, load
	return &Part{r}
}

// Value returns the value that the loop stores in its result i.
func (p *Part) Value(i int) Node { return p.r.node(p.r.src.Outs[i].Value) }

// Index returns where in its result i the loop stores it.
func (p *Part) Index(i int) []Lin { return p.r.index(p.r.src.Outs[i].Index) }

// applyExactly returns the node that is x with its arguments replaced, simplified
// only where that changes no bit, be it the sign of a zero or of a NaN.
func (e *Expr) applyExactly(x *Inst, arg [3]Node) Node {
	if x.Fn == SMul { // which has +0 for either zero of a factor
		arg[0], arg[1] = e.strong(arg[0]), e.strong(arg[1])
	}
	a, b := arg[0], arg[1]
	c := *x
	c.Arg = arg
	switch {
	case x.Fn == Cast:
		return e.Cast(x.DType, a)
	case x.Fn == Select:
		if v, ok := e.value(a); ok {
			return arg[2-int(b2i(v != 0))]
		}
		if arg[1] == arg[2] {
			return b
		}
	case x.Fn == Mul && e.isConst(a, 1), x.Fn == Add && e.isNegZero(a):
		return b
	case (x.Fn == Mul || x.Fn == Div) && e.isConst(b, 1), x.Fn == Add && e.isNegZero(b), x.Fn == Sub && e.isConst(b, 0) && !e.isNegZero(b):
		return a
	case x.Fn == SMul && (e.isConst(a, 0) || e.isConst(b, 0)):
		return e.Like(a, 0)
	case x.Fn == SMul && e.isConst(a, 1) && e.positive(b):
		return b
	case x.Fn == SMul && e.isConst(b, 1) && e.positive(a):
		return a
	}
	if n := e.foldExactly(x.Fn, a, b); n != None {
		return n
	}
	return e.put(c)
}

// strong returns the other factor of a strong product with 1, else n.
func (e *Expr) strong(n Node) Node {
	if x := &e.Nodes[n]; x.Fn == SMul {
		for i := range 2 {
			if e.isConst(x.Arg[i], 1) {
				return x.Arg[1-i]
			}
		}
	}
	return n
}

// positive reports whether a float is known to be at least +0, or NaN.
func (e *Expr) positive(n Node) bool {
	x := &e.Nodes[n]
	switch x.Fn {
	case Const:
		return !math.Signbit(x.V)
	case Exp, Square, Abs, Sigmoid:
		return true
	case Sqrt, Recip:
		return e.positive(x.Arg[0])
	case Add, Mul, Div, SMul:
		return e.positive(x.Arg[0]) && e.positive(x.Arg[1])
	}
	return false
}

// foldExactly computes an exact function of constants, but for one that gives NaN.
func (e *Expr) foldExactly(fn Fn, a, b Node) Node {
	v, ok := e.value(a)
	if !ok || fn.Arity() == 2 && e.Nodes[b].Fn != Const {
		return None
	}
	var y float64
	switch w, _ := e.value(b); {
	case fold1[fn] != nil:
		y = fold1[fn](v)
	case arith2[fn] != nil:
		y = arith2[fn](v, w)
	case compare2[fn] != nil:
		return e.Bool(compare2[fn](v, w))
	default:
		return None
	}
	if math.IsNaN(y) {
		return None
	}
	return e.fold(fn, e.DType(a), y)
}

// Subst returns an affine index in which axis a is sub[a]; not ok where a part
// of the index goes through a node.
func Subst(index, sub []Lin) (out []Lin, ok bool) {
	out = make([]Lin, len(index))
	for d, l := range index {
		if l.Via != None {
			return nil, false
		}
		out[d] = l.subst(sub)
	}
	return out, true
}

// Within reports whether an affine index stays within shape.
func Within(axes []Axis, index []Lin, shape []int) bool {
	for d, l := range index {
		if lo, hi := l.bounds(axes); lo < 0 || hi >= shape[d] {
			return false
		}
	}
	return true
}

// OneToOne reports whether an affine index is known to be one-to-one in the axes
// of more than one value, all of which it mentions.
func OneToOne(axes []Axis, index []Lin) bool {
	e := Expr{Axes: axes}
	for a := range axes {
		if axes[a].Size > 1 && !mentions(index, a) {
			return false
		}
	}
	return e.injective(index)
}

// Invert returns each axis as an affine function of the dimensions of an index
// (named as axes); not ok where an axis of more than one value is no dimension
// of its own.
func Invert(axes []Axis, index []Lin) (sub []Lin, ok bool) {
	sub = make([]Lin, len(axes))
	for a := range axes {
		sub[a] = Fixed(0)
		if axes[a].Size == 1 {
			continue
		}
		d := slices.IndexFunc(index, func(l Lin) bool { return l.isAt(a) })
		if d < 0 {
			return nil, false
		}
		sub[a] = At(d)
	}
	return sub, true
}

// Values returns how many values the axes that an affine index mentions have.
func Values(axes []Axis, index []Lin) int {
	n := 1
	for a := range axes {
		if mentions(index, a) {
			n *= axes[a].Size
		}
	}
	return n
}

// InOrder returns the axes of more than one value that a list of affine
// functions, taken as the digits of a row-major number, runs through in its
// order; not ok where it is no such number.
func InOrder(axes []Axis, digits []Lin) (list []int, ok bool) {
	for _, l := range digits {
		rest := 1 // values of the digits further right
		var some []int
		for i := len(l.Terms) - 1; i >= 0; i-- {
			t := l.Terms[i]
			n := axes[t.Axis].Size
			if n == 1 {
				continue
			}
			if t.Coef != rest {
				return nil, false
			}
			rest *= n
			some = append(some, t.Axis)
		}
		slices.Reverse(some)
		list = append(list, some...)
		if l.Const != 0 {
			return nil, false
		}
	}
	return list, slices.IsSorted(list)
}
