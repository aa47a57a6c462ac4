// Forward mode of recorded control flow: each value of a body goes with its tangent.
// The derivative of a loop is a loop of the derivative.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

func (f forward) control(lv *tensor.Level, inst *kernels.Inst, c *graph.Control, in, out []*tensor.Tensor) {
	if c.Form == graph.Call {
		copy(out, f.Call(lv, c.Rules.(*tensor.Function), in[c.Consts:]))
		return
	}
	x, dx := lowered(lv, in), make([]*tensor.Tensor, len(in))
	for i, t := range in {
		if t.TracedAt(lv) {
			dx[i] = t.Aux()
		}
	}
	y, dy, err := jvpOfControl(inst, c, x, dx, f.ieee)
	if err != nil {
		copy(out, failures(inst.Name, err, len(out)))
		return
	}
	for i := range out {
		if out[i] = y[i]; dy[i] != nil {
			out[i] = trace(lv, y[i], dy[i])
		}
	}
}

// jvpOfControl emits the instruction's derivative: the results and their tangents, nil for zero.
func jvpOfControl(inst *kernels.Inst, c *graph.Control, x, dx []*tensor.Tensor, ieee bool) (y, dy []*tensor.Tensor, err error) {
	r := tensor.Recording(slices.Concat(x, present(dx))...).(*recorder)
	if c.Form == graph.Cond {
		return r.jvpOfCond(c, x, dx, ieee)
	}
	return r.jvpOfLoop(inst, c, x, dx, ieee)
}

// present returns the tensors that are not nil.
func present(ts []*tensor.Tensor) []*tensor.Tensor {
	return slices.DeleteFunc(slices.Clone(ts), func(t *tensor.Tensor) bool { return t == nil })
}

// isPresent tells of each tensor whether it is not nil.
func isPresent(ts []*tensor.Tensor) []bool {
	out := make([]bool, len(ts))
	for i, t := range ts {
		out[i] = t != nil
	}
	return out
}

// marked returns the elements whose position is marked.
func marked[T any](list []T, on []bool) []T {
	var out []T
	for i, x := range list {
		if on[i] {
			out = append(out, x)
		}
	}
	return out
}

func number(on []bool) (n int) {
	for _, b := range on {
		if b {
			n++
		}
	}
	return n
}

// pushed applies a graph to parameters of which those that are marked have tangents.
func pushed(g *graph.Graph, x, tangents []*tensor.Tensor, have []bool, ieee bool) (y, dy []*tensor.Tensor) {
	lv := tensor.Open("grad.JVP", forward{ieee})
	defer lv.Close()
	in := slices.Clone(x)
	for i := range in {
		if have[i] {
			in[i] = trace(lv, x[i], tangents[0])
			tangents = tangents[1:]
		}
	}
	out := replay(g, in)
	y, dy = lowered(lv, out), make([]*tensor.Tensor, len(out))
	for i, t := range out {
		if t.TracedAt(lv) {
			dy[i] = t.Aux()
		}
	}
	return y, dy
}

func (r *recorder) jvpOfCond(c *graph.Control, x, dx []*tensor.Tensor, ieee bool) (y, dy []*tensor.Tensor, err error) {
	have := isPresent(dx[1:])
	types := slices.Concat(avalsOf(x[1:]), marked(avalsOf(x[1:]), have))
	some := c.Bodies[0].Active(have) // results with a tangent in either branch
	for i, on := range c.Bodies[1].Active(have) {
		some[i] = some[i] || on
	}
	bodies := make([]*body, 2)
	for k, g := range c.Bodies {
		bodies[k], err = r.body("grad.Cond", types, func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			y, dy := pushed(g, in[:len(have)], in[len(have):], have, ieee)
			out := append(y, marked(orZeros(dy, y), some)...)
			return out, firstError(out)
		})
		if err != nil {
			return nil, nil, err
		}
	}
	captured := unite(bodies...)
	d := &graph.Control{Form: graph.Cond, Bodies: []*graph.Graph{bodies[0].g, bodies[1].g}}
	out := emit(condOp, d, slices.Concat(x[:1], captured, x[1:], present(dx[1:])))
	n := len(some)
	return out[:n], scattered(out[n:], some), firstError(out)
}

// scattered returns list spread over the marked positions, nil elsewhere.
func scattered[T any](list []*T, on []bool) []*T {
	out := make([]*T, len(on))
	for i := range on {
		if on[i] {
			out[i] = list[0]
			list = list[1:]
		}
	}
	return out
}

// sections splits what belongs to the parameters of a loop's body.
func sections[T any](c *graph.Control, list []T) (consts, carries, xs []T) {
	return list[:c.Consts], list[c.Consts : c.Consts+c.Carries], list[c.Consts+c.Carries : c.Consts+c.Carries+c.Xs]
}

// outcomes splits what belongs to the outputs of a loop's body.
func outcomes[T any](c *graph.Control, list []T) (carries, ys, sums []T) {
	return list[:c.Carries], list[c.Carries : c.Carries+c.Ys], list[c.Carries+c.Ys:]
}

