// Arguments, results and destinations of prepared programs: trees, types, memory.

package grad_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

type layer struct {
	W, B *T
	Name string
}

type model struct {
	Layers []layer
	Scale  *T
	Pair   [2]*T
	Head   *layer
	Absent *T
	Tail   *layer
	Extra  map[string]*T
}

func newModel(r *rand.Rand, withMap bool) model {
	m := model{
		Layers: []layer{{random(r, 2, 3), random(r, 3), "in"}, {random(r, 3, 2), random(r, 2), "out"}},
		Scale:  tensor.Scalar(r.NormFloat64()),
		Pair:   [2]*T{random(r, 2), random(r, 1)},
		Head:   &layer{W: random(r, 2)},
	}
	if withMap {
		m.Extra = map[string]*T{"b": random(r, 2), "a": random(r, 1)}
	}
	return m
}

func modelLoss(m model) *T {
	x := m.Pair[0]
	for _, l := range m.Layers {
		x = x.MatMul(l.W).Add(l.B).Tanh()
	}
	x = x.Mul(m.Scale).Add(m.Pair[1]).Mul(m.Head.W)
	for _, k := range []string{"a", "b"} {
		if e := m.Extra[k]; e != nil {
			x = x.Mul(e)
		}
	}
	return x.Sum()
}

func TestPreparedTrees(t *testing.T) {
	for _, withMap := range []bool{false, true} {
		t.Run(fmt.Sprint("map=", withMap), func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			f := func(m model) model { return grad.Grad(modelLoss)(m) }
			p := mustPrepare(t, f, newModel(r, withMap))
			m, dst := newModel(r, withMap), newModel(r, withMap)
			got, want := run(t, p, m), f(m)
			if err := p.RunInto(t.Context(), dst, m); err != nil {
				t.Fatal(err)
			}
			if got.Layers[1].Name != "out" || got.Absent != nil || got.Head == m.Head {
				t.Errorf("the result is built wrong: %+v", got)
			}
			paths := grad.Paths(want)
			a, _ := grad.Leaves(got)
			b, _ := grad.Leaves(dst)
			for i, w := range must(grad.Leaves(want))(t) {
				sameBits(t, "Run "+paths[i], a[i], w)
				sameBits(t, "RunInto "+paths[i], b[i], w)
			}
		})
	}
}

