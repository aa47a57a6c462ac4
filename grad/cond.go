// Cond: one of two functions, by a condition.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Cond returns ifTrue(operand) if pred, a bool of rank 0, holds, else
// ifFalse(operand). The functions may capture values of any transformation.
//
// On values it calls one of the functions, and so does not see whether the other's
// results have the same types. While a program is being prepared it
// calls both, once, and the program has both. Where a condition differs between
// those that [Vmap] maps over, both are computed and the results selected, element
// by element; derivatives are zero where a branch was not taken.
//
// What a recorded branch contributes to the cotangent of a captured value is added
// up first, as with [Scan]: where a value is used more than once, that is another
// order than on values, and equal but for rounding.
//
// Errors: a *tensor.DTypeError or *tensor.ShapeError for a condition that is no
// bool of rank 0, a *BranchError, those of the functions, a *PanicError.
func Cond[P, Q any](pred *tensor.Tensor, ifTrue, ifFalse func(P) Q, operand P) Q {
	const name = "grad.Cond"
	var like Q
	var paths []string
	branch := func(f func(P) Q) function {
		return func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			y, err := call(f, rebuild(operand, in))
			if err != nil {
				return nil, err
			}
			now := pathsOf(y)
			if paths != nil && !slices.Equal(now, paths) {
				return nil, &TypeError{Path: "", Reason: "the branches of a Cond return values that hold their tensors in different places"}
			}
			like, paths = y, now
			return leavesOf(y, nil)
		}
	}
	out, err := func() ([]*tensor.Tensor, error) {
		in, err := leavesOf(operand, nil)
		if err == nil {
			err = firstError(in)
		}
		if err == nil {
			err = scalarBool(name, pred)
		}
		if err != nil {
			return nil, err
		}
		if rec := tensor.Recording(pred); rec != nil {
			return rec.(*recorder).cond(pred, branch(ifTrue), branch(ifFalse), in, &paths)
		}
		return choose(pred, branch(ifTrue), branch(ifFalse), in)
	}()
	if err != nil {
		return failedLike(like, name, err)
	}
	return rebuild(like, out)
}

// choose carries out a Cond on values.
func choose(pred *tensor.Tensor, ifTrue, ifFalse function, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	holds, many, err := truth("grad.Cond", pred)
	switch {
	case err != nil:
		return nil, err
	case many:
		return both(pred, ifTrue, ifFalse, in)
	case holds:
		return ifTrue(in)
	}
	return ifFalse(in)
}

// both computes the two branches and selects.
func both(pred *tensor.Tensor, ifTrue, ifFalse function, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	yes, err := ifTrue(in)
	if err == nil {
		err = firstError(yes)
	}
	if err != nil {
		return nil, err
	}
	no, err := ifFalse(in)
	if err == nil {
		err = firstError(no)
	}
	if err != nil {
		return nil, err
	}
	if err := sameBranches(yes, no, nil); err != nil {
		return nil, err
	}
	return selected(pred, yes, no), nil
}

// selected returns for each pair of tensors the first where pred holds, else the second.
func selected(pred *tensor.Tensor, yes, no []*tensor.Tensor) []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(yes))
	for i := range yes {
		if out[i] = yes[i]; yes[i] != no[i] {
			out[i] = tensor.Where(pred, yes[i], no[i])
		}
	}
	return out
}

// sameBranches returns a *BranchError where the results differ in type.
func sameBranches(yes, no []*tensor.Tensor, paths []string) error {
	if len(yes) != len(no) {
		return &TypeError{Reason: "the branches of a Cond return different numbers of tensors"}
	}
	return sameAvals(yes, avalsOf(no), func(i int) error {
		e := &BranchError{True: yes[i].Aval(), False: no[i].Aval()}
		if paths != nil {
			e.Path = paths[i]
		}
		return e
	})
}

// cond records a Cond.
func (r *recorder) cond(pred *tensor.Tensor, ifTrue, ifFalse function, in []*tensor.Tensor, paths *[]string) ([]*tensor.Tensor, error) {
	var yes []*tensor.Tensor
	keep := func(f function) function {
		return func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			out, err := f(in)
			if err == nil {
				err = firstError(out)
			}
			if err == nil && yes != nil {
				err = sameBranches(yes, out, *paths)
			}
			yes = out
			return out, err
		}
	}
	types := avalsOf(in)
	a, err := r.body("grad.Cond", types, keep(ifTrue))
	if err != nil {
		return nil, err
	}
	b, err := r.body("grad.Cond", types, keep(ifFalse))
	if err != nil {
		return nil, err
	}
	captured := unite(a, b)
	c := &graph.Control{Form: graph.Cond, Bodies: []*graph.Graph{a.g, b.g}}
	return emit(condOp, c, slices.Concat([]*tensor.Tensor{pred}, captured, in)), nil
}

// emit dispatches a control instruction.
func emit(op *kernels.Op, c *graph.Control, in []*tensor.Tensor) []*tensor.Tensor {
	inst := c.Inst(op)
	out := make([]*tensor.Tensor, len(inst.Out))
	tensor.Dispatch(inst, in, out)
	return out
}
