// Sparse derivatives, prepared once and run many times.

package jacobian

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Prepared computes a sparse Jacobian or Hessian at any point. It may be used by
// several goroutines at once.
type Prepared[P any] struct {
	method[P]
	form
	what       string                     // "Jacobian" or "Hessian"
	rejected   []string                   // other methods, in words
	refused    string                     // why there are no direct partial derivatives
	product    func(x P, v *array) *array // J v, without colours
	rows, cols int
	tolerance  float64 // of Check

	fastest atomic.Uint64 // bits of the seconds of the fastest run, 0 before the first
}

// Prepare prepares the Jacobian of f for arguments like the given one: of its
// shapes, dtypes and device.
//
// Errors: those of f and of grad.Prepare, *tensor.DTypeError for arguments or results
// without floats, *pattern.LimitError for a Jacobian too dense to be treated as sparse,
// *PatternError, *OptionError, those of package sparse.
func Prepare[P, Q any](f func(P) Q, like P, opts ...Option) (*Prepared[P], error) {
	return PrepareContext(context.Background(), f, like, opts...)
}

// PrepareContext is Prepare that ends with the context's error once that ends.
func PrepareContext[P, Q any](ctx context.Context, f func(P) Q, like P, opts ...Option) (*Prepared[P], error) {
	o, err := gather(opts)
	if err != nil {
		return nil, err
	}
	if o.triangle != sparse.Full {
		return nil, &OptionError{"a triangle of a Jacobian, which is not symmetric"}
	}
	program, err := grad.Prepare(f, like)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	b := &builder[P]{forward: forward(f, o.grad), reverse: reverse(f, o.grad), like: like, o: o, rules: program.HasRules()}
	b.color = b.jacobian
	if err := b.structure(ctx, program.Graph(), program.Stats()); err != nil {
		return nil, err
	}
	return b.finish(ctx, "Jacobian", func(x P, v *array) *array {
		_, dy := grad.JVP(f, x, grad.Unflatten(x, v), o.grad...)
		return grad.Flatten(dy)
	})
}

// PrepareHessian prepares the Hessian of f, a function with a scalar result, as
// Prepare does the Jacobian. Its products are forward sweeps over the gradient,
// and its symmetry is made use of.
func PrepareHessian[P any](f func(P) *tensor.Tensor, like P, opts ...Option) (*Prepared[P], error) {
	return PrepareHessianContext(context.Background(), f, like, opts...)
}

// PrepareHessianContext is PrepareHessian that ends with the context's error once
// that ends.
func PrepareHessianContext[P any](ctx context.Context, f func(P) *tensor.Tensor, like P, opts ...Option) (*Prepared[P], error) {
	o, err := gather(opts)
	if err != nil {
		return nil, err
	}
	if o.mode == Reverse || o.mode == Mixed {
		return nil, &OptionError{"a Hessian in " + o.mode.String() + " mode: its products are forward over reverse"}
	}
	g := grad.Grad(f, o.grad...)
	program, err := grad.Prepare(g, like)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	b := &builder[P]{forward: forward(g, o.grad), like: like, o: o, rules: program.HasRules(), symmetric: true}
	b.reverse, b.color = b.forward, b.hessian
	if err := b.structure(ctx, program.Graph(), program.Stats()); err != nil {
		return nil, err
	}
	return b.finish(ctx, "Hessian", func(x P, v *array) *array {
		return grad.Flatten(grad.HVP(f, x, grad.Unflatten(x, v), o.grad...))
	})
}

// structure finds the pattern, or checks the given one.
func (b *builder[P]) structure(ctx context.Context, g *graph.Graph, stats graph.Stats) (err error) {
	avals := func(refs []graph.Ref) []kernels.Aval {
		list := make([]kernels.Aval, len(refs))
		for i, v := range refs {
			list[i] = g.Aval(v)
		}
		return list
	}
	out, in := avals(g.Outputs), avals(g.Params)
	if err := differentiable("jacobian.Prepare", in, out); err != nil {
		return err
	}
	b.rows, b.cols = sizeOf(out), sizeOf(in)
	b.tolerance = 1e-8
	for v := range g.NumValues() {
		if g.Aval(graph.Ref(v)).DType == tensor.Float32 {
			b.tolerance = 1e-3
		}
	}
	b.primal = machine().predict(g, stats)
	if p := b.o.pattern; p != nil {
		if p.Rows != b.rows || p.Cols != b.cols {
			return &PatternError{Got: [2]int{p.Rows, p.Cols}, Want: [2]int{b.rows, b.cols}}
		}
		if err := p.Check(); err != nil {
			return err
		}
	}
	var args []*kernels.Array
	if b.o.local {
		if args, err = arguments(b.like); err != nil {
			return err
		}
	}
	if err := b.partial(ctx, g, args); err != nil {
		return err
	}
	switch {
	case b.o.pattern != nil:
		b.pattern = b.o.pattern
	case b.parts != nil:
		b.pattern = structure(b.parts)
	case b.o.local:
		b.pattern, err = pattern.At(ctx, g, args)
	default:
		b.pattern, err = pattern.Global(ctx, g)
	}
	if err == nil && b.symmetric {
		b.pattern, err = b.pattern.Symmetrize()
	}
	return err
}

