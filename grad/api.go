// The transformations of reverse mode, and those made of forward and reverse.

package grad

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// PanicError is a panic of a user's function inside a transformation.
type PanicError struct {
	Value any
	Where string // file:line of the panic, the nearest outside this library
	Stack []byte // of the goroutine, as debug.Stack returns it
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("the function panicked at %s: %v", e.Where, e.Value)
}

// newPanicError returns the error for a panic of value v, to be called while it unwinds.
func newPanicError(v any) *PanicError {
	return &PanicError{Value: v, Where: tensor.Caller(), Stack: debug.Stack()}
}

// Unwrap returns the panic's value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// call runs a user's function; its panic comes back as a *PanicError.
func call[P, Q any](f func(P) Q, x P) (y Q, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	return f(x), nil
}

// failedLike returns like with every tensor in it replaced by one that carries
// err; a tensor alone or a fixed tree always carries it, an empty slice or map
// cannot. Of a value that cannot be taken apart nothing is kept.
func failedLike[Q any](like Q, op string, err error) Q {
	t := tensor.Failed(op, err)
	if _, ok := any(&like).(**tensor.Tensor); ok {
		return *any(&t).(*Q)
	}
	old, lerr := leavesOf(like, nil)
	if lerr != nil {
		var none Q
		return failedEmpty(none, t)
	}
	if len(old) == 0 {
		return failedEmpty(like, t)
	}
	for i := range old {
		old[i] = t
	}
	return rebuild(like, old)
}

var tapes = sync.Pool{New: func() any { return new(tape) }}

// reset empties the tape for its next use.
func (tp *tape) reset() {
	for v, c := range tp.ct {
		if c != nil { // the inputs': what they hold is the caller's
			c.owned = false
			tp.drop(&tp.hand, int32(v))
		}
	}
	tp.rec.Reset()
	clear(tp.saved)
	clear(tp.made)
	clear(tp.loose)
	tp.notes, tp.saved, tp.made, tp.loose, tp.ct = tp.notes[:0], tp.saved[:0], tp.made[:0], tp.loose[:0], tp.ct[:0]
	tp.rooms, tp.nums.beside, tp.nums.saved = rooms{}, nil, tp.nums.saved[:0]
	if tp.wide {
		tp.scratch.used = len(tp.scratch.buf)
		tp.scratch.clear()
	}
	tp.lv, tp.keep, tp.ieee, tp.mixed, tp.wide, tp.work = nil, false, false, false, false, 0
	tp.eval.Reset()
}

// rooms are the slices that a transformation needs for the leaves of arguments
// and results. Those for a few leaves, as there commonly are, are part of the tape.
type rooms struct {
	in, boxed, out, low [6]*tensor.Tensor
	refs                [6]graph.Ref
}

// sized returns room for n elements, in an array if they fit.
func sized[T any](room []T, n int) []T {
	if n > len(room) {
		return make([]T, n)
	}
	return room[:n]
}

// traced is a function recorded on a tape.
type traced[P, Q any] struct {
	tp   *tape
	x    P
	in   []*tensor.Tensor // the argument's leaves
	refs []graph.Ref      // of each leaf its input on the tape, or Untracked
	y    Q                // the result, one level down, where that is wanted
	out  []*tensor.Tensor // its leaves as the function returned them
}

// record runs f on a tape. Without wanted only the result's derivative is.
func record[P, Q any](name string, tp *tape, f func(P) Q, x P, wanted bool) (r traced[P, Q], err error) {
	tp.lv = tensor.Open(name, tp)
	defer tp.tidy()
	defer tp.lv.Close()
	r.tp, r.x = tp, x
	if r.in, err = leavesOf(x, tp.rooms.in[:0]); err != nil {
		return r, err
	}
	boxed := sized(tp.rooms.boxed[:], len(r.in))
	r.refs = sized(tp.rooms.refs[:], len(r.in))
	for i, t := range r.in {
		if err := t.Err(); err != nil {
			return r, err
		}
		boxed[i], r.refs[i] = t, graph.Untracked
		if t.DType().IsFloat() {
			boxed[i] = tp.input(t)
			r.refs[i] = boxed[i].Ref()
		}
	}
	res, err := call(f, rebuild(x, boxed))
	if err != nil {
		return r, err
	}
	if r.out, err = leavesOf(res, tp.rooms.out[:0]); err != nil {
		return r, err
	}
	if !wanted {
		tp.forget(r.out)
		return r, nil
	}
	low := sized(tp.rooms.low[:], len(r.out))
	for i, t := range r.out {
		low[i] = t.Lower(tp.lv)
	}
	r.y = rebuild(res, low)
	tp.forget(r.out)
	return r, nil
}

