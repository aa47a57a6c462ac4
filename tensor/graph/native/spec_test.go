package native

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/internal/cc"
	"github.com/cotangent-ad/cotangent/kernels"
	_ "github.com/cotangent-ad/cotangent/kernels/cpu"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// val is a value of the graph under construction.
type val struct {
	ref graph.Ref
	a   kernels.Aval
	err error
}

func (v val) Aval() kernels.Aval { return v.a }

// builder emits operations into a graph.
type builder struct {
	t *testing.T
	g *graph.Graph
}

func (b builder) Apply(op *kernels.Op, attr any, in ...kernels.Val) []kernels.Val {
	if op.Kind == kernels.Composite {
		return op.Compose(b, attr, in)
	}
	avals := make([]kernels.Aval, len(in))
	for i, v := range in {
		avals[i] = v.Aval()
	}
	inst, err := op.Inst(attr, avals...)
	if err != nil {
		return []kernels.Val{b.Fail(err)}
	}
	return b.ApplyInst(inst, in...)
}

func (b builder) ApplyInst(inst *kernels.Inst, in ...kernels.Val) []kernels.Val {
	refs := make([]graph.Ref, len(in))
	for i, v := range in {
		if v.(val).err != nil {
			return []kernels.Val{v}
		}
		refs[i] = v.(val).ref
	}
	first := b.g.Emit(inst, refs...)
	out := make([]kernels.Val, len(inst.Out))
	for i, a := range inst.Out {
		out[i] = val{ref: first + graph.Ref(i), a: a}
	}
	return out
}

func (b builder) Full(v float64, a kernels.Aval) kernels.Val {
	return b.constant(a, func(int) float64 { return v })
}

func (b builder) Fail(err error) kernels.Val { return val{err: err} }

// constant adds a constant of the given elements.
func (b builder) constant(a kernels.Aval, at func(i int) float64) kernels.Val {
	arr := newArray(a)
	for i := range a.Size() {
		set(arr, i, at(i))
	}
	return val{ref: b.g.Const(*arr, nil), a: a}
}

func newArray(a kernels.Aval) *kernels.Array {
	m := make([]uint64, (a.Size()*a.DType.Size()+7)/8+1)
	return &kernels.Array{Aval: a, Ptr: unsafe.Pointer(unsafe.SliceData(m))}
}

func set(a *kernels.Array, i int, v float64) {
	p := unsafe.Add(a.Ptr, i*a.DType.Size())
	switch a.DType {
	case device.Float64:
		*(*float64)(p) = v
	case device.Float32:
		*(*float32)(p) = float32(v)
	case device.Int64:
		*(*int64)(p) = int64(v)
	case device.Int32:
		*(*int32)(p) = int32(v)
	default:
		*(*bool)(p) = v != 0
	}
}

func get(a *kernels.Array, i int) (float64, uint64) {
	p := unsafe.Add(a.Ptr, i*a.DType.Size())
	switch a.DType {
	case device.Float64:
		return *(*float64)(p), *(*uint64)(p)
	case device.Float32:
		return float64(*(*float32)(p)), uint64(*(*uint32)(p))
	case device.Int64:
		return float64(*(*int64)(p)), *(*uint64)(p)
	case device.Int32:
		return float64(*(*int32)(p)), uint64(*(*uint32)(p))
	}
	return float64(*(*uint8)(p)), uint64(*(*uint8)(p))
}

var sampleTypes = map[string]device.DType{"bool": device.Bool, "int32": device.Int32, "int64": device.Int64, "float32": device.Float32, "float64": device.Float64}

// program is a graph with arguments.
type program struct {
	b     builder
	args  []*kernels.Array
	name  []string // of each output
	close []bool   // of each output: it need not be equal bit for bit
}

func newProgram(t *testing.T) *program { return &program{b: builder{t, new(graph.Graph)}} }

func (p *program) param(a kernels.Aval, at func(i int) float64) kernels.Val {
	arr := newArray(a)
	for i := range a.Size() {
		set(arr, i, at(i))
	}
	p.args = append(p.args, arr)
	return val{ref: p.b.g.Param(a), a: a}
}

func (p *program) output(name string, v kernels.Val, near bool) {
	if v == nil || v.(val).err != nil {
		return
	}
	p.b.g.Output(v.(val).ref)
	p.name, p.close = append(p.name, name), append(p.close, near)
}

