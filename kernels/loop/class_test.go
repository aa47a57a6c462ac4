// What expressions are recognised as.

package loop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

func TestClass(t *testing.T) {
	want := map[string]Class{
		"broadcast": ClassMap, "transpose": ClassMap, "pad": ClassMap, "stencil": ClassMap, "gather": ClassMap,
		"convolution": ClassReduce, "sum of squares": ClassReduce, "log-sum-exp": ClassReduce,
		"matrix product": ClassContract, "square of a matrix": ClassContract, "dot": ClassContract,
		"scatter": ClassScatter, "diagonal store": ClassScatter,
	}
	for _, c := range shapeCases() {
		if w, ok := want[c.name]; ok && c.e.Class() != w {
			t.Errorf("%s is %v, want %v", c.name, c.e.Class(), w)
		}
		delete(want, c.name)
	}
	for _, v := range viewCases() {
		if v.e.Class() != ClassRearrange {
			t.Errorf("%s is %v", v.name, v.e.Class())
		}
	}
	if len(want) > 0 {
		t.Errorf("not tried: %v", want)
	}
}

type viewCase struct {
	name     string
	e        *Expr
	view     bool
	identity bool
}

func viewCases() []viewCase {
	copyOf := func(out []int, in []int, index ...Lin) *Expr {
		return build(Axes(out), ins(in...), func(e *Expr) { e.store(e.LoadGuarded(0, index...), out...) })
	}
	gather := New(Axes([]int{3}), []Aval{{device.Float64, []int{4}}, {device.Int64, []int{3}}})
	gather.store(gather.Load(0, Through(gather.Load(1, At(0)))), 3)
	return []viewCase{
		{"copy", copyOf([]int{2, 3}, []int{2, 3}, At(0), At(1)), true, true},
		{"copy of size one", copyOf([]int{1, 3}, []int{1, 3}, Fixed(0), At(1)), true, true},
		{"transpose", copyOf([]int{2, 3}, []int{3, 2}, At(1), At(0)), true, false},
		{"transpose of a square", copyOf([]int{3, 3}, []int{3, 3}, At(1), At(0)), true, false},
		{"broadcast", copyOf([]int{2, 3}, []int{3}, At(1)), true, false},
		{"slice", copyOf([]int{2}, []int{5}, Affine(1, Term{0, 2})), true, false},
		{"flip", copyOf([]int{5}, []int{5}, Affine(4, Term{0, -1})), true, false},
		{"diagonal", copyOf([]int{3}, []int{3, 3}, At(0), At(0)), true, false},
		{"window", copyOf([]int{3, 2}, []int{4}, Affine(0, Term{0, 1}, Term{1, 1})), true, false},
		{"element", copyOf(nil, []int{3, 3}, Fixed(1), Fixed(2)), true, false},
		{"expanded", copyOf([]int{1, 3}, []int{3}, At(1)), true, false},
		{"pad", copyOf([]int{5}, []int{3}, At(0)), false, false},
		{"gather", gather, false, false},
	}
}

func TestViews(t *testing.T) {
	for _, c := range viewCases() {
		t.Run(c.name, func(t *testing.T) {
			if got := c.e.IsIdentity(); got != c.identity {
				t.Errorf("identity %v", got)
			}
			shape := c.e.Ins[0].Shape
			offset, strides, ok := c.e.ViewStrides(func(d int) int {
				return Aval{Shape: shape[d+1:]}.Size()
			})
			if ok != c.view {
				t.Fatalf("view %v", ok)
			}
			if !ok {
				return
			}
			x := random(rand.New(rand.NewPCG(1, 2)), -1, 1, c.e.Ins...)
			var got []float64
			var walk func(d, at int)
			walk = func(d, at int) {
				if d == len(strides) {
					got = append(got, x[0][at])
					return
				}
				for i := range c.e.Outs[0].Aval.Shape[d] {
					walk(d+1, at+i*strides[d])
				}
			}
			walk(0, offset)
			if want := eval(t, c.e, x...)[0]; !slices.Equal(got, want) {
				t.Errorf("view %v, values %v", got, want)
			}
		})
	}
	for _, e := range []*Expr{fnExpr(Exp, f64), fnExpr(Add, f64), matmul(2, 3, 4)} {
		if _, _, ok := e.ViewStrides(func(int) int { return 1 }); ok || e.IsIdentity() {
			t.Errorf("a view:\n%s", e.Text())
		}
	}
}

