// Printing reductions: over inner axes, and over the vector axis, which closes
// when its block ends.

package native

import (
	"fmt"
	"math"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// combine are the names of combiners.
var combine = map[loop.Combiner]string{loop.Sum: "sum", loop.Prod: "prod", loop.Max: "max", loop.Min: "min"}

// identity returns what combines with anything without a change.
func identity(c loop.Combiner, dt device.DType) string {
	x := loop.Inst{DType: dt}
	switch c {
	case loop.Sum:
		x.V = math.Copysign(0, -1)
	case loop.Prod:
		x.V, x.K = 1, 1
	case loop.Max:
		x.V, x.K = math.Inf(-1), map[device.DType]int64{device.Int32: math.MinInt32, device.Int64: math.MinInt64}[dt]
	case loop.Min:
		x.V, x.K = math.Inf(1), map[device.DType]int64{device.Int32: math.MaxInt32, device.Int64: math.MaxInt64}[dt]
	}
	return literal(&x)
}

// empty returns the value of a reduction over nothing.
func empty(c loop.Combiner, dt device.DType) string {
	switch c {
	case loop.Sum:
		return "0"
	case loop.LSE:
		return identity(loop.Max, dt)
	}
	return identity(c, dt)
}

// reduce prints a reduction over the inner axes and returns its value.
func (w *writer) reduce(o *store) value {
	n := 1
	for _, a := range w.red {
		n *= w.m.size[a]
	}
	dt := o.Aval.DType
	if n == 0 {
		return value{text: "(" + typeNames[dt] + ")" + empty(o.Reduce, dt), dt: dt}
	}
	if w.body.unrolled(w.m) && n <= blockSize {
		return w.reduceUnrolled(o)
	}
	if w.m.product {
		return w.productLoop(o)
	}
	vec := w.isVec(w.m, o.Value)
	t := w.typeOf(dt, vec)
	w.temps++
	id := w.temps
	if o.Reduce == loop.LSE {
		w.line("%s x%d[%d];", t, id, n)
		w.line("long r%d = 0;", id)
		w.loops(w.red, func() {
			v := w.node(o.Value)
			w.line("x%d[r%d++] = %s;", id, id, w.as(v, vec))
		})
		return w.name(value{text: fmt.Sprintf("lse_%s(x%d, %d)", t, id, n), vec: vec, dt: dt})
	}
	comb, none := combine[o.Reduce], identity(o.Reduce, dt)
	if vec {
		none = fmt.Sprintf("splat_%s(%s)", typeNames[dt], none)
	}
	w.line("%s x%d[16];", t, id)
	w.line("for (int l = 0; l < 16; l++) x%d[l] = %s;", id, none)
	w.line("long r%d = 0;", id)
	if n > blockSize {
		w.line("%s s%d[48];", t, id)
	}
	w.loops(w.red, func() {
		v := w.node(o.Value)
		w.line("x%d[r%d & 15] = %s_%s(x%d[r%d & 15], %s);", id, id, comb, t, id, id, w.as(v, vec))
		w.line("r%d++;", id)
		if n > blockSize {
			w.line("if (r%d %% %d == 0 || r%d == %d) {", id, blockSize, id, n)
			w.line("\t%s_push_%s(s%d, (r%d - 1) / %d, %s_rows_%s(x%d));", comb, t, id, id, blockSize, comb, t, id)
			w.line("\tfor (int l = 0; l < 16; l++) x%d[l] = %s;", id, none)
			w.line("}")
		}
	})
	if n > blockSize {
		return w.name(value{text: fmt.Sprintf("%s_pop_%s(s%d, %d)", comb, t, id, (n+blockSize-1)/blockSize), vec: vec, dt: dt})
	}
	return w.name(value{text: fmt.Sprintf("%s_rows_%s(x%d)", comb, t, id), vec: vec, dt: dt})
}

// as returns a value as a vector or a number.
func (b *body) as(v value, vec bool) string {
	if vec {
		return b.wide(v)
	}
	return v.text
}

// reduceUnrolled prints a reduction value by value.
func (w *writer) reduceUnrolled(o *store) value {
	if w.m.product {
		return w.productUnrolled(o)
	}
	var list []value
	w.unroll(w.red, func() { list = append(list, w.node(o.Value)) })
	if o.Reduce == loop.LSE {
		return w.lse(list)
	}
	return w.tree(combine[o.Reduce], list)
}

// tree combines values by the tree.
func (w *writer) tree(comb string, list []value) value {
	lanes := append([]value(nil), list[:min(len(list), virtualLanes)]...)
	for i := virtualLanes; i < len(list); i++ {
		lanes[i%virtualLanes] = w.pair(comb, lanes[i%virtualLanes], list[i])
	}
	rows := len(lanes)
	for h := virtualLanes / 2; h > 0; h /= 2 {
		if rows > h {
			for l := 0; l+h < rows; l++ {
				lanes[l] = w.pair(comb, lanes[l], lanes[l+h])
			}
			rows = h
		}
	}
	return lanes[0]
}

func (w *writer) pair(comb string, a, b value) value {
	v := value{vec: a.vec || b.vec, dt: a.dt}
	t := w.typeOf(a.dt, v.vec)
	v.text = fmt.Sprintf("%s_%s(%s, %s)", comb, t, w.as(a, v.vec), w.as(b, v.vec))
	return w.name(v)
}

// lse prints the log of the sum of the values' exponentials.
func (w *writer) lse(list []value) value {
	vec := false
	for _, v := range list {
		vec = vec || v.vec
	}
	dt := list[0].dt
	t := w.typeOf(dt, vec)
	w.temps++
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = w.as(v, vec)
	}
	w.line("%s x%d[] = {%s};", t, w.temps, strings.Join(texts, ", "))
	v := value{text: fmt.Sprintf("lse_%s(x%d, %d)", t, w.temps, len(list)), vec: vec, dt: dt}
	w.temps++
	name := fmt.Sprintf("t%d", w.temps)
	w.line("const %s %s = %s;", t, name, v.text)
	v.text = name
	return v
}

