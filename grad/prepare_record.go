// What Prepare keeps of a function: the program, the form of the result, and
// what the function captured.

package grad

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// recording is a function recorded once.
type recording struct {
	program  *graph.Program
	recorded *graph.Graph // the function's operations as they were, less dead code
	closing  sync.Once
	y        any // what the result is like, without its elements
	out      *leafTree
	outs     []kernels.Aval // of each leaf of the result
	where    *tensor.Tensor // lives on the program's device
	borrowed []fingerprint
	custom   bool         // custom rules were used, which replaying would not know
	native   *translation // not nil: machine code was asked for
}

// fingerprint is a captured tensor of borrowed data, and its state when it was recorded.
type fingerprint struct {
	t   *tensor.Tensor
	sum uint64
}

// record records the function. Where it does not fit the memory budget it is recorded once
// more, with loops that keep as little as they can.
func (p *program) record() (*recording, error) {
	r, err := p.recordKeeping(graph.Cheapest)
	var first, second *graph.BudgetError
	if !errors.As(err, &first) {
		return r, err
	}
	if r, err = p.recordKeeping(graph.Recomputed); errors.As(err, &second) && first.Smallest < second.Smallest {
		return nil, first
	}
	return r, err
}

// recordKeeping runs the function on values that have no elements. Loops keep for their
// reverse sweeps what their own options say, or else residuals.
func (p *program) recordKeeping(residuals graph.Residuals) (*recording, error) {
	backend, ok := kernels.BackendID(p.dev.Kind())
	if !ok {
		return nil, &tensor.DeviceError{Device: p.dev.Name(), Reason: "no kernels are linked in for this kind of device"}
	}
	where := tensor.Empty(p.dev, kernels.Aval{DType: tensor.Float64})
	if err := where.Err(); err != nil {
		return nil, err
	}
	g := new(graph.Graph)
	defer g.Release()
	passes := (graph.AllPasses | p.opts.reorder) &^ p.opts.without
	rec := &recorder{g: g, backend: backend, where: where, consts: map[*tensor.Tensor]graph.Ref{}, places: p.opts.places, residuals: residuals, passes: passes}
	lv := tensor.Open(preparing, rec)
	defer lv.Close()
	boxed := make([]*tensor.Tensor, len(p.args))
	for i, a := range p.args {
		boxed[i] = rec.trace(lv, a, g.Param(a))
	}
	r := &recording{where: where}
	y, err := p.apply(boxed)
	if rec.read != nil {
		err = rec.read
	}
	if err != nil {
		return nil, err
	}
	if err := r.outputs(lv, rec, y); err != nil {
		return nil, err
	}
	if !p.opts.without.Has(graph.Prune) {
		g.RemoveDead()
	}
	r.custom = rec.custom
	r.fingerprints(g)
	if err := p.dev.Sync(context.Background()); err != nil { // constants are looked at
		return nil, err
	}
	r.recorded = g.Clone()
	if p.opts.budget > 0 {
		err = g.OptimizeWithin(p.opts.budget, passes, p.dev)
	} else {
		g.Optimize(passes, p.dev)
	}
	if err == nil {
		r.program, err = graph.Compile(g, p.dev)
	}
	if err != nil {
		r.recorded.Release()
		return nil, err
	}
	if p.opts.native {
		r.native = translate(r.program, p.opts.budget)
	}
	return r, nil
}

// deviceOf returns the device that a program of these arguments runs on.
func deviceOf(leaves []*tensor.Tensor) (device.Device, error) {
	var dev device.Device
	for _, t := range leaves {
		d := t.Device()
		if a, at := tensor.Memory(t); a != nil && at == nil {
			continue // good on any
		}
		switch {
		case dev == nil:
			dev = d
		case d != dev:
			return nil, &tensor.DeviceError{Device: dev.Name(), Reason: "another argument lives on " + d.Name() + "; move one with To"}
		}
	}
	if dev == nil {
		dev = tensor.Scalar(0).Device() // the default
	}
	if dev == nil {
		return device.Default()
	}
	return dev, nil
}

// result is what a function returned.
type result struct {
	like   any // what it is like, without its elements
	tree   *leafTree
	leaves []*tensor.Tensor
}

func resultOf[Q any](y Q) (r result, err error) {
	if r.leaves, err = leavesOf(y, nil); err != nil {
		return r, err
	}
	r.like = hollow(y, len(r.leaves))
	r.tree, err = treeOf(y)
	return r, err
}

// like returns what a recording's results are like.
func like[Q any](r *recording) Q {
	y, _ := r.y.(Q) // Q may be an interface, and y nil
	return y
}

// outputs makes the leaves of the result the graph's outputs.
func (r *recording) outputs(lv *tensor.Level, rec *recorder, y result) error {
	for _, t := range y.leaves {
		ref, err := rec.ref(lv, t)
		if err != nil {
			return err
		}
		rec.g.Output(ref)
		r.outs = append(r.outs, t.Aval())
	}
	r.y, r.out = y.like, y.tree
	return nil
}

// hollow returns x with its n tensors replaced by one that stands for any.
func hollow[P any](x P, n int) P {
	leaves := make([]*tensor.Tensor, n)
	for i := range leaves {
		leaves[i] = anyTensor
	}
	return rebuild(x, leaves)
}

var anyTensor = tensor.Scalar(0)

// fingerprints notes the state of the captured data that is not ours.
func (r *recording) fingerprints(g *graph.Graph) {
	for i := range g.Consts {
		if t := g.Consts[i].Source.(*tensor.Tensor); t.Borrowed() {
			r.borrowed = append(r.borrowed, fingerprint{t, t.Fingerprint()})
		}
	}
}

// unchanged returns a *ChangedError where borrowed data is not as it was.
func (r *recording) unchanged() error {
	for _, f := range r.borrowed {
		if f.t.Fingerprint() != f.sum {
			return &ChangedError{Aval: f.t.Aval()}
		}
	}
	return nil
}

// same reports whether two recordings are the same program with the same result.
func (r *recording) same(old *recording) bool {
	return r.recorded.Equal(old.recorded) && slices.Equal(r.out.paths, old.out.paths) &&
		slices.EqualFunc(r.borrowed, old.borrowed, func(a, b fingerprint) bool { return a.sum == b.sum }) &&
		reflect.TypeOf(r.y) == reflect.TypeOf(old.y)
}

// close gives the memory back. What was recorded can be read all the same, by a
// replay that is under way.
func (r *recording) close() {
	if r.native != nil {
		r.native.cancel()
	}
	r.program.Close()
	r.closing.Do(r.recorded.ReleaseConsts)
}