// pull sweeps the tape from cotangents of the result's leaves to the argument's.
func (r *traced[P, Q]) pull(cts []*tensor.Tensor, last bool) (g P, err error) {
	tp := r.tp
	tp.seeds = tp.seeds[:0]
	for i, t := range r.out {
		if t.Err() != nil {
			return g, t.Err()
		}
		if t.TracedAt(tp.lv) && cts[i] != nil {
			tp.mixed = tp.mixed || !cts[i].Plain()
			tp.seeds = append(tp.seeds, seed{t.Ref(), cts[i]})
		}
	}
	err = tp.sweep(last)
	clear(tp.seeds)
	if err != nil {
		return g, err
	}
	leaves := sized(tp.rooms.boxed[:], len(r.in))
	for i, t := range r.in {
		if ref := r.refs[i]; ref != graph.Untracked && tp.ct[ref] != nil {
			leaves[i] = tp.ct[ref].t
		} else {
			leaves[i] = zerosLike(t)
		}
	}
	return rebuild(r.x, leaves), nil
}

// Grad returns the function that computes the gradient of f, a function with a
// scalar result, by one reverse sweep. The gradient has the type, shapes and
// dtypes of the argument; for integer and boolean leaves it is zero.
//
// Errors: a *tensor.ShapeError where f's result is not a scalar, a
// *tensor.DTypeError where it is no float, f's own, a *PanicError, a *TypeError
// of an argument that cannot be taken apart. They stick to the gradient's
// tensors; where an argument's type may have none, ask [ValueAndGrad]'s value.
func Grad[P any](f func(P) *tensor.Tensor, opts ...Option) func(P) P {
	vg := valueAndGrad("grad.Grad", f, opts, false)
	return func(x P) P {
		_, g := vg(x)
		return g
	}
}

// ValueAndGrad is like [Grad] and returns the value of f as well.
func ValueAndGrad[P any](f func(P) *tensor.Tensor, opts ...Option) func(P) (*tensor.Tensor, P) {
	return valueAndGrad("grad.ValueAndGrad", f, opts, true)
}

// valueAndGrad returns no value where that is not wanted.
func valueAndGrad[P any](name string, f func(P) *tensor.Tensor, opts []Option, wanted bool) func(P) (*tensor.Tensor, P) {
	o := gather(opts)
	return func(x P) (_ *tensor.Tensor, g P) {
		tp := tapes.Get().(*tape)
		tp.ieee = o.ieee
		r, err := record(name, tp, f, x, wanted)
		defer func() {
			tp.reset()
			tapes.Put(tp)
		}()
		if err == nil {
			err = scalarResult(name, r.out[0])
		}
		if err == nil {
			tp.rooms.low[0] = onesLike(r.out[0])
			g, err = r.pull(tp.rooms.low[:1], true)
		}
		if err != nil {
			return tensor.Failed(name, err), failedLike(x, name, err)
		}
		return r.y, g
	}
}

// ValueGradAux is [ValueAndGrad] of a function that also returns something
// else, which is passed on (tensors in it as values).
func ValueGradAux[P, A any](f func(P) (*tensor.Tensor, A), opts ...Option) func(P) (*tensor.Tensor, P, A) {
	o := gather(opts)
	type both struct {
		Y *tensor.Tensor
		A A
	}
	return func(x P) (*tensor.Tensor, P, A) {
		const name = "grad.ValueGradAux"
		r, err := record(name, &tape{ieee: o.ieee}, func(x P) both {
			y, a := f(x)
			return both{y, a}
		}, x, true)
		if err == nil {
			err = scalarResult(name, r.y.Y)
		}
		var g P
		if err == nil {
			cts := make([]*tensor.Tensor, len(r.out))
			cts[0] = onesLike(r.y.Y)
			g, err = r.pull(cts, true)
		}
		if err != nil {
			return tensor.Failed(name, err), failedLike(x, name, err), r.y.A
		}
		return r.y.Y, g, r.y.A
	}
}

func scalarResult(op string, y *tensor.Tensor) error {
	switch err := y.Err(); {
	case err != nil:
		return err
	case y.Size() != 1 || y.Rank() > 0:
		return &tensor.ShapeError{Op: op, Shapes: [][]int{y.Shape()}, Reason: "the function's result is not a scalar (reduce it, or use VJP or a Jacobian)"}
	case !y.DType().IsFloat():
		return &tensor.DTypeError{Op: op, DTypes: []string{y.DType().String()}, Reason: "the function's result is no float and has no derivative (Cast integers to Float64; New makes int64 of ints)"}
	}
	return nil
}

func onesLike(t *tensor.Tensor) *tensor.Tensor {
	if !tensor.OnDefault(t) {
		return tensor.OnesLike(t)
	}
	return tensor.Builder{}.Full(1, t.Aval()).(*tensor.Tensor)
}

