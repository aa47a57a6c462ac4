// Prepare: a function recorded once, to run many times without being called.

package grad

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// WithPlaces, for [Prepare], notes for each operation where in the program it was asked for, so
// that the errors of runs name the line. It makes preparing slower, not running.
func WithPlaces() Option { return func(o *options) { o.places = true } }

// Prepared is a function as a program: its operations, those of the derivatives
// in it included, in order, with their kernels found and their memory planned.
// It gives bit for bit what calling the function gives. It may be used by several
// goroutines at once.
//
// Tensors that the function captured are constants of the program. Of data
// borrowed by [tensor.Wrap] a change is noticed, and an error; a Go variable that
// changed is not: call [Prepared.Retrace].
type Prepared[P, Q any] struct {
	f    func(P) Q
	opts options
	dev  device.Device
	like P // what arguments are like, without their elements
	in   *leafTree[P]
	args []kernels.Aval // of each leaf of the argument

	rec     atomic.Pointer[recording[Q]]
	retrace sync.Mutex
}

// Prepare records f on values of the shapes, dtypes and device of like, and
// plans how to run it. Go control flow in f is followed as it goes this once: a
// loop is unrolled, and a value cannot be looked at. [Cond], [Scan] and [While] are
// control flow of the program.
//
// Errors: those of f's operations, a *tensor.ReadError for reading a value, a
// *CaptureError for using a value of an outer transformation, a *PanicError, a
// *TypeError, a *tensor.DeviceError, or the memory's.
func Prepare[P, Q any](f func(P) Q, like P, opts ...Option) (*Prepared[P, Q], error) {
	p, err := newPrepared(f, like, gather(opts))
	if err == nil {
		err = p.first()
	}
	if err != nil {
		return nil, tensor.Failed(preparing, err).Err() // which notes the caller
	}
	return p, nil
}

// newPrepared looks at what the arguments are like, and records nothing yet.
func newPrepared[P, Q any](f func(P) Q, like P, opts options) (*Prepared[P, Q], error) {
	p := &Prepared[P, Q]{f: f, opts: opts}
	leaves, err := leavesOf(like, nil)
	if err != nil {
		return nil, err
	}
	for _, t := range leaves {
		if err := t.Err(); err != nil {
			return nil, err
		}
		p.args = append(p.args, t.Aval())
	}
	if p.in, err = treeOf(like); err != nil {
		return nil, err
	}
	if p.dev, err = deviceOf(leaves); err != nil {
		return nil, err
	}
	p.like = hollow(like, len(leaves))
	return p, nil
}

// first records the function for the first time.
func (p *Prepared[P, Q]) first() error {
	r, err := p.record()
	if err == nil {
		p.rec.Store(r)
	}
	return err
}

// Run computes the result in fresh tensors. x must have the shapes, dtypes and
// device of what the function was prepared with. Once ctx ends the run does, after the
// tiles of loops and the large matrix products that are being computed.
//
// Errors: an *ArgumentError, a *ChangedError, ctx's, a *tensor.OpError of an
// operation that failed, the memory's, graph.ErrClosed.
func (p *Prepared[P, Q]) Run(ctx context.Context, x P) (Q, error) {
	y, err := p.run(ctx, x)
	return y, located(err)
}

func (p *Prepared[P, Q]) run(ctx context.Context, x P) (Q, error) {
	for {
		r := p.rec.Load()
		y, err := p.fresh(ctx, r, &x)
		if err == nil || !p.replaced(r, err) {
			return y, err
		}
	}
}

// RunInto is Run into tensors of the caller's: plain ones of the results' shapes,
// dtypes and device, each with its elements one after the other in memory. It
// changes their elements, and so those of all views of them. A destination may be
// an argument, or share memory with one. After an error the destinations'
// elements are undefined.
//
// For tensors, and slices, arrays, pointers and structs of them, RunInto
// allocates nothing once as many runs as there are now have been in progress at
// the same time.
//
// Errors: those of Run, and a *DestinationError.
func (p *Prepared[P, Q]) RunInto(ctx context.Context, dst Q, x P) error {
	for {
		r := p.rec.Load()
		err := p.into(ctx, r, &dst, &x)
		if err == nil || !p.replaced(r, err) {
			return located(err)
		}
	}
}

