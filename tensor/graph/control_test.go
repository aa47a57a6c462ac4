// Control flow: what it computes, on graphs written by hand, against Go loops.

package graph

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

var opControl = &kernels.Op{Name: "control", Kind: kernels.Control}

// scanBody is, for a carry c, a constant k and a row x, all [2]: c' = c·k + x; a row
// y = c; and two sums, of c·x and of x.
func scanBody(t *testing.T) *Graph {
	b := newBuilder(t)
	k, c, x := b.param(2), b.param(2), b.param(2)
	next := b.apply(kernels.Add, nil, b.apply(kernels.Mul, nil, c, k), x)
	return b.outputs(next, c, b.apply(kernels.Mul, nil, c, x), x)
}

func (b *builder) emit(c *Control, in ...Ref) Ref {
	b.t.Helper()
	return b.Emit(c.Inst(opControl), in...)
}

func scanWant(k, c, xs []float64, reverse bool) (carry, ys, dots, sums []float64) {
	n := len(xs) / 2
	ys, dots, sums = make([]float64, 2*n), make([]float64, 2), make([]float64, 2)
	carry = slices.Clone(c)
	for i := range n {
		if reverse {
			i = n - 1 - i
		}
		for j := range 2 {
			ys[2*i+j] = carry[j]
			dots[j] += carry[j] * xs[2*i+j]
			sums[j] += xs[2*i+j]
			carry[j] = float64(carry[j]*k[j]) + xs[2*i+j]
		}
	}
	return carry, ys, dots, sums
}

func TestScan(t *testing.T) {
	for _, n := range []int{0, 1, 2, 5, 8} {
		for _, reverse := range []bool{false, true} {
			b := newBuilder(t)
			k, c, xs := b.param(2), b.param(2), b.param(n, 2)
			r := b.emit(&Control{Form: Scan, Bodies: []*Graph{scanBody(t)}, Consts: 1, Carries: 1, Xs: 1, Ys: 1, Sums: 2, Length: n, Reverse: reverse}, k, c, xs)
			p := compile(t, b.outputs(r, r+1, r+2, r+3))
			kv, cv, xv := []float64{0.5, -2}, []float64{3, 7}, make([]float64, 2*n)
			for i := range xv {
				xv[i] = float64(i*i) - 3
			}
			carry, ys, dots, sums := scanWant(kv, cv, xv, reverse)
			for range 2 { // the second run finds what the first has left
				out := destinations(p)
				if err := p.Run(t.Context(), []*kernels.Array{arrayOf(kv), arrayOf(cv), {Aval: f64(n, 2), Ptr: unsafe.Pointer(unsafe.SliceData(xv))}}, out); err != nil {
					t.Fatal(err)
				}
				wantFloats(t, "carry", out[0], carry...)
				wantFloats(t, "ys", out[1], ys...)
				wantFloats(t, "sum of products", out[2], dots...)
				wantFloats(t, "sum of rows", out[3], sums...)
			}
		}
	}
}

// halving is a while that halves a carry as long as it is above a bound, with its
// values as rows.
func halving(t *testing.T, length, bound int) (*builder, Ref) {
	test := newBuilder(t)
	lo, c := test.param(), test.param()
	cond := test.outputs(test.apply(kernels.Gt, nil, c, lo))
	step := newBuilder(t)
	_, c = step.param(), step.param()
	body := step.outputs(step.apply(kernels.Mul, nil, c, step.scalar(0.5)), c)
	b := newBuilder(t)
	return b, b.emit(&Control{Form: While, Bodies: []*Graph{cond, body}, Consts: 1, Carries: 1, Ys: 1, Length: length, Bound: bound, Limit: 8 * length}, b.param(), b.param())
}

// summing adds a function's reversed first n rows to a scan's carry.
func (b *builder) summing(rows, n Ref, length int) Ref {
	body := newBuilder(b.t)
	c, x := body.param(), body.param()
	sum := body.apply(kernels.Add, nil, body.apply(kernels.Mul, nil, c, body.scalar(10)), x)
	return b.emit(&Control{Form: Scan, Bodies: []*Graph{body.outputs(sum)}, Carries: 1, Xs: 1, Length: length, Counted: true, Reverse: true}, b.scalar(0), rows, n)
}

func TestWhile(t *testing.T) {
	const most = 1 << 20
	b, w := halving(t, most, 0)
	p := compile(t, b.outputs(w, w+1, b.summing(w+2, w+1, most)))
	if s := p.Stats(); s.ArenaBytes > 4096 {
		t.Errorf("the arena has %d bytes: the rows are in it", s.ArenaBytes)
	}
	for _, x := range []float64{8, 0.5, 1 << 40, 3} {
		out := destinations(p)
		if err := p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{1}), arrayOf([]float64{x})}, out); err != nil {
			t.Fatal(err)
		}
		c, rows := x, []float64{}
		for ; c > 1; c *= 0.5 {
			rows = append(rows, c)
		}
		sum := 0.0
		for _, r := range slices.Backward(rows) {
			sum = float64(sum*10) + r // not fused
		}
		wantFloats(t, "carry", out[0], c)
		if n := *(*int64)(out[1].Ptr); n != int64(len(rows)) {
			t.Errorf("%d steps, want %d", n, len(rows))
		}
		wantFloats(t, "sum of rows", out[2], sum)
	}
}

