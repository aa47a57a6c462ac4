// Printing products of matrices within a form: what is loaded is used several times
// while it is in a register.

package native

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// factors returns the two factors of a product.
func (w *writer) factors(o *store) (a, b value) {
	x := &w.m.nodes[o.Value]
	return w.node(x.Arg[0]), w.node(x.Arg[1])
}

// productUnrolled prints a sum of products, one fused multiply-add each.
func (w *writer) productUnrolled(o *store) value {
	var sum value
	first := true
	w.unroll(w.red, func() {
		a, b := w.factors(o)
		vec := a.vec || b.vec
		t := w.typeOf(o.Aval.DType, vec)
		v := value{vec: vec, dt: o.Aval.DType}
		if first {
			v.text = fmt.Sprintf("%s * %s", w.as(a, vec), w.as(b, vec))
		} else {
			v.text = fmt.Sprintf("fma_%s(%s, %s, %s)", t, w.as(a, vec), w.as(b, vec), w.as(sum, vec))
		}
		first = false
		sum = w.name(v)
	})
	return sum
}

// blockRows is how many sums of products over inner axes are made at a time: each
// waits for its last product, so that several keep the units busy, and what they
// multiply in common is loaded once.
const blockRows = 8

// blocked prints sums of products over inner axes in loops, several along the last axis
// of the results at a time. It reports whether the member is one.
func (w *writer) blocked() bool {
	if w.m.reducedShared() != 0 || len(w.red) == 0 || len(w.res) == 0 || w.m.extent(w.m.red) == 0 {
		return false
	}
	last := len(w.res) - 1
	a := w.res[last]
	n := w.m.size[a]
	w.loops(w.res[:last], func() {
		if n >= blockRows {
			w.temps++
			v := fmt.Sprintf("j%d", w.temps)
			w.line("for (long %s = 0; %s < %d; %s += %d) {", v, v, n/blockRows*blockRows, v, blockRows)
			w.depth++
			w.inScope(func() {
				w.block(blockRows, func(r int) { w.pos[a] = fmt.Sprintf("(%s + %d)", v, r) })
			})
			w.depth--
			w.line("}")
		}
		if rest := n % blockRows; rest > 0 {
			w.block(rest, func(r int) { w.fixed[a] = n - rest + r; w.pos[a] = strconv.Itoa(w.fixed[a]) })
			w.fixed[a] = -1
		}
	})
	return true
}

// block prints sums of products at as many places, each of which at sets.
func (w *writer) block(places int, at func(r int)) {
	o := &w.m.outs[0]
	sum := value{vec: w.isVec(w.m, o.Value), dt: o.Aval.DType}
	t := w.typeOf(sum.dt, sum.vec)
	w.temps++
	id := w.temps
	for r := range places {
		w.line("%s s%d_%d = {0};", t, id, r)
	}
	w.loops(w.red, func() {
		for r := range places {
			at(r)
			a, b := w.factors(o)
			w.line("s%d_%d = fma_%s(%s, %s, s%d_%d);", id, r, t, w.as(a, sum.vec), w.as(b, sum.vec), id, r)
		}
	})
	for r := range places {
		at(r)
		sum.text = fmt.Sprintf("s%d_%d", id, r)
		w.keep(o, sum)
	}
}

// productLoop prints a sum of products as a loop.
func (w *writer) productLoop(o *store) value {
	vec := w.isVec(w.m, o.Value)
	t := w.typeOf(o.Aval.DType, vec)
	w.temps++
	acc := fmt.Sprintf("s%d", w.temps)
	w.line("%s %s = {0};", t, acc)
	w.loops(w.red, func() {
		a, b := w.factors(o)
		w.line("%s = fma_%s(%s, %s, %s);", acc, t, w.as(a, vec), w.as(b, vec), acc)
	})
	return value{text: acc, vec: vec, dt: o.Aval.DType}
}

// Sums of products over the vector axis.

// term is a product that is added to an accumulator's element.
type term struct{ element, a, b string }

// delay is how many vectors pass before products are added to accumulators that
// are too many for registers, leastSums or more: loads and stores of them are that
// much rarer.
const (
	delay     = 8
	leastSums = 32
)

// add prints the additions of the member's terms.
func (w *writer) add() {
	if len(w.terms) == 0 {
		return
	}
	o := &w.m.outs[0]
	t := typeNames[o.Aval.DType]
	if len(w.terms) < leastSums {
		for _, x := range w.terms {
			w.line("A%d[%s] = fma_v_%s(%s, %s, A%d[%s]);", o.val, x.element, t, x.a, x.b, o.val, x.element)
		}
		return
	}
	w.later(w.sums(o))
}