// partial finds the partial derivatives as tensors, if that is wanted and there
// are such.
func (b *builder[P]) partial(ctx context.Context, g *graph.Graph, args []*kernels.Array) error {
	if b.o.mode != Auto && b.o.mode != Direct {
		return nil
	}
	var err error
	var refused *pattern.DirectError
	var limit *pattern.LimitError
	switch {
	case b.rules:
		err = &pattern.DirectError{Op: "a function", Reason: "has derivative rules of its own"}
	default:
		var opts []pattern.Option
		if grad.AsksIEEE(b.o.grad...) {
			opts = append(opts, pattern.WithIEEE())
		}
		b.parts, err = pattern.Direct(ctx, g, args, opts...)
	}
	if b.o.mode == Auto && (errors.As(err, &refused) || errors.As(err, &limit)) {
		b.refused = err.Error()
		return nil
	}
	return err
}

// arguments returns the arrays of the leaves of x.
func arguments[P any](x P) ([]*kernels.Array, error) {
	leaves, err := grad.Leaves(x)
	if err != nil {
		return nil, err
	}
	args := make([]*kernels.Array, len(leaves))
	for i, t := range leaves {
		a, _ := tensor.Memory(t)
		if a == nil {
			return nil, &OptionError{"a pattern at a point whose values are not known"}
		}
		args[i] = a
	}
	return args, nil
}

// finish makes the result of the best of the methods.
func (b *builder[P]) finish(ctx context.Context, what string, product func(x P, v *array) *array) (*Prepared[P], error) {
	var entries []int
	b.form, entries = newForm(b.pattern, b.o)
	best, all, err := b.choose(ctx, entries)
	if err != nil {
		return nil, err
	}
	return &Prepared[P]{method: best, form: b.form, what: what, rejected: rejected(all, best), refused: b.refused, product: product, rows: b.rows, cols: b.cols, tolerance: b.tolerance}, nil
}

// rejected tells of the methods other than the best.
func rejected[P any](all []method[P], best method[P]) (list []string) {
	for _, k := range all {
		if k != best {
			list = append(list, fmt.Sprintf("%s was predicted to take %s", k.name(), seconds(k.predicted())))
		}
	}
	return list
}

// Pattern returns the structure of the whole matrix, by rows.
func (p *Prepared[P]) Pattern() *sparse.Pattern { return p.pattern }

// Output returns the structure that values are for: the pattern, or its triangle
// if one was asked for, transposed with [ByColumn].
func (p *Prepared[P]) Output() *sparse.Pattern { return p.output }

// Coloring returns the colouring, nil where there is none: entries are computed
// directly.
func (p *Prepared[P]) Coloring() *sparse.Coloring {
	if plan := p.Plan(); plan != nil {
		return plan.Coloring()
	}
	return nil
}

// Plan returns the map from products to values, nil where there are no colours.
func (p *Prepared[P]) Plan() *sparse.Plan {
	if c, ok := p.method.(*colors[P]); ok {
		return c.plan
	}
	return nil
}

// Source tells where value k is read: in the product of a colour, at an element of
// it; of a row colour if reverse. It is false for a value that is found by
// substitution, from others, or directly.
func (p *Prepared[P]) Source(k int) (color, element int, reverse, ok bool) {
	plan := p.Plan()
	if plan == nil {
		return 0, 0, false, false
	}
	sources := plan.Sources()
	if k < 0 || k >= len(sources) {
		return 0, 0, false, false
	}
	if at := int(sources[k]); at < 0 {
		return ^at / p.cols, ^at % p.cols, true, true
	} else {
		return at / p.rows, at % p.rows, false, true
	}
}

// Native waits until the programs run as machine code, where that was asked for by
// WithGrad(grad.WithNative()), and returns nil, or why they do not.
func (p *Prepared[P]) Native(ctx context.Context) error { return p.native(ctx) }

// Close gives the programs' memory back.
func (p *Prepared[P]) Close() { p.close() }

// measured returns the seconds of the fastest run so far, 0 if there was none.
func (p *Prepared[P]) measured() float64 { return math.Float64frombits(p.fastest.Load()) }
