// One run of a prepared program: its arguments and destinations, checked.

package grad

import (
	"context"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// fresh is Run on the leaves of an argument: it returns those of the result, and the
// recording that was run.
func (p *program) fresh(ctx context.Context, in []*tensor.Tensor) (r *recording, out []*tensor.Tensor, err error) {
	for {
		r = p.rec.Load()
		out, err = p.results(ctx, r, in)
		if err == nil || !p.replaced(r, err) {
			return r, out, err
		}
	}
}

func (p *program) results(ctx context.Context, r *recording, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	run, err := p.begin(r, in)
	if err != nil {
		return nil, err
	}
	out, err := r.results(run)
	if err == nil {
		err = p.do(ctx, r, run, in)
	}
	run.End()
	if err != nil {
		for _, t := range out {
			tensor.Free(t)
		}
		return nil, err
	}
	return out, nil
}

// into is RunInto with one recording.
func into[Q any](ctx context.Context, p *program, r *recording, dst *Q, in []*tensor.Tensor) error {
	out, list, err := leavesIn(r.out, dst)
	if err != nil {
		err = asDestination(err)
	} else {
		err = p.into(ctx, r, out, in)
	}
	r.out.lists.put(list)
	return err
}

func (p *program) into(ctx context.Context, r *recording, out, in []*tensor.Tensor) error {
	run, err := p.begin(r, in)
	if err != nil {
		return err
	}
	if n := tensor.Arrays(out, r.where, run.Out); n < len(out) {
		err = r.unfit(n, out[n], r.program.Device())
	} else {
		err = p.do(ctx, r, run, in)
	}
	run.End()
	return err
}

// begin begins a run on the memory of an argument's leaves. What types these have the
// program looks at.
func (p *program) begin(r *recording, in []*tensor.Tensor) (*graph.Run, error) {
	run, err := r.program.Begin()
	if err != nil {
		return nil, err
	}
	if n := tensor.Arrays(in, r.where, run.In); n < len(in) {
		err = p.unfit(n, in[n], r.program.Device())
		run.End()
		return nil, err
	}
	return run, nil
}

// do does a run.
func (p *program) do(ctx context.Context, r *recording, run *graph.Run, in []*tensor.Tensor) error {
	if len(r.borrowed) > 0 {
		if err := r.unchanged(); err != nil {
			return err
		}
	}
	if err := run.Do(ctx); err != nil {
		return p.explain(r, run, err)
	}
	if r.program.Later() {
		for _, t := range in {
			if err := t.Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// unfit returns what is wrong with leaf i of an argument.
func (p *program) unfit(i int, t *tensor.Tensor, dev device.Device) error {
	if err := p.in.check(i, t, p.args[i]); err != nil {
		return err
	}
	if a, at := tensor.Memory(t); a != nil {
		return &ArgumentError{Path: p.in.paths[i], Err: elsewhere(dev, at)}
	}
	return &ArgumentError{Path: p.in.paths[i], Reason: "is traced by a transformation: use Call inside of one"}
}

// check returns an *ArgumentError where leaf i is not of the type of the program.
func (t *leafTree) check(i int, x *tensor.Tensor, want kernels.Aval) error {
	err := x.Err()
	if err == nil {
		err = typeError(x.Aval(), want)
	}
	if err != nil {
		return &ArgumentError{Path: t.paths[i], Err: err}
	}
	return nil
}

func elsewhere(dev, at device.Device) error {
	return &tensor.DeviceError{Device: dev.Name(), Reason: "the program runs there, but this tensor lives on " + at.Name() + "; move it with To"}
}

// results gives a run new tensors for its results.
func (r *recording) results(run *graph.Run) ([]*tensor.Tensor, error) {
	out := make([]*tensor.Tensor, 0, len(r.outs))
	for i, a := range r.outs {
		t := tensor.EmptyBeside(r.where, a)
		if err := t.Err(); err != nil {
			return out, err
		}
		out = append(out, t)
		run.Out[i], _ = tensor.Memory(t)
	}
	return out, nil
}

// asDestination is an error of taking an argument apart, told of a destination.
func asDestination(err error) error {
	if ae, ok := err.(*ArgumentError); ok {
		return &DestinationError{Path: ae.Path, Reason: ae.Reason, Err: ae.Err}
	}
	return err
}

// unfit returns what is wrong with leaf i of a destination.
func (r *recording) unfit(i int, t *tensor.Tensor, dev device.Device) error {
	path := r.out.paths[i]
	if err := t.Err(); err != nil {
		return &DestinationError{Path: path, Err: err}
	}
	if a, at := tensor.Memory(t); a != nil {
		return &DestinationError{Path: path, Err: elsewhere(dev, at)}
	}
	return &DestinationError{Path: path, Reason: "is traced by a transformation"}
}