// results splits the results of a loop. The number of steps is nil for a scan.
func results(c *graph.Control, out []*tensor.Tensor) (carries []*tensor.Tensor, n *tensor.Tensor, ys, sums []*tensor.Tensor) {
	first := c.FirstY()
	if c.Form == graph.While {
		n = out[c.Carries]
	}
	return out[:c.Carries], n, out[first : first+c.Ys], out[first+c.Ys:]
}

// spread marks also the carries that depend on what is marked, as by reach: have is
// of the parameters of the body, and so is what is returned.
func spread(c *graph.Control, have []bool, reach func(params []bool) []bool) []bool {
	have = slices.Clone(have)
	for grown := true; grown; {
		grown = false
		for j, on := range reach(have)[:c.Carries] {
			if at := c.Consts + j; on && !have[at] {
				have[at], grown = true, true
			}
		}
	}
	return have
}

func (r *recorder) jvpOfLoop(inst *kernels.Inst, c *graph.Control, x, dx []*tensor.Tensor, ieee bool) (y, dy []*tensor.Tensor, err error) {
	g := c.Body()
	np := len(g.Params)
	have := spread(c, isPresent(dx[:np]), g.Active)
	types := typesOf(g, g.Params)
	var some []bool // outputs of the body with tangents
	b, err := r.body(inst.Name, slices.Concat(types, marked(types, have)), func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		y, dy := pushed(g, in[:np], in[np:], have, ieee)
		some = isPresent(dy)
		copy(some, have[c.Consts:c.Consts+c.Carries])
		cy, ys, sums := outcomes(c, y)
		dc, dys, dsums := outcomes(c, orZeros(dy, y))
		sc, sys, ssums := outcomes(c, some)
		out := slices.Concat(cy, marked(dc, sc), ys, marked(dys, sys), sums, marked(dsums, ssums))
		return out, firstError(out)
	})
	if err != nil {
		return nil, nil, err
	}
	hk, hc, hx := sections(c, have)
	// The parameters are captured, those of g, tangents: now sorted into sections.
	ncap := len(b.captured)
	p, d := b.g.Params[ncap:ncap+np], scatteredRefs(b.g.Params[ncap+np:], have)
	pk, pc, px := sections(c, p)
	dk, dc, dxs := sections(c, d)
	b.g.Params = slices.Concat(b.g.Params[:ncap], pk, marked(dk, hk), pc, marked(dc, hc), px, marked(dxs, hx))

	_, sys, ssums := outcomes(c, some)
	e := *c
	e.Consts, e.Carries, e.Xs = c.Consts+ncap+number(hk), c.Carries+number(hc), c.Xs+number(hx)
	e.Ys, e.Sums = c.Ys+number(sys), c.Sums+number(ssums)
	e.Bodies = []*graph.Graph{b.g}
	if c.Form == graph.While {
		test, err := widened(c.Bodies[0], slices.Concat(typesOf(b.g, b.g.Params[:ncap])), c.Consts, marked(types[:c.Consts], hk), marked(types[c.Consts:c.Consts+c.Carries], hc))
		if err != nil {
			return nil, nil, err
		}
		e.Bodies = []*graph.Graph{test, b.g}
	}
	xk, xc, xx := sections(c, x)
	tk, tc, tx := sections(c, dx)
	out := emit(inst.Op, &e, slices.Concat(b.captured, xk, present(tk), xc, marked(orZeros(tc, xc), hc), xx, present(tx), x[np:]))
	if err := firstError(out); err != nil {
		return nil, nil, err
	}
	carries, n, ys, sums := results(&e, out)
	y, dy = slices.Clone(carries[:c.Carries]), scattered(carries[c.Carries:], hc)
	if n != nil {
		y, dy = append(y, n), append(dy, nil)
	}
	y = slices.Concat(y, ys[:c.Ys], sums[:c.Sums])
	return y, slices.Concat(dy, scattered(ys[c.Ys:], sys), scattered(sums[c.Sums:], ssums)), nil
}

func typesOf(g *graph.Graph, refs []graph.Ref) []kernels.Aval {
	out := make([]kernels.Aval, len(refs))
	for i, v := range refs {
		out[i] = g.Aval(v)
	}
	return out
}

func scatteredRefs(list []graph.Ref, on []bool) []graph.Ref {
	out := make([]graph.Ref, len(on))
	for i := range on {
		if on[i] {
			out[i] = list[0]
			list = list[1:]
		}
	}
	return out
}

// widened returns the condition of a loop with more parameters, which it does not
// read: before and after its constants, and after its carries.
func widened(test *graph.Graph, before []kernels.Aval, consts int, afterConsts, afterCarries []kernels.Aval) (*graph.Graph, error) {
	g, err := test.Extract(test.Params, test.Outputs)
	if err != nil {
		return nil, err
	}
	more := func(types []kernels.Aval) []graph.Ref {
		refs := make([]graph.Ref, len(types))
		for i, a := range types {
			refs[i] = g.Input(a)
		}
		return refs
	}
	p := g.Params
	g.Params = slices.Concat(more(before), p[:consts], more(afterConsts), p[consts:], more(afterCarries))
	return g, nil
}
