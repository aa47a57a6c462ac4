// Reverse mode of recorded control flow. A body is recorded together with the sweep
// over it as one graph, of which two parts are taken: what runs forward, with the
// values that the sweep will read as further results, and the sweep, which begins
// with them.
//
// The derivative of a loop is a scan the other way: the carries are the cotangents of
// the carries, the rows those of the rows of xs, and the sums those of the constants.
// Only what depends on what is differentiated, and what the result depends on, has a
// cotangent.

package grad

import (
	"errors"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

func (tp *tape) control(lv *tensor.Level, inst *kernels.Inst, c *graph.Control, in, out []*tensor.Tensor) {
	if c.Form == graph.Call {
		copy(out, tp.Call(lv, c.Rules.(*tensor.Function), in[c.Consts:]))
		return
	}
	x := lowered(lv, in)
	active := make([]bool, len(in))
	for i, t := range in {
		active[i] = t.TracedAt(lv)
	}
	p := pullOfControl(inst, c, x, active, tp.ieee)
	if p.err != nil {
		copy(out, failures(inst.Name, p.err, len(out)))
		return
	}
	tp.mixed = true
	args := make([]graph.Ref, len(in))
	for i, t := range in {
		if args[i] = graph.Untracked; active[i] {
			args[i] = t.Ref()
		}
	}
	for i, t := range p.y {
		if slices.Contains(x, t) {
			p.y[i] = tensor.Share(t)
		}
	}
	ref, _ := tp.emit(ruled(inst, c, p, tp.ieee), args)
	tp.saved = append(append(tp.saved, x...), p.y...)
	for i, t := range p.y {
		tp.made = append(tp.made, nil)
		if out[i] = t; p.active[i] {
			out[i] = lv.Trace(t, nil, ref+graph.Ref(i))
		}
	}
}

// pullback is a control instruction that was emitted, with what its sweep needs.
type pullback struct {
	y      []*tensor.Tensor // the results
	active []bool           // which of them carry derivatives
	pull   func(g []*tensor.Tensor) ([]*tensor.Tensor, error)
	err    error
}

// ruled returns an instruction whose rules are those of control flow.
func ruled(inst *kernels.Inst, c *graph.Control, p *pullback, ieee bool) *kernels.Inst {
	op := &kernels.Op{Name: inst.Name, Kind: kernels.Library}
	op.VJP = func(_ kernels.Builder, _ *kernels.Inst, _, _, g []kernels.Val, _ kernels.Mask) []kernels.Val {
		gx, err := p.pull(unvals(g))
		if err != nil {
			gx = failures(inst.Name, err, len(inst.In))
		}
		return vals(gx)
	}
	op.JVP = func(_ kernels.Builder, _ *kernels.Inst, x, _, dx []kernels.Val) []kernels.Val {
		_, dy, err := jvpOfControl(inst, c, unvals(x), unvals(dx), ieee)
		if err != nil {
			dy = failures(inst.Name, err, len(inst.Out))
		}
		return vals(dy)
	}
	return kernels.NewInst(op, nil, inst.In, inst.Out)
}

func pullOfControl(inst *kernels.Inst, c *graph.Control, x []*tensor.Tensor, active []bool, ieee bool) *pullback {
	r := tensor.Recording(x...)
	if r == nil {
		return &pullback{err: errors.New("grad: control flow without values is not being recorded")}
	}
	if c.Form == graph.Cond {
		return r.(*recorder).pullOfCond(c, x, active[1:], ieee)
	}
	return (&loopPull{r: r.(*recorder), inst: inst, c: c, x: x, ieee: ieee}).run(active)
}

// swept is a body recorded with the sweep over it.
type swept struct {
	g        *graph.Graph
	captured []*tensor.Tensor
	inputs   []graph.Ref // which are the captured ones
	params   []graph.Ref // of each parameter of the body
	outs     []graph.Ref // of each output of the body
	prefix   graph.Ref   // the values before it are there before the sweep
	cts      []graph.Ref // of each output its cotangent, an input, or none
	grads    []graph.Ref // of each parameter its cotangent, or none

	partial map[*kernels.Inst]bool // what computes derivatives ahead of the sweep
}

const none graph.Ref = -1

// swept records g and the sweep from the cotangents of the marked outputs to those of
// the marked parameters.
func (r *recorder) swept(name string, g *graph.Graph, want, seeds []bool, ieee bool) (*swept, error) {
	inner := r.inner(new(graph.Graph))
	lv := tensor.Open(name, inner)
	defer lv.Close()
	tp := &tape{ieee: ieee, mixed: true}
	tp.lv = tensor.Open("grad.VJP", tp)
	defer tp.lv.Close()

	s := &swept{g: inner.g}
	in := make([]*tensor.Tensor, len(g.Params))
	for i, v := range g.Params {
		in[i] = inner.trace(lv, g.Aval(v), inner.g.Input(g.Aval(v)))
		s.params = append(s.params, in[i].Ref())
		if want[i] {
			in[i] = tp.input(in[i])
		}
	}
	out := replay(g, in)
	if err := firstError(out); err != nil {
		return nil, err
	}
	low := lowered(tp.lv, out)
	s.prefix = graph.Ref(inner.g.NumValues())
	for i, t := range out {
		v, err := inner.ref(lv, low[i])
		if err != nil {
			return nil, err
		}
		s.outs, s.cts = append(s.outs, v), append(s.cts, none)
		if seeds[i] && t.TracedAt(tp.lv) {
			ct := inner.trace(lv, t.Aval(), inner.g.Input(t.Aval()))
			s.cts[i] = ct.Ref()
			tp.seeds = append(tp.seeds, seed{t.Ref(), ct})
		}
	}
	if err := tp.sweep(false); err != nil {
		return nil, err
	}
	grads := tp.ct[:tp.rec.NumInputs()]
	for i := range in {
		s.grads = append(s.grads, none)
		if !want[i] {
			continue
		}
		if c := grads[0]; c != nil {
			v, err := inner.ref(lv, c.t)
			if err != nil {
				return nil, err
			}
			s.grads[i] = v
		}
		grads = grads[1:]
	}
	s.captured, s.inputs = inner.captured, inner.inputs
	if inner.read != nil {
		return nil, inner.read
	}
	return s, nil
}

// ct returns the input for the cotangent of output i, a new one that nothing reads
// where there is none.
func (s *swept) ct(i int) graph.Ref {
	if s.cts[i] != none {
		return s.cts[i]
	}
	return s.g.Input(s.g.Aval(s.outs[i]))
}

// grad returns the cotangent of parameter i, a constant zero where there is none.
func (s *swept) grad(i int) graph.Ref {
	if s.grads[i] != none {
		return s.grads[i]
	}
	return constant(s.g, zerosOf(s.g.Aval(s.params[i])))
}

// constant adds a tensor that holds one number throughout to a body.
func constant(g *graph.Graph, t *tensor.Tensor) graph.Ref {
	a, _ := tensor.Memory(t)
	return g.Const(*a, t)
}

func (r *recorder) pullOfCond(c *graph.Control, x []*tensor.Tensor, want []bool, ieee bool) *pullback {
	p := &pullback{y: emit(condOp, c, x), active: c.Bodies[0].Active(want)}
	for i, on := range c.Bodies[1].Active(want) {
		p.active[i] = p.active[i] || on
	}
	if p.err = firstError(p.y); p.err != nil {
		return p
	}
	for i, t := range x[1:] {
		want[i] = want[i] && t.DType().IsFloat()
	}
	p.pull = func(g []*tensor.Tensor) ([]*tensor.Tensor, error) {
		seeds := isPresent(g)
		var parts [2]*swept
		some := make([]bool, len(want))
		for k, b := range c.Bodies {
			s, err := r.swept("grad.Cond", b, want, seeds, ieee)
			if err != nil {
				return nil, err
			}
			parts[k] = s
			for i, v := range s.grads {
				some[i] = some[i] || v != none
			}
		}
		var bodies [2]*body
		for k, s := range parts {
			params := slices.Concat(s.inputs, s.params)
			var outs []graph.Ref
			for i := range g {
				if seeds[i] {
					params = append(params, s.ct(i))
				}
			}
			for i := range some {
				if some[i] {
					outs = append(outs, s.grad(i))
				}
			}
			part, err := s.g.Extract(params, outs)
			if err != nil {
				return nil, err
			}
			bodies[k] = &body{part, s.captured}
		}
		captured := unite(bodies[0], bodies[1])
		d := &graph.Control{Form: graph.Cond, Bodies: []*graph.Graph{bodies[0].g, bodies[1].g}}
		out, err := emitNarrow(condOp, d, slices.Concat(x[:1], captured, x[1:], present(g)))
		if err != nil {
			return nil, err
		}
		return append([]*tensor.Tensor{nil}, scattered(out, some)...), nil
	}
	return p
}

// emitNarrow emits an instruction without the operands that its bodies do not read.
func emitNarrow(op *kernels.Op, c *graph.Control, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	inst := c.Inst(op)
	live := make([]bool, len(inst.Out))
	for i := range live {
		live[i] = true
	}
	inst, keep, _ := graph.Narrow(inst, live)
	operands := make([]*tensor.Tensor, len(keep))
	for i, k := range keep {
		operands[i] = in[k]
	}
	out := make([]*tensor.Tensor, len(inst.Out))
	tensor.Dispatch(inst, operands, out)
	return out, firstError(out)
}
