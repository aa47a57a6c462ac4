// Vectorisation of recorded control flow: bodies with one more axis.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

func (b *batching) control(lv *tensor.Level, inst *kernels.Inst, c *graph.Control, in, out []*tensor.Tensor) {
	if c.Form == graph.Call {
		copy(out, b.Call(lv, c.Rules.(*tensor.Function), in[c.Consts:]))
		return
	}
	wide := make([]bool, len(in))
	for i, t := range in {
		wide[i] = t.TracedAt(lv)
	}
	y, err := func() ([]*tensor.Tensor, error) {
		if c.Form == graph.Cond && wide[0] {
			return both(in[0], bodyFunction(c.Bodies[0], nil), bodyFunction(c.Bodies[1], nil), in[1:])
		}
		r := tensor.Recording(in...).(*recorder)
		if c.Form == graph.Cond {
			return b.cond(lv, r, inst, c, lowered(lv, in), wide)
		}
		return b.loop(lv, r, inst, c, lowered(lv, in), wide)
	}()
	if err != nil {
		y = failures(inst.Name, err, len(out))
	}
	copy(out, y)
}

// mapped applies f, a function of values of given types, to wide ones: those that are
// marked have a leading axis. It returns the results, and which are wide.
func (b *batching) mapped(in []*tensor.Tensor, types []kernels.Aval, wide []bool, f func(in []*tensor.Tensor) []*tensor.Tensor) (out []*tensor.Tensor, wideOut []bool) {
	lv := tensor.Open("grad.Vmap", b)
	defer lv.Close()
	boxed := slices.Clone(in)
	for i, a := range types {
		if wide[i] {
			boxed[i] = lv.TraceAval(a, in[i], 0)
		}
	}
	res := f(boxed)
	wideOut = make([]bool, len(res))
	for i, t := range res {
		wideOut[i] = t.TracedAt(lv)
	}
	return lowered(lv, res), wideOut
}

// widen returns t with the leading axis.
func (b *batching) widen(t *tensor.Tensor) *tensor.Tensor {
	return t.BroadcastTo(append([]int{b.n}, t.Shape()...)...)
}

// widened returns the types with the leading axis where marked.
func (b *batching) widened(types []kernels.Aval, wide []bool) []kernels.Aval {
	out := slices.Clone(types)
	for i, a := range types {
		if wide[i] {
			out[i].Shape = append([]int{b.n}, a.Shape...)
		}
	}
	return out
}

func (b *batching) cond(lv *tensor.Level, r *recorder, inst *kernels.Inst, c *graph.Control, x []*tensor.Tensor, wide []bool) ([]*tensor.Tensor, error) {
	wide = wide[1:]
	types := typesOf(c.Body(), c.Body().Params)
	some := c.Bodies[0].Depends(wide)
	for i, on := range c.Bodies[1].Depends(wide) {
		some[i] = some[i] || on
	}
	var bodies [2]*body
	for k, g := range c.Bodies {
		var err error
		bodies[k], err = r.body(inst.Name, b.widened(types, wide), func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			out, wideOut := b.mapped(in, types, wide, func(in []*tensor.Tensor) []*tensor.Tensor { return replay(g, in) })
			for i := range out {
				if some[i] && !wideOut[i] {
					out[i] = b.widen(out[i])
				}
			}
			return out, firstError(out)
		})
		if err != nil {
			return nil, err
		}
	}
	captured := unite(bodies[0], bodies[1])
	d := &graph.Control{Form: graph.Cond, Bodies: []*graph.Graph{bodies[0].g, bodies[1].g}}
	out := emit(condOp, d, slices.Concat(x[:1], captured, x[1:]))
	for i, t := range out {
		if some[i] && t.Err() == nil {
			out[i] = lv.TraceAval(inst.Out[i], t, 0)
		}
	}
	return out, firstError(out)
}