func TestWhileLimits(t *testing.T) {
	run := func(length, bound int, ctx context.Context, lo float64) error {
		b, w := halving(t, length, bound)
		outputs := []Ref{w}
		if bound == 0 {
			outputs = append(outputs, b.summing(w+2, w+1, length))
		}
		b.outputs(outputs...).RemoveDead() // without the scan, of the rows
		p := compile(t, &b.Graph)
		return p.Run(ctx, []*kernels.Array{arrayOf([]float64{lo}), arrayOf([]float64{1 << 20})}, destinations(p))
	}
	var se *StackError
	if err := run(16, 0, t.Context(), 1); !errors.As(err, &se) || se.Limit != 128 || se.Steps != 16 {
		t.Errorf("20 steps with room for 16: %v", err)
	}
	var le *StepsError
	if err := run(64, 16, t.Context(), 1); !errors.As(err, &le) || le.Limit != 16 {
		t.Errorf("20 steps where 16 are allowed: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20e6)
	defer cancel()
	if err := run(64, 1<<62, ctx, -1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a loop without end: %v", err)
	}
}

// condGraph is cond ? [a·b, a] : [-b, b].
func condGraph(t *testing.T) *builder {
	yes, no := newBuilder(t), newBuilder(t)
	a, c := yes.param(2), yes.param(2)
	yes.outputs(yes.apply(kernels.Mul, nil, a, c), a)
	_, c = no.param(2), no.param(2)
	no.outputs(no.apply(kernels.Neg, nil, c), c)
	b := newBuilder(t)
	r := b.emit(&Control{Form: Cond, Bodies: []*Graph{&yes.Graph, &no.Graph}}, b.Param(kernels.Aval{DType: device.Bool}), b.param(2), b.param(2))
	b.outputs(r, r+1)
	return b
}

func TestCond(t *testing.T) {
	p := compile(t, &condGraph(t).Graph)
	for _, c := range []bool{true, false, true} {
		out := destinations(p)
		in := []*kernels.Array{{Aval: kernels.Aval{DType: device.Bool}, Ptr: unsafe.Pointer(&c)}, arrayOf([]float64{2, 3}), arrayOf([]float64{5, 7})}
		if err := p.Run(t.Context(), in, out); err != nil {
			t.Fatal(err)
		}
		want := [2][]float64{{-5, -7}, {5, 7}}
		if c {
			want = [2][]float64{{10, 21}, {2, 3}}
		}
		wantFloats(t, "first", out[0], want[0]...)
		wantFloats(t, "second", out[1], want[1]...)
	}
}

// Dead code takes results, carries and operands off control flow.
func TestNarrow(t *testing.T) {
	b := newBuilder(t)
	k, c, xs := b.param(2), b.param(2), b.param(4, 2)
	r := b.emit(&Control{Form: Scan, Bodies: []*Graph{scanBody(t)}, Consts: 1, Carries: 1, Xs: 1, Ys: 1, Sums: 2, Length: 4}, k, c, xs)
	g := b.outputs(r + 3)
	g.RemoveDead()
	if err := g.Verify(); err != nil {
		t.Fatal(err)
	}
	if d := ControlOf(g.Instrs[0].Inst); d.Consts+d.Carries+d.Ys != 0 || d.Xs != 1 || d.Sums != 1 || len(d.Body().Instrs) != 0 {
		t.Errorf("what sums rows is %v of\n%v", d, d.Body())
	}
	b, w := halving(t, 8, 0)
	g = b.outputs(w)
	g.RemoveDead()
	if err := g.Verify(); err != nil {
		t.Fatal(err)
	}
	if d := ControlOf(g.Instrs[0].Inst); d.Ys != 0 || d.Carries != 1 {
		t.Errorf("a loop whose rows nobody reads is %v", d)
	}
	b = condGraph(t)
	b.Outputs = b.Outputs[1:]
	b.RemoveDead()
	if err := b.Verify(); err != nil {
		t.Fatal(err)
	}
	if inst := b.Instrs[0].Inst; len(inst.Out) != 1 || len(ControlOf(inst).Bodies[0].Instrs) != 0 {
		t.Errorf("the second result alone is\n%v", b)
	}
}

func TestControlEqualAndText(t *testing.T) {
	g, h := &condGraph(t).Graph, &condGraph(t).Graph
	if !g.Equal(h) {
		t.Error("a graph does not equal one with the same bodies")
	}
	other := newBuilder(t)
	other.param(2)
	x := other.param(2)
	other.outputs(other.apply(kernels.Abs, nil, x), x)
	ControlOf(h.Instrs[0].Inst).Bodies[1] = &other.Graph
	if g.Equal(h) {
		t.Error("a graph equals one with other bodies")
	}
	for _, want := range []string{"  true:\n", "    %2 = mul %0, %1", "  false:\n", "    %2 = neg %1", "    return %2, %1\n"} {
		if s := g.String(); !strings.Contains(s, want) {
			t.Errorf("%q is not in\n%s", want, s)
		}
	}
}

// An error inside of loops names the instruction and the steps.
func TestControlError(t *testing.T) {
	body := newBuilder(t)
	c := body.param(2)
	inner := &Control{Form: Scan, Bodies: []*Graph{body.outputs(body.apply(opIndex, nil, c))}, Carries: 1, Length: 3}
	mid := newBuilder(t)
	mid.outputs(mid.emit(inner, mid.param(2)))
	b := newBuilder(t)
	p := compile(t, b.outputs(b.emit(&Control{Form: Scan, Bodies: []*Graph{&mid.Graph}, Carries: 1, Length: 3}, b.param(2))))
	err := p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{1, 2})}, destinations(p))
	var re *RunError
	var ie *kernels.IndexError
	if !errors.As(err, &re) || !errors.As(err, &ie) || re.Op != "graph.index" || len(re.Within) != 2 {
		t.Errorf("got %v", err)
	}
}
