// Scan: a loop of known length.

package grad

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Scan runs body once for each row of xs, the slices of its tensors along their
// first axes, which have one size n:
//
//	for i := range n {
//		carry, ys[i] = body(carry, xs[i])
//	}
//	return carry, ys
//
// The ys of the steps are stacked along a new first axis. C, X and Y are types
// that hold tensors, as in the other transformations, or none (struct{}). Without
// tensors in xs, [Length] gives the number of steps; [Backwards] runs from the last
// row to the first. Whatever a step computes, its carry must have the shapes and
// dtypes of the one it was given. body may capture values of any transformation;
// what is not a tensor in a carry is as it was at first in each step.
//
// On values it is that Go loop. While a program is being prepared body is called
// once, and the program has the loop; its reverse derivative is a loop that runs the
// other way, over what the steps have kept ([KeepResiduals], [Recompute]; without
// either, what is estimated to take less time). Its values are those of the Go loop bit for
// bit, and so are derivatives, but for the cotangents of captured values that a step uses
// more than once: a step's contributions are added up first.
//
// Errors: a *CarryError, a *tensor.ShapeError for xs of different lengths, those of
// the body, a *PanicError.
func Scan[C, X, Y any](body func(C, X) (C, Y), carry C, xs X, opts ...Option) (C, Y) {
	const name = "grad.Scan"
	var like Y
	out, n, err := func() (out []*tensor.Tensor, n int, err error) {
		o := gather(opts)
		c, err := leavesOf(carry, nil)
		if err != nil {
			return nil, 0, err
		}
		x, err := leavesOf(xs, nil)
		if err != nil {
			return nil, 0, err
		}
		if err := firstError(slices.Concat(c, x)); err != nil {
			return nil, 0, err
		}
		l := &looping{op: name, reverse: o.backwards, ctx: o.ctx, carries: pathsOf(carry)}
		if l.steps, err = scanLength(x, o); err != nil {
			return nil, 0, err
		}
		type pair struct {
			C C
			Y Y
		}
		step := func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			p, err := call(func(in []*tensor.Tensor) (p pair) {
				p.C, p.Y = body(rebuildOr0(carry, in[:len(c)]), rebuildOr0(xs, in[len(c):]))
				return p
			}, in)
			if err != nil {
				return nil, err
			}
			next, err := leavesOf(p.C, nil)
			if err == nil {
				err = sameTree(name, "carries that the body returns", carry, p.C, len(c), len(next))
			}
			if err != nil {
				return nil, err
			}
			y, err := leavesOf(p.Y, nil)
			like, l.ys = p.Y, len(y)
			return append(slices.Clone(next), y...), err
		}
		out, err = l.scanOrRecord(step, c, x, &o)
		return out, len(c), err
	}()
	if err != nil {
		return failedLike(carry, name, err), failedLike(like, name, err)
	}
	return rebuildOr0(carry, out[:n]), rebuildOr0(like, out[n:])
}

// rebuildOr0 is rebuild for values that need not hold tensors.
func rebuildOr0[P any](like P, leaves []*tensor.Tensor) P {
	if len(leaves) == 0 {
		return like
	}
	return rebuild(like, leaves)
}

// scanLength returns the number of steps.
func scanLength(xs []*tensor.Tensor, o options) (int, error) {
	n := -1
	if o.hasLength {
		n = o.length
	}
	if n < 0 && len(xs) == 0 {
		return 0, fmt.Errorf("grad.Scan: without xs the length must be given, by Length, and be at least 0")
	}
	for _, t := range xs {
		switch {
		case t.Rank() == 0:
			return 0, &tensor.ShapeError{Op: "grad.Scan", Shapes: [][]int{t.Shape()}, Reason: "xs need a first axis, along which the steps run"}
		case n >= 0 && t.Dim(0) != n && !o.hasLength:
			return 0, &tensor.ShapeError{Op: "grad.Scan", Shapes: [][]int{xs[0].Shape(), t.Shape()}, Reason: "the first axes of the xs differ"}
		case n >= 0 && t.Dim(0) != n:
			return 0, &tensor.ShapeError{Op: "grad.Scan", Shapes: [][]int{t.Shape()}, Reason: fmt.Sprintf("the first axis is not of the length given, %d", n)}
		}
		n = t.Dim(0)
	}
	return n, nil
}

// scanOrRecord runs the loop, or records it where that is what happens.
func (l *looping) scanOrRecord(step function, carry, xs []*tensor.Tensor, o *options) ([]*tensor.Tensor, error) {
	rec := tensor.Recording(slices.Concat(carry, xs)...)
	if rec == nil && l.steps > 0 {
		out, err := l.scan(step, carry, xs)
		if err != errRecorded {
			return out, err
		}
		rec = l.by // what the body has captured
	}
	if rec == nil { // no steps: the types of the ys are those of a body that is recorded
		return l.none(step, carry, xs)
	}
	return rec.(*recorder).scan(l, step, carry, xs, o)
}

