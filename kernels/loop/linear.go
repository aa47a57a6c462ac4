// Linear loops: results that are strong products of an operand with what does not depend
// on it, or sums of such: what derivatives are of the cotangents that they propagate.

package loop

// StronglyLinear reports whether every result of e, element by element, is a sum of strong
// products of elements of the marked operands, which lie at the result's own place, with
// factors that do not depend on these. Each result then vanishes where they do, whatever
// the factors are.
func (e *Expr) StronglyLinear(of func(in int) bool) bool {
	grade := e.grades(of)
	for i := range e.Outs {
		s := &e.Outs[i]
		if s.Reduce != NoReduce || !e.Plain(s) || len(s.Index) != len(e.Axes) || grade[s.Value] != linear {
			return false
		}
	}
	return true
}

// gradeOf says how a node depends on some operands.
type gradeOf uint8

const (
	free   gradeOf = iota // not at all
	linear                // by strong products and sums
	other
)

// grades returns how each node depends on the marked operands.
func (e *Expr) grades(of func(in int) bool) []gradeOf {
	grade := make([]gradeOf, len(e.Nodes))
	for n := range e.Nodes {
		grade[n] = e.grade(Node(n), grade, of)
	}
	return grade
}

func (e *Expr) grade(n Node, grade []gradeOf, of func(in int) bool) gradeOf {
	x := &e.Nodes[n]
	if x.Fn == LoadFn {
		return e.gradeOfLoad(&e.Loads[x.K], grade, of)
	}
	dependent := false
	for i := range x.Fn.Arity() {
		dependent = dependent || grade[x.Arg[i]] != free
	}
	if !dependent {
		return free
	}
	is := func(i int, g gradeOf) bool { return grade[x.Arg[i]] == g }
	switch x.Fn {
	case Neg:
		return grade[x.Arg[0]]
	case Add, Sub:
		if is(0, linear) && is(1, linear) {
			return linear
		}
	case SMul:
		if is(0, linear) && is(1, free) || is(0, free) && is(1, linear) {
			return linear
		}
	case Mul: // a strong product with a constant
		if v, ok := e.value(x.Arg[1]); ok && is(0, linear) && v-v == 0 && v != 0 {
			return linear
		}
		if v, ok := e.value(x.Arg[0]); ok && is(1, linear) && v-v == 0 && v != 0 {
			return linear
		}
	case Select:
		vanishes := func(i int) bool { return is(i, linear) || e.isConst(x.Arg[i], 0) && !e.isNegZero(x.Arg[i]) }
		if is(0, free) && vanishes(1) && vanishes(2) {
			return linear
		}
	}
	return other
}

func (e *Expr) gradeOfLoad(l *Load, grade []gradeOf, of func(in int) bool) gradeOf {
	for _, at := range l.Index {
		if at.Via != None && grade[at.Via] != free {
			return other
		}
	}
	if !of(l.In) {
		return free
	}
	if l.Guarded || len(l.Index) != len(e.Axes) {
		return other
	}
	for d, at := range l.Index {
		if !at.Equal(At(d)) {
			return other
		}
	}
	return linear
}
