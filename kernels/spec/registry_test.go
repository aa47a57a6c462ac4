package spec

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// singular holds the functions with points at which slopes are a convention.
var singular = []loop.Fn{
	loop.Abs, loop.Sign, loop.Sqrt, loop.Recip, loop.Log, loop.Log1p, loop.Maximum, loop.Minimum, loop.Pow, loop.Atan2, loop.Hypot,
	loop.SMul,
}

// TestRegistry sees that every op is declared in full.
func TestRegistry(t *testing.T) {
	for _, op := range kernels.Ops() {
		t.Run(op.Name, func(t *testing.T) {
			if !strings.HasSuffix(op.Doc, ".") || strings.Contains(op.Doc, "  ") {
				t.Errorf("Doc is %q", op.Doc)
			}
			for _, name := range []string{op.NumPy, op.Torch} {
				if name == "" || name == "-" || strings.HasPrefix(name, "- ") && !strings.HasPrefix(name, "- (") {
					t.Errorf("the NumPy and PyTorch names are %q and %q: a name, or - and the reason", op.NumPy, op.Torch)
				}
			}
			rules := op.JVP != nil && op.VJP != nil && op.Batch != nil
			switch {
			case op.Kind == kernels.Loop && op.Loop == nil, op.Kind == kernels.Library && !rules, op.Kind == kernels.Composite && op.Compose == nil,
				op.Kind == kernels.Opaque && op.Loop == nil && op.Batch == nil, (op.JVP == nil) != (op.VJP == nil):
				t.Error("what its kind needs is missing")
			}
			s := survey(t, op)
			for what, n := range map[string]int{
				"bad input": s.bad, "known value": s.known, "empty case": s.empty, "second derivative": s.second, "slopes at a kink": s.kinks,
			} {
				if n == 0 {
					t.Errorf("no case with a %s", what)
				}
			}
		})
	}
}

// coverage counts cases by what they show; 1 where an op cannot have any.
type coverage struct{ bad, known, empty, second, kinks int }

func survey(t *testing.T, op *kernels.Op) (s coverage) {
	differentiable, kinked := false, false
	cases := op.Cases()
	for i := range cases {
		c := &cases[i]
		if c.Name == "" {
			t.Errorf("case %d has no name", i)
		}
		if c.Bad != "" {
			s.bad++
			continue
		}
		x := operands(c, device.Float64)
		avals := make([]kernels.Aval, len(x))
		float := false
		for k, v := range x {
			avals[k] = v.aval
			float = float || v.aval.DType.IsFloat() && !c.In[k].Fixed
		}
		inst, err := op.Inst(c.Attr, avals...)
		if err != nil {
			t.Errorf("case %d (%s): %v", i, c.Name, err)
			continue
		}
		if c.Want != nil {
			s.known++
		}
		if c.Slopes != nil {
			s.kinks++
		}
		if slices.ContainsFunc(append(inst.Out, avals...), func(a kernels.Aval) bool { return a.Size() == 0 }) {
			s.empty++
		}
		float = float && op.Kind != kernels.Opaque && inst.Out[0].DType.IsFloat()
		differentiable = differentiable || float
		kinked = kinked || float && isKinked(inst.Expr)
		if float && !c.Kink && inst.Out[0].Size() > 0 {
			s.second++
		}
	}
	if !differentiable {
		s.second = 1
	}
	if !kinked {
		s.kinks = 1
	}
	return s
}

// isKinked reports whether a loop computes something with singular points: a
// function of that kind, a choice by a comparison of floats, or an extremum.
func isKinked(e *loop.Expr) bool {
	if e == nil {
		return false
	}
	for i := range e.Nodes {
		x := &e.Nodes[i]
		if slices.Contains(singular, x.Fn) {
			return true
		}
		if x.Fn == loop.Select {
			if c := &e.Nodes[x.Arg[0]]; c.Fn.Arity() == 2 && e.Nodes[c.Arg[0]].DType.IsFloat() {
				return true
			}
		}
	}
	return slices.ContainsFunc(e.Outs, func(o loop.Store) bool { return o.Reduce == loop.Max || o.Reduce == loop.Min })
}

