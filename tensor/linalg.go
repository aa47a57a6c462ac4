// Products of vectors, matrices and tensors.

package tensor

import "github.com/cotangent-ad/cotangent/kernels"

// MatMul returns the matrix product of t and x: leading dimensions broadcast, a
// vector is a row on the left and a column on the right, and its dimension goes
// away. Scalars and inner sizes that differ are a *ShapeError.
func (t *Tensor) MatMul(x *Tensor) *Tensor { return apply2(kernels.Matmul, nil, t, x) }

// Dot returns the inner product of two vectors of one size.
func (t *Tensor) Dot(x *Tensor) *Tensor { return apply2(kernels.Dot, nil, t, x) }

// Outer returns the matrix of products of the elements of two vectors.
func (t *Tensor) Outer(x *Tensor) *Tensor { return apply2(kernels.Outer, nil, t, x) }

// Einsum returns the sum of products that spec describes, as in NumPy: letters
// name the dimensions of each operand and of the result,
//
//	tensor.Einsum("bij,bjk->bik", a, b)
//
// A letter that is not in the result is summed over, one that an operand has
// twice takes its diagonal, and an ellipsis stands for dimensions that
// broadcast. Without an arrow the result has the ellipsis and then the letters
// that occur once, sorted. More than two operands are contracted in pairs, the
// pair with the smallest product first. What spec gets wrong is an *AttrError or a *ShapeError.
func Einsum(spec string, xs ...*Tensor) *Tensor {
	return applyN(kernels.Einsum, kernels.Equation(spec), xs)[0]
}