// later prints what is done once factors of as many vectors as are kept are there.
func (w *writer) later(sums func()) {
	w.line("if (u == %d || n <= CT_W) {", delay-1)
	w.depth++
	sums()
	w.depth--
	w.line("}")
}

// sums prints what keeps the terms' factors, and returns what prints the additions
// of several vectors: row by row where the terms are all products of two lists, as of
// an outer product.
func (w *writer) sums(o *store) func() {
	t := typeNames[o.Aval.DType]
	rows, cols := w.grid()
	if rows == nil {
		var factors []string
		for _, x := range w.terms {
			factors = append(factors, x.a, x.b)
		}
		at := w.delayed("D", o, factors)
		return func() {
			for _, x := range w.terms {
				sum := fmt.Sprintf("A%d[%s]", o.val, x.element)
				for k := range delay {
					w.line("%s = fma_v_%s(D%d[%d][%d], D%d[%d][%d], %s);", sum, t, o.val, k, at[x.a], o.val, k, at[x.b], sum)
				}
			}
		}
	}
	w.delayed("R", o, rows)
	w.delayed("D", o, cols)
	return func() { w.tiles(o, len(rows), len(cols)) }
}

// outer prints sums over the vector axis of all products of two lists, as of an outer
// product, whose factors are made in loops. It reports whether the member is one.
func (w *writer) outer() bool {
	if w.m.reducedShared() == 0 || len(w.red) > 0 || w.m.elements() < leastSums {
		return false
	}
	o := &w.m.outs[0]
	x := w.m.nodes[o.Value].Arg
	first, second := x[0], x[1]
	var all uint64
	for _, a := range w.res {
		all |= 1 << a
	}
	rows, cols := axes(w.m.deps[first]&all), axes(w.m.deps[second]&all)
	if len(rows) == 0 || len(cols) == 0 {
		return false
	}
	if rows[0] > cols[0] {
		first, second, rows, cols = second, first, cols, rows
	}
	if !slices.Equal(append(slices.Clone(rows), cols...), w.res) {
		return false
	}
	r, c := w.extent(rows), w.extent(cols)
	w.delayedLoop("R", o, first, rows, r)
	w.delayedLoop("D", o, second, cols, c)
	w.clear("R", o, r)
	w.clear("D", o, c)
	w.later(func() { w.tiles(o, r, c) })
	return true
}

func (w *writer) extent(list []int) int {
	n := 1
	for _, a := range list {
		n *= w.m.size[a]
	}
	return n
}

// side is how many rows, or columns, the tiles of sums have that are held in registers:
// the largest of those given that divides n, or the first, with a rest.
func side(n int, sides ...int) int {
	for _, s := range sides {
		if n%s == 0 {
			return s
		}
	}
	return sides[0]
}

// tiles prints the additions of several vectors' products of rows by columns, as they
// are kept, to their sums, tile by tile. Of each strip of columns only those rows are
// added whose sums anything reads.
func (w *writer) tiles(o *store, rows, cols int) {
	width := side(cols, 2, 3)
	wanted := w.g.wanted(w.m, o)
	if wanted == nil || (cols+width-1)/width > maxStrips {
		w.strips(0, rows, side(rows, 5, 4, 3), func(i string, r int) {
			w.strips(0, cols, width, func(j string, c int) { w.tile(o, i, j, r, c, cols) })
		})
		return
	}
	for j := 0; j < cols; j += width {
		c := min(width, cols-j)
		from, to := rows, 0
		for i := range rows {
			if slices.Contains(wanted[i*cols+j:][:c], true) {
				from, to = min(from, i), i+1
			}
		}
		if from < to {
			w.strips(from, to, side(to-from, 5, 4, 3), func(i string, r int) { w.tile(o, i, strconv.Itoa(j), r, c, cols) })
		}
	}
}

// maxStrips bounds the strips of columns that have text of their own.
const maxStrips = 16

// strips prints what f does for strips of rows, or columns, and for what is left.
func (w *writer) strips(from, to, side int, f func(at string, side int)) {
	whole := (to - from) / side * side
	if whole > 0 {
		w.temps++
		v := fmt.Sprintf("j%d", w.temps)
		w.line("for (long %s = %d; %s < %d; %s += %d) {", v, from, v, from+whole, v, side)
		w.depth++
		f(v, side)
		w.depth--
		w.line("}")
	}
	if from+whole < to {
		f(strconv.Itoa(from+whole), to-from-whole)
	}
}