func TestAsContraction(t *testing.T) {
	product := func(axes, a, b, out []int, ia, ib []Lin) *Expr {
		return build(Axes(axes), [][]int{a, b}, func(e *Expr) {
			e.Store(Store{Value: e.Mul(e.Load(0, ia...), e.Load(1, ib...)), Index: Ats(len(out)), Reduce: Sum, Aval: floats64(out...)})
		})
	}
	at := func(axes ...int) []Lin {
		index := make([]Lin, len(axes))
		for d, a := range axes {
			index[d] = At(a)
		}
		return index
	}
	describe := func(c Contract) string {
		return fmt.Sprint(c.A, c.B, " batch", c.Batch, " m", c.M, " n", c.N, " k", c.K)
	}
	for _, c := range []struct {
		name string
		e    *Expr
		want string // "" for none
	}{
		{"plain", matmul(2, 3, 4), "0 1 batch[] m[{0 2 0 -1 0}] n[{1 3 -1 1 1}] k[{2 4 1 0 -1}]"},
		{"both transposed", product([]int{2, 3, 4}, []int{4, 2}, []int{3, 4}, []int{2, 3}, at(2, 0), at(1, 2)),
			"0 1 batch[] m[{0 2 1 -1 0}] n[{1 3 -1 0 1}] k[{2 4 0 1 -1}]"},
		{"batched, two summed", product([]int{5, 2, 3, 4, 6}, []int{5, 2, 4, 6}, []int{6, 5, 4, 3}, []int{5, 2, 3}, at(0, 1, 3, 4), at(4, 0, 3, 2)),
			"0 1 batch[{0 5 0 1 0}] m[{1 2 1 -1 1}] n[{2 3 -1 3 2}] k[{3 4 2 2 -1} {4 6 3 0 -1}]"},
		{"one batched operand", Batch(matmul(2, 3, 4), 0b01, 7), "0 1 batch[] m[{0 7 0 -1 0} {1 2 1 -1 1}] n[{2 3 -1 1 2}] k[{3 4 2 0 -1}]"},
		{"row times matrix, reversed", VJP(matmul(1, 3, 4), 1, false)[0].Expr, "0 1 batch[] m[{0 1 -1 -1 0} {1 4 0 -1 1}] n[] k[{2 3 1 1 -1}]"},
		{"dot", product([]int{3}, []int{3}, []int{3}, nil, at(0), at(0)), "0 1 batch[] m[] n[] k[{0 3 0 0 -1}]"},
		{"outer", product([]int{2, 3}, []int{2}, []int{3}, []int{2, 3}, at(0), at(1)), ""},
		{"convolution", product([]int{2, 3}, []int{4}, []int{3}, []int{2}, []Lin{Affine(0, Term{0, 1}, Term{1, 1})}, at(1)), ""},
		{"diagonal", product([]int{2, 3}, []int{2, 2}, []int{3, 2}, []int{2}, at(0, 0), at(1, 0)), ""},
		{"part of a dimension", product([]int{2, 3}, []int{2, 5}, []int{3, 2}, []int{2}, at(0, 1), at(1, 0)), ""},
	} {
		got, ok := c.e.AsContraction()
		if ok != (c.want != "") || ok && describe(got) != c.want {
			t.Errorf("%s: %v %s, want %s", c.name, ok, describe(got), c.want)
		}
	}
}

func TestCost(t *testing.T) {
	for _, c := range []struct {
		name string
		e    *Expr
		want Cost
	}{
		{"matrix product", matmul(2, 3, 4), Cost{Flops: 2 * 24, Bytes: 8 * (8 + 12 + 6), Nodes: 3}},
		// exp(a[i, 0]) is computed 3 times, sin(b[j]) 4 times, the product 12 times.
		{"broadcast", shapeCases()[0].e, Cost{Flops: 12, Bytes: 8 * (3 + 4 + 12), Transcendentals: 7, Nodes: 5}},
		{"float32", fnExpr(Hypot, device.Float32), Cost{Flops: 3, Bytes: 4 * 9, Nodes: 3}},
		{"slice", viewCases()[5].e, Cost{Bytes: 8 * 4, Nodes: 1}},
	} {
		if got := c.e.Cost(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
