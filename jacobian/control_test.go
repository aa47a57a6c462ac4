package jacobian_test

import (
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// products is the scan of c·x[i]: a lower triangle, or, backwards, an upper one.
func products(opts ...grad.Option) fn {
	return func(x *T) *T {
		_, y := grad.Scan(func(c, x *T) (*T, *T) { c = c.Mul(x); return c, c }, tensor.Scalar(1), x, opts...)
		return y
	}
}

// rolled multiplies x by its neighbour as often as a condition on the number of
// rounds and on x says.
func rolled(cond func(n, x *T) *T) fn {
	type state struct{ N, X *T }
	return func(x *T) *T {
		s := grad.While(func(s state) *T { return cond(s.N, s.X) }, func(s state) state {
			return state{s.N.Add(tensor.OnesLike(s.N)), s.X.Mul(s.X.Roll([]int{1}, []int{0}))}
		}, state{tensor.FromSlice([]int64{0}, 1).Sum(), x})
		return s.X
	}
}

func TestControlFlow(t *testing.T) {
	three := func(n, _ *T) *T { return n.Lt(tensor.FromSlice([]int64{3}, 1).Sum()) }
	small := func(_, x *T) *T { return x.Sum().Gt(tensor.Scalar(1)) }
	branch := func(x *T) *T {
		return grad.Cond(x.Sum().Gt(tensor.Scalar(0)), (*T).Square, func(x *T) *T { return x.Mul(x.Flip(0)) }, x)
	}
	for _, c := range []struct {
		name          string
		f             fn
		n             int
		global, local int // entries
	}{
		{"scan", products(), 6, 21, 21},
		{"scan backwards", products(grad.Backwards()), 6, 21, 21},
		{"counted loop", rolled(three), 8, 32, 32},
		{"loop on values", rolled(small), 8, 64, 0},
		{"branch", branch, 6, 12, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := random(c.n)
			want := jacobian.Dense(c.f, x)
			for name, opts := range map[string][]jacobian.Option{
				"auto": nil, "at point": {jacobian.AtPoint()}, "reverse": {jacobian.WithMode(jacobian.Reverse)},
			} {
				t.Run(name, func(t *testing.T) {
					p, err := jacobian.Prepare(c.f, x, opts...)
					entries := c.global
					if name == "at point" {
						entries = c.local
					}
					if err == nil && entries > 0 && p.Pattern().Nnz() != entries {
						t.Errorf("%d entries, want %d:\n%v", p.Pattern().Nnz(), entries, p.Pattern())
					}
					compare(t, run(t, p, err, x, false), want, sparse.Full, 1e-11)
				})
			}
		})
	}
	for name, f := range map[string]fn{
		"scan":         func(x *T) *T { return products()(x).Sum() },
		"counted loop": func(x *T) *T { return rolled(three)(x).Square().Sum() },
		"loop":         func(x *T) *T { return rolled(small)(x.MulScalar(0.7)).Square().Sum() },
		"branch":       func(x *T) *T { return branch(x).Square().Sum() },
	} {
		t.Run("hessian/"+name, func(t *testing.T) { hessians(t, f, random(6), 0) })
	}
}
