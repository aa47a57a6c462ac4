// Affine indices: ranges, substitution, and what kind of map an index is.

package loop

import "slices"

// Equal reports whether two indices are the same.
func (l Lin) Equal(m Lin) bool {
	return l.Const == m.Const && l.Via == m.Via && slices.Equal(l.Terms, m.Terms)
}

// Plus returns l with c added.
func (l Lin) Plus(c int) Lin {
	l.Const += c
	return l
}

// Affine returns the index c + Σ terms; terms may repeat axes, in any order.
func Affine(c int, terms ...Term) Lin {
	l := Fixed(c)
	for _, t := range terms {
		l = l.add(At(t.Axis), t.Coef)
	}
	return l
}

// Add returns l + c*m of affine indices.
func (l Lin) Add(m Lin, c int) Lin { return l.add(m, c) }

// add returns l + c*m of affine indices.
func (l Lin) add(m Lin, c int) Lin {
	sum := Lin{Const: l.Const + c*m.Const, Via: None}
	if len(l.Terms)+len(m.Terms) == 0 || c == 0 {
		sum.Terms = l.Terms
		return sum
	}
	if len(l.Terms) == 0 && c == 1 {
		sum.Terms = m.Terms
		return sum
	}
	terms := make([]Term, 0, len(l.Terms)+len(m.Terms))
	a, b := l.Terms, m.Terms
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Axis < b[0].Axis:
			terms, a = append(terms, a[0]), a[1:]
		case len(a) == 0 || b[0].Axis < a[0].Axis:
			terms, b = append(terms, Term{b[0].Axis, c * b[0].Coef}), b[1:]
		default:
			if k := a[0].Coef + c*b[0].Coef; k != 0 {
				terms = append(terms, Term{a[0].Axis, k})
			}
			a, b = a[1:], b[1:]
		}
	}
	sum.Terms = terms
	return sum
}

// coef returns the coefficient of an axis.
func (l Lin) coef(axis int) int {
	for _, t := range l.Terms {
		if t.Axis == axis {
			return t.Coef
		}
	}
	return 0
}

// Coef returns what a step along an axis adds to the place of an index, in elements.
func Coef(index []Lin, strides []int, axis int) int {
	c := 0
	for d, l := range index {
		c += l.coef(axis) * strides[d]
	}
	return c
}

// isAt reports whether l is the axis itself.
func (l Lin) isAt(axis int) bool {
	return l.Via == None && l.Const == 0 && len(l.Terms) == 1 && l.Terms[0] == Term{axis, 1}
}

// subst replaces every axis a of an affine index by sub[a].
func (l Lin) subst(sub []Lin) Lin {
	if len(l.Terms) == 1 && l.Const == 0 && l.Terms[0].Coef == 1 {
		return sub[l.Terms[0].Axis]
	}
	r := Fixed(l.Const)
	for _, t := range l.Terms {
		r = r.add(sub[t.Axis], t.Coef)
	}
	return r
}

// bounds returns the least and the greatest value of an affine index over the
// axes (of sizes of at least 1).
func (l Lin) bounds(axes []Axis) (lo, hi int) {
	lo, hi = l.Const, l.Const
	for _, t := range l.Terms {
		if d := t.Coef * (axes[t.Axis].Size - 1); d < 0 {
			lo += d
		} else {
			hi += d
		}
	}
	return lo, hi
}

// inRange reports whether the affine parts of an index stay within shape.
func (e *Expr) inRange(index []Lin, shape []int) bool {
	for d, l := range index {
		if l.Via != None {
			continue
		}
		if lo, hi := l.bounds(e.Axes); lo < 0 || hi >= shape[d] {
			return e.empty()
		}
	}
	return true
}

// never reports whether some affine part of an index is out of range always.
func (e *Expr) never(index []Lin, shape []int) bool {
	for d, l := range index {
		if l.Via == None {
			if lo, hi := l.bounds(e.Axes); hi < 0 || lo >= shape[d] || shape[d] == 0 {
				return !e.empty()
			}
		}
	}
	return false
}

// empty reports whether the loop runs over nothing.
func (e *Expr) empty() bool {
	return slices.ContainsFunc(e.Axes, func(a Axis) bool { return a.Size == 0 })
}

// Plain reports whether the store's index is the first axes in order, each over
// the whole of its dimension: every element is written once.
func (e *Expr) Plain(s *Store) bool { return e.plain(s.Index, s.Aval.Shape) }

func (e *Expr) plain(index []Lin, shape []int) bool {
	if len(index) > len(e.Axes) {
		return false
	}
	for d, l := range index {
		if !l.isAt(d) || e.Axes[d].Size != shape[d] {
			return false
		}
	}
	return true
}

// Reduced returns the axes, ascending, that the store reduces over: those that
// its index does not mention.
func (e *Expr) Reduced(s *Store) []int { return e.reduced(s.Index) }

func (e *Expr) reduced(index []Lin) []int {
	var axes []int
	for a := range e.Axes {
		if !mentions(index, a) {
			axes = append(axes, a)
		}
	}
	return axes
}

func mentions(index []Lin, axis int) bool {
	for _, l := range index {
		if l.coef(axis) != 0 {
			return true
		}
	}
	return false
}

// injective reports whether an index is known to be one-to-one in the axes that
// it mentions: dimension by dimension, the axes not yet told apart must be the
// digits of a mixed-radix number.
func (e *Expr) injective(index []Lin) bool {
	if slices.ContainsFunc(index, func(l Lin) bool { return l.Via != None }) {
		return false
	}
	known := make([]bool, len(e.Axes))
	for progress := true; progress; {
		progress = false
		for _, l := range index {
			if e.digits(l, known) {
				for _, t := range l.Terms {
					progress = progress || !known[t.Axis]
					known[t.Axis] = true
				}
			}
		}
	}
	for _, l := range index {
		for _, t := range l.Terms {
			if !known[t.Axis] && e.Axes[t.Axis].Size > 1 {
				return false
			}
		}
	}
	return true
}

// digits reports whether the unknown axes of l follow from its value.
func (e *Expr) digits(l Lin, known []bool) bool {
	var terms []Term
	for _, t := range l.Terms {
		if !known[t.Axis] && e.Axes[t.Axis].Size > 1 {
			terms = append(terms, Term{t.Axis, max(t.Coef, -t.Coef)})
		}
	}
	slices.SortFunc(terms, func(a, b Term) int { return a.Coef - b.Coef })
	reach := 0
	for _, t := range terms {
		if t.Coef <= reach {
			return false
		}
		reach += t.Coef * (e.Axes[t.Axis].Size - 1)
	}
	return true
}
