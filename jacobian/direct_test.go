package jacobian_test

import (
	"errors"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// blocks are functions whose elements depend on few others in ways of their own.
func blocks() []problem {
	return []problem{
		{"brusselator", bench.Brusselator(7), random(2, 7, 7), false, 7 * 7 * 2 * 6},
		{"brusselator 2 x 2, whose neighbours are one", bench.Brusselator(2), random(2, 2, 2), false, 8 * 4},
		{"brusselator 1 x 1", bench.Brusselator(1), random(2, 1, 1), false, 4},
		{"nonlinear stencil", stencil(box(2), true), random(5, 4), false, 20 * 9},
		{"walls", stencil(star(3), false), random(4, 3, 2), false, 0},
		{"matrix times matrix, each of a batch", func(x *T) *T {
			return x.MatMul(x.Transpose(0, 2, 1)).Sin()
		}, random(6, 3, 2), false, 0},
		{"norms", func(x *T) *T { return x.Square().Sum(1).Sqrt() }, random(5, 3), false, 15},
		{"norms that scale", func(x *T) *T { return x.Norm(1) }, random(5, 3), false, 15},
		{"deviations", func(x *T) *T { return x.Sub(x.MeanKeep(1)).Div(x.StdCorrectedKeep(1, 1)) }, random(5, 3), false, 45},
		{"parts of tiles", func(x *T) *T {
			parts := x.Silu().Tile(2).Repeat(0, 2).Split(0, 5, 7)
			return tensor.Concat(0, parts[1], parts[0].Gelu())
		}, random(3), false, 12},
		{"shared", func(x *T) *T { y := x.Exp(); return y.Mul(y).Add(x.Mul(y)) }, random(6), false, 6},
		{"pieces with one weight", func(x *T) *T {
			w := x.Index(tensor.Range(0, 4)).Square().Unsqueeze(1)
			a, b := x.Index(tensor.Range(4, 8)), x.Index(tensor.Range(8, 12))
			y := tensor.Stack(1, a.Mul(b), a.Sin(), b).Mul(w)
			return tensor.Concat(0, y.Square(), tensor.Ones(1, 3).Sub(y.Index(tensor.Range(1, 2))))
		}, random(12), false, 4*7 + 7},
		{"halves put together again", func(x *T) *T {
			a, b := x.Index(tensor.Range(0, 3)), x.Index(tensor.Range(3, 6))
			y := tensor.Concat(0, a.Exp(), b.Sin()).Mul(tensor.Concat(0, b, a))
			return y.Add(y.Roll([]int{1}, []int{0})).Square()
		}, random(6), false, 24},
		{"both of a pair", func(x *T) *T {
			a, b := x.Index(tensor.Range(0, 3)), x.Index(tensor.Range(3, 6))
			return tensor.Stack(1, a.Mul(b), a.Div(b), b)
		}, random(6), false, 15},
		{"turned", func(x *T) *T { return x.Square().Transpose(1, 0).Mul(x.Transpose(1, 0)).Reshape(3, 2) }, random(2, 3), false, 6},
		{"taken twice", func(x *T) *T {
			return x.Take(0, ints(2, 0, 1, 2, 2)).Mul(x.Take(0, ints(1, 0, 1, 0, 2)))
		}, random(3), false, 7},
		{"masked", func(x *T) *T {
			keep := tensor.New([]bool{true, false, true, false})
			return tensor.Where(keep, x.Square(), tensor.Zeros(4)).Mul(x.Flip(0))
		}, random(4), false, 0},
		{"constants only", func(x *T) *T { return x.MulScalar(3).Sub(x.Roll([]int{1}, []int{0})) }, random(5), false, 10},
		{"rolled and bent", func(x *T) *T { return x.Square().Roll([]int{1}, []int{0}).Sin().Mul(x.Roll([]int{2}, []int{0})) }, random(6), false, 12},
		{"float32", func(x *T) *T { return x.Cast(tensor.Float32).Sin().Mul(x.Cast(tensor.Float32)) }, random(5), false, 5},
		{"no elements", (*T).Square, random(0), false, 0},
	}
}

func TestDirect(t *testing.T) {
	for _, pr := range blocks() {
		t.Run(pr.name, func(t *testing.T) {
			want := jacobian.Dense(pr.f, pr.x)
			tol := 1e-12
			if pr.name == "float32" {
				tol = 1e-6
			}
			for name, opts := range map[string][]jacobian.Option{
				"rows": nil, "columns": {jacobian.ByColumn()}, "at point": {jacobian.AtPoint()}, "ieee": {jacobian.WithGrad(grad.IEEE())},
			} {
				t.Run(name, func(t *testing.T) {
					p, err := jacobian.Prepare(pr.f, pr.x, append(opts, jacobian.WithMode(jacobian.Direct))...)
					if err == nil && pr.nnz > 0 && p.Pattern().Nnz() != pr.nnz {
						t.Errorf("%d entries, want %d", p.Pattern().Nnz(), pr.nnz)
					}
					if err == nil && p.Coloring() != nil {
						t.Error("there are colours")
					}
					compare(t, run(t, p, err, pr.x, name == "columns"), want, sparse.Full, tol)
				})
			}
			colored, err := jacobian.Prepare(pr.f, pr.x, jacobian.WithMode(jacobian.Forward))
			if err != nil {
				t.Fatal(err)
			}
			p, err := jacobian.Prepare(pr.f, pr.x, jacobian.WithMode(jacobian.Direct))
			if err != nil {
				t.Fatal(err)
			}
			if !p.Pattern().Equal(colored.Pattern()) {
				t.Errorf("the patterns differ:\n%v\n%v", p.Pattern(), colored.Pattern())
			}
		})
	}
}

// TestDirectLarge holds partial derivatives in several large arrays against colours.
func TestDirectLarge(t *testing.T) {
	const n = 200
	x := random(2, n, n)
	var got [2][]float64
	for i, m := range []jacobian.Mode{jacobian.Direct, jacobian.Forward} {
		p, err := jacobian.Prepare(bench.Brusselator(n), x, jacobian.WithMode(m))
		if err != nil {
			t.Fatal(err)
		}
		got[i] = make([]float64, p.Output().Nnz())
		for range 2 {
			if err := p.Run(ctx, x, got[i]); err != nil {
				t.Fatal(err)
			}
		}
		p.Close()
	}
	if len(got[0]) != 12*n*n || len(got[1]) != len(got[0]) {
		t.Fatalf("%d and %d entries", len(got[0]), len(got[1]))
	}
	for k, v := range got[0] {
		if math.Abs(v-got[1][k]) > 1e-12*math.Abs(v) {
			t.Fatalf("value %d is %g directly, %g by colours", k, v, got[1][k])
		}
	}
}

func TestDirectHessians(t *testing.T) {
	for name, f := range map[string]fn{
		"bratu":      bench.BratuEnergy(6, 5),
		"rosenbrock": func(x *T) *T { return bench.ChainedRosenbrock(x.Flatten()) },
	} {
		x := random(6, 6)
		want := jacobian.Dense(grad.Grad(f), x)
		for part, opts := range map[sparse.Triangle][]jacobian.Option{
			sparse.Full: nil, sparse.Lower: {jacobian.WithTriangle(sparse.Lower)},
			sparse.Upper: {jacobian.WithTriangle(sparse.Upper), jacobian.ByColumn()},
		} {
			t.Run(name+"/"+part.String(), func(t *testing.T) {
				p, err := jacobian.PrepareHessian(f, x, append(opts, jacobian.WithMode(jacobian.Direct))...)
				compare(t, run(t, p, err, x, part == sparse.Upper), want, part, 1e-11)
			})
		}
	}
}

// TestDirectGivenPattern fills a pattern with more entries than there are.
func TestDirectGivenPattern(t *testing.T) {
	f := func(x *T) *T { return x.Mul(x.Roll([]int{1}, []int{0})) }
	full := &sparse.Pattern{Rows: 4, Cols: 4, Ptr: []int{0, 4, 8, 12, 16}, Idx: []int32{0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}}
	x := random(4)
	p, err := jacobian.Prepare(f, x, jacobian.WithPattern(full), jacobian.WithMode(jacobian.Direct))
	compare(t, run(t, p, err, x, false), jacobian.Dense(f, x), sparse.Full, 1e-14)
	diagonal, _ := sparse.NewPattern(4, 4, []int{0, 1, 2, 3, 4}, []int32{0, 1, 2, 3})
	p, err = jacobian.Prepare(f, x, jacobian.WithPattern(diagonal), jacobian.WithMode(jacobian.Direct))
	if err != nil {
		t.Fatal(err)
	}
	var stale *jacobian.StaleError
	if err := p.Check(ctx, x, 1); !errors.As(err, &stale) {
		t.Errorf("%v, want a StaleError", err)
	}
}

// TestNotDirect holds that functions whose elements combine many others are
// refused, and prepared by colours otherwise.
func TestNotDirect(t *testing.T) {
	rule := grad.Custom((*T).Square, grad.Rules[*T, *T]{
		VJP: func(_, _, g *T) *T { return g.MulScalar(5) },
		JVP: func(_, _, dx *T) *T { return dx.MulScalar(5) },
	})
	for name, f := range map[string]fn{
		"sum of all":        func(x *T) *T { return x.Mul(x.Sum()) },
		"sums up to each":   func(x *T) *T { return x.CumSum(0) },
		"a place not known": func(x *T) *T { return x.Take(0, x.ArgMax(0).Reshape(1)) },
		"largest":           func(x *T) *T { return x.Max().Reshape(1) },
		"a loop":            products(),
		"a rule of its own": rule,
	} {
		t.Run(name, func(t *testing.T) {
			x := random(100)
			var no *pattern.DirectError
			if _, err := jacobian.Prepare(f, x, jacobian.WithMode(jacobian.Direct)); !errors.As(err, &no) {
				t.Fatalf("%v, want a DirectError", err)
			}
			p, err := jacobian.Prepare(f, x)
			compare(t, run(t, p, err, x, false), jacobian.Dense(f, x), sparse.Full, 1e-11)
		})
	}
}

// TestDirectMasks holds partial derivatives finite where a mask shuts out an
// infinite slope, as products with tangents are.
func TestDirectMasks(t *testing.T) {
	f := func(x *T) *T {
		return tensor.Where(x.Gt(tensor.Scalar(0)), x.Sqrt(), x.Square()).MulScalar(2)
	}
	x := tensor.New([]float64{0, 4})
	p, err := jacobian.Prepare(f, x, jacobian.WithMode(jacobian.Direct))
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float64, 2)
	if err := p.Run(ctx, x, values); err != nil || values[0] != 0 || values[1] != 0.5 {
		t.Errorf("%v %v", values, err)
	}
}
