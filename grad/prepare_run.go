// One run of a prepared program: its arguments and destinations, checked.

package grad

import (
	"context"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// fresh is Run with one recording.
func (p *Prepared[P, Q]) fresh(ctx context.Context, r *recording[Q], x *P) (y Q, err error) {
	run, err := p.begin(r, x)
	if err != nil {
		return y, err
	}
	out, err := r.results(run)
	if err == nil {
		err = p.do(ctx, r, run, x)
	}
	run.End()
	if err != nil {
		for _, t := range out {
			tensor.Free(t)
		}
		return y, err
	}
	return r.out.rebuild(r.y, out), nil
}

// into is RunInto with one recording.
func (p *Prepared[P, Q]) into(ctx context.Context, r *recording[Q], dst *Q, x *P) error {
	run, err := p.begin(r, x)
	if err != nil {
		return err
	}
	if err = r.destinations(run, dst); err == nil {
		err = p.do(ctx, r, run, x)
	}
	run.End()
	return err
}

// begin begins a run on the memory of x. What types that has the program looks at.
func (p *Prepared[P, Q]) begin(r *recording[Q], x *P) (*graph.Run, error) {
	run, err := r.program.Begin()
	if err != nil {
		return nil, err
	}
	bad, t, err := p.in.arrays(x, r.where, run.In)
	if err == nil && bad >= 0 {
		err = p.unfit(bad, t, r.program.Device())
	}
	if err != nil {
		run.End()
		return nil, err
	}
	return run, nil
}

// do does a run on x.
func (p *Prepared[P, Q]) do(ctx context.Context, r *recording[Q], run *graph.Run, x *P) error {
	if len(r.borrowed) > 0 {
		if err := r.unchanged(); err != nil {
			return err
		}
	}
	if err := run.Do(ctx); err != nil {
		return p.explain(r, run, err)
	}
	if r.program.Later() {
		return p.in.fault(x)
	}
	return nil
}

// unfit returns what is wrong with leaf i of an argument.
func (p *Prepared[P, Q]) unfit(i int, t *tensor.Tensor, dev device.Device) error {
	if err := p.in.check(i, t, p.args[i]); err != nil {
		return err
	}
	if a, at := tensor.Memory(t); a != nil {
		return &ArgumentError{Path: p.in.paths[i], Err: elsewhere(dev, at)}
	}
	return &ArgumentError{Path: p.in.paths[i], Reason: "is traced by a transformation: use Call inside of one"}
}

// check returns an *ArgumentError where leaf i is not of the type of the program.
func (t *leafTree[P]) check(i int, x *tensor.Tensor, want kernels.Aval) error {
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
func (r *recording[Q]) results(run *graph.Run) ([]*tensor.Tensor, error) {
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

// destinations gives a run the memory of dst.
func (r *recording[Q]) destinations(run *graph.Run, dst *Q) error {
	bad, t, err := r.out.arrays(dst, r.where, run.Out)
	if ae, ok := err.(*ArgumentError); ok {
		return &DestinationError{Path: ae.Path, Reason: ae.Reason, Err: ae.Err}
	}
	if err == nil && bad >= 0 {
		err = r.unfit(bad, t, r.program.Device())
	}
	return err
}

// unfit returns what is wrong with leaf i of a destination.
func (r *recording[Q]) unfit(i int, t *tensor.Tensor, dev device.Device) error {
	path := r.out.paths[i]
	if err := t.Err(); err != nil {
		return &DestinationError{Path: path, Err: err}
	}
	if a, at := tensor.Memory(t); a != nil {
		return &DestinationError{Path: path, Err: elsewhere(dev, at)}
	}
	return &DestinationError{Path: path, Reason: "is traced by a transformation"}
}
