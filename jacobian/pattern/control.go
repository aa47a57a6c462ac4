// Control flow: bodies are followed with what is known of their parameters. A
// scan, and a loop whose condition is known, go step by step; other loops to a
// fixed point, and of a choice that is not known both sides count.

package pattern

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// control finds the sets of a control instruction's results.
func (p *interpreter) control(x *graph.Instr, c *graph.Control, args []graph.Ref) error {
	switch c.Form {
	case graph.Cond:
		return p.cond(x, c, args)
	case graph.Call:
		return p.inline(x, c.Body(), p.bind(args))
	}
	l := &looping{interpreter: p, c: c, x: x}
	l.consts = p.bind(args[:c.Consts])
	l.carries = p.bind(args[c.Consts : c.Consts+c.Carries])
	for _, b := range l.carries {
		hold(b.parts)
	}
	l.ys, l.values, l.sums = make([]*part, c.Ys), make([][]*kernels.Array, c.Ys), make([][]*part, c.Sums)
	var err error
	if c.Form == graph.Scan {
		err = l.scan(args[c.Consts+c.Carries:])
	} else {
		err = l.while()
	}
	if err == nil {
		l.results()
	}
	return err
}

// bind returns what is known of values.
func (p *interpreter) bind(refs []graph.Ref) []binding {
	in := make([]binding, len(refs))
	for i, r := range refs {
		in[i].parts = p.rows[r]
		if p.known.has(r) {
			in[i].value = func() (*kernels.Array, error) { return p.known.array(r) }
		}
	}
	return in
}

// call follows a body and returns what is known of its outputs, whose parts the
// caller is to drop.
func (p *interpreter) call(body *graph.Graph, in []binding) ([]binding, error) {
	q := p.open(body, in)
	if err := q.run(); err != nil {
		return nil, err
	}
	out := q.bind(body.Outputs)
	for _, b := range out {
		hold(b.parts)
	}
	for v := range q.rows {
		q.take(graph.Ref(v))
	}
	return out, nil
}

// inline makes a body's outputs the results of an instruction, beside what they
// depend on already.
func (p *interpreter) inline(x *graph.Instr, body *graph.Graph, in []binding) error {
	out, err := p.call(body, in)
	if err != nil {
		return err
	}
	for k, b := range out {
		for _, y := range b.parts {
			p.give(x.Out+graph.Ref(k), y)
		}
		p.drop(b.parts)
	}
	return nil
}

func (p *interpreter) cond(x *graph.Instr, c *graph.Control, args []graph.Ref) error {
	in := p.bind(args[1:])
	if p.known.has(args[0]) {
		a, err := p.known.array(args[0])
		if err != nil {
			return err
		}
		if holds(a) {
			return p.inline(x, c.Bodies[0], in)
		}
		return p.inline(x, c.Bodies[1], in)
	}
	if err := p.inline(x, c.Bodies[0], in); err != nil {
		return err
	}
	return p.inline(x, c.Bodies[1], in)
}

func holds(a *kernels.Array) bool { return *(*bool)(a.Ptr) }

// looping is a scan or a loop at work.
type looping struct {
	*interpreter
	c               *graph.Control
	x               *graph.Instr
	consts, carries []binding
	ys              []*part            // of each of the ys its rows so far; nil as long as they depend on nothing
	values          [][]*kernels.Array // of each of the ys of a dynamic loop, the values of the rows so far
	sums            [][]*part          // of each sum
}

// body follows one step with the given slices, and takes its outputs in as row r.
// The carries are replaced, or, with keep, added to.
func (l *looping) body(xs []binding, r int, keep bool) error {
	in := append(append(append([]binding{}, l.consts...), l.carries...), xs...)
	out, err := l.call(l.c.Body(), in)
	if err != nil {
		return err
	}
	for i := range l.carries {
		if err := l.carry(i, out[i], keep); err != nil {
			return err
		}
	}
	for i, b := range out[l.c.Carries:][:l.c.Ys] {
		if err := l.row(i, r, b); err != nil {
			return err
		}
	}
	for i, b := range out[l.c.Carries+l.c.Ys:] {
		l.sums[i] = l.gathered(append(l.sums[i], b.parts...), l.x.Inst.Out[len(l.x.Inst.Out)-l.c.Sums+i].Size())
	}
	if l.used > l.limit {
		return l.exceeded()
	}
	return nil
}

