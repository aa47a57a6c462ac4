// Graphs: what makes one valid, dead code, references to constants; how tests write them.

package graph

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	_ "github.com/cotangent-ad/cotangent/device/cpu"
	_ "github.com/cotangent-ad/cotangent/device/sim"
	"github.com/cotangent-ad/cotangent/kernels"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
)

// onSim lets the reference kernels serve the asynchronous device.
type onSim struct{}

func (onSim) Name() string                         { return "sim" }
func (onSim) Compile(*kernels.Inst) kernels.Kernel { return nil }

func init() { kernels.RegisterBackend(onSim{}) }

// builder writes graphs in tests.
type builder struct {
	Graph
	t testing.TB
}

func newBuilder(t testing.TB) *builder { return &builder{t: t} }

func (b *builder) inst(op *kernels.Op, attr any, in ...Ref) *kernels.Inst {
	b.t.Helper()
	avals := make([]kernels.Aval, len(in))
	for i, v := range in {
		avals[i] = b.Aval(v)
	}
	inst, err := op.Inst(attr, avals...)
	if err != nil {
		b.t.Fatalf("%s: %v", op.Name, err)
	}
	return inst
}

func (b *builder) apply(op *kernels.Op, attr any, in ...Ref) Ref {
	b.t.Helper()
	return b.Emit(b.inst(op, attr, in...), in...)
}

func (b *builder) param(shape ...int) Ref { return b.Param(f64(shape...)) }

func (b *builder) scalar(v float64) Ref { return b.Const(*arrayOf([]float64{v}), nil) }

func (b *builder) outputs(refs ...Ref) *Graph {
	b.Outputs = append(b.Outputs, refs...)
	return &b.Graph
}

func f64(shape ...int) kernels.Aval { return kernels.Aval{DType: device.Float64, Shape: shape} }

// arrayOf returns a dense array over v, of rank 0 for one element and no shape.
func arrayOf(v []float64, shape ...int) *kernels.Array {
	if len(v) > 1 && shape == nil {
		shape = []int{len(v)}
	}
	return &kernels.Array{Aval: f64(shape...), Ptr: unsafe.Pointer(unsafe.SliceData(v))}
}

func empty(a kernels.Aval) *kernels.Array {
	words := make([]uint64, a.Size()*a.DType.Size()/8+1)
	return &kernels.Array{Aval: a, Ptr: unsafe.Pointer(unsafe.SliceData(words))}
}

// floats returns the elements of a dense float64 array.
func floats(a *kernels.Array) []float64 { return unsafe.Slice((*float64)(a.Ptr), a.Size()) }