// tile prints one of r rows by c columns of sums.
func (w *writer) tile(o *store, i, j string, r, c, cols int) {
	t := typeNames[o.Aval.DType]
	each := func(f func(p, q int)) {
		for p := range r {
			for q := range c {
				f(p, q)
			}
		}
	}
	at := func(p, q int) string { return fmt.Sprintf("A%d[(%s) * %d + %s + %d]", o.val, i, cols, j, p*cols+q) }
	w.line("{")
	each(func(p, q int) { w.line("v_%s s%d%d = %s;", t, p, q, at(p, q)) })
	w.line("for (long k = 0; k < %d; k++) {", delay)
	for q := range c {
		w.held("b", q, fmt.Sprintf("D%d[k][%s + %d]", o.val, j, q), t)
	}
	for p := range r {
		w.held("a", p, fmt.Sprintf("R%d[k][%s + %d]", o.val, i, p), t)
		for q := range c {
			w.line("s%d%d = fma_v_%s(a%d, b%d, s%d%d);", p, q, t, p, q, p, q)
		}
	}
	w.line("}")
	each(func(p, q int) { w.line("%s = s%d%d;", at(p, q), p, q) })
	w.line("}")
}

// held prints the read of a vector that stays in a register.
func (w *writer) held(name string, k int, from, t string) {
	w.line("v_%s %s%d = %s;", t, name, k, from)
	w.line("CT_HELD(%s%d);", name, k)
}

// grid returns the factors of the terms if these are, in order, the products of each
// of rows with each of cols, added to elements in that order.
func (w *writer) grid() (rows, cols []string) {
	for _, x := range w.terms {
		if x.a != w.terms[0].a {
			break
		}
		cols = append(cols, x.b)
	}
	if len(cols) < delay || len(w.terms)%len(cols) != 0 {
		return nil, nil
	}
	for i, x := range w.terms {
		if i%len(cols) == 0 {
			rows = append(rows, x.a)
		}
		if x.a != rows[len(rows)-1] || x.b != cols[i%len(cols)] || x.element != strconv.Itoa(i) {
			return nil, nil
		}
	}
	return rows, cols
}

// delayed declares an array that keeps vectors for as many steps as pass before they
// are used, prints what fills it, and returns where in its rows each vector is.
func (w *writer) delayed(array string, o *store, names []string) map[string]int {
	at := map[string]int{}
	for _, n := range names {
		if _, ok := at[n]; !ok {
			w.line("%s%d[u][%d] = %s;", array, o.val, len(at), n)
			at[n] = len(at)
		}
	}
	w.clear(array, o, len(at))
	return at
}

// delayedLoop prints what keeps a node's value for n values of the axes.
func (w *writer) delayedLoop(array string, o *store, node loop.Node, list []int, n int) {
	w.loops(list, func() {
		coefs, stride := make([]int, len(w.m.size)), 1
		for k := len(list) - 1; k >= 0; k-- {
			coefs[list[k]] = stride
			stride *= w.m.size[list[k]]
		}
		at, _ := w.offset(0, coefs)
		w.line("%s%d[u][%s] = %s;", array, o.val, at, w.present(w.node(node)))
	})
}

// clear declares an array for as many vectors of as many steps as pass, and prints what
// clears those of the steps that do not come.
func (w *writer) clear(array string, o *store, n int) {
	t := typeNames[o.Aval.DType]
	w.line("if (n <= CT_W) for (long k = u + 1; k < %d; k++) for (long j = 0; j < %d; j++) %s%d[k][j] = (v_%s){0};", delay, n, array, o.val, t)
	fmt.Fprintf(&w.declared, "\t\tv_%s %s%d[%d][%d];\n", t, array, o.val, delay, n)
}

// present returns a vector with zeros in the lanes that are not there.
func (w *writer) present(v value) string {
	key := "present " + v.text
	m, ok := w.memo[key]
	if !ok {
		m = w.name(value{text: fmt.Sprintf("keep_%s(on, %s, (v_%s){0})", typeNames[v.dt], w.wide(v), typeNames[v.dt]), vec: true, dt: v.dt})
		w.memo[key] = m
	}
	return m.text
}
