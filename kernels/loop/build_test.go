// Simplification, hash-consing, printing as text, and Verify.

package loop

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

func TestSimplify(t *testing.T) {
	e := New(Axes([]int{5, 1}), []Aval{floats64(5), floats64(5), {device.Bool, []int{5}}, {device.Int64, []int{5}}})
	x, y, c, n := e.Load(0, At(0)), e.Load(1, At(0)), e.Load(2, At(0)), e.Load(3, At(0))
	k := func(v float64) Node { return e.Const(f64, v) }
	i := func(v int64) Node { return e.ConstInt(device.Int64, v) }
	negZero := k(math.Copysign(0, -1))
	for _, p := range []struct {
		name      string
		got, want Node
	}{
		{"x*1", e.Mul(x, k(1)), x},
		{"-1*x", e.Mul(k(-1), x), e.Neg(x)},
		{"-(-x)", e.Neg(e.Neg(x)), x},
		{"x - -y", e.Sub(x, e.Neg(y)), e.Add(x, y)},
		{"-x + y", e.Add(e.Neg(x), y), e.Sub(y, x)},
		{"-x * -y", e.Mul(e.Neg(x), e.Neg(y)), e.Mul(x, y)},
		{"x - 0", e.Sub(x, k(0)), x},
		{"x + -0", e.Add(x, negZero), x},
		{"x/4", e.Div(x, k(4)), e.Mul(k(0.25), x)},
		{"1/x", e.Div(k(1), x), e.Recip(x)},
		{"x^2", e.Pow(x, k(2)), e.Square(x)},
		{"x^0", e.Pow(x, k(0)), k(1)},
		{"|-x|", e.Abs(e.Neg(x)), e.Abs(x)},
		{"1 smul x", e.SMul(k(1), x), x},
		{"x smul 3", e.SMul(x, k(3)), e.Mul(x, k(3))},
		{"0 smul x", e.SMul(x, k(0)), k(0)},
		{"a choice smul x", e.SMul(e.Select(c, k(1), k(0)), x), e.Select(c, x, k(0))},
		{"a choice of half smul x", e.SMul(e.Select(c, k(0.5), k(1)), x), e.Select(c, e.Mul(k(0.5), x), x)},
		{"commuted", e.Add(y, x), e.Add(x, y)},
		{"folded", e.Add(k(2), e.Sqrt(k(9))), k(5)},
		{"max(x, x)", e.Maximum(x, x), x},
		{"not not", e.Not(e.Not(c)), c},
		{"c and true", e.And(c, e.Bool(true)), c},
		{"c or true", e.Or(c, e.Bool(true)), e.Bool(true)},
		{"select of not", e.Select(e.Not(c), x, y), e.Select(c, y, x)},
		{"select twice", e.Select(c, e.Select(c, x, y), k(3)), e.Select(c, x, k(3))},
		{"n + 0", e.Add(n, i(0)), n},
		{"n == n", e.Eq(n, n), e.Bool(true)},
		{"x < x", e.Lt(x, x), e.Bool(false)},
		{"axis below its size", e.Lt(e.Iota(0), i(5)), e.Bool(true)},
		{"axis above -1", e.Lt(i(-1), e.Sub(e.Iota(0), e.Iota(1))), e.Bool(true)},
		{"axis never 7", e.Eq(e.Iota(0), i(7)), e.Bool(false)},
		{"axis of size one", e.Iota(1), i(0)},
		{"cast", e.Cast(device.Int32, e.Cast(device.Int64, k(3))), e.Cast(device.Int32, e.Cast(device.Int64, k(3)))},
		{"cast of an integer", e.Cast(f64, i(3)), k(3)},
		{"none + x", e.Add(None, x), x},
		{"none - x", e.Sub(None, x), e.Neg(x)},
		{"none smul x", e.SMul(None, x), None},
		{"select of none", e.Select(c, None, x), e.Select(c, k(0), x)},
		{"guarded in range", e.LoadGuarded(0, At(0)), x},
		{"never in range", e.LoadGuarded(0, At(0).Plus(5)), k(0)},
	} {
		if p.got != p.want {
			t.Errorf("%s is node %d, want %d", p.name, p.got, p.want)
		}
	}
	for name, n := range map[string]Node{
		"x+0": e.Add(x, k(0)), "0-x": e.Sub(k(0), x), "x*0": e.Mul(x, k(0)), "x-x": e.Sub(x, x), "x==x": e.Eq(x, x),
		"inf smul x": e.SMul(x, k(inf)), "x/3": e.Div(x, k(3)), "exp(0)": e.Exp(k(0)),
	} {
		if fn := e.Nodes[n].Fn; fn.Arity() == 0 {
			t.Errorf("%s became a %v", name, fn)
		}
	}
	nan, tenth := k(math.NaN()), e.Const(device.Float32, 0.1)
	if k(0) == negZero || k(math.NaN()) != nan || e.Const(device.Float32, float64(float32(0.1))) != tenth {
		t.Error("constants are not told apart by their bits")
	}
}