// VJP returns f(x) and the pullback, the function that maps a cotangent g of
// the result to Jᵀ·g by a reverse sweep. The pullback may be called any number
// of times, by one goroutine at a time, and differentiated; what the sweep
// reads is kept alive as long as the pullback is.
func VJP[P, Q any](f func(P) Q, x P, opts ...Option) (y Q, pullback func(g Q) P) {
	const name = "grad.VJP"
	r, err := record(name, &tape{ieee: gather(opts).ieee}, f, x, true)
	if err != nil {
		return failedLike(r.y, name, err), func(Q) P { return failedLike(x, name, err) }
	}
	var mu sync.Mutex
	return r.y, func(g Q) P {
		mu.Lock()
		defer mu.Unlock()
		cts, err := cotangentsFor(name, r.out, r.y, g)
		if err == nil {
			var gx P
			if gx, err = r.pull(cts, false); err == nil {
				return gx
			}
		}
		return failedLike(x, name, err)
	}
}

// cotangentsFor flattens g and checks it against the results.
func cotangentsFor[Q any](name string, out []*tensor.Tensor, like, g Q) ([]*tensor.Tensor, error) {
	cts, err := leavesOf(g, nil)
	if err != nil {
		return nil, err
	}
	if err := sameTree(name, "cotangents", like, g, len(out), len(cts)); err != nil {
		return nil, err
	}
	for i, t := range out {
		if t.Err() != nil || !t.DType().IsFloat() {
			continue
		}
		if err := sameType(name, "cotangent", t, cts[i]); err != nil {
			return nil, err
		}
	}
	return cts, nil
}

// Linearize returns f(x) and the linear map dx ↦ J·dx at x, which runs over
// what was recorded without running f again. It may be called any number of
// times and differentiated. Errors are those of [JVP].
func Linearize[P, Q any](f func(P) Q, x P, opts ...Option) (y Q, linear func(dx P) Q) {
	const name = "grad.Linearize"
	tp := &tape{keep: true, wide: true, ieee: gather(opts).ieee}
	r, err := record(name, tp, f, x, true)
	if err != nil {
		return failedLike(r.y, name, err), func(P) Q { return failedLike(r.y, name, err) }
	}
	return r.y, func(dx P) Q {
		q, err := r.push(name, dx)
		if err != nil {
			return failedLike(r.y, name, err)
		}
		return q
	}
}

// push runs the tape forward on tangents of the argument.
func (r *traced[P, Q]) push(name string, dx P) (q Q, err error) {
	tangents, err := leavesOf(dx, nil)
	if err != nil {
		return q, err
	}
	if err := sameTree(name, "tangents", r.x, dx, len(r.in), len(tangents)); err != nil {
		return q, err
	}
	d := make([]*tensor.Tensor, r.tp.rec.NumValues())
	for i, ref := range r.refs {
		if ref == graph.Untracked {
			continue
		}
		if err := sameType(name, "tangent", r.in[i], tangents[i]); err != nil {
			return q, err
		}
		d[ref] = tangents[i]
	}
	r.tp.forward(d)
	leaves := make([]*tensor.Tensor, len(r.out))
	for i, t := range r.out {
		switch {
		case t.Err() != nil:
			leaves[i] = t
		case t.TracedAt(r.tp.lv) && d[t.Ref()] != nil:
			leaves[i] = d[t.Ref()]
		default:
			leaves[i] = zerosLike(t)
		}
	}
	return rebuild(r.y, leaves), nil
}

// forward fills d, which holds the inputs' tangents, with those of all values.
func (tp *tape) forward(d []*tensor.Tensor) {
	for i := range tp.rec.Instrs {
		x := &tp.rec.Instrs[i]
		s := getScratch()
		in, out := tp.savedBy(i)
		dx := s.tensors(len(in))
		for k, a := range tp.rec.Args(i) {
			if a != graph.Untracked {
				dx[k] = d[a]
			}
		}
		s.jvp(x.Inst, tp.ieee, s.lowered(tp.lv, in), s.lowered(tp.lv, out), dx, d[x.Out:int(x.Out)+len(out)])
		s.put()
	}
}

// HVP returns the product of the Hessian of f at x with v, by a forward sweep
// over the gradient (Pearlmutter, Fast Exact Multiplication by the Hessian,
// Neural Computation 6, 1994). f has a scalar result; v, and the product, have the shapes
// and dtypes of x. Errors are those of [Grad] and [JVP].
func HVP[P any](f func(P) *tensor.Tensor, x, v P, opts ...Option) P {
	_, h := jvpOf("grad.HVP", Grad(f, opts...), x, v, opts)
	return h
}

// GradHVP is [HVP] that also returns the gradient, which the sweep has computed anyway.
func GradHVP[P any](f func(P) *tensor.Tensor, x, v P, opts ...Option) (g, hv P) {
	return jvpOf("grad.GradHVP", Grad(f, opts...), x, v, opts)
}

// StopGradient returns x as a constant of every transformation: its derivative is zero.
func StopGradient(x *tensor.Tensor) *tensor.Tensor { return x.StopGradient() }

// errNoTensors is the error of a value without tensors where some are needed.
var errNoTensors = errors.New("grad: the value holds no tensors")

// failedEmpty returns like, a value whose tensors are nil or missing, with t in
// every place that a fixed tree has for a tensor.
func failedEmpty[Q any](like Q, t *tensor.Tensor) Q {
	fillNil(&like, t)
	return like
}
