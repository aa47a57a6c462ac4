// Runs: views, outputs of every kind, arguments of every layout.

package graph

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/kernels"
)

var (
	opPanic = kernels.Register(kernels.Op{Name: "graph.panic", Kind: kernels.Library, Infer: sameType})
	opIndex = kernels.Register(kernels.Op{Name: "graph.index", Kind: kernels.Library, Infer: sameType})
	opWait  = kernels.Register(kernels.Op{Name: "graph.wait", Kind: kernels.Library, Infer: sameType})
	opCall  = kernels.Register(kernels.Op{Name: "graph.call", Kind: kernels.Library, Infer: sameType})
	opTwo   = kernels.Register(kernels.Op{Name: "graph.two", Kind: kernels.Library, Infer: func(in []kernels.Aval, _ any) ([]kernels.Aval, error) {
		return []kernels.Aval{in[0], in[0]}, nil
	}})
	opNone = kernels.Register(kernels.Op{Name: "graph.none", Kind: kernels.Library, Infer: sameType})
)

func sameType(in []kernels.Aval, _ any) ([]kernels.Aval, error) { return in[:1], nil }

type kernelFunc func(c *kernels.Call) error

func (f kernelFunc) Run(c *kernels.Call) error { return f(c) }

var onCall func() // what graph.call does

func init() {
	bind := func(op *kernels.Op, f kernelFunc) {
		for _, backend := range []string{"ref", "sim"} {
			kernels.Bind(op, backend, func(*kernels.Inst) kernels.Kernel { return f })
		}
	}
	bind(opPanic, func(*kernels.Call) error { panic("kernel out of order") })
	bind(opIndex, func(*kernels.Call) error { return &kernels.IndexError{Op: "graph.index", Index: 7, Size: 3} })
	bind(opCall, func(*kernels.Call) error { onCall(); return nil })
	bind(opTwo, func(c *kernels.Call) error { // x, backwards and as it is
		copyArray(c.Out[1], c.In[0])
		copyArray(c.Out[0], c.In[0])
		slices.Reverse(floats(c.Out[0]))
		return nil
	})
	// A kernel that runs until it is cancelled.
	bind(opWait, func(c *kernels.Call) error {
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Microsecond) {
			if c.Cancel.Load() {
				return kernels.ErrCancelled
			}
		}
		return errors.New("never cancelled")
	})
}

func wantFloats(t *testing.T, what string, a *kernels.Array, want ...float64) {
	t.Helper()
	if got := floats(a); !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestRun(t *testing.T) {
	b := newBuilder(t)
	x := b.param(2, 2)
	y := b.apply(kernels.Transpose, kernels.Axes{}, x)              // a view
	z := b.apply(kernels.Mul, nil, b.apply(kernels.Neg, nil, y), y) // -y² in neg's place
	p := compile(t, b.outputs(b.apply(kernels.Add, nil, z, b.scalar(1))))
	s := p.Stats()
	if s.Views != 1 || s.Instructions != 3 || s.InPlace != 2 || s.ArenaBytes != 0 {
		t.Errorf("stats %+v: want one view, three instructions, two of them in place, all in the destination", s)
	}
	for _, v := range [][]float64{{1, 2, 3, 4}, {5, 6, 7, 8}} {
		out := destinations(p)
		if err := p.Run(t.Context(), []*kernels.Array{arrayOf(v, 2, 2)}, out); err != nil {
			t.Fatal(err)
		}
		wantFloats(t, "1-y²", out[0], 1-v[0]*v[0], 1-v[2]*v[2], 1-v[1]*v[1], 1-v[3]*v[3])
	}
	for i, a := range p.next.Load().values {
		if b := p.lay.at[i]; a.Ptr != nil && p.lay.at[b.root].source != ofConst {
			t.Errorf("the waiting state still knows where %%%d was", i)
		}
	}
}

// An output is not overwritten by what is computed from it.
func TestRunKeepsOutputs(t *testing.T) {
	b := newBuilder(t)
	y := b.apply(kernels.Neg, nil, b.param(2))
	row := b.apply(kernels.Reshape, kernels.DimsOf(1, 2), y)
	p := compile(t, b.outputs(row, b.apply(kernels.Square, nil, y)))
	out := destinations(p)
	if err := p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{2, 3})}, out); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "-x", out[0], -2, -3)
	wantFloats(t, "x²", out[1], 4, 9)
}

