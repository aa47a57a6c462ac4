package gonum_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/gonum"
)

func ExampleDense() {
	m := mat.NewDense(2, 2, []float64{1, 2, 3, 4})
	x := gonum.Dense(m)
	m.Set(0, 0, 10) // the same memory
	fmt.Println(x)
	// Output:
	// [[10.  2.]
	//  [ 3.  4.]]
}

func check(t *testing.T, x *tensor.Tensor, shape []int, want []float64) {
	t.Helper()
	got, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Shape(), shape) || !slices.Equal(got, want) {
		t.Errorf("got %v %v, want %v %v", x.Shape(), got, shape, want)
	}
}

func TestBorrow(t *testing.T) {
	m := mat.NewDense(3, 3, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9})
	check(t, gonum.Dense(m), []int{3, 3}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9})
	part := m.Slice(1, 3, 0, 2).(*mat.Dense)
	check(t, gonum.Dense(part), []int{2, 2}, []float64{4, 5, 7, 8})
	check(t, gonum.Vec(m.ColView(1).(*mat.VecDense)), []int{3}, []float64{2, 5, 8})
	check(t, gonum.Dense(new(mat.Dense)), []int{0, 0}, []float64{})

	x := gonum.Dense(part)
	if !x.Borrowed() {
		t.Error("not borrowed")
	}
	before := x.Fingerprint()
	m.Set(0, 0, -1) // outside of the part
	if x.Fingerprint() != before {
		t.Error("the fingerprint covers what is not in the tensor")
	}
	m.Set(1, 0, -1)
	check(t, x, []int{2, 2}, []float64{-1, 5, 7, 8})
	if x.Fingerprint() == before {
		t.Error("a write did not change the fingerprint")
	}
}

func TestNil(t *testing.T) {
	for name, x := range map[string]*tensor.Tensor{
		"Dense": gonum.Dense(nil), "Vec": gonum.Vec(nil), "Matrix": gonum.Matrix(nil), "a nil SymDense": gonum.Matrix((*mat.SymDense)(nil)),
	} {
		if err := x.Err(); !errors.Is(err, gonum.ErrNil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMatrix(t *testing.T) {
	check(t, gonum.Matrix(mat.NewSymDense(2, []float64{1, 2, 2, 3})), []int{2, 2}, []float64{1, 2, 2, 3})
	check(t, gonum.Matrix(mat.NewDense(1, 2, []float64{1, 2}).T()), []int{2, 1}, []float64{1, 2})
	x := gonum.Matrix(mat.NewDiagDense(2, []float64{1, 2}), tensor.WithDType(tensor.Float32))
	if x.DType() != tensor.Float32 {
		t.Errorf("made a %v", x.DType())
	}
	check(t, x, []int{2, 2}, []float64{1, 0, 0, 2})
}

func TestCopyOut(t *testing.T) {
	x := tensor.New([][]int32{{1, 2, 3}, {4, 5, 6}})
	m, err := gonum.ToDense(x.T())
	if err != nil {
		t.Fatal(err)
	}
	if !mat.Equal(m, mat.NewDense(3, 2, []float64{1, 4, 2, 5, 3, 6})) {
		t.Errorf("got %v", mat.Formatted(m))
	}
	v, err := gonum.ToVec(x.At(1))
	if err != nil {
		t.Fatal(err)
	}
	if !mat.Equal(v, mat.NewVecDense(3, []float64{4, 5, 6})) {
		t.Errorf("got %v", mat.Formatted(v))
	}
}

func TestCopyOutRefuses(t *testing.T) {
	for name, x := range map[string]*tensor.Tensor{
		"rank": tensor.Scalar(1), "empty": tensor.Zeros(0, 3), "empty vector": tensor.Zeros(0),
	} {
		_, err := gonum.ToDense(x)
		_, verr := gonum.ToVec(x)
		for _, err := range []error{err, verr} {
			var shape *tensor.ShapeError
			if !errors.As(err, &shape) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	if _, err := gonum.ToDense(nil); !errors.Is(err, tensor.ErrNil) {
		t.Errorf("nil: got %v", err)
	}
}
