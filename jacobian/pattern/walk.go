// Walking over the points of a mapping, line by line.

package pattern

import (
	"slices"

	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// line is a run of points along the innermost axis: n of them, from a position
// in the result and one in the operand, with steps.
type line struct{ out, outStep, src, srcStep, n int }

// walk calls visit for the points over the given axes, outermost first; those of
// the other axes are taken at 0. If it returns false, the walk ends.
func (m *mapping) walk(axes []int, visit func(l line) bool) {
	w := &walker{m: m, at: make([]int, len(m.sizes)), visit: visit, inner: -1}
	for _, a := range axes {
		if m.sizes[a] == 0 {
			return
		}
	}
	if len(axes) > 0 {
		w.outer, w.inner = axes[:len(axes)-1], axes[len(axes)-1]
	}
	w.run()
}

type walker struct {
	m     *mapping
	outer []int
	inner int
	at    []int
	visit func(l line) bool
}

func (w *walker) run() {
	for {
		if !w.line() {
			return
		}
		k := len(w.outer) - 1
		for ; k >= 0; k-- {
			a := w.outer[k]
			if w.at[a]++; w.at[a] < w.m.sizes[a] {
				break
			}
			w.at[a] = 0
		}
		if k < 0 {
			return
		}
	}
}

// line visits the points along the inner axis.
func (w *walker) line() bool {
	m, lo, hi := w.m, 0, 1
	if w.inner >= 0 {
		hi = m.sizes[w.inner]
	}
	for i := range m.src.guards {
		g := &m.src.guards[i]
		lo, hi = g.narrow(w.value(g.base, g.coef), w.inner, lo, hi)
	}
	if lo >= hi {
		return true
	}
	l := line{
		out: w.value(m.out.base, m.out.coef), src: w.value(m.src.base, m.src.coef),
		outStep: w.step(m.out.coef), srcStep: w.step(m.src.coef), n: hi - lo,
	}
	l.out += lo * l.outStep
	l.src += lo * l.srcStep
	straight := w.fixed(&l.out, m.out.columns)
	straight = w.fixed(&l.src, m.src.columns) && straight // both add their terms
	if m.when != nil {
		if w.step(m.when.coef) != 0 {
			straight = false
		} else if !m.when.yes[w.value(0, m.when.coef)] {
			return true
		}
	}
	if straight {
		return w.visit(l)
	}
	return w.points(l, lo, hi)
}

// fixed adds the terms of columns that do not change along the inner axis, and
// reports whether that is all of them.
func (w *walker) fixed(pos *int, columns []column) bool {
	all := true
	for i := range columns {
		if c := &columns[i]; w.step(c.coef) == 0 {
			*pos += c.at[w.value(0, c.coef)]
		} else {
			all = false
		}
	}
	return all
}

// points visits the points of a line one by one.
func (w *walker) points(l line, lo, hi int) bool {
	var mask []bool
	var step, from int
	if c := w.m.when; c != nil && w.step(c.coef) != 0 {
		mask, step, from = c.yes, w.step(c.coef), w.value(0, c.coef)
	}
	for t := lo; t < hi; t++ {
		if mask != nil && !mask[from+t*step] {
			continue
		}
		at := line{out: l.out + (t-lo)*l.outStep, src: l.src + (t-lo)*l.srcStep, n: 1}
		w.moving(&at.out, w.m.out.columns, t)
		w.moving(&at.src, w.m.src.columns, t)
		if !w.visit(at) {
			return false
		}
	}
	return true
}

func (w *walker) moving(pos *int, columns []column, t int) {
	for i := range columns {
		if c := &columns[i]; w.step(c.coef) != 0 {
			*pos += c.at[w.value(0, c.coef)+t*w.step(c.coef)]
		}
	}
}

// value returns base + Σ coef*axis at the point where the inner axis is 0.
func (w *walker) value(base int, coef []int) int {
	for _, a := range w.outer {
		base += coefOf(coef, a) * w.at[a]
	}
	return base
}

func (w *walker) step(coef []int) int {
	if w.inner < 0 {
		return 0
	}
	return coefOf(coef, w.inner)
}

// narrow returns the part of [lo, hi) in which 0 <= v + coef*t < size.
func (g *guard) narrow(v, inner, lo, hi int) (int, int) {
	c := 0
	if inner >= 0 {
		c = coefOf(g.coef, inner)
	}
	switch {
	case c == 0:
		if v < 0 || v >= g.size {
			return lo, lo
		}
	case c > 0:
		lo, hi = max(lo, ceil(-v, c)), min(hi, ceil(g.size-v, c))
	default: // 0 <= v - |c|*t: t <= v/|c|; v - |c|*t < size: t > (v-size)/|c|
		lo, hi = max(lo, ceil(v-g.size+1, -c)), min(hi, ceil(v+1, -c))
	}
	return lo, hi
}

// ceil returns a/b rounded up, for b > 0.
func ceil(a, b int) int {
	if a > 0 {
		return (a + b - 1) / b
	}
	return a / b
}

// push adds the sets of an operand's parts to a result's value v, through m.
func (p *interpreter) push(m *mapping, src []*part, v graph.Ref) {
	for _, size := range m.sizes {
		if size == 0 {
			return
		}
	}
	if len(m.out.columns) == 0 && m.identity(len(src[0].ids)) {
		for _, x := range src {
			p.give(v, x)
		}
		return
	}
	kept, reduced := m.axes()
	switch {
	case m.oneToOne && len(reduced) == 0:
		holes := slices.Clone(p.rows[v])
		for _, x := range src {
			if i := slices.IndexFunc(holes, func(y *part) bool { return y.users == 1 && m.vacant(kept, y) }); i >= 0 {
				m.copyTo(holes[i], kept, x)
				holes = slices.Delete(holes, i, i+1)
				continue
			}
			y := p.result(m)
			m.copyTo(y, kept, x)
			p.give(v, y)
		}
	case m.oneToOne:
		p.give(v, p.reduce(m, kept, reduced, src))
	default:
		p.give(v, p.scatter(m, src))
	}
}

// axes splits the axes that matter: those in the result's index, and the others
// along which the operand's element changes.
func (m *mapping) axes() (kept, reduced []int) {
	for a := range m.sizes {
		switch {
		case m.out.depends(a):
			kept = append(kept, a)
		case m.varies(a):
			reduced = append(reduced, a)
		}
	}
	return kept, reduced
}

// varies reports whether what is read changes along an axis.
func (m *mapping) varies(axis int) bool {
	return m.src.depends(axis) || m.when != nil && coefOf(m.when.coef, axis) != 0
}

// result returns a part for the result, empty where points may leave holes.
func (p *interpreter) result(m *mapping) *part {
	return p.newPart(m.total, !m.plain || m.when != nil || len(m.src.guards) > 0)
}

func fill(ids []ref, r ref) {
	for i := range ids {
		ids[i] = r
	}
}

// vacant reports whether the result's elements that m leads to have no sets in x.
func (m *mapping) vacant(axes []int, x *part) bool {
	if m.plain {
		return false
	}
	vacant := true
	m.walk(m.longest(axes), func(l line) bool {
		for k, o := 0, l.out; k < l.n; k, o = k+1, o+l.outStep {
			if x.ids[o] != empty {
				vacant = false
			}
		}
		return vacant
	})
	return vacant
}

// copyTo copies references: a result without reduction.
func (m *mapping) copyTo(x *part, axes []int, from *part) {
	m.walk(m.longest(axes), func(l line) bool {
		dst, src := x.ids, from.ids
		switch {
		case l.n == 1:
			dst[l.out] = src[l.src]
		case l.outStep == 1 && l.srcStep == 1:
			copy(dst[l.out:l.out+l.n], src[l.src:])
		case l.outStep == 1 && l.srcStep == 0:
			fill(dst[l.out:l.out+l.n], src[l.src])
		default:
			for k, o, s := 0, l.out, l.src; k < l.n; k, o, s = k+1, o+l.outStep, s+l.srcStep {
				dst[o] = src[s]
			}
		}
		return true
	})
}

// longest returns the axes with the largest one innermost, if the last is short.
func (m *mapping) longest(axes []int) []int {
	if len(axes) == 0 || m.sizes[axes[len(axes)-1]] >= 16 {
		return axes
	}
	best := len(axes) - 1
	for k, a := range axes {
		if m.sizes[a] > m.sizes[axes[best]] {
			best = k
		}
	}
	axes = slices.Clone(axes)
	return append(slices.Delete(slices.Clone(axes), best, best+1), axes[best])
}

// reduce unites the sets along the reduced axes, once for all elements of the
// result that read the same.
func (p *interpreter) reduce(m *mapping, kept, reduced []int, src []*part) *part {
	x := p.result(m)
	var own, other []int // axes of the result along which what is read changes, and not
	for _, a := range kept {
		if m.varies(a) {
			own = append(own, a)
		} else {
			other = append(other, a)
		}
	}
	var list []ref
	at := -1
	flush := func() bool {
		if at >= 0 {
			x.ids[at] = p.union(list)
		}
		list = list[:0]
		return p.used <= p.limit
	}
	m.walk(slices.Concat(own, reduced), func(l line) bool {
		if l.outStep != 0 { // no reduced axis is left inside: cannot be, reduced is not empty
			panic("pattern: a line across results")
		}
		if l.out != at {
			if !flush() {
				return false
			}
			at = l.out
		}
		for _, y := range src {
			for k, s := 0, l.src; k < l.n; k, s = k+1, s+l.srcStep {
				list = append(list, y.ids[s])
			}
		}
		if len(list) > 1<<16 {
			list = append(list[:0], p.union(list))
		}
		return true
	})
	flush()
	p.spread(m, x, own, other)
	return x
}

// spread copies the sets that were found where the other axes are 0 along these.
func (p *interpreter) spread(m *mapping, x *part, own, other []int) {
	if len(other) == 0 {
		return
	}
	copies := &mapping{sizes: m.sizes, out: m.out, total: m.total}
	copies.src = access{base: m.out.base, coef: slices.Clone(m.out.coef)}
	for _, a := range other {
		copies.src.coef[a] = 0
	}
	copies.walk(slices.Concat(own, other), func(l line) bool {
		for k := range l.n {
			x.ids[l.out+k*l.outStep] = x.ids[l.src+k*l.srcStep]
		}
		return true
	})
}

// scatter unites the sets that meet in an element of the result.
func (p *interpreter) scatter(m *mapping, src []*part) *part {
	x := p.newPart(m.total, true)
	var axes []int
	for a := range m.sizes {
		if m.out.depends(a) || m.varies(a) {
			axes = append(axes, a)
		}
	}
	end := make([]int, m.total+1) // of each element's bucket
	m.walk(axes, func(l line) bool {
		for k := range l.n {
			end[l.out+k*l.outStep+1] += len(src)
		}
		return true
	})
	for i := range m.total {
		end[i+1] += end[i]
	}
	if !p.spend(4 * end[m.total]) {
		return x
	}
	bucket := make([]ref, end[m.total])
	next := slices.Clone(end[:m.total])
	m.walk(axes, func(l line) bool {
		for k := range l.n {
			o, s := l.out+k*l.outStep, l.src+k*l.srcStep
			for _, y := range src {
				bucket[next[o]] = y.ids[s]
				next[o]++
			}
		}
		return true
	})
	for i := range x.ids {
		if x.ids[i] = p.union(bucket[end[i]:end[i+1]]); p.used > p.limit {
			break
		}
	}
	p.used -= int64(4 * len(bucket))
	return x
}