// carry replaces a carry by an output, or adds the output to it. A value that is
// known is computed now, so that steps do not pile up.
func (l *looping) carry(i int, next binding, keep bool) error {
	if keep {
		n := l.c.Body().Aval(l.c.Body().Outputs[i]).Size()
		l.carries[i] = binding{parts: l.gathered(append(l.carries[i].parts, next.parts...), n)}
		return nil
	}
	l.drop(l.carries[i].parts)
	l.carries[i] = binding{parts: next.parts}
	if next.value != nil {
		a, err := next.value()
		if err != nil {
			return err
		}
		l.carries[i].value = func() (*kernels.Array, error) { return a, nil }
	}
	return nil
}

// gathered returns held parts of n elements as one, if they are more.
func (l *looping) gathered(parts []*part, n int) []*part {
	if len(parts) < 2 {
		return parts
	}
	x := l.merge(parts, n)
	x.users++
	l.drop(parts)
	return []*part{x}
}

// row takes in row r of one of the ys. Of the rows of a dynamic loop only those
// that exist are kept; those behind the last, if there are any, are as the last.
func (l *looping) row(i, r int, b binding) error {
	if b.value != nil && l.c.Dynamic() {
		a, err := b.value()
		if err != nil {
			return err
		}
		for len(l.values[i]) <= r {
			l.values[i] = append(l.values[i], nil)
		}
		l.values[i][r] = a
	}
	body := l.c.Body()
	n := body.Aval(body.Outputs[l.c.Carries+i]).Size()
	if l.ys[i] == nil {
		if len(b.parts) == 0 {
			return nil
		}
		size := n * l.c.Length
		if l.c.Dynamic() {
			size = n * (r + 1)
		}
		l.ys[i] = l.newPart(size, true)
	}
	y := l.ys[i]
	for len(y.ids) < n*(r+1) {
		l.spend(4)
		y.ids = append(y.ids, empty)
	}
	var list []ref
	for k := range n {
		at := &y.ids[r*n+k]
		list = append(list[:0], *at)
		for _, x := range b.parts {
			list = append(list, x.ids[k])
		}
		*at = l.union(list)
	}
	l.drop(b.parts)
	return nil
}

// results makes what was found the instruction's results.
func (l *looping) results() {
	give := func(k int, parts []*part) {
		for _, x := range parts {
			l.give(l.x.Out+graph.Ref(k), x)
		}
	}
	for i, b := range l.carries {
		give(i, b.parts)
		l.drop(b.parts)
		if b.value != nil {
			l.known.params[l.x.Out+graph.Ref(i)] = b.value
		}
	}
	for i, y := range l.ys {
		if y != nil {
			give(l.c.FirstY()+i, []*part{y})
		}
		if l.values[i] != nil {
			l.interpreter.known.rows[l.x.Out+graph.Ref(l.c.FirstY()+i)] = l.values[i]
		}
	}
	for i, parts := range l.sums {
		give(len(l.x.Inst.Out)-l.c.Sums+i, parts)
		l.drop(parts)
	}
}

// scan follows the steps.
func (l *looping) scan(args []graph.Ref) error {
	xs := args[:l.c.Xs]
	n := l.c.Length
	if l.c.Counted {
		r := args[l.c.Xs]
		if !l.known.has(r) {
			return l.someSteps(xs)
		}
		a, err := l.known.array(r)
		if err != nil {
			return err
		}
		n = min(n, int(*(*int64)(a.Ptr)))
	}
	for k := range n {
		r := k
		if l.c.Reverse {
			r = n - 1 - k
		}
		if err := l.step(xs, r, false); err != nil {
			return err
		}
	}
	return nil
}

