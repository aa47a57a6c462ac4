// Arguments and results as vectors of the elements of their floating-point leaves.

package jacobian

import (
	"slices"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

type array = tensor.Tensor

// sizeOf returns the number of elements of the floating-point values.
func sizeOf(avals []kernels.Aval) int {
	n := 0
	for _, a := range avals {
		if a.DType.IsFloat() {
			n += a.Size()
		}
	}
	return n
}

// avalsOf returns the types of the leaves of p.
func avalsOf[P any](p P) ([]kernels.Aval, error) {
	leaves, err := grad.Leaves(p)
	if err != nil {
		return nil, err
	}
	avals := make([]kernels.Aval, len(leaves))
	for i, t := range leaves {
		if err := t.Err(); err != nil {
			return nil, err
		}
		avals[i] = t.Aval()
	}
	return avals, nil
}

// beside returns t on the device of the argument or result p.
func beside[P any](p P, t *array) *array {
	if leaves, err := grad.Leaves(p); err == nil && len(leaves) > 0 && leaves[0].Err() == nil {
		return t.To(leaves[0].Device())
	}
	return t
}

// differentiable returns a *tensor.DTypeError where the argument's or the result's
// tensors are all integers or bools, of which nothing has a derivative.
func differentiable(op string, in, out []kernels.Aval) error {
	for i, avals := range [][]kernels.Aval{in, out} {
		if len(avals) == 0 || slices.ContainsFunc(avals, func(a kernels.Aval) bool { return a.DType.IsFloat() }) {
			continue
		}
		what := [...]string{"argument", "result"}[i]
		return &tensor.DTypeError{Op: op, DTypes: []string{avals[0].DType.String()}, Reason: "the function's " + what + " holds no floats and has no derivative (Cast integers to Float64; New makes int64 of ints)"}
	}
	return nil
}
