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
	program
	f    func(P) Q
	like P // what arguments are like, without their elements
}

// program is what a Prepared is to lists of tensors, whatever P and Q are: all that need
// not be compiled anew for each pair of types.
type program struct {
	opts options
	dev  device.Device
	in   *leafTree
	args []kernels.Aval // of each leaf of the argument

	// apply calls the function.
	apply func(args []*tensor.Tensor) (result, error)

	rec     atomic.Pointer[recording]
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
	p := &Prepared[P, Q]{f: f, program: program{opts: opts}}
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
	p.apply = func(args []*tensor.Tensor) (result, error) {
		y, err := call(f, rebuild(p.like, args))
		if err != nil {
			return result{}, err
		}
		return resultOf(y)
	}
	return p, nil
}

// first records the function for the first time.
func (p *program) first() error {
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

func (p *Prepared[P, Q]) run(ctx context.Context, x P) (y Q, err error) {
	in, list, err := leavesIn(p.in, &x)
	defer p.in.lists.put(list)
	if err != nil {
		return y, err
	}
	r, out, err := p.fresh(ctx, in)
	if err != nil {
		return y, err
	}
	return rebuild(like[Q](r), out), nil
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
	in, list, err := leavesIn(p.in, &x)
	for again := err == nil; again; {
		r := p.rec.Load()
		err = into(ctx, &p.program, r, &dst, in)
		again = p.replaced(r, err)
	}
	p.in.lists.put(list)
	return located(err)
}

// replaced reports whether a run failed because Retrace has replaced its program.
func (p *program) replaced(r *recording, err error) bool {
	return err == graph.ErrClosed && p.rec.Load() != r
}

// Call applies the program as a function that can be transformed: where x is
// traced by a transformation, the recorded operations are applied to it one by
// one; otherwise the program runs. Errors, those of Run, stick to the result.
func (p *Prepared[P, Q]) Call(x P) Q {
	failed := func(err error) Q { return failedLike(like[Q](p.rec.Load()), preparing, err) }
	in, list, err := leavesIn(p.in, &x)
	defer p.in.lists.put(list)
	if err != nil {
		return failed(err)
	}
	var r *recording
	var out []*tensor.Tensor
	if traced := slices.ContainsFunc(in, func(t *tensor.Tensor) bool { return !t.Plain() }); traced {
		r, out, err = p.replayed(in)
	} else {
		r, out, err = p.fresh(context.Background(), in)
	}
	switch {
	case err != nil:
		return failed(err)
	case out == nil:
		return p.f(x) // so that its own rules are used
	default:
		return rebuild(like[Q](r), out)
	}
}

// replayed applies the recorded operations to traced arguments, one by one. It returns no
// results where the function used rules of its own, of which operations do not tell.
func (p *program) replayed(in []*tensor.Tensor) (*recording, []*tensor.Tensor, error) {
	for i, t := range in {
		if err := p.in.check(i, t, p.args[i]); err != nil {
			return nil, nil, err
		}
	}
	r, err := p.usable()
	if err != nil || r.custom {
		return r, nil, err
	}
	return r, replay(r.recorded, in), nil
}

// usable returns the recording at work, with the error that its run would end in
// whatever its arguments: the program was closed, or what it captured changed.
func (p *program) usable() (*recording, error) {
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
func (p *program) Retrace() (changed bool, err error) {
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
func (p *program) Graph() *graph.Graph { return p.rec.Load().program.Graph() }

// HasRules reports whether derivatives of the function are not those of the operations
// in [Prepared.Graph]: because of rules of the caller's (see [Custom]), or because of
// [StopGradient], which the passes take for the copy that it is.
func (p *program) HasRules() bool {
	r := p.rec.Load()
	return r.custom || stops(r.recorded)
}

// stops reports whether there is a StopGradient in a graph or in bodies of its loops.
func stops(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Instrs, func(x graph.Instr) bool {
		c := graph.ControlOf(x.Inst)
		return x.Inst.Op == kernels.StopGradient || c != nil && slices.ContainsFunc(c.Bodies, stops)
	})
}

// Profile runs the program on x for at least d, at least once, and returns its
// graph with the median time of each instruction. Errors: those of Run.
func (p *Prepared[P, Q]) Profile(ctx context.Context, x P, d time.Duration) (*graph.Graph, error) {
	in, list, err := leavesIn(p.in, &x)
	defer p.in.lists.put(list)
	if err != nil {
		return nil, located(err)
	}
	return p.profile(ctx, in, d)
}

func (p *program) profile(ctx context.Context, in []*tensor.Tensor, d time.Duration) (*graph.Graph, error) {
	r := p.rec.Load()
	run, err := p.begin(r, in)
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
func (p *program) Stats() graph.Stats { return p.rec.Load().program.Stats() }

// Close gives the program's memory back once the runs in progress have ended;
// later runs fail. A Prepared that is forgotten instead is given back by the
// garbage collector.
func (p *program) Close() {
	for r := (*recording)(nil); r != p.rec.Load(); { // until no Retrace comes in between
		r = p.rec.Load()
		r.close()
	}
}