func openDevice(t testing.TB, name string) device.Device {
	t.Helper()
	dev, err := device.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

func compile(t testing.TB, g *Graph) *Program {
	t.Helper()
	p, err := Compile(g, openDevice(t, "ref"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func destinations(p *Program) []*kernels.Array {
	out := make([]*kernels.Array, len(p.g.Outputs))
	for i, v := range p.g.Outputs {
		out[i] = empty(p.g.Aval(v))
	}
	return out
}

func TestVerify(t *testing.T) {
	good := func() *builder {
		b := newBuilder(t)
		x, y := b.param(3), b.param(3)
		b.outputs(b.apply(kernels.Mul, nil, b.apply(kernels.Add, nil, x, y), b.scalar(2)))
		return b
	}
	if err := good().Verify(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		spoil      func(b *builder)
	}{
		{"operand from outside", "operand 0, %-1, is not defined before it", func(b *builder) { b.args[0] = Untracked }},
		{"operand from later", "operand 1, %2, is not defined before it", func(b *builder) { b.args[1] = 2 }},
		{"operand of another type", "operand 1, %1, is not of the type", func(b *builder) { b.inputs[1] = f64(4) }},
		{"results out of order", "its first result is %1", func(b *builder) { b.Instrs[0].Out = 1 }},
		{"result of nobody", "%5 is defined by nothing", func(b *builder) { b.def = append(b.def, 7) }},
		{"free input", "input number 3 is neither", func(b *builder) { b.Input(f64()) }},
		{"parameter twice", "input %0 is bound twice", func(b *builder) { b.Params[1] = 0 }},
		{"parameter that is made", "parameter %2 is no input", func(b *builder) { b.Params[1] = 2 }},
		{"constant of another type", "constant %3 is not of its value's type", func(b *builder) { b.Consts[0].Array.Aval = f64(2) }},
		{"unknown output", "output %9 is no value", func(b *builder) { b.Outputs[0] = 9 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := good()
			c.spoil(b)
			err := b.Verify()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if _, cerr := Compile(&b.Graph, openDevice(t, "ref")); cerr == nil {
				t.Error("it compiles")
			}
		})
	}
}

func TestRemoveDead(t *testing.T) {
	b := newBuilder(t)
	x, y := b.param(3), b.param(3)
	dead := b.apply(kernels.Exp, nil, y)
	b.Place("dead.go:1")
	b.apply(kernels.Add, nil, dead, b.scalar(7))
	b.Place("dead.go:2")
	two := b.scalar(2)
	z := b.apply(kernels.Mul, nil, x, two)
	b.Place("alive.go:3")
	b.apply(kernels.Neg, nil, z)
	b.Place("dead.go:4")
	g := b.outputs(b.apply(kernels.Sum, kernels.Axes{}, z), x)
	b.Place("alive.go:5")

	const before = `
%0 = param 0                float64[3]
%1 = param 1                float64[3]
%2 = exp %1                 float64[3]  dead.go:1
%3 = const 7                float64[]
%4 = add %2, %3             float64[3]  dead.go:2
%5 = const 2                float64[]
%6 = mul %0, %5             float64[3]  alive.go:3
%7 = neg %6                 float64[3]  dead.go:4
%8 = sum(keep) %6           float64[]   alive.go:5
return %8, %0
`
	const after = `
%0 = param 0        float64[3]
%1 = param 1        float64[3]
%2 = const 2        float64[]
%3 = mul %0, %2     float64[3]  alive.go:3
%4 = sum(keep) %3   float64[]   alive.go:5
return %4, %0
`
	check := func(want string) {
		t.Helper()
		if err := g.Verify(); err != nil {
			t.Fatal(err)
		}
		if got := g.String(); squeezed(got) != squeezed(strings.ReplaceAll(want, "(keep)", "("+attrText(kernels.Axes{})+")")) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	check(before)
	if n := g.RemoveDead(); n != 3 {
		t.Errorf("removed %d, want 3", n)
	}
	check(after)
	if n := g.RemoveDead(); n != 0 {
		t.Errorf("removed %d more", n)
	}
	check(after)
}

// An instruction stays when any of its results is needed.
func TestRemoveDeadResults(t *testing.T) {
	b := newBuilder(t)
	x := b.param(3)
	b.apply(opTwo, nil, x)
	two := b.apply(opTwo, nil, x)
	g := b.outputs(b.apply(kernels.Neg, nil, two+1))
	if n := g.RemoveDead(); n != 1 {
		t.Errorf("removed %d, want 1", n)
	}
	if err := g.Verify(); err != nil {
		t.Fatal(err)
	}
	const want = "%0 = param 0 float64[3]\n%1, %2 = graph.two %0 float64[3], float64[3]\n%3 = neg %2 float64[3]\nreturn %3"
	if got := squeezed(g.String()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// squeezed makes every run of spaces one.
func squeezed(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	return strings.Join(lines, "\n")
}

// A constant's buffer is kept by the graph that uses it, and by the program.
func TestConstReferences(t *testing.T) {
	dev := openDevice(t, "ref")
	live := dev.Stats().Live
	buf, err := dev.Alloc(24)
	if err != nil {
		t.Fatal(err)
	}
	a := kernels.Array{Aval: f64(3), Ptr: buf.Ptr(), Buf: buf}
	copy(floats(&a), []float64{1, 2, 3})

	b := newBuilder(t)
	c, unused := b.Const(a, nil), b.Const(a, nil)
	buf.Release() // the caller's own
	b.apply(kernels.Neg, nil, unused)
	g := b.outputs(b.apply(kernels.Neg, nil, c))
	if buf.Refs() != 2 {
		t.Fatalf("%d references, want those of two constants", buf.Refs())
	}
	g.RemoveDead()
	if buf.Refs() != 1 {
		t.Fatalf("%d references, want that of the one constant left", buf.Refs())
	}
	p, err := Compile(g, dev)
	if err != nil {
		t.Fatal(err)
	}
	g.Release()
	out := destinations(p)
	if err := p.Run(t.Context(), nil, out); err != nil {
		t.Fatal(err)
	}
	if got := floats(out[0]); got[0] != -1 || got[2] != -3 {
		t.Errorf("got %v", got)
	}
	p.Close()
	p.Close()
	if n := dev.Stats().Live - live; n != 0 {
		t.Errorf("%d buffers are left", n)
	}
	if err := p.Run(t.Context(), nil, out); err != ErrClosed {
		t.Errorf("a run after Close: %v", err)
	}
	if err := p.View(func(*Graph) error { return nil }); err != ErrClosed {
		t.Errorf("a look after Close: %v", err)
	}
	if n := dev.Stats().Misuses; n != 0 {
		t.Errorf("%d misuses: %v", n, dev.Stats().Err)
	}
}