// replaced reports whether a run failed because Retrace has replaced its program.
func (p *Prepared[P, Q]) replaced(r *recording[Q], err error) bool {
	return err == graph.ErrClosed && p.rec.Load() != r
}

// Call applies the program as a function that can be transformed: where x is
// traced by a transformation, the recorded operations are applied to it one by
// one; otherwise the program runs. Errors, those of Run, stick to the result.
func (p *Prepared[P, Q]) Call(x P) Q {
	r := p.rec.Load()
	leaves, err := p.in.leaves(&x, nil)
	if err != nil {
		return failedLike(r.y, preparing, err)
	}
	if !slices.ContainsFunc(leaves, func(t *tensor.Tensor) bool { return !t.Plain() }) {
		y, err := p.run(context.Background(), x)
		if err != nil {
			return failedLike(r.y, preparing, err)
		}
		return y
	}
	for i, t := range leaves {
		if err := p.in.check(i, t, p.args[i]); err != nil {
			return failedLike(r.y, preparing, err)
		}
	}
	switch r, err := p.usable(); {
	case err != nil:
		return failedLike(r.y, preparing, err)
	case r.custom:
		return p.f(x) // so that its own rules are used
	default:
		return rebuild(r.y, replay(r.recorded, leaves))
	}
}

// usable returns the recording at work, with the error that its run would end in
// whatever its arguments: the program was closed, or what it captured changed.
func (p *Prepared[P, Q]) usable() (*recording[Q], error) {
	for {
		r := p.rec.Load()
		if !r.program.Closed() {
			return r, r.unchanged()
		}
		if !p.replaced(r, graph.ErrClosed) {
			return r, graph.ErrClosed
		}
	}
}

// Retrace records the function again, as when a Go variable that it captures has
// changed, and reports whether the program differs: later runs use the new one.
// After an error the program is what it was. Errors: those of Prepare, graph.ErrClosed.
func (p *Prepared[P, Q]) Retrace() (changed bool, err error) {
	p.retrace.Lock()
	defer p.retrace.Unlock()
	old := p.rec.Load()
	if old.program.Closed() {
		return false, located(graph.ErrClosed)
	}
	r, err := p.record()
	if err != nil {
		return false, tensor.Failed(preparing, err).Err()
	}
	p.rec.Store(r)
	if old.program.Closed() { // since
		r.close()
		return false, located(graph.ErrClosed)
	}
	changed = !r.same(old)
	old.close()
	return changed, nil
}

// Graph returns the program as the passes leave it, to be looked at and printed only.
func (p *Prepared[P, Q]) Graph() *graph.Graph { return p.rec.Load().program.Graph() }

// HasRules reports whether the function used rules of the caller's (see [Custom]),
// of which the program's operations do not tell.
func (p *Prepared[P, Q]) HasRules() bool { return p.rec.Load().custom }

// Profile runs the program on x for at least d, at least once, and returns its
// graph with the median time of each instruction. Errors: those of Run.
func (p *Prepared[P, Q]) Profile(ctx context.Context, x P, d time.Duration) (*graph.Graph, error) {
	r := p.rec.Load()
	run, err := p.begin(r, &x)
	if err != nil {
		return nil, located(err)
	}
	defer run.End()
	out, err := r.results(run)
	defer func() {
		for _, t := range out {
			tensor.Free(t)
		}
	}()
	if err != nil {
		return nil, err
	}
	g, err := r.program.Profile(ctx, run.In, run.Out, d)
	if err != nil {
		return nil, located(p.explain(r, run, err))
	}
	return g, nil
}

// Stats tells how large the program is.
func (p *Prepared[P, Q]) Stats() graph.Stats { return p.rec.Load().program.Stats() }

// Close gives the program's memory back once the runs in progress have ended;
// later runs fail. A Prepared that is forgotten instead is given back by the
// garbage collector.
func (p *Prepared[P, Q]) Close() {
	for r := (*recording[Q])(nil); r != p.rec.Load(); { // until no Retrace comes in between
		r = p.rec.Load()
		r.close()
	}
}