func must[V any](v V, err error) func(t *testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestPreparedArguments(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	p := mustPrepare(t, grad.Grad(modelLoss), newModel(r, true))
	for _, c := range []struct {
		name, want string
		as         any // a pointer for errors.As
		spoil      func(m *model)
	}{
		{"shape", "Layers[1].W has another shape", new(*tensor.ShapeError), func(m *model) { m.Layers[1].W = tensor.Zeros(3, 3) }},
		{"dtype", "Head.W has another dtype", new(*tensor.DTypeError), func(m *model) { m.Head.W = m.Head.W.Cast(tensor.Float32) }},
		{"nil tensor", "Pair", nil, func(m *model) { m.Pair[0] = nil }},
		{"failed tensor", "Pair[0]: ", new(*tensor.OpError), func(m *model) { m.Pair[0] = tensor.Zeros(-1) }},
		{"more layers", "Layers", nil, func(m *model) { m.Layers = append(m.Layers, m.Layers[0]) }},
		{"nil pointer", "Head", nil, func(m *model) { m.Head = nil }},
		{"another tensor", "Absent", nil, func(m *model) { m.Absent = tensor.Scalar(1) }},
		{"another key", "Extra[c]", nil, func(m *model) { m.Extra["c"] = tensor.Scalar(1) }},
	} {
		for _, withMap := range []bool{false, true} {
			if c.name == "another key" && !withMap {
				continue
			}
			t.Run(fmt.Sprint(c.name, " map=", withMap), func(t *testing.T) {
				q := p
				if !withMap {
					q = mustPrepare(t, grad.Grad(modelLoss), newModel(r, false))
				}
				m := newModel(r, withMap)
				c.spoil(&m)
				_, err := q.Run(t.Context(), m)
				var ae *grad.ArgumentError
				if !errors.As(err, &ae) || !strings.Contains(err.Error(), c.want) || !strings.Contains(ae.Where, "prepare_args_test.go:") {
					t.Fatalf("error %v, want an *ArgumentError from here with %q", err, c.want)
				}
				if c.as != nil && !errors.As(err, c.as) {
					t.Errorf("error %v holds no %T", err, c.as)
				}
				if got, _ := grad.Leaves(q.Call(m)); len(got) == 0 || got[0].Err() == nil {
					t.Error("Call returns no error")
				}
			})
		}
	}
	// Tensors that lie in a row are found without a look at what is around them.
	type pair struct{ A, B *T }
	type row struct {
		Pair pair
		List [2]*T
	}
	like := row{pair{tensor.Zeros(2), tensor.Zeros(2)}, [2]*T{tensor.Zeros(2), tensor.Zeros(2)}}
	q := mustPrepare(t, func(x row) row { return row{pair{x.List[1], x.Pair.A.Neg()}, x.List} }, like)
	for _, c := range []struct {
		want  string
		spoil func(x *row)
	}{
		{"Pair.B has another shape", func(x *row) { x.Pair.B = tensor.Zeros(3) }},
		{"List[0]", func(x *row) { x.List[0] = nil }},
		{"List[1]", func(x *row) { x.List[1] = tensor.Zeros(-1) }},
	} {
		x := like
		c.spoil(&x)
		var ae *grad.ArgumentError
		if _, err := q.Run(t.Context(), x); !errors.As(err, &ae) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want an *ArgumentError with %q", err, c.want)
		}
		if err := q.Call(x).Pair.A.Err(); !errors.As(err, &ae) {
			t.Errorf("error %v of Call, want an *ArgumentError", err)
		}
		var de *grad.DestinationError
		if err := q.RunInto(t.Context(), x, like); !errors.As(err, &de) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want a *DestinationError with %q", err, c.want)
		}
	}
	// A traced argument.
	double := mustPrepare(t, func(x *T) *T { return x.Add(x) }, tensor.Scalar(1))
	grad.Grad(func(x *T) *T {
		_, err := double.Run(t.Context(), x)
		if err == nil || !strings.Contains(err.Error(), "use Call") {
			t.Errorf("error %v of a traced argument", err)
		}
		return x
	})(tensor.Scalar(1))
}

// Slices of tensors, which are taken as they lie: as arguments and as destinations.
func TestPreparedSlices(t *testing.T) {
	reversed := func(x []*T) []*T {
		y := make([]*T, len(x))
		for i := range x {
			y[len(x)-1-i] = x[i].Neg()
		}
		return y
	}
	one, two := tensor.New([]float64{1, 2}), tensor.New([]float64{3, 4})
	p := mustPrepare(t, reversed, []*T{one, two})
	y := []*T{tensor.Zeros(2), tensor.Zeros(2)}
	if err := p.RunInto(t.Context(), y, []*T{one, two}); err != nil {
		t.Fatal(err)
	}
	nearAll(t, "first", y[0], []float64{-3, -4}, 0)
	nearAll(t, "second", y[1], []float64{-1, -2}, 0)
	empty := mustPrepare(t, reversed, nil)
	for _, c := range []struct {
		program *grad.Prepared[[]*T, []*T]
		want    string
		list    []*T
	}{
		{p, "[1]: ", []*T{one, nil}},
		{p, "[0] has another shape", []*T{tensor.Zeros(3), two}},
		{p, "has length 1, not 2", []*T{one}},
		{p, "has length 3, not 2", []*T{one, two, one}},
		{empty, "has length 1, not 0", []*T{one}},
	} {
		var ae *grad.ArgumentError
		if _, err := c.program.Run(t.Context(), c.list); !errors.As(err, &ae) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want an *ArgumentError with %q", err, c.want)
		}
		in := []*T{one, two}
		if c.program == empty {
			in = nil
		}
		var de *grad.DestinationError
		if err := c.program.RunInto(t.Context(), c.list, in); !errors.As(err, &de) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want a *DestinationError with %q", err, c.want)
		}
	}
}