func TestDeclarationErrors(t *testing.T) {
	for name, f := range map[string]func(e *Expr, x, n Node){
		"types":      func(e *Expr, x, n Node) { e.Add(x, n) },
		"of bools":   func(e *Expr, x, n Node) { e.And(x, x) },
		"exp of int": func(e *Expr, x, n Node) { e.Exp(n) },
		"rank":       func(e *Expr, x, n Node) { e.Load(0) },
		"operand":    func(e *Expr, x, n Node) { e.Load(7) },
		"reduction":  func(e *Expr, x, n Node) { e.Store(Store{Value: x, Aval: floats64()}) },
		"result":     func(e *Expr, x, n Node) { e.Store(Store{Value: n, Index: Ats(1), Aval: floats64(3)}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			e := New(Axes([]int{3}), []Aval{floats64(3), {device.Int64, []int{3}}})
			f(e, e.Load(0, At(0)), e.Load(1, At(0)))
		}()
	}
}

func TestVerify(t *testing.T) {
	for name, spoil := range map[string]func(e *Expr){
		"axis 1":    func(e *Expr) { e.Axes[1].Name = "i" },
		"operand 0": func(e *Expr) { e.Ins[0].Shape = []int{-2, 4} },
		"node 2":    func(e *Expr) { e.Nodes[2].Arg[0] = 2 },
		"node 1":    func(e *Expr) { e.Nodes[1].K = 0 },
		"load 0":    func(e *Expr) { e.Loads[0].Index = []Lin{At(0), At(2).Plus(1)} },
		"load 1":    func(e *Expr) { e.Loads[1].Guarded = true },
		"result 0":  func(e *Expr) { e.Outs[0].Reduce = NoReduce },
	} {
		e := matmul(2, 3, 4)
		if err := e.Verify(); err != nil {
			t.Fatal(err)
		}
		spoil(e)
		var bad *InvalidError
		if err := e.Verify(); !errors.As(err, &bad) || bad.Where != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]Store{
		"not one-to-one": {Index: []Lin{Affine(0, Term{0, 1}, Term{1, 1})}, Partial: true, Reduce: Sum, Aval: floats64(4)},
		"out of range":   {Index: []Lin{At(0).Plus(1), At(1)}, Partial: true, Reduce: Sum, Aval: floats64(2, 3)},
	} {
		e := matmul(2, 3, 4)
		s.Value = e.Outs[0].Value
		e.Outs[0] = s
		if e.Verify() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	e := New([]Axis{{"i", 2}, {"j", 0}}, []Aval{floats64(2, 0)})
	e.Store(Store{Value: e.Load(0, At(0), At(1)), Index: []Lin{At(0), Fixed(0)}, Reduce: Sum, Partial: true, Aval: floats64(2, 0)})
	if e.Verify() == nil {
		t.Error("sums of nothing, written to where there is nothing: no error")
	}
}

func ExampleExpr_Text() {
	e := New([]Axis{{"i", 2}, {"j", 3}, {"k", 4}}, []Aval{{device.Float64, []int{2, 4}}, {device.Float64, []int{4, 3}}})
	e.Contraction = true
	product := e.Mul(e.Load(0, At(0), At(2)), e.Load(1, At(2), At(1)))
	e.Store(Store{Value: product, Index: Ats(2), Reduce: Sum, Aval: Aval{device.Float64, []int{2, 3}}})
	fmt.Print(e.Text())
	for _, d := range VJP(e, 0b11, false) {
		fmt.Print(d.Text())
	}
	// Output:
	// out[i, j] = sum(k) a[i, k] * b[k, j]
	// da[i, k] = sum(j) b[k, j] * dy0[i, j]
	// db[k, j] = sum(i) a[i, k] * dy0[i, j]
}

func TestNotation(t *testing.T) {
	e := New(Axes([]int{3, 4}), []Aval{floats64(9), floats64(4), {device.Int64, []int{3}}})
	a := e.LoadGuarded(0, Affine(-1, Term{0, 2}, Term{1, -1}))
	b := e.Load(1, At(1))
	g := e.Load(1, Through(e.Load(2, At(0))))
	half := e.Mul(e.Const(f64, 0.5), e.Sub(a, e.Sub(b, g)))
	e.Store(Store{Value: e.Div(half, e.Neg(e.Square(e.Add(a, b)))), Index: Ats(1), Reduce: Sum, Aval: floats64(3)})
	e.Store(Store{Value: e.Select(e.Lt(b, e.Const(f64, 1e-9)), e.Exp(e.Neg(b)), e.SMul(e.Pow(a, g), e.Recip(b))), Index: Ats(2), Aval: floats64(3, 4)})
	const text = "out0[i] = sum(j) 0.5 * (a[2*i - j - 1]? - (b[j] - b[c[i]])) / -(a[2*i - j - 1]? + b[j])^2\n" +
		"out1[i, j] = b[j] < 1e-09 ? exp(-b[j]) : a[2*i - j - 1]?^b[c[i]] ⊙ (1 / b[j])\n"
	if got := e.Text(); got != text {
		t.Errorf("text\n%swant\n%s", got, text)
	}
	const latex = `\mathrm{out0}_{i} = \sum_{j} \frac{0.5 \, \left(\hat{a}_{2i - j - 1} - \left(b_{j} - b_{c_{i}}\right)\right)}{-\left(\hat{a}_{2i - j - 1} + b_{j}\right)^2} \\` + "\n" +
		`\mathrm{out1}_{i, j} = \begin{cases} e^{-b_{j}} & b_{j} < 10^{-9} \\ \hat{a}_{2i - j - 1}^{b_{c_{i}}} \odot \frac{1}{b_{j}} & \text{otherwise} \end{cases}`
	if got := e.LaTeX(); got != latex {
		t.Errorf("LaTeX\n%s\nwant\n%s", got, latex)
	}
}

// TestManyNodes fills the table far beyond its first size.
func TestManyNodes(t *testing.T) {
	e := New(Axes([]int{3}), []Aval{floats64(3)})
	first := e.Load(0, At(0))
	sum := first
	for i := range 10000 {
		sum = e.Add(sum, e.Mul(e.Const(f64, float64(i%100)+0.5), first))
	}
	if len(e.Nodes) > 10000+2*100+1 {
		t.Errorf("%d nodes", len(e.Nodes))
	}
	e.store(sum, 3)
	if err := e.Verify(); err != nil {
		t.Fatal(err)
	}
	if ds := VJP(e, all, false); len(ds) != 1 || ds[0].Expr.Verify() != nil {
		t.Error("no cotangent")
	}
}

func TestStrides(t *testing.T) {
	a := floats64(4, 3, 2)
	for axis, want := range map[int][3]int{0: {0, 4, 6}, 1: {1, 3, 2}, 2: {2, 2, 1}, -1: {2, 2, 1}, -3: {0, 4, 6}} {
		if at, n, step := a.Along(axis); [3]int{at, n, step} != want {
			t.Errorf("axis %d is axis %d of %d elements, %d apart, want %v", axis, at, n, step, want)
		}
	}
	strides := RowMajor(a.Shape)
	if !slices.Equal(strides, []int{6, 2, 1}) || len(RowMajor(nil)) != 0 {
		t.Errorf("strides %v", strides)
	}
	index := []Lin{At(1), At(0).Add(At(1), 5), Fixed(1)}
	for axis, want := range []int{2, 6 + 5*2, 0} {
		if c := Coef(index, strides, axis); c != want {
			t.Errorf("a step along axis %d adds %d, want %d", axis, c, want)
		}
	}
}
