// Gathers, scatters, diagonals and triangles. Indices are tensors of int32 or
// int64; negative ones count from the end. One out of range is an *IndexError,
// at once or when the work is done.

package tensor

import "github.com/cotangent-ad/cotangent/kernels"

// Gather returns t's elements at indices along an axis, one for each element of
// index, which has t's rank; elsewhere the two broadcast (NumPy's
// take_along_axis).
func (t *Tensor) Gather(axis int, index *Tensor) *Tensor {
	return apply2(kernels.Gather, kernels.AxesOf(false, axis), t, index)
}

// Take returns the slices of t at indices along an axis, whose place the
// dimensions of index take.
func (t *Tensor) Take(axis int, index *Tensor) *Tensor {
	return apply2(kernels.Take, kernels.AxesOf(false, axis), t, index)
}

// ScatterAdd returns t with values, of t's dtype, added at indices along an
// axis: both have t's rank, and broadcast to each other, elsewhere to t's sizes.
// What meets at one place is added in the order of the values. To add rows at a
// list of indices, see [Tensor.IndexAdd].
//
// A product with a sparse matrix is [Sparse.MatMul], which scatters nothing.
func (t *Tensor) ScatterAdd(axis int, index, values *Tensor) *Tensor {
	return apply3(kernels.ScatterAdd, kernels.AxesOf(false, axis), t, index, values)
}

// OneHot returns, along a new last dimension of size n, 1 at each of t's
// indices and 0 elsewhere; float64 unless WithDType says otherwise. An index
// out of range gives zeros.
func (t *Tensor) OneHot(n int, opts ...Option) *Tensor {
	o := gather(opts, Float64)
	return apply1(kernels.OneHot, kernels.Classes{N: n, DType: o.dtype}, t)
}

// Diag returns the diagonal of a matrix, offset columns to the right of the main
// one, or of a vector the matrix of zeros with that diagonal.
func (t *Tensor) Diag(offset int) *Tensor { return apply1(kernels.Diag, kernels.Offset(offset), t) }

// Tril returns the elements of matrices (the last two dimensions) on the
// diagonal of the given offset and below, with zeros above.
func (t *Tensor) Tril(offset int) *Tensor { return apply1(kernels.Tril, kernels.Offset(offset), t) }

// Triu returns the elements of matrices (the last two dimensions) on the
// diagonal of the given offset and above, with zeros below.
func (t *Tensor) Triu(offset int) *Tensor { return apply1(kernels.Triu, kernels.Offset(offset), t) }