// scan runs the loop on values. Of the body's results those after the ys are summed.
func (l *looping) scan(body function, carry, xs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	row := rowReader(xs, l.steps)
	var ys [][]*tensor.Tensor
	var sums []*tensor.Tensor
	for k := range l.steps {
		i := k
		if l.reverse {
			i = l.steps - 1 - k
		}
		next, rest, err := l.step(body, carry, row(i))
		if err != nil {
			return nil, err
		}
		if l.recording(next) || l.recording(rest) {
			return nil, errRecorded
		}
		if ys == nil {
			ys = make([][]*tensor.Tensor, l.ys)
		}
		carry = next
		for j, t := range rest[:l.ys] {
			ys[j] = append(ys[j], t)
		}
		for j, t := range rest[l.ys:] {
			if k == 0 {
				sums = append(sums, t)
			} else {
				sums[j] = sums[j].Add(t)
			}
		}
	}
	out := slices.Clone(carry)
	if l.steps == 0 {
		return l.appendEmpty(out), nil
	}
	for _, list := range ys {
		if l.reverse {
			slices.Reverse(list)
		}
		out = append(out, tensor.Stack(0, list...))
	}
	return append(out, sums...), nil
}

// appendEmpty appends what no steps give for the results after the carries.
func (l *looping) appendEmpty(out []*tensor.Tensor) []*tensor.Tensor {
	for _, a := range l.empty {
		out = append(out, zerosOf(a))
	}
	return out
}

// none returns the results of no steps.
func (l *looping) none(step function, carry, xs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	where := tensor.Scalar(0)
	rec := &recorder{where: where, backend: -1}
	b, err := rec.body(l.op, slices.Concat(avalsOf(carry), rowTypes(xs)), step)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(carry)
	for _, v := range b.g.Outputs[len(carry):] {
		a := b.g.Aval(v)
		out = append(out, zerosOf(kernels.Aval{DType: a.DType, Shape: append([]int{0}, a.Shape...)}))
	}
	return out, nil
}

// rowReader returns the function that gives the rows of xs.
func rowReader(xs []*tensor.Tensor, n int) func(i int) []*tensor.Tensor {
	rows := make([][]*tensor.Tensor, len(xs))
	for j, t := range xs {
		if !t.Plain() {
			rows[j] = unstack(n).Apply([]*tensor.Tensor{t})
		}
	}
	return func(i int) []*tensor.Tensor {
		out := make([]*tensor.Tensor, len(xs))
		for j, t := range xs {
			switch {
			case rows[j] == nil:
				out[j] = t.Index(tensor.At(i))
			case i < len(rows[j]):
				out[j] = rows[j][i]
			default: // one that carries an error
				out[j] = rows[j][0]
			}
		}
		return out
	}
}

// unstack returns the function that takes a tensor apart along its first axis. Its
// derivative stacks, at the cost of one pass instead of one for each row.
func unstack(n int) *tensor.Function {
	run := func(x []*tensor.Tensor) []*tensor.Tensor {
		rows := make([]*tensor.Tensor, n)
		for i := range rows {
			rows[i] = x[0].Index(tensor.At(i))
		}
		return rows
	}
	return &tensor.Function{
		Name: "unstack",
		Run:  run,
		JVP:  func(_, _, dx []*tensor.Tensor) []*tensor.Tensor { return run(dx) },
		VJP:  func(_, _, g []*tensor.Tensor) []*tensor.Tensor { return []*tensor.Tensor{tensor.Stack(0, g...)} },
	}
}

// rowTypes returns the types of the rows.
func rowTypes(xs []*tensor.Tensor) []kernels.Aval {
	out := avalsOf(xs)
	for i := range out {
		out[i].Shape = out[i].Shape[1:]
	}
	return out
}

// scan records a Scan.
func (r *recorder) scan(l *looping, step function, carry, xs []*tensor.Tensor, o *options) ([]*tensor.Tensor, error) {
	types := avalsOf(carry)
	b, err := r.body(l.op, slices.Concat(types, rowTypes(xs)), func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		return l.checked(step, in, types)
	})
	if err != nil {
		return nil, err
	}
	c := &graph.Control{
		Form: graph.Scan, Bodies: []*graph.Graph{b.g},
		Consts: len(b.captured), Carries: len(carry), Xs: len(xs), Ys: l.ys,
		Length: l.steps, Reverse: l.reverse, Residuals: r.keeps(o),
	}
	return emit(scanOp, c, slices.Concat(b.captured, carry, xs)), nil
}
