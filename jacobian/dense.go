// Dense Jacobians: every column by forward mode, or every row by reverse mode, in
// one batch.

package jacobian

import (
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// denseChunk is the number of elements of a batch of seeds up to which columns or
// rows are computed at once.
const denseChunk = 1 << 20

// Dense returns the Jacobian of f at x, a float64 tensor of a row for each element
// of the result and a column for each element of the argument. It takes as many
// products as the smaller of the two numbers: Jacobian-vector products of the
// unit vectors, or vector-Jacobian products. It may be transformed itself: the
// dense Hessian of a scalar function is Dense(grad.Grad(f), x). Errors stick to
// the result.
func Dense[P, Q any](f func(P) Q, x P, opts ...grad.Option) *tensor.Tensor {
	in, err := avalsOf(x)
	if err != nil {
		return tensor.Failed("jacobian.Dense", err)
	}
	y, pull := grad.VJP(f, x, opts...)
	out, err := avalsOf(y)
	if err != nil {
		return tensor.Failed("jacobian.Dense", err)
	}
	if err := differentiable("jacobian.Dense", in, out); err != nil {
		return tensor.Failed("jacobian.Dense", err)
	}
	m, n := sizeOf(out), sizeOf(in)
	if m == 0 || n == 0 {
		return beside(x, tensor.Zeros(m, n))
	}
	if m <= n {
		return units(m, x, func(v *array) *array {
			return grad.Flatten(pull(grad.Unflatten(y, v)))
		})
	}
	return units(n, x, func(v *array) *array {
		_, dy := grad.JVP(f, x, grad.Unflatten(x, v), opts...)
		return grad.Flatten(dy)
	}).T()
}

// units returns the results of a function at the n unit vectors, on the device of x, stacked.
func units[P any](n int, x P, f func(v *array) *array) *array {
	step := max(1, denseChunk/n)
	var parts []*array
	for i := 0; i < n; i += step {
		k := min(step, n-i)
		rows := tensor.Arange(float64(i), float64(i+k), 1, tensor.WithDType(tensor.Int64)).Unsqueeze(1)
		cols := tensor.Arange(0, float64(n), 1, tensor.WithDType(tensor.Int64)).Unsqueeze(0)
		parts = append(parts, grad.Vmap(f)(beside(x, rows.Eq(cols).Cast(tensor.Float64))))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return tensor.Concat(0, parts...)
}