// Reductions over the vector axis. A sum has an accumulator of 16 lanes for each
// of its elements, a product one of a vector; of an LSE the block's values are
// kept.

func (m *member) elements() int {
	res, _ := m.inner()
	return m.extent(res)
}

// slots returns the vectors of an element's accumulator.
func (m *member) slots() string {
	if m.product {
		return "1"
	}
	return "CT_P"
}

// accumulators declares the member's accumulators.
func (b *body) accumulators(m *member, s *strings.Builder) {
	for i := range m.outs {
		o := &m.outs[i]
		t := typeNames[o.Aval.DType]
		if o.Reduce == loop.LSE {
			fmt.Fprintf(s, "\t\t%s B%d[%d][%d];\n", t, o.val, m.elements(), min(blockSize, b.lanes)+16)
			continue
		}
		fmt.Fprintf(s, "\t\tv_%s A%d[%d * %s];\n", t, o.val, m.elements(), m.slots())
		fmt.Fprintf(s, "\t\tfor (long k = 0; k < %d * %s; k++) A%d[k] = splat_%s(%s);\n", m.elements(), m.slots(), o.val, t, identity(o.Reduce, o.Aval.DType))
	}
}

// accumulate adds to the accumulators of the present element.
func (w *writer) accumulate() {
	for i := range w.m.outs {
		o := &w.m.outs[i]
		t := typeNames[o.Aval.DType]
		e := w.elementIndex()
		if w.m.product {
			if w.body.unrolled(w.m) {
				w.unroll(w.red, func() {
					a, b := w.factors(o)
					w.terms = append(w.terms, term{e, w.present(a), w.present(b)})
				})
				continue
			}
			w.loops(w.red, func() {
				a, b := w.factors(o)
				w.line("A%d[%s] = keep_%s(on, fma_v_%s(%s, %s, A%d[%s]), A%d[%s]);", o.val, e, t, t, w.wide(a), w.wide(b), o.val, e, o.val, e)
			})
			continue
		}
		v := w.node(o.Value)
		if o.Reduce == loop.LSE {
			w.line("st_%s(B%d[%s] + (i - from), %s, on);", t, o.val, e, w.wide(v))
			continue
		}
		at := fmt.Sprintf("A%d[(%s) * CT_P + q]", o.val, e)
		w.line("%s = keep_%s(on, %s_v_%s(%s, %s), %s);", at, t, combine[o.Reduce], t, at, w.wide(v), at)
	}
}

// elementIndex returns the number of the present element among the inner ones.
func (w *writer) elementIndex() string {
	coefs := make([]int, len(w.m.size))
	stride := 1
	for k := len(w.res) - 1; k >= 0; k-- {
		coefs[w.res[k]] = stride
		stride *= w.m.size[w.res[k]]
	}
	text, _ := w.offset(0, coefs)
	return text
}

