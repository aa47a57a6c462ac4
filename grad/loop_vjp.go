// Reverse mode of recorded loops.

package grad

import (
	"errors"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// loopPull makes the sweep over a loop.
type loopPull struct {
	r    *recorder
	inst *kernels.Inst
	c    *graph.Control
	x    []*tensor.Tensor // the operands
	ieee bool

	want  []bool      // parameters of the body with cotangents
	seeds []bool      // outputs of the body with cotangents, when all results have them
	full  *swept      // the body and the sweep from all of them
	kept  []graph.Ref // values of full that each step keeps

	length int              // rows
	rows   []*tensor.Tensor // what was kept
	n      *tensor.Tensor   // the number of steps, where it is not known beforehand
}

// run emits the loop that keeps what the sweep will read.
func (l *loopPull) run(active []bool) *pullback {
	c, g := l.c, l.c.Body()
	l.want = spread(c, active[:len(g.Params)], g.Active)
	for i, v := range g.Params {
		l.want[i] = l.want[i] && g.Aval(v).DType.IsFloat()
	}
	l.seeds = g.Active(l.want)
	copy(l.seeds, l.want[c.Consts:c.Consts+c.Carries])
	p := &pullback{active: slices.Clone(l.seeds)}
	if c.Form == graph.While {
		p.active = slices.Insert(p.active, c.Carries, false)
	}
	if l.full, p.err = l.r.swept(l.inst.Name, g, l.want, l.seeds, l.ieee); p.err != nil {
		return p
	}
	l.keep()
	p.y, p.err = l.forward()
	p.pull = l.pull
	return p
}

// keep chooses what each step keeps: derivatives, if that is less.
func (l *loopPull) keep() {
	cut := l.full.residuals(l.c, l.want)
	if s := l.full.preaccumulated(l.r.passes, l.c); s != nil {
		if now := s.residuals(l.c, l.want); now.time() < cut.time() {
			l.full, cut = s, now
		}
	}
	l.kept = cut.kept
}

// forward emits the loop with what is kept as further rows.
func (l *loopPull) forward() ([]*tensor.Tensor, error) {
	c, s := l.c, l.full
	carries, ys, sums := outcomes(c, s.outs)
	body, err := s.g.Extract(slices.Concat(s.inputs, s.params), slices.Concat(carries, ys, l.kept, sums))
	if err != nil {
		return nil, err
	}
	body.Preaccumulated = s.g.Preaccumulated
	d := *c
	d.Consts, d.Ys, d.Bodies = c.Consts+len(s.inputs), c.Ys+len(l.kept), []*graph.Graph{body}
	if c.Form == graph.While {
		d.Length = l.rowLimit()
		test, err := widened(c.Bodies[0], typesOf(s.g, s.inputs), c.Consts, nil, nil)
		if err != nil {
			return nil, err
		}
		d.Bodies = []*graph.Graph{test, body}
	}
	l.length = d.Length
	out := emit(l.inst.Op, &d, slices.Concat(s.captured, l.x))
	if err := firstError(out); err != nil {
		return nil, err
	}
	carry, n, rows, sum := results(&d, out)
	l.rows = rows[c.Ys:]
	y := slices.Clone(carry)
	if n != nil {
		l.n = n
		y = append(y, n)
	}
	if c.Counted {
		l.n = l.x[len(l.x)-1]
	}
	return slices.Concat(y, rows[:c.Ys], sum), nil
}

// manyRows is the length of loops that keep nothing and have no bound.
const manyRows = 1 << 40

// rowLimit returns how many rows the steps of a While may keep.
func (l *loopPull) rowLimit() int {
	if l.c.Ys > 0 {
		return l.c.Length
	}
	bytes := 0
	for _, v := range l.kept {
		a := l.full.g.Aval(v)
		bytes += a.Size() * a.DType.Size()
	}
	n := manyRows
	if bytes > 0 {
		n = max(l.c.Limit/bytes, 1)
	}
	if l.c.Bound > 0 {
		n = min(n, l.c.Bound)
	}
	return n
}

// pull emits the scan that sweeps from the results' cotangents to the operands'.
func (l *loopPull) pull(g []*tensor.Tensor) ([]*tensor.Tensor, error) {
	c := l.c
	if c.Form == graph.While {
		g = slices.Delete(slices.Clone(g), c.Carries, c.Carries+1)
	}
	seeds := l.reach(isPresent(g))
	if number(seeds) == 0 {
		return make([]*tensor.Tensor, len(l.x)), nil
	}
	s := l.full
	switch {
	case slices.Equal(seeds, l.seeds):
	case s.partial != nil:
		s = s.only(seeds)
	default:
		var err error
		if s, err = l.r.swept(l.inst.Name, c.Body(), l.want, seeds, l.ieee); err != nil {
			return nil, err
		}
		if s.prefix != l.full.prefix {
			return nil, errors.New("grad: a body was recorded differently the second time")
		}
	}
	return l.emit(s, seeds, g)
}

// reach marks also the carries whose cotangents become other than zero on the way,
// and of all only what can have one.
func (l *loopPull) reach(seeds []bool) []bool {
	c := l.c
	for i := range seeds {
		seeds[i] = seeds[i] && l.seeds[i]
	}
	for grown := true; grown; {
		grown = false
		_, useful, _ := sections(c, c.Body().Useful(seeds))
		for j, on := range useful {
			if on && l.seeds[j] && !seeds[j] {
				seeds[j], grown = true, true
			}
		}
	}
	return seeds
}

// emit emits the scan of a sweep: g are cotangents of the outputs, of which those
// marked as seeds go round.
func (l *loopPull) emit(s *swept, seeds []bool, g []*tensor.Tensor) ([]*tensor.Tensor, error) {
	c := l.c
	sc, sy, ss := outcomes(c, seeds)
	gc, gy, gs := outcomes(c, g)
	xk, xc, xx := sections(c, l.x)
	pk, _, px := sections(c, s.params)

	// The parameters: constants, carries, rows.
	cts := make([]graph.Ref, len(seeds))
	for i, on := range seeds {
		if on {
			cts[i] = s.ct(i)
		}
	}
	cc, cy, cs := outcomes(c, cts)
	consts := slices.Concat(s.inputs, pk, marked(cs, ss))
	rows := slices.Concat(px, l.kept, marked(cy, sy))
	params := slices.Concat(consts, marked(cc, sc), rows)

	// The outputs: cotangents of carries, of rows of xs, of constants.
	some := make([]bool, len(s.params))
	for i, v := range s.grads {
		some[i] = v != none
	}
	hk, _, hx := sections(c, some)
	copy(some[c.Consts:], sc)
	var outs [3][]graph.Ref
	for i, on := range some {
		if on {
			k := 2
			if i >= c.Consts {
				k = 0
			}
			if i >= c.Consts+c.Carries {
				k = 1
			}
			outs[k] = append(outs[k], s.grad(i))
		}
	}
	body, err := s.g.Extract(params, slices.Concat(outs[0], outs[1], outs[2]))
	if err != nil {
		return nil, err
	}
	d := &graph.Control{
		Form: graph.Scan, Bodies: []*graph.Graph{body},
		Consts: len(consts), Carries: number(sc), Xs: len(rows), Ys: len(outs[1]), Sums: len(outs[2]),
		Length: l.length, Counted: l.n != nil, Reverse: !c.Reverse, Residuals: c.Residuals,
	}
	in := slices.Concat(s.captured, xk, marked(gs, ss), marked(orZeros(gc, xc), sc), xx, l.rows, marked(gy, sy))
	if l.n != nil {
		in = append(in, l.n)
	}
	out, err := emitNarrow(scanOp, d, in)
	if err != nil {
		return nil, err
	}
	carries, _, ys, sums := results(d, out)
	gx := slices.Concat(scattered(sums, hk), scattered(carries, sc), scattered(ys, hx))
	if c.Counted {
		gx = append(gx, nil)
	}
	return gx, nil
}
