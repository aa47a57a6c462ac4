package pattern_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/kernels"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// recorder builds a graph from ops.
type recorder struct{ g *graph.Graph }

type value struct {
	r   graph.Ref
	a   kernels.Aval
	err error
}

func (v value) Aval() kernels.Aval { return v.a }

func (b recorder) Apply(op *kernels.Op, attr any, in ...kernels.Val) []kernels.Val {
	avals := make([]kernels.Aval, len(in))
	for i, v := range in {
		avals[i] = v.Aval()
	}
	inst, err := op.Inst(attr, avals...)
	if err != nil {
		return []kernels.Val{value{err: err}}
	}
	if op.Kind == kernels.Composite {
		return op.Compose(b, attr, in)
	}
	return b.ApplyInst(inst, in...)
}

func (b recorder) ApplyInst(inst *kernels.Inst, in ...kernels.Val) []kernels.Val {
	refs := make([]graph.Ref, len(in))
	for i, v := range in {
		refs[i] = v.(value).r
	}
	r := b.g.Emit(inst, refs...)
	out := make([]kernels.Val, len(inst.Out))
	for k, a := range inst.Out {
		out[k] = value{r: r + graph.Ref(k), a: a}
	}
	return out
}

func (b recorder) Full(v float64, a kernels.Aval) kernels.Val {
	return kernels.One(b, kernels.Full, kernels.Fill{DType: a.DType, Shape: kernels.DimsOf(a.Shape...), Value: v})
}

func (b recorder) Fail(err error) kernels.Val { return value{err: err} }

// array returns a dense array with the given elements.
func array(a kernels.Aval, elements []float64) *kernels.Array {
	x := &kernels.Array{Aval: a, Ptr: unsafe.Pointer(unsafe.SliceData(make([]uint64, a.Size()+1)))}
	for i, v := range elements {
		switch a.DType {
		case device.Float64:
			unsafe.Slice((*float64)(x.Ptr), len(elements))[i] = v
		case device.Float32:
			unsafe.Slice((*float32)(x.Ptr), len(elements))[i] = float32(v)
		case device.Int64:
			unsafe.Slice((*int64)(x.Ptr), len(elements))[i] = int64(v)
		case device.Int32:
			unsafe.Slice((*int32)(x.Ptr), len(elements))[i] = int32(v)
		case device.Bool:
			unsafe.Slice((*bool)(x.Ptr), len(elements))[i] = v != 0
		}
	}
	return x
}

// run evaluates a graph on the reference backend and returns the elements of its
// float64 outputs.
func run(t *testing.T, g *graph.Graph, in []*kernels.Array) []float64 {
	t.Helper()
	backend, _ := kernels.BackendID("ref")
	vals := make([]*kernels.Array, g.NumValues())
	for i, r := range g.Params {
		vals[r] = in[i]
	}
	for _, c := range g.Consts {
		vals[c.Ref] = &c.Array
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		c := &kernels.Call{}
		for _, a := range g.Args(i) {
			c.In = append(c.In, vals[a])
		}
		for k, a := range x.Inst.Out {
			vals[int(x.Out)+k] = array(a, make([]float64, a.Size()))
			c.Out = append(c.Out, vals[int(x.Out)+k])
		}
		if err := x.Inst.Kernel(backend).Run(c); err != nil {
			t.Fatalf("%s: %v", x.Inst.Name, err)
		}
	}
	var out []float64
	for _, r := range g.Outputs {
		if a := g.Aval(r); a.DType.IsFloat() {
			out = append(out, unsafe.Slice((*float64)(vals[r].Ptr), a.Size())...)
		}
	}
	return out
}