// loop maps over a loop.
func (b *batching) loop(lv *tensor.Level, r *recorder, inst *kernels.Inst, c *graph.Control, x []*tensor.Tensor, wide []bool) ([]*tensor.Tensor, error) {
	if c.Counted && wide[len(wide)-1] {
		return b.uneven(lv, r, inst, c, x, wide)
	}
	g := c.Body()
	types := typesOf(g, g.Params)
	masked := false
	wide = spread(c, wide[:len(types)], func(params []bool) []bool {
		out := g.Depends(params)
		if c.Form == graph.While && c.Bodies[0].Depends(params)[0] {
			masked = true
			for j := range c.Carries {
				out[j] = true
			}
		}
		return out
	})
	m := &mappedLoop{b: b, r: r, inst: inst, c: *c, types: types, wide: wide, x: x}
	m.step = func(in []*tensor.Tensor) []*tensor.Tensor { return replay(g, in) }
	if c.Form == graph.While {
		m.test = func(in []*tensor.Tensor) *tensor.Tensor { return replay(c.Bodies[0], in)[0] }
	}
	if masked {
		m.mask()
	}
	return m.emit(lv)
}

// mask makes a While whose condition differs between those that are mapped over go
// on while any holds, and keep the carries of the others. How many steps each has
// taken is a further carry.
func (m *mappedLoop) mask() {
	c := m.c
	at := c.Consts + c.Carries
	m.types = append(slices.Clone(m.types), kernels.Aval{DType: tensor.Int64})
	m.wide = append(m.wide, true)
	m.x = append(slices.Clone(m.x), zerosOf(kernels.Aval{DType: tensor.Int64, Shape: []int{m.b.n}}))
	step, test := m.step, m.test
	m.step = func(in []*tensor.Tensor) []*tensor.Tensor {
		holds, next := test(in), step(in[:at])
		carries := selected(holds, next[:c.Carries], in[c.Consts:])
		return slices.Concat(carries, []*tensor.Tensor{in[at].Add(holds.Cast(tensor.Int64))}, next[c.Carries:])
	}
	m.test = func(in []*tensor.Tensor) *tensor.Tensor { return test(in[:at]) }
	m.c.Carries++
	m.counts = true
}

// uneven maps over a scan whose number of steps differs: it takes the most, and
// keeps the carries and sums of those that have fewer.
func (b *batching) uneven(lv *tensor.Level, r *recorder, inst *kernels.Inst, c *graph.Control, x []*tensor.Tensor, wide []bool) ([]*tensor.Tensor, error) {
	g := c.Body()
	last := len(x) - 1
	integer := kernels.Aval{DType: tensor.Int64}
	one := tensor.Scalar(1, tensor.WithDType(tensor.Int64))
	most := x[last].Max()
	first := tensor.Scalar(0, tensor.WithDType(tensor.Int64))
	if c.Reverse {
		first = most.Sub(one)
	}
	// The parameters are: constants, the numbers of steps, carries, the row, xs.
	insert := func(list []*tensor.Tensor, n, row *tensor.Tensor) []*tensor.Tensor {
		k, cs, xs := sections(c, list)
		return slices.Concat(k, []*tensor.Tensor{n}, cs, []*tensor.Tensor{row}, xs)
	}
	m := &mappedLoop{b: b, r: r, inst: inst, c: *c, x: append(insert(x, x[last], first), most), row: true}
	k, cs, xs := sections(c, typesOf(g, g.Params))
	m.types = slices.Concat(k, []kernels.Aval{integer}, cs, []kernels.Aval{integer}, xs)
	wk, _, wx := sections(c, wide)
	all := make([]bool, c.Carries)
	for j := range all {
		all[j] = true
	}
	m.wide = slices.Concat(wk, []bool{true}, all, []bool{false}, wx)
	m.c.Consts++
	m.c.Carries++
	d := m.c
	m.step = func(in []*tensor.Tensor) []*tensor.Tensor {
		pk, pc, px := sections(&d, in)
		row, carries := pc[c.Carries], pc[:c.Carries]
		holds := row.Lt(pk[c.Consts])
		next, ys, sums := outcomes(c, replay(g, slices.Concat(pk[:c.Consts], carries, px)))
		if c.Reverse {
			row = row.Sub(one)
		} else {
			row = row.Add(one)
		}
		return slices.Concat(selected(holds, next, carries), []*tensor.Tensor{row}, ys, selected(holds, sums, zerosFor(sums)))
	}
	return m.emit(lv)
}

