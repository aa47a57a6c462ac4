// Random programs: how they are drawn, run and told.

package grad_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

const (
	maxSteps    = 8
	maxElements = 1500
)

var dtypesByName = map[string]tensor.DType{
	"bool": tensor.Bool, "int32": tensor.Int32, "int64": tensor.Int64, "float32": tensor.Float32, "float64": tensor.Float64,
}

// program is a function of its leaves.
type program struct {
	leaves []*T
	steps  []step
	values []*T // what the steps gave when they were drawn
	used   []bool
	single bool // has float32 in it
	cut    bool // has floats that are constants by an op's word: differences know better
}

// step is an operation on leaves and earlier results.
type step struct {
	op   *kernels.Op
	attr any
	text string
	args []arg
}

// arg is a leaf (as ^index) or the result of a step, brought to what is wanted.
type arg struct {
	from int
	fit  []func(x *T) *T
}

// caseOf is an op's case that programs are made of.
type caseOf struct {
	op *kernels.Op
	c  *kernels.Case
}

// usable returns the cases of each op that take part: neither errors nor
// singular points, and no larger than runs in no time.
func usable() [][]caseOf {
	var all [][]caseOf
	for _, op := range kernels.Ops() {
		var list []caseOf
		cases := op.Cases()
		for i := range cases {
			c := &cases[i]
			small := true
			for _, s := range c.In {
				small = small && kernels.Aval{Shape: s.Shape}.Size() <= maxElements
			}
			if c.Bad == "" && !c.Kink && small {
				list = append(list, caseOf{op, c})
			}
		}
		if len(list) > 0 {
			all = append(all, list)
		}
	}
	return all
}

// drawProgram draws up to maxSteps operations.
func drawProgram(t *rapid.T, ops [][]caseOf, seen map[string]int) *program {
	p := &program{}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "leaves"), 1))
	mixed := rapid.Bool().Draw(t, "mixed")
	n := 1 + rapid.IntRange(0, maxSteps-1).Draw(t, "steps")
	for _, k := range rapid.Permutation(indices(len(ops))).Draw(t, "ops")[:min(n, len(ops))] {
		c := rapid.SampledFrom(ops[k]).Draw(t, "case")
		float := tensor.Float64
		if mixed && !c.c.Only64 && rapid.Bool().Draw(t, "float32") {
			float = tensor.Float32
		}
		p.add(t, r, c, float)
		seen[c.op.Name]++
	}
	return p
}

func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// add appends a step at one of the op's cases.
func (p *program) add(t *rapid.T, r *rand.Rand, c caseOf, float tensor.DType) {
	s := step{op: c.op, attr: c.c.Attr}
	for _, sample := range c.c.In {
		dt := float
		if sample.DType != "" {
			dt = dtypesByName[sample.DType]
		}
		a, ok := p.earlier(t, sample, dt)
		if !ok {
			a = arg{from: ^len(p.leaves)}
			p.leaves = append(p.leaves, leaf(r, sample, dt))
		}
		p.single = p.single || dt == tensor.Float32
		s.args = append(s.args, a)
	}
	s.text = fmt.Sprintf("%s (%s, attribute %v)", c.op.Name, c.c.Name, c.c.Attr)
	p.steps = append(p.steps, s)
	for _, y := range p.results(s, p.leaves, p.values, same) {
		p.single = p.single || y.DType() == tensor.Float32
		p.cut = p.cut || c.op.Kind == kernels.Opaque && y.DType().IsFloat()
		if v, err := y.Float64s(); err != nil {
			t.Fatalf("%v\n%v", err, p)
		} else if slices.ContainsFunc(v, func(x float64) bool { return math.IsNaN(x) || math.Abs(x) > 1e6 }) {
			y = nil // nothing that one could compute with
		}
		p.values, p.used = append(p.values, y), append(p.used, false)
	}
}

// leaf is an operand with the elements of a sample.
func leaf(r *rand.Rand, s kernels.Sample, dt tensor.DType) *T {
	v := slices.Clone(s.Values)
	lo, hi := domain(s)
	for s.Values == nil && len(v) < (kernels.Aval{Shape: s.Shape}).Size() {
		v = append(v, lo+(hi-lo)*(0.02+0.96*r.Float64()))
	}
	return tensor.NewShaped(v, s.Shape).Cast(dt)
}

func domain(s kernels.Sample) (lo, hi float64) {
	switch {
	case len(s.Values) > 0:
		return slices.Min(s.Values), slices.Max(s.Values)
	case s.Lo == s.Hi:
		return -2, 2
	}
	return s.Lo, s.Hi
}

// earlier draws a result of an earlier step for a sample, if one can be had.
func (p *program) earlier(t *rapid.T, s kernels.Sample, dt tensor.DType) (arg, bool) {
	var from []int
	for i, y := range p.values {
		if y != nil && reaches(y, s, dt) {
			from = append(from, i)
		}
	}
	if len(from) == 0 || rapid.IntRange(0, 3).Draw(t, "fresh") == 0 {
		return arg{}, false
	}
	i := from[len(from)-1-rapid.IntRange(0, len(from)-1).Draw(t, "operand")]
	p.used[i] = true
	return arg{i, append(shaping(t, p.values[i].Shape(), s.Shape), valued(s, dt)...)}, true
}

// reaches reports whether y can take the place of a sample: floats anywhere in
// their domain, integers and bools in the range of given ones. Given floats may
// stand for what the domain does not tell, and a float that is rounded is not
// smooth.
func reaches(y *T, s kernels.Sample, dt tensor.DType) bool {
	if y.Size() == 0 && (kernels.Aval{Shape: s.Shape}).Size() > 0 {
		return false
	}
	if dt.IsFloat() {
		return s.Values == nil && !s.Fixed
	}
	return !y.DType().IsFloat() && !s.Fixed
}