// Outputs that are parameters, constants, views, or there twice.
func TestRunOutputs(t *testing.T) {
	b := newBuilder(t)
	x := b.param(2, 2)
	c := b.Const(*arrayOf([]float64{5, 6}), nil)
	y := b.apply(kernels.Neg, nil, x)
	yT := b.apply(kernels.Transpose, kernels.Axes{}, y)
	row := b.apply(kernels.Slice, kernels.RangesOf(kernels.Item(1)), y)
	flat := b.apply(kernels.Reshape, kernels.DimsOf(4), y)
	xT := b.apply(kernels.Transpose, kernels.Axes{}, x)
	p := compile(t, b.outputs(x, c, flat, y, yT, row, xT, flat))
	if s := p.Stats(); s.Copies != 7 {
		t.Errorf("%d outputs are copied, want all but the first that has y's memory", s.Copies)
	}
	out := destinations(p)
	if err := p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{1, 2, 3, 4}, 2, 2)}, out); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float64{
		{1, 2, 3, 4}, {5, 6}, {-1, -2, -3, -4}, {-1, -2, -3, -4}, {-1, -3, -2, -4}, {-3, -4}, {1, 3, 2, 4}, {-1, -2, -3, -4},
	} {
		wantFloats(t, "output", out[i], want...)
	}
}

// A result does not take the memory of an operand that another operand views.
func TestRunKeepsViewed(t *testing.T) {
	b := newBuilder(t)
	y := b.apply(kernels.Neg, nil, b.param(3))
	flipped := b.apply(kernels.Slice, kernels.RangesOf(kernels.Stepped(kernels.End, kernels.Begin, -1)), y)
	p := compile(t, b.outputs(b.apply(kernels.Mul, nil, y, flipped)))
	out := destinations(p)
	if err := p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{2, 3, 5})}, out); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "y times y flipped", out[0], 10, 9, 10)
	if s := p.Stats(); s.Views != 1 || s.InPlace != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRunWithoutAnything(t *testing.T) {
	p := compile(t, newBuilder(t).outputs())
	if err := p.Run(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	b := newBuilder(t)
	x := b.param(0, 3)
	p = compile(t, b.outputs(b.apply(kernels.Neg, nil, x), b.apply(kernels.Sum, kernels.AxesOf(false, 0), x)))
	out := destinations(p)
	if err := p.Run(t.Context(), []*kernels.Array{{Aval: f64(0, 3)}}, out); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "sum of nothing", out[1], 0, 0, 0)
}

// Parameters of any strides.
func TestRunStrided(t *testing.T) {
	b := newBuilder(t)
	x := b.param(2, 3)
	p := compile(t, b.outputs(
		b.apply(kernels.Add, nil, x, b.scalar(1)),
		b.apply(kernels.Reshape, kernels.DimsOf(6), x),
	))
	v := []float64{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		name  string
		array kernels.Array
		want  []float64
	}{
		{"dense", *arrayOf(v, 2, 3), v},
		{"transposed", kernels.Array{Aval: f64(2, 3), Strides: []int{1, 2}, Ptr: arrayOf(v).Ptr}, []float64{1, 3, 5, 2, 4, 6}},
		{"broadcast", kernels.Array{Aval: f64(2, 3), Strides: []int{0, 1}, Ptr: arrayOf(v).Ptr}, []float64{1, 2, 3, 1, 2, 3}},
		{"flipped", kernels.Array{Aval: f64(2, 3), Strides: []int{-3, -1}, Ptr: arrayOf(v[5:]).Ptr}, []float64{6, 5, 4, 3, 2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := destinations(p)
			if err := p.Run(t.Context(), []*kernels.Array{&c.array}, out); err != nil {
				t.Fatal(err)
			}
			wantFloats(t, "the parameter, flat", out[1], c.want...)
			for i := range c.want {
				if floats(out[0])[i] != c.want[i]+1 {
					t.Errorf("got %v, want one more than %v", floats(out[0]), c.want)
				}
			}
		})
	}
}

// A destination may share memory with parameters: x, y = y-x, x+y.
func TestRunIntoParameters(t *testing.T) {
	b := newBuilder(t)
	x, y := b.param(3), b.param(3)
	p := compile(t, b.outputs(b.apply(kernels.Sub, nil, y, x), b.apply(kernels.Add, nil, x, y), x))
	memory := []float64{1, 2, 3, 4, 5, 6, 7}
	in := []*kernels.Array{arrayOf(memory[0:3]), arrayOf(memory[2:5])}
	out := []*kernels.Array{in[0], arrayOf(memory[4:7]), empty(f64(3))}
	for range 2 { // the second time from what the first has left
		x, y := slices.Clone(floats(in[0])), slices.Clone(floats(in[1]))
		if err := p.Run(t.Context(), in, out); err != nil {
			t.Fatal(err)
		}
		wantFloats(t, "y-x", out[0], y[0]-x[0], y[1]-x[1], y[2]-x[2])
		wantFloats(t, "x+y", out[1], x[0]+y[0], x[1]+y[1], x[2]+y[2])
		wantFloats(t, "x", out[2], x...)
	}
	// And apart again.
	out = destinations(p)
	want := []float64{floats(in[1])[0] - floats(in[0])[0]}
	if err := p.Run(t.Context(), in, out); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "apart", arrayOf(floats(out[0])[:1]), want...)
}
