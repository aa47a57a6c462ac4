package tensor_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/tensor"
)

func ExampleTensor_Index() {
	x := tensor.Arange(0, 12, 1, tensor.WithDType(tensor.Int64)).Reshape(3, 4)
	fmt.Println(x.Index(tensor.At(1), tensor.Range(1, 3)))
	fmt.Println(x.Index(tensor.All, tensor.Step(tensor.End, tensor.Begin, -2)))
	fmt.Println(x.Index(tensor.New([]int{0, 2}), tensor.New([]int{1, -1})))
	fmt.Println(x.Index(x.Gt(tensor.New(8))))
	// Output:
	// [5 6]
	// [[ 3  1]
	//  [ 7  5]
	//  [11  9]]
	// [ 1 11]
	// [ 9 10 11]
}

// The shapes and elements are NumPy's for numpy.arange(24).reshape(2, 3, 4).
func TestIndex(t *testing.T) {
	i := tensor.New([]int{0, 2})
	at, all, dots, axis, to := tensor.At, tensor.All, tensor.Ellipsis, tensor.NewAxis, tensor.Range
	for _, c := range []struct {
		name  string
		sel   []tensor.Selector
		shape []int
		want  []float64
	}{
		{"item", []tensor.Selector{at(1), at(2), at(3)}, []int{}, []float64{23}},
		{"from the end", []tensor.Selector{at(-1), at(-1)}, []int{4}, []float64{20, 21, 22, 23}},
		{"range", []tensor.Selector{at(0), to(1, 3), to(-2, tensor.End)}, []int{2, 2}, []float64{6, 7, 10, 11}},
		{"cut off", []tensor.Selector{to(-9, 1), to(2, 99), to(4, 9)}, []int{1, 1, 0}, nil},
		{"ellipsis", []tensor.Selector{dots, at(0)}, []int{2, 3}, []float64{0, 4, 8, 12, 16, 20}},
		{"new axes", []tensor.Selector{axis, at(0), axis, at(0), axis, to(0, 2), axis}, []int{1, 1, 1, 2, 1}, []float64{0, 1}},
		{"new axes alone", []tensor.Selector{dots, axis}, []int{2, 3, 4, 1}, upTo(24)},
		{"down", []tensor.Selector{at(0), at(0), tensor.Step(tensor.End, tensor.Begin, -1)}, []int{4}, []float64{3, 2, 1, 0}},
		{"steps", []tensor.Selector{at(0), tensor.Step(0, tensor.End, 2), tensor.Step(3, 0, -2)}, []int{2, 2}, []float64{3, 1, 11, 9}},
		{"indices", []tensor.Selector{all, i, at(0)}, []int{2, 2}, []float64{0, 8, 12, 20}},
		{"indices and an item", []tensor.Selector{at(0), i, at(1)}, []int{2}, []float64{1, 9}},
		{"an item apart", []tensor.Selector{at(1), all, i}, []int{2, 3}, []float64{12, 16, 20, 14, 18, 22}},
		{"an item behind an ellipsis of nothing", []tensor.Selector{at(1), i, dots, at(0)}, []int{2}, []float64{12, 20}},
		{"two indices", []tensor.Selector{all, i, i}, []int{2, 2}, []float64{0, 10, 12, 22}},
		{"two indices apart", []tensor.Selector{tensor.New([]int{1, 0}), all, i}, []int{2, 3}, []float64{12, 16, 20, 2, 6, 10}},
		{"indices that broadcast", []tensor.Selector{tensor.New([][]int{{0}, {1}}), i}, []int{2, 2, 4}, []float64{0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23}},
		{"a scalar index", []tensor.Selector{all, tensor.New(-1), at(-1)}, []int{2}, []float64{11, 23}},
		{"indices and a new axis", []tensor.Selector{at(0), i, axis, to(0, 2)}, []int{2, 1, 2}, []float64{0, 1, 8, 9}},
		{"bools", []tensor.Selector{at(0), tensor.New([]bool{true, false, true}), at(0)}, []int{2}, []float64{0, 8}},
		{"bools of two dimensions", []tensor.Selector{tensor.New([][]bool{{true, false, false}, {false, false, true}}), to(1, 3)}, []int{2, 2}, []float64{1, 2, 21, 22}},
		{"no bool", []tensor.Selector{dots, tensor.New(make([]bool, 4))}, []int{2, 3, 0}, nil},
		{"nothing", nil, []int{2, 3, 4}, upTo(24)},
	} {
		for _, name := range devices {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				on := tensor.On(open(t, name))
				x := tensor.Arange(0, 24, 1, on).Reshape(2, 3, 4)
				sel := slices.Clone(c.sel)
				for k, s := range sel {
					if i, ok := s.(*tensor.Tensor); ok {
						sel[k] = i.To(open(t, name))
					}
				}
				check(t, x.Index(sel...), tensor.Float64, c.shape, c.want...)

				// What is put comes back, and nothing else changes.
				picked := x.Index(sel...)
				put := x.IndexPut(picked.MulScalar(-1).SubScalar(1), sel...)
				check(t, put.Index(sel...), tensor.Float64, c.shape, floats(t, picked.MulScalar(-1).SubScalar(1))...)
				changed, err := put.Ne(x).Cast(tensor.Int64).Sum().Item()
				if err != nil || int(changed) != len(c.want) {
					t.Errorf("%v elements changed, not %d (%v)", changed, len(c.want), err)
				}
				added := x.IndexAdd(tensor.Scalar(100), sel...)
				if got := floats(t, added.Sub(x).Sum()); got[0] != 100*float64(len(c.want)) {
					t.Errorf("%v added, not 100 to each of %d", got, len(c.want))
				}
			})
		}
	}
}