// shaping brings a value of one shape to another: by views where there are any,
// else by repeating and cutting.
func shaping(t *rapid.T, from, to []int) []func(x *T) *T {
	var steps []func(x *T) *T
	then := func(f func(x *T) *T) { steps = append(steps, f) }
	n, m := (kernels.Aval{Shape: from}).Size(), (kernels.Aval{Shape: to}).Size()
	if rapid.Bool().Draw(t, "flipped") && len(from) > 0 {
		then(func(x *T) *T { return x.Flip(0) })
	}
	switch {
	case slices.Equal(from, to):
		if rapid.Bool().Draw(t, "transposed") && len(to) > 1 && to[0] == to[1] {
			then(func(x *T) *T { return x.SwapAxes(0, 1) })
		}
	case broadcasts(from, to):
		then(func(x *T) *T { return x.BroadcastTo(to...) })
	case n == m && len(from) > 1:
		then(func(x *T) *T { return x.Transpose().Reshape(to...) })
	case n == m:
		then(func(x *T) *T { return x.Reshape(to...) })
	case m == 0:
		then(func(x *T) *T { return x.Flatten().Index(tensor.Range(0, 0)).Reshape(to...) })
	case n >= m:
		stride := n / m
		then(func(x *T) *T { return x.Flatten().Index(tensor.Step(0, m*stride, stride)).Reshape(to...) })
	default:
		copies := (m + n - 1) / n
		then(func(x *T) *T {
			return tensor.Concat(0, slices.Repeat([]*T{x.Flatten()}, copies)...).Index(tensor.Range(0, m)).Reshape(to...)
		})
	}
	return steps
}

func broadcasts(from, to []int) bool {
	if len(from) > len(to) {
		return false
	}
	for i, n := range from {
		if n != 1 && n != to[len(to)-len(from)+i] {
			return false
		}
	}
	return true
}

// valued brings a value to a sample's type and domain: floats smoothly, and so
// that whole numbers fall on no point at which an op is not smooth.
func valued(s kernels.Sample, dt tensor.DType) []func(x *T) *T {
	lo, hi := domain(s)
	cast := func(x *T) *T {
		if x.DType() == dt {
			return x
		}
		return x.Cast(dt)
	}
	switch {
	case dt.IsFloat():
		middle, half := (lo+hi)/2, (hi-lo)/2
		return []func(x *T) *T{
			cast,
			func(x *T) *T {
				one := tensor.Builder{}.Full(1, kernels.Aval{DType: dt}).(*T)
				return x.Atan2(one).MulScalar(0.9 * half * 2 / math.Pi)
			},
			func(x *T) *T { return x.AddScalar(middle + 0.07*half) },
		}
	case dt == tensor.Bool:
		return []func(x *T) *T{cast}
	}
	return []func(x *T) *T{cast, func(x *T) *T { return x.MaximumScalar(lo).MinimumScalar(hi) }}
}

// results carries out a step, with something done to its operands on the way.
func (p *program) results(s step, leaves, values []*T, to func(x *T) *T) []*T {
	in := make([]kernels.Val, len(s.args))
	for i, a := range s.args {
		x := to(operandOf(a, leaves, values))
		for _, f := range a.fit {
			x = to(f(x))
		}
		in[i] = x
	}
	var out []*T
	for _, v := range (tensor.Builder{}).Apply(s.op, s.attr, in...) {
		out = append(out, v.(*T))
	}
	return out
}

func operandOf(a arg, leaves, values []*T) *T {
	if a.from < 0 {
		return leaves[^a.from]
	}
	return values[a.from]
}

// call is the program as a function: of its leaves, the results that no step uses.
func (p *program) call(leaves []*T) []*T { return p.run(leaves, same) }

func same(x *T) *T { return x }

// run is call with something done to operands on the way.
func (p *program) run(leaves []*T, to func(y *T) *T) []*T {
	var values, out []*T
	for _, s := range p.steps {
		values = append(values, p.results(s, leaves, values, to)...)
	}
	for i, y := range values {
		if !p.used[i] {
			out = append(out, y)
		}
	}
	return out
}

// noisy is call with every operand moved by up to 1000 units of rounding on every
// step of its way: what rounding may do to the program, enlarged.
func (p *program) noisy(seed uint64) function {
	return func(leaves []*T) []*T {
		r := rand.New(rand.NewPCG(seed, 2))
		return p.run(leaves, func(y *T) *T {
			if !y.DType().IsFloat() {
				return y
			}
			unit := 0x1p-53
			if y.DType() == tensor.Float32 {
				unit = 0x1p-24
			}
			v := make([]float64, y.Size())
			for i := range v {
				v[i] = 1 + 1000*unit*(2*r.Float64()-1)
			}
			return y.Mul(tensor.NewShaped(v, y.Shape(), tensor.On(y.Device())).Cast(y.DType()))
		})
	}
}

func (p *program) String() string {
	var b strings.Builder
	value := 0
	for _, s := range p.steps {
		fmt.Fprintf(&b, "%%%d... = %s:", value, s.text)
		for _, a := range s.args {
			x := operandOf(a, p.leaves, p.values)
			if a.from < 0 {
				fmt.Fprintf(&b, " leaf %d %v%v", ^a.from, x.DType(), x)
			} else {
				fmt.Fprintf(&b, " %%%d %v%v", a.from, x.DType(), x.Shape())
			}
		}
		b.WriteByte('\n')
		if value < len(p.values) {
			value += len(p.results(s, p.leaves, p.values, same))
		}
	}
	return b.String()
}
