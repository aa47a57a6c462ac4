// Solving a load's index for axes: the loop over the elements of an operand in
// which each collects what it was read for.

package loop

import "slices"

// solve returns the loop over the elements of the loaded operand, its first
// axes, and over what axes are left, if the load's index can be solved for an
// axis of coefficient 1 or -1 in every dimension.
func (e *Expr) solve(l *Load) (form, bool) {
	shape := e.Ins[l.In].Shape
	if f, ok := e.solvePlain(l, shape); ok {
		return f, true
	}
	// While solving, axes 0..rank-1 are the dimensions, rank+a is axis a.
	rank := len(shape)
	sub := make([]Lin, len(e.Axes))
	for a := range sub {
		if e.Axes[a].Size == 1 {
			sub[a] = Fixed(0)
		} else {
			sub[a] = At(rank + a)
		}
	}
	pivots := make([]int, rank)
	for d, x := range l.Index {
		if x.Via != None {
			return form{}, false
		}
		m := x.subst(sub)
		p, coef := e.pivot(m, rank)
		pivots[d] = p
		if p < 0 {
			if shape[d] == 1 && len(m.Terms) == 0 && m.Const == 0 {
				continue
			}
			return form{}, false
		}
		// d = rest + coef*p, so p = coef*(d - rest).
		rest := m.add(At(rank+p), -coef)
		value := Fixed(0).add(At(d), coef).add(rest, -coef)
		for a := range sub {
			if c := sub[a].coef(rank + p); c != 0 {
				sub[a] = sub[a].add(At(rank+p), -c).add(value, c)
			}
		}
	}
	return e.solution(shape, pivots, sub), true
}

// solvePlain is solve for an index that is already plain, the common case.
func (e *Expr) solvePlain(l *Load, shape []int) (form, bool) {
	if !e.plain(l.Index, shape) {
		return form{}, false
	}
	for _, a := range e.Axes[len(shape):] {
		if a.Size == 1 {
			return form{}, false
		}
	}
	f := form{axes: e.Axes, sub: Ats(len(e.Axes)), index: l.Index}
	if len(e.Axes) > len(shape) {
		f.reduce = Sum
	}
	return f, true
}

// pivot returns the axis of m to solve for: of coefficient 1 or -1, the largest
// (what is left to loop over is the smaller for it), the outermost of those. It
// returns -1 where there is none.
func (e *Expr) pivot(m Lin, rank int) (axis, coef int) {
	axis = -1
	for _, t := range m.Terms {
		a := t.Axis - rank
		if a >= 0 && (t.Coef == 1 || t.Coef == -1) && (axis < 0 || e.Axes[a].Size > e.Axes[axis].Size) {
			axis, coef = a, t.Coef
		}
	}
	return axis, coef
}

// solution makes the form of a solved index: it numbers the axes and sees which
// can leave their range.
func (e *Expr) solution(shape, pivots []int, sub []Lin) form {
	rank := len(shape)
	number := make([]Lin, rank+len(e.Axes)) // the final axis of each
	f := form{axes: make([]Axis, rank, rank+len(e.Axes)), sub: sub}
	for d, p := range pivots {
		number[d] = At(d)
		f.axes[d].Size = shape[d]
		if p >= 0 {
			f.axes[d].Name = e.Axes[p].Name
		}
	}
	for a, x := range e.Axes {
		if x.Size != 1 && !slices.Contains(pivots, a) {
			number[rank+a] = At(len(f.axes))
			f.axes = append(f.axes, x)
			f.reduce = Sum
		}
	}
	nameAxes(f.axes)
	for a := range sub {
		sub[a] = sub[a].subst(number)
	}
	f.index = Ats(rank)
	if extent(f.axes) == 0 {
		return f // nothing is out of range where nothing runs
	}
	for _, p := range pivots {
		if p < 0 {
			continue
		}
		if lo, hi := sub[p].bounds(f.axes); lo < 0 || hi >= e.Axes[p].Size {
			f.guard = true
			f.domain = append(f.domain, p)
		}
	}
	return f
}

// nameAxes gives names to axes that have none, or another's.
func nameAxes(axes []Axis) {
	taken := func(name string) bool {
		return slices.ContainsFunc(axes, func(a Axis) bool { return a.Name == name })
	}
	for i := range axes {
		for d := 0; axes[i].Name == ""; d++ {
			if name := AxisName(d); !taken(name) {
				axes[i].Name = name
			}
		}
	}
}

// needDomain drops from f.domain the axes that every load of a seed in the
// contribution has as a whole dimension: guarded, those loads are zero out of
// range, and so is the contribution.
func (s *sweep) needDomain(f *form, c contribution) {
	if len(f.domain) == 0 {
		return
	}
	var seeds []*Load
	for n := range s.below(c.value) {
		if x := &s.Nodes[n]; x.Fn == LoadFn && s.isSeed(s.Loads[x.K].In) {
			seeds = append(seeds, &s.Loads[x.K])
		}
	}
	f.domain = slices.DeleteFunc(f.domain, func(a int) bool {
		for _, l := range seeds {
			whole := func(d int) bool { return l.Index[d].isAt(a) && s.Ins[l.In].Shape[d] == s.Axes[a].Size }
			if !slices.ContainsFunc(dimensions(len(l.Index)), whole) {
				return false
			}
		}
		return len(seeds) > 0
	})
}

func dimensions(n int) []int {
	d := make([]int, n)
	for i := range d {
		d[i] = i
	}
	return d
}

// below yields the nodes that n is made of, itself included, but not those of
// indices.
func (e *Expr) below(n Node) map[Node]bool {
	seen := map[Node]bool{}
	var visit func(n Node)
	visit = func(n Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		x := &e.Nodes[n]
		for i := range x.Fn.Arity() {
			visit(x.Arg[i])
		}
	}
	visit(n)
	return seen
}