// mappedLoop is a loop to be mapped over.
type mappedLoop struct {
	b      *batching
	r      *recorder
	inst   *kernels.Inst
	c      graph.Control // the new one, but for constants captured and bodies
	types  []kernels.Aval
	wide   []bool // parameters of the body
	x      []*tensor.Tensor
	step   func(in []*tensor.Tensor) []*tensor.Tensor
	test   func(in []*tensor.Tensor) *tensor.Tensor
	counts bool // the last carry is how many steps each has taken
	row    bool // the last carry is the row
}

// bodies records the bodies. It returns which outputs are wide.
func (m *mappedLoop) bodies() (list []*body, some []bool, err error) {
	c, b := &m.c, m.b
	types := b.widened(m.types, m.wide)
	step, err := m.r.body(m.inst.Name, types, func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		var out []*tensor.Tensor
		out, some = b.mapped(in, m.types, m.wide, m.step)
		for j, on := range m.wide[c.Consts : c.Consts+c.Carries] {
			if on && !some[j] {
				out[j], some[j] = b.widen(out[j]), true
			}
		}
		return out, firstError(out)
	})
	if err != nil || m.test == nil {
		return []*body{step}, some, err
	}
	test, err := m.r.body(m.inst.Name, types, func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		out, _ := b.mapped(in, m.types, m.wide, func(in []*tensor.Tensor) []*tensor.Tensor { return []*tensor.Tensor{m.test(in)} })
		if out[0].Rank() > 0 {
			out[0] = out[0].Cast(tensor.Int64).Sum().Gt(tensor.Scalar(0, tensor.WithDType(tensor.Int64)))
		}
		return out, firstError(out)
	})
	return []*body{test, step}, some, err
}

// emit emits the loop and returns the results of the one that it stands for.
func (m *mappedLoop) emit(lv *tensor.Level) ([]*tensor.Tensor, error) {
	bodies, some, err := m.bodies()
	if err != nil {
		return nil, err
	}
	captured := unite(bodies...)
	d := m.c
	d.Consts, d.Bodies = d.Consts+len(captured), nil
	for _, b := range bodies {
		d.Bodies = append(d.Bodies, b.g)
	}
	in := slices.Clone(m.x)
	for i, a := range m.types {
		switch {
		case m.wide[i] && i >= m.c.Consts+m.c.Carries:
			in[i] = in[i].SwapAxes(0, 1) // rows first
		case m.wide[i] && in[i].Rank() == len(a.Shape):
			in[i] = m.b.widen(in[i])
		}
	}
	out := emit(m.inst.Op, &d, slices.Concat(captured, in))
	if err := firstError(out); err != nil {
		return nil, err
	}
	carries, n, ys, sums := results(&d, out)
	sc, sy, ss := outcomes(&d, some)
	if m.counts {
		n = carries[d.Carries-1]
	}
	if m.counts || m.row {
		carries, sc = carries[:d.Carries-1], sc[:d.Carries-1]
	}
	for k := range ys {
		if sy[k] {
			ys[k] = ys[k].SwapAxes(0, 1)
		}
	}
	list, on := slices.Clone(carries), slices.Clone(sc)
	if n != nil {
		list, on = append(list, n), append(on, m.counts)
	}
	list, on = slices.Concat(list, ys, sums), slices.Concat(on, sy, ss)
	for i, t := range list {
		if on[i] {
			list[i] = lv.TraceAval(m.inst.Out[i], t, 0)
		}
	}
	return list, firstError(list)
}