// step follows the step of row r.
func (l *looping) step(xs []graph.Ref, r int, keep bool) error {
	in := make([]binding, len(xs))
	for i, v := range xs {
		in[i] = l.slice(v, r)
	}
	err := l.body(in, r, keep)
	for _, b := range in {
		l.drop(b.parts)
	}
	return err
}

// someSteps follows a scan of an unknown number of steps: carries may start or end
// at any row. Rows behind the last that is kept are as that one.
func (l *looping) someSteps(xs []graph.Ref) error {
	for i := range l.carries {
		l.carries[i].value = nil
	}
	rows := 1
	for _, v := range xs {
		n := l.g.Aval(v).Size() / max(1, l.c.Length)
		for _, x := range l.rows[v] {
			rows = max(rows, len(x.ids)/max(1, n))
		}
	}
	if l.c.Length == 0 {
		return nil
	}
	last := func() error {
		for size := -1; size != l.total(); {
			size = l.total()
			if err := l.step(xs, rows-1, true); err != nil {
				return err
			}
		}
		return nil
	}
	if l.c.Reverse {
		if err := last(); err != nil {
			return err
		}
	}
	for k := range rows - 1 {
		r := k
		if l.c.Reverse {
			r = rows - 2 - k
		}
		if err := l.step(xs, r, true); err != nil {
			return err
		}
	}
	if l.c.Reverse {
		return nil
	}
	return last()
}

// total returns the number of columns in the carries' sets, which grows as long
// as steps add something.
func (l *looping) total() int {
	n := 0
	for _, b := range l.carries {
		for _, x := range b.parts {
			for _, r := range x.ids {
				n += l.size(r)
			}
		}
	}
	return n
}

// slice returns what is known of row r of a value, with parts of its own.
func (l *looping) slice(v graph.Ref, r int) (b binding) {
	a := l.g.Aval(v)
	row := kernels.Aval{DType: a.DType, Shape: a.Shape[1:]}
	n := row.Size()
	for _, y := range l.rows[v] {
		x := l.newPart(n, false)
		copy(x.ids, y.ids[min(r*n, len(y.ids)-n):])
		x.users++
		b.parts = append(b.parts, x)
	}
	if list := l.known.rows[v]; list != nil {
		if r < len(list) && list[r] != nil {
			b.value = func() (*kernels.Array, error) { return list[r], nil }
		}
		return b
	}
	if l.known.has(v) {
		b.value = func() (*kernels.Array, error) {
			whole, err := l.known.array(v)
			if err != nil {
				return nil, err
			}
			out := &kernels.Array{Aval: row, Buf: whole.Buf, Ptr: whole.Ptr}
			if n > 0 {
				out.Ptr = unsafe.Add(whole.Ptr, r*whole.Stride(0)*a.DType.Size())
			}
			if whole.Strides != nil {
				out.Strides = whole.Strides[1:]
			}
			return out, nil
		}
	}
	return b
}

// while follows the steps as long as the condition is known, and then, if it is not,
// adds what a step may add until nothing new comes.
func (l *looping) while() error {
	for n := 0; ; n++ {
		in := append(append([]binding{}, l.consts...), l.carries...)
		test, err := l.call(l.c.Bodies[0], in)
		if err != nil {
			return err
		}
		l.drop(test[0].parts)
		if test[0].value == nil {
			return l.fixedPoint(n)
		}
		a, err := test[0].value()
		if err != nil {
			return err
		}
		if !holds(a) || l.c.Bound > 0 && n == l.c.Bound || l.c.Ys > 0 && n == l.c.Length {
			return nil // beyond a bound the run fails
		}
		if err := l.body(nil, n, false); err != nil {
			return err
		}
	}
}

// fixedPoint adds the effects of steps from row n on, which stands for all behind it.
func (l *looping) fixedPoint(n int) error {
	for i := range l.carries {
		l.carries[i].value = nil
	}
	for size := -1; size != l.total(); {
		size = l.total()
		if err := l.body(nil, n, true); err != nil {
			return err
		}
	}
	return nil
}