// check runs the program as tiles and as code and compares.
func (p *program) check(workers string) {
	t := p.b.t
	t.Helper()
	dev, err := device.Open(workers)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	run := func(native bool) []*kernels.Array {
		prog, err := graph.Compile(p.b.g, dev)
		if err != nil {
			t.Fatal(err)
		}
		defer prog.Close()
		if native {
			err := prog.Translate(func(g *graph.Graph, dev device.Device) (graph.Code, error) {
				return Compile(context.Background(), g, dev)
			})
			if errors.Is(err, cc.ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		var out []*kernels.Array
		for _, v := range p.b.g.Outputs {
			out = append(out, newArray(p.b.g.Aval(v)))
		}
		for range 2 { // the second run finds memory as the first left it
			if err := prog.Run(context.Background(), p.args, out); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	want, got := run(false), run(true)
	for k := range want {
		for i := range want[k].Size() {
			x, xb := get(want[k], i)
			y, yb := get(got[k], i)
			same := xb == yb || x != x && y != y
			if p.close[k] && !same {
				same = math.Abs(x-y) <= tolerances[want[k].DType]*(1+math.Abs(x))
			}
			if !same {
				t.Errorf("%s: element %d of %v%v is %v, want %v", p.name[k], i, want[k].DType, want[k].Shape, y, x)
				break
			}
		}
	}
}

var tolerances = map[device.DType]float64{device.Float64: 1e-13, device.Float32: 1e-5}

// Every case of every operation, with its derivatives in both modes, gives as
// code what it gives as tiles.
func TestCases(t *testing.T) {
	const families = 12
	ops := kernels.Ops()
	defer func() { level = optimize }()
	level = func(string) []string { return []string{"-O2"} }
	if cpu.Detect() != cpu.Baseline { // for which gcc 12 fails at -O1
		level = func(string) []string { return []string{"-O1"} } // compiles faster, to the same numbers
	}
	for f := range families {
		if testing.Short() && f%4 != 0 {
			continue
		}
		lo, hi := f*len(ops)/families, (f+1)*len(ops)/families
		t.Run(fmt.Sprintf("%s-%s", ops[lo].Name, ops[hi-1].Name), func(t *testing.T) {
			p := newProgram(t)
			for _, op := range ops[lo:hi] {
				cases := op.Cases()
				for i := range cases {
					for _, float := range []device.DType{device.Float64, device.Float32} {
						p.addCase(op, &cases[i], float)
					}
				}
			}
			t.Logf("%d instructions, %d outputs", len(p.b.g.Instrs), len(p.b.g.Outputs))
			p.check("cpu:1")
		})
	}
}

// addCase adds a case with its derivatives to the program.
func (p *program) addCase(op *kernels.Op, c *kernels.Case, float device.DType) {
	if c.Bad != "" || c.Only64 && float == device.Float32 {
		return
	}
	h := fnv.New64()
	h.Write([]byte(op.Name + c.Name))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	name := fmt.Sprintf("%s (%s) %v", op.Name, c.Name, float)
	var x, dx []kernels.Val
	var want kernels.Mask
	for i, s := range c.In {
		a := kernels.Aval{DType: float, Shape: s.Shape}
		if s.DType != "" {
			a.DType = sampleTypes[s.DType]
		}
		lo, hi := s.Lo, s.Hi
		if lo == 0 && hi == 0 {
			lo, hi = -2, 2
		}
		at := func(i int) float64 { return lo + (hi-lo)*r.Float64() }
		if s.Values != nil {
			at = func(i int) float64 { return s.Values[i] }
		}
		if i%2 == 0 || !a.DType.IsFloat() {
			x = append(x, p.param(a, at))
		} else {
			x = append(x, p.b.constant(a, at))
		}
		if a.DType.IsFloat() && !s.Fixed {
			want |= 1 << i
			dx = append(dx, p.param(a, func(int) float64 { return r.NormFloat64() }))
		} else {
			dx = append(dx, nil)
		}
	}
	y := p.b.Apply(op, c.Attr, x...)
	for i, v := range y {
		p.output(fmt.Sprintf("%s result %d", name, i), v, near(op))
	}
	if op.Kind == kernels.Composite || len(y) == 0 || y[0].(val).err != nil {
		return
	}
	avals := make([]kernels.Aval, len(x))
	for i := range x {
		avals[i] = x[i].Aval()
	}
	inst, err := op.Inst(c.Attr, avals...)
	if err != nil || !inst.Differentiable() || want == 0 {
		return
	}
	g := make([]kernels.Val, len(y))
	for i := range y {
		if y[i].Aval().DType.IsFloat() {
			g[i] = p.param(y[i].Aval(), func(int) float64 { return r.NormFloat64() })
		}
	}
	for i, v := range inst.VJP(p.b, x, y, g, want) {
		p.output(fmt.Sprintf("%s cotangent %d", name, i), v, near(op))
	}
	for i, v := range inst.JVP(p.b, x, y, dx) {
		p.output(fmt.Sprintf("%s tangent %d", name, i), v, near(op))
	}
}

// near reports whether an operation's results are those of matrix products.
func near(op *kernels.Op) bool {
	return strings.Contains(op.Name, "matmul") || op.Name == "contract" || strings.Contains(op.Name, "einsum") || op.Name == "outer" || op.Name == "dot"
}
