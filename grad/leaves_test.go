package grad_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/npy"
)

type affine struct{ W, B *T }

// A step of gradient descent, for parameters of any type.
func ExampleMap() {
	type params struct{ W, B *tensor.Tensor }
	p := params{tensor.New([]float64{1, 2}), tensor.Scalar(3)}
	g := grad.Grad(func(p params) *tensor.Tensor { return p.W.Square().Sum().Add(p.B) })(p)
	p = grad.Map(func(x ...*tensor.Tensor) *tensor.Tensor { return x[0].Sub(x[1].MulScalar(0.1)) }, p, g)
	fmt.Println(p.W, p.B)
	// Output: [0.8 1.6] 2.9
}

// Parameters as one vector, as solvers of other libraries want them.
func ExampleFlatten() {
	type params struct{ W, B *tensor.Tensor }
	p := params{tensor.New([][]float64{{1, 2}, {3, 4}}), tensor.Scalar(5)}
	v := grad.Flatten(p)
	fmt.Println(v)
	q := grad.Unflatten(p, v.MulScalar(10))
	fmt.Println(q.W, q.B)
	// Output:
	// [1. 2. 3. 4. 5.]
	// [[10. 20.]
	//  [30. 40.]] 50.0
}

// Names and tensors, as files of weights hold them.
func ExamplePaths() {
	type linear struct{ W, B *tensor.Tensor }
	type model struct{ Layers []linear }
	m := model{[]linear{{tensor.Ones(2, 3), tensor.Zeros(3)}}}
	leaves, err := grad.Leaves(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, name := range grad.Paths(m) {
		fmt.Println(name, leaves[i].Shape())
	}
	// Output:
	// Layers[0].W [2 3]
	// Layers[0].B [3]
}

// Parameters to a file and back: names are their paths.
func ExampleRebuild() {
	type linear struct{ W, B *tensor.Tensor }
	type model struct{ Layers []linear }
	m := model{[]linear{{tensor.Ones(2, 3), tensor.Zeros(3)}}}

	leaves, err := grad.Leaves(m)
	if err != nil {
		fmt.Println(err)
		return
	}
	all := map[string]*tensor.Tensor{}
	for i, name := range grad.Paths(m) {
		all[name] = leaves[i]
	}
	var file bytes.Buffer
	if err := npy.WriteZip(&file, all, false); err != nil {
		fmt.Println(err)
		return
	}

	stored, err := npy.ReadZip(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, name := range grad.Paths(m) {
		leaves[i] = stored[name]
	}
	loaded, err := grad.Rebuild(m, leaves)
	fmt.Println(loaded.Layers[0].W.Shape(), loaded.Layers[0].B, err)
	// Output: [2 3] [0. 0. 0.] <nil>
}

func TestMap(t *testing.T) {
	add := func(x ...*T) *T {
		s := x[0]
		for _, y := range x[1:] {
			s = s.Add(y)
		}
		return s
	}
	p := map[string]affine{"a": {tensor.New([]float64{1, 2}), tensor.Scalar(3)}, "b": {B: tensor.New([]int{4})}}
	q := grad.Map(add, p, p, p)
	nearAll(t, "a.W", q["a"].W, []float64{3, 6}, 0)
	near(t, "a.B", q["a"].B, 9, 0)
	if q["b"].W != nil || q["b"].B.String() != "[12]" {
		t.Errorf("b: %v", q["b"])
	}
	if p["a"].B.Float() != 3 {
		t.Error("the argument has changed")
	}
	// Within transformations, by a function of two values.
	f := func(p affine) *T {
		q := grad.Map(func(x ...*T) *T { return x[0].Mul(x[1]) }, p, affine{tensor.New([]float64{5, 6}), p.B})
		return q.W.Sum().Add(q.B)
	}
	g := grad.Grad(f)(affine{tensor.New([]float64{1, 2}), tensor.Scalar(3)})
	nearAll(t, "gradient of W", g.W, []float64{5, 6}, 0)
	near(t, "gradient of B", g.B, 6, 0)

	x := affine{tensor.Ones(2), tensor.Ones(3)}
	for name, c := range map[string]struct {
		got  affine
		text string
	}{
		"missing": {grad.Map(add, x, affine{W: x.W}), "1 others for 2 tensors: there is none at B"},
		"panic":   {grad.Map(func(x ...*T) *T { panic("no") }, x), "leaves_test.go"},
		"nil":     {grad.Map(func(x ...*T) *T { return nil }, x), "nil"},
		"shapes":  {grad.Map(add, x, affine{x.B, x.W}), "broadcast"},
	} {
		for _, y := range []*T{c.got.W, c.got.B} {
			if err := y.Err(); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v, want %q", name, err, c.text)
			}
		}
	}
}

// A tangent that lacks a place of the argument, or has one more, is named by it.
func TestPlacesThatDiffer(t *testing.T) {
	type list struct{ L []*T }
	f := func(x list) *T { return x.L[0].Sum() }
	one, two := list{[]*T{tensor.Ones(2)}}, list{[]*T{tensor.Ones(2), tensor.Ones(2)}}
	for want, c := range map[string]struct{ x, dx list }{
		"1 tangents for 2 tensors: there is none at L[1]":                               {two, one},
		"2 tangents for 1 tensors: there is one at L[1], where the value has no tensor": {one, two},
	} {
		_, dy := grad.JVP(f, c.x, c.dx)
		if err := dy.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestFlatten(t *testing.T) {
	type params struct {
		W    []*T
		N    *T
		Rate float64
	}
	f32 := tensor.WithDType(tensor.Float32)
	p := params{[]*T{tensor.New([][]float64{{1, 2}, {3, 4}}), tensor.Scalar(5, f32), tensor.Zeros(0)}, tensor.New([]int{7}), 0.5}
	nearAll(t, "flat", grad.Flatten(p), []float64{1, 2, 3, 4, 5}, 0)
	q := grad.Unflatten(p, tensor.New([]float64{9, 8, 7, 6, 5}))
	nearAll(t, "W[0]", q.W[0], []float64{9, 8, 7, 6}, 0)
	if q.W[1].DType() != tensor.Float32 || q.W[1].Rank() != 0 || q.W[1].Float() != 5 || q.N != p.N || q.Rate != 0.5 {
		t.Errorf("unflattened: %v", q)
	}
	// One is the other's inverse, so that the Jacobian of both is the identity.
	round := func(v *T) *T { return grad.Flatten(grad.Unflatten(p, v)) }
	x := tensor.Arange(0, 5, 1)
	nearAll(t, "identity", jacobian.Dense(round, x).Sub(tensor.Eye(5)).Flatten(), make([]float64, 25), 0)
	nearAll(t, "vmap", grad.Vmap(round)(tensor.Eye(5)).Sub(tensor.Eye(5)).Flatten(), make([]float64, 25), 0)
	nearAll(t, "no tensors", grad.Flatten(struct{}{}), nil, 0)

	var se *tensor.ShapeError
	for name, v := range map[string]*T{"short": tensor.Zeros(4), "long": tensor.Zeros(6), "matrix": tensor.Zeros(5, 1)} {
		if err := grad.Unflatten(p, v).W[0].Err(); !errors.As(err, &se) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := tensor.Zeros(-1)
	if err := grad.Unflatten(p, bad).W[0].Err(); err != bad.Err() {
		t.Errorf("a vector with an error: %v", err)
	}
	if err := grad.Flatten(affine{x, bad}).Err(); err != bad.Err() {
		t.Errorf("a leaf with an error: %v", err)
	}
	if err := grad.Unflatten(affine{x, bad}, x).W.Err(); err != bad.Err() {
		t.Errorf("unflattened like an error: %v", err)
	}
	if err := grad.Flatten(struct{ w *T }{x}).Err(); err == nil {
		t.Error("an unexported field is no error")
	}
}