func TestPreparedDestinations(t *testing.T) {
	captured := tensor.New([]float64{5, 6})
	p := mustPrepare(t, func(x *T) [2]*T { return [2]*T{x.Add(captured), x.Sum()} }, tensor.Zeros(2))
	x := tensor.New([]float64{1, 2})
	big := tensor.Zeros(2, 2)
	good, scalar := tensor.Zeros(2), tensor.Zeros()
	for _, c := range []struct {
		name, want string
		dst        [2]*T
	}{
		{"shape", "destination [0] has another shape", [2]*T{tensor.Zeros(3), scalar}},
		{"dtype", "destination [1] has another dtype", [2]*T{good, scalar.Cast(tensor.Float32)}},
		{"nil", "destination [1]: ", [2]*T{good, nil}},
		{"failed", "destination [0]: ", [2]*T{tensor.Zeros(-1), scalar}},
		{"strided", "destination [0] is not dense", [2]*T{big.T().Index(tensor.At(0)), scalar}},
		{"one for all", "destination [0] is not dense", [2]*T{tensor.Scalar(0).BroadcastTo(2), scalar}},
		{"twice", "destination [1] shares memory with another destination", [2]*T{big.Index(tensor.At(0)), big.At(0, 1)}},
		{"captured", "destination [0] shares memory with a tensor that the program has captured", [2]*T{captured, scalar}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := p.RunInto(t.Context(), c.dst, x)
			var de *grad.DestinationError
			if !errors.As(err, &de) || !strings.Contains(err.Error(), c.want) || !strings.Contains(de.Where, "prepare_args_test.go:") {
				t.Errorf("error %v, want a *DestinationError from here with %q", err, c.want)
			}
		})
	}
	grad.Grad(func(y *T) *T {
		var de *grad.DestinationError
		if err := p.RunInto(t.Context(), [2]*T{good, y}, x); !errors.As(err, &de) {
			t.Errorf("error %v of a traced destination", err)
		}
		return y
	})(tensor.Scalar(1))
	// A row of a tensor is a place to write to.
	if err := p.RunInto(t.Context(), [2]*T{big.Index(tensor.At(1)), scalar}, x); err != nil {
		t.Fatal(err)
	}
	nearAll(t, "the whole", big, []float64{0, 0, 6, 8}, 0)
	nearAll(t, "captured", captured, []float64{5, 6}, 0)
}

// Results that are arguments, constants, unused, and the same twice.
func TestPreparedOutputs(t *testing.T) {
	c := tensor.New([]float64{7, 8})
	type in struct{ X, Unused *T }
	p := mustPrepare(t, func(a in) []*T {
		y := a.X.Neg()
		return []*T{a.X, c, y, y, a.X.Reshape(2, 1), tensor.Scalar(3), y.Reshape(1, 2)}
	}, in{tensor.Zeros(2), tensor.Zeros(5)})
	for _, x := range []*T{tensor.New([]float64{1, 2}), tensor.New([]float64{3, 4})} {
		out := run(t, p, in{x, tensor.Zeros(5)})
		v := must(x.Float64s())(t)
		neg := []float64{-v[0], -v[1]}
		for i, want := range [][]float64{v, {7, 8}, neg, neg, v, {3}, neg} {
			nearAll(t, fmt.Sprint("output ", i), out[i], want, 0)
		}
		if out[0] == x || out[1] == c || out[2] == out[3] {
			t.Error("a result is not fresh")
		}
	}
	if s := p.Stats(); s.Instructions != 1 {
		t.Errorf("%d instructions run, want one", s.Instructions)
	}
}
