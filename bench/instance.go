// Instances: a function and its derivative at a point, eagerly and prepared.

package bench

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Instance is a scenario's function and its derivative at the point: of an objective
// the gradient.
type Instance struct {
	Value    func() []*T
	Gradient func() []*T
	// Prepare returns the same two from prepared programs, which put their results
	// into the same tensors each time, on their way to machine code if native.
	Prepare func(native bool) (Instance, error)
	// Compiled, of a prepared instance, waits until both run as machine code.
	Compiled func(context.Context) error
	// Explain, of a prepared instance, tells what a run of the gradient does. It is nil
	// for a sparse Jacobian.
	Explain func() grad.Explanation
	// Profile returns the prepared gradient's graph, with what each instruction takes,
	// measured for that long. It is nil for a sparse Jacobian.
	Profile func(context.Context, time.Duration) (*graph.Graph, error)
}

// NewInstance ties an objective to a point.
func NewInstance[P any](f func(P) *T, x P) Instance { return NewPair(f, grad.Grad(f), x) }

// NewPair ties a function and its derivative to a point.
func NewPair[P, Q, D any](f func(P) Q, derivative func(P) D, x P) Instance {
	in := pair{listed(f, x), listed(derivative, x), leaves(x)}.instance()
	in.Value = func() []*T { return leaves(f(x)) }
	in.Gradient = func() []*T { return leaves(derivative(x)) }
	return in
}

// list is a function of the tensors in its argument that returns those in its result.
// Programs are prepared of lists, whatever the scenario's types: so the compiler makes
// one of package grad's Prepared, where it would make one for each of these.
type list = func([]*T) []*T

// listed returns a function as a list, for arguments like the given one.
func listed[P, Q any](f func(P) Q, like P) list {
	return func(x []*T) []*T {
		p, err := grad.Rebuild(like, x)
		if err != nil {
			return []*T{tensor.Failed("bench", err)}
		}
		return leaves(f(p))
	}
}

// pair is a function and its derivative, as lists, at a point.
type pair struct {
	f, derivative list
	x             []*T
}

func (p pair) instance() Instance {
	return Instance{
		Value:    func() []*T { return p.f(p.x) },
		Gradient: func() []*T { return p.derivative(p.x) },
		Prepare:  p.prepare,
		Profile:  p.profile,
	}
}

func (p pair) prepare(native bool) (Instance, error) {
	f, err := grad.Prepare(p.f, p.x, options(native)...)
	if err != nil {
		return Instance{}, err
	}
	g, err := grad.Prepare(p.derivative, p.x, options(native)...)
	if err != nil {
		return Instance{}, err
	}
	value, gradient := f.Call(p.x), g.Call(p.x)
	ctx := context.Background()
	return Instance{
		Value:    func() []*T { return orFailed(value, f.RunInto(ctx, value, p.x)) },
		Gradient: func() []*T { return orFailed(gradient, g.RunInto(ctx, gradient, p.x)) },
		Compiled: func(ctx context.Context) error { return cmp.Or(f.Native(ctx), g.Native(ctx)) },
		Explain:  g.Explain,
	}, nil
}

func (p pair) profile(ctx context.Context, d time.Duration) (*graph.Graph, error) {
	g, err := grad.Prepare(p.derivative, p.x)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	return g.Profile(ctx, p.x, d)
}

// orFailed returns results, or what carries the error of computing them.
func orFailed(results []*T, err error) []*T {
	if err != nil {
		return []*T{tensor.Failed("bench", err)}
	}
	return results
}

// NewSparse ties a function and its sparse Jacobian to a point. The Jacobian is always
// a prepared one.
func NewSparse[P, Q any](f func(P) Q, x P, opts ...jacobian.Option) Instance {
	in := newSparse(listed(f, x), leaves(x), opts)
	in.Value = func() []*T { return leaves(f(x)) }
	return in
}

func newSparse(f list, x []*T, opts []jacobian.Option) Instance {
	derivative := func(native bool) (*jacobian.Prepared[[]*T], func() []*T, error) {
		j, err := jacobian.Prepare(f, x, append(opts[:len(opts):len(opts)], jacobian.WithGrad(options(native)...))...)
		if err != nil {
			return nil, nil, err
		}
		values := make([]float64, j.Output().Nnz())
		t := []*T{tensor.Wrap(values)}
		return j, func() []*T {
			return orFailed(t, j.Run(context.Background(), x, values))
		}, nil
	}
	once := sync.OnceValues(func() (func() []*T, error) {
		_, run, err := derivative(false)
		return run, err
	})
	return Instance{
		Value: func() []*T { return f(x) },
		Gradient: func() []*T {
			run, err := once()
			if err != nil {
				return []*T{tensor.Failed("bench", err)}
			}
			return run()
		},
		Prepare: func(native bool) (Instance, error) {
			pf, err := grad.Prepare(f, x, options(native)...)
			if err != nil {
				return Instance{}, err
			}
			j, run, err := derivative(native)
			if err != nil {
				return Instance{}, err
			}
			return Instance{
				Value:    func() []*T { return pf.Call(x) },
				Gradient: run,
				Compiled: func(ctx context.Context) error { return cmp.Or(pf.Native(ctx), j.Native(ctx)) },
			}, nil
		},
	}
}

// FailedInstance is what a scenario is that cannot be made.
func FailedInstance(err error) Instance {
	failed := func() []*T { return []*T{tensor.Failed("bench", err)} }
	return Instance{Value: failed, Gradient: failed, Prepare: func(bool) (Instance, error) { return Instance{}, err }}
}

func options(native bool) []grad.Option {
	if native {
		return []grad.Option{grad.WithNative()}
	}
	return nil
}

// leaves returns the tensors in p, or one that holds the error.
func leaves[P any](p P) []*T {
	l, err := grad.Leaves(p)
	if err != nil {
		return []*T{tensor.Failed("bench", err)}
	}
	return l
}