// changes returns the pattern of the outputs' elements that change when one
// element of an operand does, at a point. Skipped operands are not changed.
func changes(t *testing.T, g *graph.Graph, point [][]float64, skip []bool) *sparse.Pattern {
	at := func() []*kernels.Array {
		var in []*kernels.Array
		for i, r := range g.Params {
			in = append(in, array(g.Aval(r), point[i]))
		}
		return in
	}
	base := run(t, g, at())
	c := &sparse.COO[float64]{Rows: len(base)}
	for i, r := range g.Params {
		if !g.Aval(r).DType.IsFloat() {
			continue
		}
		for k, v := range point[i] {
			for _, h := range []float64{1e-5, -1e-5} {
				if point[i][k] = v + h*max(1, math.Abs(v)); skip[i] {
					break
				}
				for row, y := range run(t, g, at()) {
					if y != base[row] && (y == y || base[row] == base[row]) {
						c.Append(row, c.Cols, 1)
					}
				}
			}
			point[i][k] = v
			c.Cols++
		}
	}
	p, err := c.Pattern()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// contains reports whether every entry of q is in p, with one that is not.
func contains(p, q *sparse.Pattern) (int, int, bool) {
	for i := range q.Rows {
		for _, j := range q.Row(i) {
			if p.Find(i, int(j)) < 0 {
				return i, int(j), false
			}
		}
	}
	return 0, 0, true
}

// point returns operands of a case: its values, or random ones.
func point(c *kernels.Case, avals []kernels.Aval, r *rand.Rand) [][]float64 {
	p := make([][]float64, len(c.In))
	for i, s := range c.In {
		if s.Values != nil {
			p[i] = slices.Clone(s.Values)
			continue
		}
		lo, hi := s.Lo, s.Hi
		if lo == hi {
			lo, hi = -2, 2
		}
		for range avals[i].Size() {
			p[i] = append(p[i], lo+(hi-lo)*r.Float64())
		}
	}
	return p
}

// TestRegistry holds the structure of every op against what changes in its results
// when elements of its operands do: all that changes is in the patterns, and,
// over several points, nothing else.
func TestRegistry(t *testing.T) {
	dtypes := map[string]device.DType{"": device.Float64, "bool": device.Bool, "int32": device.Int32, "int64": device.Int64,
		"float32": device.Float32, "float64": device.Float64}
	for _, op := range kernels.Ops() {
		t.Run(op.Name, func(t *testing.T) {
			if op.Kind == kernels.Library && op.Structure == nil {
				t.Fatal("declares no structure")
			}
			tested := 0
			cases := op.Cases()
			for i := range cases {
				c := &cases[i]
				name := fmt.Sprintf("case %d (%s)", i, c.Name)
				g := new(graph.Graph)
				b := recorder{g}
				var in []kernels.Val
				var avals []kernels.Aval
				skip := make([]bool, len(c.In))
				total := 0
				for k, s := range c.In {
					a := kernels.Aval{DType: dtypes[s.DType], Shape: s.Shape}
					avals, skip[k] = append(avals, a), s.Fixed
					if c.Bad == "" { // others have shapes that cannot be
						total += a.Size()
					}
					in = append(in, value{r: g.Param(a), a: a})
				}
				if c.Bad != "" || total > 200 {
					continue
				}
				for _, v := range b.Apply(op, c.Attr, in...) {
					if v.(value).err != nil {
						t.Fatalf("%s: %v", name, v.(value).err)
					}
					if v.Aval().DType == device.Float32 {
						v = kernels.One(b, kernels.Cast, device.Float64, v)
					}
					g.Output(v.(value).r)
				}
				global, err := pattern.Global(context.Background(), g)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if err := global.Check(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				h := fnv.New64a()
				h.Write([]byte(op.Name + name))
				rnd := rand.New(rand.NewPCG(h.Sum64(), 1))
				seen := sparse.EmptyPattern(global.Rows, global.Cols)
				// Softmax of one element is constant, and of far ones nearly.
				exact := !c.Kink && !strings.HasSuffix(op.Name, "softmax") && !slices.ContainsFunc(c.In, func(s kernels.Sample) bool { return s.Values != nil })
				points := 8
				if total <= 20 {
					points = 100
				}
				for range points {
					x := point(c, avals, rnd)
					ch := changes(t, g, x, skip)
					if row, col, ok := contains(global, ch); !ok && op.Kind != kernels.Opaque && !(c.Kink && op.Name == "sign") {
						t.Fatalf("%s: (%d, %d) is missing from the global pattern\n%v\nof\n%v", name, row, col, global, ch)
					}
					var args []*kernels.Array
					for k := range x {
						args = append(args, array(avals[k], x[k]))
					}
					local, err := pattern.At(context.Background(), g, args)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					if row, col, ok := contains(global, local); !ok {
						t.Fatalf("%s: (%d, %d) is at a point but not global", name, row, col)
					}
					if row, col, ok := contains(local, ch); !ok && !c.Kink && op.Kind != kernels.Opaque {
						t.Fatalf("%s: (%d, %d) is missing from the pattern at a point", name, row, col)
					}
					seen, _ = seen.Union(ch)
				}
				for _, s := range c.In { // choices among indices that are not known: all may be taken
					exact = exact && (s.DType == "" || s.DType == "float64") && !s.Fixed
				}
				if op.Kind == kernels.Opaque && global.Nnz() > 0 {
					t.Errorf("%s: an op without derivatives has a pattern\n%v", name, global)
				} else if op.Kind != kernels.Opaque && exact && !seen.Equal(global) {
					t.Errorf("%s: the global pattern\n%v\nis not what changes\n%v", name, global, seen)
				}
				tested++
			}
			if tested == 0 {
				t.Error("no case was tested")
			}
		})
	}
}