func upTo(n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = float64(i)
	}
	return list
}

func floats(t testing.TB, x *tensor.Tensor) []float64 {
	t.Helper()
	v, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestIndexPutRepeats(t *testing.T) {
	x, i := tensor.Zeros(3), tensor.New([]int{1, 1, 0})
	check(t, x.IndexPut(tensor.New([]float64{5, 6, 7}), i), tensor.Float64, []int{3}, 7, 6, 0)
	check(t, x.IndexAdd(tensor.New([]float64{5, 6, 7}), i), tensor.Float64, []int{3}, 7, 11, 0)
	check(t, tensor.New([]bool{true, true}).IndexPut(tensor.New(false), tensor.At(1)), tensor.Bool, []int{2}, 1, 0)
}

func TestIndexRefuses(t *testing.T) {
	x := tensor.Zeros(2, 3)
	fails[*tensor.IndexError](t, x.Index(tensor.At(2)), "slice", "index 2 out of range for a dimension of size 2")
	fails[*tensor.IndexError](t, x.At(0, -4), "slice", "index -4 out of range")
	fails[*tensor.ShapeError](t, x.Index(tensor.All, tensor.All, tensor.All), "index", "the selectors are of 3 dimensions, the tensor has 2")
	fails[*tensor.AttrError](t, x.Index(tensor.Ellipsis, tensor.Ellipsis), "index", "more than one ellipsis")
	fails[*tensor.AttrError](t, x.Index(tensor.Step(0, 2, 0)), "slice", "a step of 0")
	fails[*tensor.AttrError](t, x.Index(nil), "index", "selects nothing")
	fails[*tensor.DTypeError](t, x.Index(tensor.New([]float64{1})), "take", "not integers")
	fails[*tensor.ShapeError](t, x.Index(tensor.New([]int{0, 1}), tensor.New([]int{0, 1, 2})), "index", "do not broadcast")
	fails[*tensor.ShapeError](t, x.Index(tensor.New([]bool{true})), "index", "bools that do not fit")
	fails[*tensor.ShapeError](t, x.Index(tensor.New(true)), "index", "bools that do not fit")
	fails[*tensor.ShapeError](t, x.IndexPut(tensor.Zeros(5), tensor.At(0)), "index_put", "do not broadcast")
	if err := x.Index(tensor.All, (*tensor.Tensor)(nil)).Err(); !errors.Is(err, tensor.ErrNil) {
		t.Errorf("a nil selector: %v", err)
	}
	bad := tensor.Zeros(-1)
	if err := x.Index(bad).Err(); err != bad.Err() {
		t.Errorf("an error did not stick: %v", err)
	}
	if err := x.IndexPut(bad, tensor.At(0)).Err(); err != bad.Err() {
		t.Errorf("an error did not stick: %v", err)
	}
}

// An index tensor's values are checked when the kernel runs, at once or later.
func TestIndexOutOfRange(t *testing.T) {
	for _, name := range devices {
		t.Run(name, func(t *testing.T) {
			on := tensor.On(open(t, name))
			x, i := tensor.New([]float64{1, 2}, on), tensor.New([]int{5}, on)
			y, where := x.Index(i), caller(0)
			if name == "sim" {
				if err := y.Wait(t.Context()); err == nil {
					t.Fatal("waiting tells nothing")
				}
			}
			failsAt[*tensor.IndexError](t, y, "take", "index 5 out of range for a dimension of size 2", where)
		})
	}
}

// A basic index is a view, and so is what a view selects.
func TestIndexIsView(t *testing.T) {
	data := upTo(12)
	x := tensor.Wrap(data, 3, 4)
	if !x.Borrowed() {
		t.Skip("the default device does not see the host's memory")
	}
	views := map[string]*tensor.Tensor{
		"row":       x.At(1),
		"column":    x.Index(tensor.All, tensor.At(1)),
		"block":     x.Index(tensor.Range(1, 3), tensor.Range(1, 4)),
		"reversed":  x.Index(tensor.Step(tensor.End, tensor.Begin, -1)),
		"twice":     x.Index(tensor.Range(1, 3)).Index(tensor.NewAxis, tensor.All, tensor.At(1)),
		"transpose": x.T(), "flip": x.Flip(), "reshape": x.Reshape(2, 6), "broadcast": x.BroadcastTo(2, 3, 4),
		"squeeze": x.Reshape(3, 1, 4).Squeeze(), "unsqueeze": x.Unsqueeze(0), "move": x.MoveAxis(0, 1),
	}
	data[5] = -1
	for name, v := range views {
		if got := floats(t, v); !slices.Contains(got, -1) {
			t.Errorf("%s is a copy: %v", name, got)
		}
	}
	if got := floats(t, x.T().Flatten()); !slices.Equal(got, floats(t, x.T().Clone().Flatten())) {
		t.Errorf("a reshape that must copy: %v", got)
	}
}