// hostile are attributes of other ops and numbers at the ends of their types.
func hostile() []any {
	list := []any{nil, 0, "x", math.NaN(), device.DType(200), kernels.Axes{N: -1}, kernels.Axes{N: 127}, kernels.Dims{N: -1},
		kernels.DimsOf(-1, -1), kernels.DimsOf(kernels.Begin, kernels.End), kernels.DimsOf(make([]int, 99)...),
		kernels.RangesOf(kernels.Stepped(kernels.Begin, kernels.End, kernels.Begin)), kernels.RangesOf(kernels.Stepped(kernels.End, kernels.Begin, kernels.End)),
		kernels.RangesOf(kernels.Item(kernels.End)), kernels.Ranges{N: -5}, kernels.Ranges{N: 100}, kernels.RangesOf(make([]kernels.Range, 99)...),
		kernels.PaddingOf([]int{kernels.Begin}, []int{kernels.Begin}), kernels.PaddingOf([]int{kernels.End}, []int{kernels.Begin}), kernels.Padding{N: -3},
		kernels.ShiftsOf([]int{kernels.Begin}, []int{0}), kernels.ShiftsOf([]int{kernels.End}, nil), kernels.Limits{Lo: math.NaN(), Hi: 1},
		kernels.Scan{Axis: -128}, kernels.Scan{Axis: 127}, kernels.Equation("\xff..."), kernels.Equation("......->"), kernels.Equation(",,,,->"),
		kernels.Equation("a->->"), kernels.Offset(kernels.Begin), kernels.Offset(kernels.End), kernels.Order(-1), kernels.Order(kernels.End),
		kernels.Target{Axis: -128, Size: kernels.Begin}, kernels.Target{Axis: 0, Size: kernels.End}, kernels.Classes{N: kernels.Begin, DType: 99}, kernels.Classes{N: kernels.End, DType: device.Bool},
		kernels.Fill{DType: 99}, kernels.Fill{Shape: kernels.DimsOf(kernels.End, kernels.End)}, kernels.Sequence{Start: math.Inf(-1), Stop: math.Inf(1), Step: math.NaN(), DType: 99},
		kernels.Sequence{DType: device.Float32, Start: -math.MaxFloat64, Stop: math.MaxFloat64, Step: 1}, kernels.Spacing{DType: 99, N: kernels.Begin},
		kernels.Spacing{DType: device.Float64, N: kernels.End}, kernels.Identity{Rows: kernels.End, Cols: kernels.End, Offset: kernels.Begin, DType: 99},
		kernels.Identity{Rows: 2, Cols: 2, Offset: kernels.Begin, DType: device.Float64},
	}
	seen := map[any]bool{}
	for _, op := range kernels.Ops() {
		for _, c := range op.Cases() {
			if a := c.Attr; !seen[a] {
				seen[a] = true
				list = append(list, a)
			}
		}
	}
	return list
}

// derive makes what is made of an Inst's loop.
func derive(inst *kernels.Inst) {
	all := uint64(1)<<len(inst.In) - 1
	if inst.Expr == nil || inst.Op.JVP != nil {
		return
	}
	loop.VJP(inst.Expr, all, false)
	loop.JVP(inst.Expr, all, false)
	loop.Batch(inst.Expr, all, 2)
}

// TestHostile gives every op every attribute, on operands of shapes that fit
// nothing: no panic, and a type that could exist or an error.
func TestHostile(t *testing.T) {
	shapes := [][]int{nil, {3}, {2, 3}, {0}, {1 << 62}, {1 << 40, 1 << 40}, {-1}, {1 << 40, 0}, {kernels.Begin}, make([]int, 16), make([]int, 17)}
	var avals []kernels.Aval
	for _, s := range shapes {
		avals = append(avals, kernels.Aval{DType: device.Float64, Shape: s})
	}
	avals = append(avals, kernels.Aval{DType: device.Int64, Shape: []int{3}}, kernels.Aval{DType: device.Bool, Shape: []int{3}}, kernels.Aval{DType: 77, Shape: []int{3}})
	var operands [][]kernels.Aval
	operands = append(operands, nil)
	for i, a := range avals {
		operands = append(operands, []kernels.Aval{a}, []kernels.Aval{a, a}, []kernels.Aval{a, avals[(i+1)%len(avals)]},
			[]kernels.Aval{a, avals[len(avals)-3], a})
	}
	operands = append(operands, slices.Repeat(avals[1:2], 70))
	made := 0
	for _, op := range kernels.Ops() {
		for _, attr := range hostile() {
			for _, in := range operands {
				func() {
					defer func() {
						if p := recover(); p != nil {
							t.Errorf("%s(%v)%v panics: %v", op.Name, attr, in, p)
						}
					}()
					inst, err := op.Inst(attr, in...)
					if err != nil {
						return
					}
					made++
					derive(inst)
					for _, a := range inst.Out {
						size := 1.0
						for _, n := range a.Shape {
							size *= float64(n)
						}
						if size < 0 || size > 1<<60 || int(a.DType) >= device.NumDTypes || len(a.Shape) > kernels.MaxRank {
							t.Errorf("%s(%v)%v gives %v", op.Name, attr, in, a)
						}
					}
				}()
			}
		}
	}
	t.Logf("%d of the combinations are valid", made)
	if made < 1000 {
		t.Error("too few are valid to mean anything")
	}
}
