// Both directions of the bridge.

package gonum

import (
	"errors"
	"reflect"

	"gonum.org/v1/gonum/mat"

	"github.com/cotangent-ad/cotangent/tensor"
)

// ErrNil is the error of a tensor made of a nil matrix or vector.
var ErrNil = errors.New("gonum: nil matrix")

// Dense returns a tensor over m's memory, of shape [rows columns]; a slice of a
// larger matrix is strided. Writing to m changes the tensor. An empty m has
// shape [0 0].
func Dense(m *mat.Dense) *tensor.Tensor {
	if m == nil {
		return tensor.Failed("dense", ErrNil)
	}
	raw := m.RawMatrix()
	return tensor.WrapStrided(raw.Data, []int{raw.Rows, raw.Cols}, []int{raw.Stride, 1})
}

// Vec returns a tensor over v's memory, of shape [n]; a column of a matrix is
// strided. Writing to v changes the tensor.
func Vec(v *mat.VecDense) *tensor.Tensor {
	if v == nil {
		return tensor.Failed("vec", ErrNil)
	}
	raw := v.RawVector()
	return tensor.WrapStrided(raw.Data, []int{raw.N}, []int{raw.Inc})
}

// Matrix returns a tensor with a copy of any matrix: symmetric, triangular,
// banded, diagonal, transposed.
func Matrix(m mat.Matrix, opts ...tensor.Option) *tensor.Tensor {
	if v := reflect.ValueOf(m); m == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return tensor.Failed("matrix", ErrNil)
	}
	rows, cols := m.Dims()
	data := make([]float64, 0, rows*cols)
	for i := range rows {
		for j := range cols {
			data = append(data, m.At(i, j))
		}
	}
	return tensor.NewShaped(data, []int{rows, cols}, opts...)
}

// ToDense returns a copy of a tensor of rank 2, its elements converted to
// float64. An empty matrix, which gonum has only as [0 0], is a
// *tensor.ShapeError, as other ranks are.
func ToDense(t *tensor.Tensor) (*mat.Dense, error) {
	data, err := values("to_dense", t, 2)
	if err != nil {
		return nil, err
	}
	return mat.NewDense(t.Dim(0), t.Dim(1), data), nil
}

// ToVec returns a copy of a tensor of rank 1, its elements converted to
// float64. Other ranks, and no elements at all, are a *tensor.ShapeError.
func ToVec(t *tensor.Tensor) (*mat.VecDense, error) {
	data, err := values("to_vec", t, 1)
	if err != nil {
		return nil, err
	}
	return mat.NewVecDense(t.Dim(0), data), nil
}

func values(op string, t *tensor.Tensor, rank int) ([]float64, error) {
	if err := check(op, t, rank); err != nil {
		return nil, err
	}
	return t.Float64s()
}

func check(op string, t *tensor.Tensor, rank int) error {
	switch {
	case t.Err() != nil:
		return t.Err()
	case t.Rank() != rank:
		return refuse(op, t, "another rank is needed")
	case t.Size() == 0:
		return refuse(op, t, "gonum has no such empty matrix")
	}
	return nil
}

func refuse(op string, t *tensor.Tensor, reason string) error {
	err := &tensor.ShapeError{Op: op, Shapes: [][]int{t.Shape()}, Reason: reason}
	return tensor.Failed(op, err, t.Aval()).Err()
}
