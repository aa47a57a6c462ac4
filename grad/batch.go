// Vectorisation: one more axis on every operation.

package grad

import (
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// batching interprets operations on values of which each stands for n at once,
// along a leading axis of its primal that its own type does not show.
type batching struct {
	n    int
	read atomic.Pointer[error] // the first attempt to look at a value
}

// Read fails, and so does the whole map: the reader may not look at the error.
func (b *batching) Read(*tensor.Level, *tensor.Tensor) (*tensor.Tensor, error) {
	err := tensor.Failed("grad.Vmap", &tensor.ReadError{Transformation: "grad.Vmap"}).Err()
	b.read.CompareAndSwap(nil, &err)
	return nil, err
}

func (b *batching) Process(lv *tensor.Level, inst *kernels.Inst, in, out []*tensor.Tensor) {
	if c := graph.ControlOf(inst); c != nil {
		b.control(lv, inst, c, in, out)
		return
	}
	s := getScratch()
	defer s.put()
	x := s.tensors(len(in))
	var mask kernels.Mask
	for i, t := range in {
		x[i] = t.Lower(lv)
		if t.TracedAt(lv) {
			mask |= 1 << i
		}
	}
	for i, v := range inst.Batch(tensor.Builder{}, vals(x), mask, b.n) {
		t := v.(*tensor.Tensor)
		if t.Err() != nil {
			out[i] = t
			continue
		}
		out[i] = lv.TraceAval(inst.Out[i], t, 0)
	}
}

// Vmap returns the function that applies f to each of the slices of its
// argument's tensors along their first axes, which have one size, at once, and
// stacks the results along a new first axis. What f captures is shared by all.
//
// It costs one pass of wider operations, not a loop. Errors: a
// *tensor.ShapeError where the first axes differ or a leaf has none.
func Vmap[P, Q any](f func(P) Q) func(P) Q {
	const name = "grad.Vmap"
	return func(x P) Q {
		y, err := vmap(name, f, x)
		if err != nil {
			return failedLike(y, name, err)
		}
		return y
	}
}

func vmap[P, Q any](name string, f func(P) Q, x P) (y Q, err error) {
	leaves, err := leavesOf(x, nil)
	if err != nil {
		return y, err
	}
	n, err := batchSize(name, leaves)
	if err != nil {
		return y, err
	}
	b := &batching{n: n}
	lv := tensor.Open(name, b)
	defer lv.Close()
	boxed := make([]*tensor.Tensor, len(leaves))
	for i, t := range leaves {
		a := t.Aval()
		boxed[i] = lv.TraceAval(kernels.Aval{DType: a.DType, Shape: a.Shape[1:]}, t, 0)
	}
	res, err := call(f, rebuild(x, boxed))
	if err != nil {
		return res, err
	}
	if p := b.read.Load(); p != nil {
		return res, *p
	}
	outs, err := leavesOf(res, nil)
	if err != nil {
		return y, err
	}
	for i, t := range outs {
		switch {
		case t.Err() != nil:
		case t.TracedAt(lv):
			outs[i] = t.Lower(lv)
		default: // the same for all
			outs[i] = t.BroadcastTo(append([]int{n}, t.Shape()...)...)
		}
	}
	return rebuild(res, outs), nil
}

// batchSize returns the size of the leaves' first axes.
func batchSize(name string, leaves []*tensor.Tensor) (int, error) {
	if len(leaves) == 0 {
		return 0, errNoTensors
	}
	for _, t := range leaves {
		if t.Err() != nil {
			return 0, t.Err()
		}
		if t.Rank() == 0 || t.Dim(0) != leaves[0].Dim(0) {
			return 0, &tensor.ShapeError{Op: name, Shapes: [][]int{leaves[0].Shape(), t.Shape()}, Reason: "all leaves need a first axis of one size"}
		}
	}
	return leaves[0].Dim(0), nil
}
