package grad_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// sameBits fails unless got holds the very bits of want.
func sameBits(t testing.TB, what string, got, want *T) {
	t.Helper()
	a, err := got.Float64s()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	b, err := want.Float64s()
	if err != nil {
		t.Fatalf("%s: the eager result: %v", what, err)
	}
	if got.DType() != want.DType() || !slices.Equal(got.Shape(), want.Shape()) {
		t.Fatalf("%s is %v%v, want %v%v", what, got.DType(), got.Shape(), want.DType(), want.Shape())
	}
	for i := range b {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, a[i], b[i])
		}
	}
}

func random(r *rand.Rand, shape ...int) *T {
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	return tensor.FromSlice(v, shape...)
}

func mustPrepare[P, Q any](t testing.TB, f func(P) Q, like P, opts ...grad.Option) *grad.Prepared[P, Q] {
	t.Helper()
	p, err := grad.Prepare(f, like, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func run[P, Q any](t testing.TB, p *grad.Prepared[P, Q], x P) Q {
	t.Helper()
	y, err := p.Run(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// network is a loss with broadcasting, products, reductions and a masked branch.
func network(x *T) *T {
	w := x.Index(tensor.Range(0, 2)) // [2 3]
	h := w.MatMul(w.T()).Tanh()      // [2 2]
	m := tensor.Where(h.Gt(tensor.Scalar(0.1)), h.Square(), h.Abs().AddScalar(1).Log())
	return m.Mul(x.Sum(1).Index(tensor.Range(1, 3))).Sum().Add(x.Exp().LogSumExp())
}

// compositions of transformations of network, from a [3 3] tensor.
var compositions = []struct {
	name string
	f    func(x *T) *T
}{
	{"value", network},
	{"grad", grad.Grad(network)},
	{"hvp", func(x *T) *T { return grad.HVP(network, x, x.T().Sin()) }},
	{"grad of grad", grad.Grad(func(x *T) *T { return grad.Grad(network)(x).Square().Sum() })},
	{"jvp", func(x *T) *T {
		y, dy := grad.JVP(network, x, x.Cos())
		return y.Add(dy)
	}},
	{"jvp of grad of jvp", func(x *T) *T {
		_, h := grad.JVP(grad.Grad(func(x *T) *T {
			_, d := grad.JVP(network, x, tensor.OnesLike(x))
			return d
		}), x, x)
		return h
	}},
	{"vjp", func(x *T) *T {
		y, pull := grad.VJP(func(x *T) *T { return x.MatMul(x).Sigmoid() }, x)
		return pull(y).Add(pull(y.Neg()).MulScalar(3))
	}},
	{"linearize", func(x *T) *T {
		_, lin := grad.Linearize(network, x)
		return lin(x.Square())
	}},
	{"vmap of grad", func(x *T) *T {
		return grad.Vmap(grad.Grad(func(r *T) *T { return r.Mul(x.Sum(0)).Sin().Sum() }))(x)
	}},
	{"grad of vmap", grad.Grad(func(x *T) *T {
		return grad.Vmap(func(r *T) *T { return r.Softmax().Square().Sum() })(x).Prod()
	})},
	{"control flow", func(x *T) *T {
		y := x
		for i := range 4 {
			if i%2 == 0 {
				y = y.MatMul(x).MulScalar(0.3)
			} else {
				y = y.Add(x)
			}
		}
		return y
	}},
}

// A prepared program gives the bits of the eager evaluation: in fresh tensors, in
// destinations, in its own argument, and on arguments of any layout.
func TestPreparedIsEager(t *testing.T) {
	for _, c := range compositions {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			p := mustPrepare(t, c.f, random(r, 3, 3))
			for range 3 {
				x := random(r, 3, 3)
				want := c.f(x)
				sameBits(t, "Run", run(t, p, x), want)
				sameBits(t, "Call", p.Call(x), want)
				sameBits(t, "Run of a transpose", run(t, p, x.T()), c.f(x.T()))
				dst := tensor.Zeros(want.Shape()...)
				for range 2 {
					if err := p.RunInto(t.Context(), dst, x); err != nil {
						t.Fatal(err)
					}
					sameBits(t, "RunInto", dst, want)
				}
				if want.Rank() == 2 {
					if err := p.RunInto(t.Context(), x, x); err != nil {
						t.Fatal(err)
					}
					sameBits(t, "RunInto the argument", x, want)
				}
			}
		})
	}
}

// A prepared program is a function that can be transformed and prepared again.
func TestPreparedTransformed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x, v := random(r, 3, 3), random(r, 3, 3)
	p := mustPrepare(t, network, x)
	g := mustPrepare(t, grad.Grad(network), x)
	sameBits(t, "Grad of Call", grad.Grad(p.Call)(v), grad.Grad(network)(v))
	sameBits(t, "HVP of Call", grad.HVP(p.Call, v, x), grad.HVP(network, v, x))
	_, dg := grad.JVP(g.Call, v, x)
	_, want := grad.JVP(grad.Grad(network), v, x)
	sameBits(t, "JVP of a prepared gradient", dg, want)
	xs := random(r, 4, 3, 3)
	sameBits(t, "Vmap of Call", grad.Vmap(p.Call)(xs), grad.Vmap(network)(xs))
	again := mustPrepare(t, grad.Grad(p.Call), x)
	sameBits(t, "prepared again", run(t, again, v), grad.Grad(network)(v))
}

// Custom rules are not in the graph: under a transformation the function itself is called.
func TestPreparedCustom(t *testing.T) {
	f := grad.Custom(func(x *T) *T { return x.Square() }, grad.Rules[*T, *T]{
		VJP: func(x, y, g *T) *T { return g.MulScalar(100) },
	})
	x := tensor.Scalar(3)
	p := mustPrepare(t, f, x)
	near(t, "value", run(t, p, x), 9, 0)
	near(t, "slope", grad.Grad(p.Call)(x), 100, 0)
	near(t, "prepared slope", run(t, mustPrepare(t, grad.Grad(f), x), x), 100, 0)
}

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
		{"shape", "Layers[1].W: ", new(*tensor.ShapeError), func(m *model) { m.Layers[1].W = tensor.Zeros(3, 3) }},
		{"dtype", "Head.W: ", new(*tensor.DTypeError), func(m *model) { m.Head.W = m.Head.W.Cast(tensor.Float32) }},
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
				if !errors.As(err, &ae) || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("error %v, want an *ArgumentError with %q", err, c.want)
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
		{"shape", "destination [0]: ", [2]*T{tensor.Zeros(3), scalar}},
		{"dtype", "destination [1]: ", [2]*T{good, scalar.Cast(tensor.Float32)}},
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
			if !errors.As(err, &de) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want a *DestinationError with %q", err, c.want)
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

// Reading a value while recording is an error that names the line, however it is read.
func TestPrepareReads(t *testing.T) {
	_, file, line, _ := runtime.Caller(0)
	for i, f := range []func(x *T) *T{
		func(x *T) *T { // the reads are 3, 9 and 15 lines below Caller's
			if v, err := x.Sum().Item(); err == nil && v > 0 {
				return x.Neg()
			}
			return x
		},
		func(x *T) *T {
			if x.Sum().Float() > 0 {
				return x.Neg()
			}
			return x
		},
		grad.Grad(func(x *T) *T {
			if v, _ := x.Float64s(); len(v) > 0 {
				return x.Sum()
			}
			return x.Prod()
		}),
	} {
		_, err := grad.Prepare(f, tensor.Zeros(2))
		var re *tensor.ReadError
		if !errors.As(err, &re) {
			t.Fatalf("%d: error %v", i, err)
		}
		want := fmt.Sprintf("%s:%d", filepath.Base(file), line+[]int{3, 9, 15}[i])
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Cond") {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	// Printing is no reading.
	printed := ""
	p := mustPrepare(t, func(x *T) *T { printed = fmt.Sprint(x); return x.Neg() }, tensor.Zeros(2))
	if printed != "tensor(traced float64[2])" {
		t.Errorf("printed %q", printed)
	}
	nearAll(t, "value", run(t, p, tensor.New([]float64{1, 2})), []float64{-1, -2}, 0)
}

func TestPrepareErrors(t *testing.T) {
	x := tensor.New([]float64{1, 2})
	boom := errors.New("boom")
	var pe *grad.PanicError
	if _, err := grad.Prepare(func(x *T) *T { panic(boom) }, x); !errors.As(err, &pe) || !errors.Is(err, boom) || !strings.Contains(string(pe.Stack), "prepare_test.go") {
		t.Errorf("a panic: %v", err)
	}
	var se *tensor.ShapeError
	if _, err := grad.Prepare(func(x *T) *T { return x.Add(tensor.Zeros(3)) }, x); !errors.As(err, &se) || !strings.Contains(err.Error(), "prepare_test.go:") {
		t.Errorf("shapes that do not fit: %v", err)
	}
	if _, err := grad.Prepare(func(x *T) *T { return nil }, x); !errors.Is(err, tensor.ErrNil) {
		t.Errorf("a nil result: %v", err)
	}
	if _, err := grad.Prepare(func(x *T) *T { return x }, nil); !errors.Is(err, tensor.ErrNil) {
		t.Errorf("a nil argument: %v", err)
	}
	if _, err := grad.Prepare(func(x *T) *T { return x }, tensor.Zeros(-1)); err == nil {
		t.Error("a failed argument is none")
	}
	var ie *tensor.IndexError
	gather := func(x *T) *T { return x.Take(0, x.Cast(tensor.Int64)) }
	for _, opts := range [][]grad.Option{nil, {grad.WithPlaces()}} {
		p := mustPrepare(t, gather, x, opts...)
		_, err := p.Run(t.Context(), tensor.New([]float64{0, 7}))
		var oe *tensor.OpError
		if !errors.As(err, &ie) || ie.Index != 7 || !errors.As(err, &oe) || len(oe.In) != 2 {
			t.Errorf("an index out of range: %v", err)
		}
		if got := strings.Contains(err.Error(), "prepare_test.go:"); got != (opts != nil) {
			t.Errorf("with %d options: %v", len(opts), err)
		}
		nearAll(t, "afterwards", run(t, p, tensor.New([]float64{1, 0})), []float64{0, 1}, 0)
	}
	// Of an eager computation of a failed value, one does not hear a second time.
	p := mustPrepare(t, func(x *T) *T { return x }, x)
	if err := p.Call(tensor.Zeros(3)).Err(); !errors.As(err, &se) {
		t.Errorf("Call: %v", err)
	}
}

// Values of an outer transformation must come in as arguments.
func TestPrepareCapture(t *testing.T) {
	one := tensor.Scalar(1)
	grad.Grad(func(x *T) *T {
		var ce *grad.CaptureError
		if _, err := grad.Prepare(func(y *T) *T { return y.Mul(x) }, one); !errors.As(err, &ce) {
			t.Errorf("captured by an operation: %v", err)
		}
		if _, err := grad.Prepare(func(y *T) *T { return x }, one); !errors.As(err, &ce) {
			t.Errorf("captured as the result: %v", err)
		}
		p, err := grad.Prepare(func(y *T) *T { return y.Square() }, x) // only its type counts
		if err != nil {
			t.Error(err)
			return x
		}
		return p.Call(x)
	})(one)
	var escaped *T
	mustPrepare(t, func(x *T) *T { escaped = x.Neg(); return x }, one)
	var ee *tensor.EscapeError
	if err := escaped.Add(one).Err(); !errors.As(err, &ee) {
		t.Errorf("a value that outlives its recording: %v", err)
	}
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

// Borrowed data that changes is noticed; other captured tensors cannot change.
func TestPreparedBorrowed(t *testing.T) {
	data := []float64{1, 2, 3, 4}
	w := tensor.Wrap(data, 2, 2)
	p := mustPrepare(t, func(x *T) *T { return x.MatMul(w.T()) }, tensor.Zeros(2))
	x := tensor.New([]float64{1, 1})
	nearAll(t, "before", run(t, p, x), []float64{3, 7}, 0)
	data[3] = 5
	var ce *grad.ChangedError
	if _, err := p.Run(t.Context(), x); !errors.As(err, &ce) {
		t.Errorf("Run: %v", err)
	}
	if err := p.RunInto(t.Context(), tensor.Zeros(2), x); !errors.As(err, &ce) {
		t.Errorf("RunInto: %v", err)
	}
	if changed, err := p.Retrace(); !changed || err != nil {
		t.Errorf("Retrace: %v, %v", changed, err)
	}
	nearAll(t, "after", run(t, p, x), []float64{3, 8}, 0)
	if changed, err := p.Retrace(); changed || err != nil {
		t.Errorf("Retrace again: %v, %v", changed, err)
	}
	// What goes in as an argument may change.
	q := mustPrepare(t, func(x *T) *T { return x.Sum() }, tensor.Wrap(data))
	data[0] = 100
	near(t, "an argument", run(t, q, tensor.Wrap(data)), 110, 0)
}

func TestRetrace(t *testing.T) {
	factor, n, fail := 2.0, 1, false
	p := mustPrepare(t, func(x *T) *T {
		if fail {
			return x.Add(tensor.Zeros(9))
		}
		for range n {
			x = x.MulScalar(factor)
		}
		return x
	}, tensor.Zeros(2))
	x := tensor.New([]float64{1, 3})
	check := func(what string, want bool, v ...float64) {
		t.Helper()
		changed, err := p.Retrace()
		if changed != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", what, changed, err, want)
		}
		nearAll(t, what, run(t, p, x), v, 0)
	}
	check("nothing", false, 2, 6)
	factor = 5
	nearAll(t, "a Go variable is not watched", run(t, p, x), []float64{2, 6}, 0)
	check("a constant", true, 5, 15)
	n = 2
	check("the number of steps", true, 25, 75)
	fail = true
	if changed, err := p.Retrace(); changed || err == nil {
		t.Errorf("a recording that fails: %v, %v", changed, err)
	}
	nearAll(t, "the old program", run(t, p, x), []float64{25, 75}, 0)
}

func TestPreparedCancelled(t *testing.T) {
	p := mustPrepare(t, grad.Grad(network), tensor.Zeros(3, 3))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Run(ctx, tensor.Zeros(3, 3)); err != context.Canceled {
		t.Errorf("Run: %v", err)
	}
	if err := p.RunInto(ctx, tensor.Zeros(3, 3), tensor.Zeros(3, 3)); err != context.Canceled {
		t.Errorf("RunInto: %v", err)
	}
}

// A kernel that works for long is interrupted.
func TestPreparedInterrupted(t *testing.T) {
	x := tensor.Full(0.5, []int{1500, 1500})
	p := mustPrepare(t, func(x *T) *T { return x.Lgamma() }, x)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
	defer cancel()
	if _, err := p.Run(ctx, x); err != context.DeadlineExceeded {
		t.Errorf("error %v", err)
	}
	near(t, "afterwards", run(t, p, x).At(7, 7), math.Log(math.Sqrt(math.Pi)), 1e-14)
}

// The gradient of a deep network needs the memory of its residuals, and hardly more.
func TestPreparedMemory(t *testing.T) {
	const width, depth = 64, 8
	x := tensor.Full(0.5, []int{100, width})
	w := make([]*T, depth)
	for i := range w {
		w[i] = tensor.Full(0.01, []int{width, width})
	}
	p := mustPrepare(t, grad.Grad(func(w []*T) *T {
		h := x
		for _, w := range w {
			h = h.MatMul(w).Tanh()
		}
		return h.Square().Mean()
	}), w)
	s, all := p.Stats(), 0
	for _, x := range p.Graph().Instrs {
		for _, a := range x.Inst.Out {
			all += a.Size() * a.DType.Size()
		}
	}
	if layers := depth * 100 * width * 8; s.ArenaBytes > s.NeedBytes*11/10 || s.NeedBytes > layers*3/2 || s.InPlace < depth {
		t.Errorf("%+v: the residuals alone are %d bytes, all values %d", s, layers, all)
	}
}

// Runs, retraces and calls at the same time.
func TestPreparedConcurrently(t *testing.T) {
	f := grad.Grad(network)
	p := mustPrepare(t, f, tensor.Zeros(3, 3))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(9, uint64(i)))
			x, dst := random(r, 3, 3), tensor.Zeros(3, 3)
			want := must(f(x).Float64s())(t)
			for n := range 50 {
				if i == 0 && n%10 == 0 {
					if changed, err := p.Retrace(); changed || err != nil {
						t.Errorf("Retrace: %v, %v", changed, err)
					}
				}
				if err := p.RunInto(t.Context(), dst, x); err != nil {
					t.Error(err)
					return
				}
				y, err := p.Run(t.Context(), x)
				if err != nil {
					t.Error(err)
					return
				}
				for _, got := range []*T{dst, y, p.Call(x)} {
					if v, err := got.Float64s(); err != nil || !slices.Equal(v, want) {
						t.Errorf("got %v, %v, want %v", v, err, want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestPreparedClose(t *testing.T) {
	dev := tensor.Scalar(0).Device()
	live := dev.Stats().Live
	big := tensor.Zeros(100, 100)
	p := mustPrepare(t, func(x *T) *T { return x.Add(big).Sin().Sum() }, tensor.Zeros(100, 100))
	x := tensor.Ones(100, 100)
	run(t, p, x)
	p.Close()
	p.Close()
	if _, err := p.Run(t.Context(), x); err == nil {
		t.Error("a closed program runs")
	}
	tensor.Free(big)
	tensor.Free(x)
	runtime.GC()
	if n := dev.Stats().Live - live; n > 0 {
		t.Errorf("%d buffers are left", n)
	}
}

var kernelsAllocate = false

// RunInto allocates nothing beside what kernels do, which for most is nothing.
func TestRunIntoAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	check := func(name string, run func() error) {
		t.Helper()
		if err := run(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := testing.AllocsPerRun(50, func() {
			if err := run(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	x, y := random(r, 2, 3), random(r, 3, 2)
	one := mustPrepare(t, func(x *T) *T { return x.T() }, x)
	check("tensor", func() error { return one.RunInto(ctx, y, x) })
	list, to := []*T{x, y}, []*T{random(r, 3, 2), random(r, 2, 3)}
	slice := mustPrepare(t, func(x []*T) []*T { return []*T{x[1], x[0]} }, list)
	check("slice", func() error { return slice.RunInto(ctx, to, list) })
	m, dst := newModel(r, false), newModel(r, false)
	tree := mustPrepare(t, func(m model) model { return m }, m)
	check("struct", func() error { return tree.RunInto(ctx, dst, m) })
	data := tensor.Wrap([]float64{1, 2})
	dst2 := tensor.Zeros(2)
	borrowed := mustPrepare(t, func(*T) *T { return data }, x)
	check("borrowed", func() error { return borrowed.RunInto(ctx, dst2, x) })
	if kernelsAllocate || x.Device().Kind() != "cpu" {
		return // as the reference kernels do
	}
	sq, scalar := random(r, 3, 3), tensor.Zeros()
	value := mustPrepare(t, network, sq)
	check("value", func() error { return value.RunInto(ctx, scalar, sq) })
	sq2 := random(r, 3, 3)
	for name, f := range map[string]func(x *T) *T{
		"grad":         grad.Grad(network),
		"hvp":          func(x *T) *T { return grad.HVP(network, x, x.Sin()) },
		"vmap of grad": grad.Vmap(grad.Grad(func(r *T) *T { return r.Sin().Mul(r).Sum() })),
	} {
		p := mustPrepare(t, f, sq)
		check(name, func() error { return p.RunInto(ctx, sq2, sq) })
	}
}