// closing prints what ends the block of a member's reductions.
func (b *body) closing(m *member, s *strings.Builder) {
	for i := range m.outs {
		o := &m.outs[i]
		t := typeNames[o.Aval.DType]
		fmt.Fprintf(s, "\t\tfor (long k = 0; k < %d; k++) {\n", m.elements())
		switch {
		case o.Reduce == loop.LSE:
			fmt.Fprintf(s, "\t\t\t%s m, s;\n\t\t\tlse_block_%s(B%d[k], to - from, &m, &s);\n", t, t, o.val)
		case m.product:
			fmt.Fprintf(s, "\t\t\tconst %s s = total_%s(A%d[k]);\n", t, t, o.val)
		default:
			fmt.Fprintf(s, "\t\t\tconst %s s = %s_fold_%s(A%d + k * CT_P);\n", t, combine[o.Reduce], t, o.val)
		}
		if b.blocks > 1 {
			part := b.partial(o, m)
			b.roots[part] = true
			if o.Reduce == loop.LSE {
				fmt.Fprintf(s, "\t\t\tp%d[(it * %d + k) * 2] = m, p%d[(it * %d + k) * 2 + 1] = s;\n\t\t}\n", part, m.elements(), part, m.elements())
			} else {
				fmt.Fprintf(s, "\t\t\tp%d[it * %d + k] = s;\n\t\t}\n", part, m.elements())
			}
			continue
		}
		v := "s"
		if o.Reduce == loop.LSE {
			v = fmt.Sprintf("log_%s(s) + m", t)
		}
		b.writeElement(s, m, o, v)
	}
}

// writeElement stores element k of a closed reduction.
func (b *body) writeElement(s *strings.Builder, m *member, o *store, v string) {
	at := b.placeOut(o, m, b.f)
	b.roots[at.root] = true
	res, _ := m.inner()
	list := axes(res)
	rest := "k"
	terms := []string{fmt.Sprint(at.c)}
	for k := len(list) - 1; k >= 0; k-- {
		a := list[k]
		x := rest
		if k > 0 {
			x = fmt.Sprintf("(%s) %% %d", rest, m.size[a])
			rest = fmt.Sprintf("(%s) / %d", rest, m.size[a])
		}
		terms = append(terms, fmt.Sprintf("(%s) * %d", x, at.coef[a]))
	}
	for a, shared := range m.at {
		if shared >= 0 && shared != b.f.vec {
			terms = append(terms, fmt.Sprintf("o%d * %d", shared, at.coef[a]))
		}
	}
	fmt.Fprintf(s, "\t\t\tp%d[%s] = %s;\n\t\t}\n", at.root, strings.Join(terms, " + "), v)
}

// end returns the function that combines the blocks of all reductions, over the
// values of the outer axes.
func (b *body) end(name string) string {
	var s, in strings.Builder
	b.roots = map[int]bool{}
	any := false
	for _, m := range b.f.members {
		if m.reducedShared() == 0 {
			continue
		}
		any = true
		for i := range m.outs {
			o := &m.outs[i]
			t, part := typeNames[o.Aval.DType], b.partial(o, m)
			b.roots[part] = true
			fmt.Fprintf(&in, "\t\tfor (long k = 0; k < %d; k++) {\n", m.elements())
			v := "s"
			if o.Reduce == loop.LSE {
				fmt.Fprintf(&in, "\t\t\t%s m, s;\n\t\t\tlse_tree_%s(p%d + (it * %d * %d + k) * 2, %d, %d * 2, &m, &s);\n", t, t, part, b.blocks, m.elements(), b.blocks, m.elements())
				v = fmt.Sprintf("log_%s(s) + m", t)
			} else {
				fmt.Fprintf(&in, "\t\t\tconst %s s = %s_tree_%s(p%d + it * %d * %d + k, %d, %d);\n", t, combine[o.Reduce], t, part, b.blocks, m.elements(), b.blocks, m.elements())
			}
			b.writeElement(&in, m, o, v)
		}
	}
	if !any {
		return ""
	}
	s.WriteString(b.define(name + "_end"))
	for _, k := range b.sortedRoots() {
		s.WriteString(b.pointer(k))
	}
	s.WriteString("\tfor (long it = lo; it < hi; it++) {\n")
	if len(b.outer) > 0 {
		s.WriteString("\t\tlong at = it;\n")
	}
	for o := len(b.outer) - 1; o >= 0; o-- {
		if o > 0 {
			fmt.Fprintf(&s, "\t\tconst long o%d = at %% %d;\n\t\tat /= %d;\n", o, b.outer[o], b.outer[o])
		} else {
			s.WriteString("\t\tconst long o0 = at;\n")
		}
	}
	s.WriteString(in.String())
	s.WriteString("\t}\n\treturn CT_DONE;\n}\n\n")
	return s.String()
}
