package jacobian_test

import (
	"errors"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/tensor"
	"pgregory.net/rapid"
)

// draw returns a function of a [3 4] tensor made of random operations.
func draw(t *rapid.T) fn {
	type step struct{ op, a, b, k int }
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		n := rapid.IntRange(0, 1<<20)
		return step{rapid.IntRange(0, 17).Draw(t, "op"), n.Draw(t, "a"), n.Draw(t, "b"), rapid.IntRange(0, 3).Draw(t, "k")}
	}), 1, 7).Draw(t, "steps")
	return func(x *T) *T {
		pool := []*T{x}
		for _, s := range steps {
			a, b := pool[s.a%len(pool)], pool[s.b%len(pool)]
			var y *T
			switch s.op {
			case 0:
				y = a.Sin()
			case 1:
				y = a.Square()
			case 2, 3:
				y = a.Mul(b)
			case 4:
				y = a.Add(b)
			case 5:
				y = a.Sub(b.MulScalar(0.5))
			case 6:
				y = a.Roll([]int{1 + s.k}, []int{s.k % 2})
			case 7:
				y = tensor.Concat(s.k%2, a.Index(tensor.Range(0, 1)), b.Index(tensor.Range(1, 3))).Flatten().Index(tensor.Range(0, 12)).Reshape(3, 4)
				if s.k%2 == 1 {
					y = tensor.Concat(1, a.Index(tensor.All, tensor.Range(0, s.k)), b.Index(tensor.All, tensor.Range(s.k, 4)))
				}
			case 8:
				y = a.Pad([]int{1, -1}, []int{-1, 1})
			case 9:
				y = a.Reshape(4, 3).T()
			case 10:
				y = a.Take(0, ints(int64(s.k%3), 1, 0))
			case 11: // sums of few, spread again
				y = a.Sum(s.k % 2).Unsqueeze(s.k % 2).Mul(b)
			case 12:
				y = tensor.Where(b.Gt(tensor.Scalar(0.7)), a, b.Exp())
			case 13:
				y = a.Reshape(3, 2, 2).MatMul(b.Reshape(3, 2, 2)).Reshape(3, 4)
			case 14:
				y = a.Maximum(b)
			case 15: // the same indices in different places
				i, j := ints(int64(s.k%3), 1), ints(2, int64(s.k))
				y = b.IndexAdd(a.Index(i, j).Sin(), j.Clamp(0, 2), i)
			case 16:
				i := ints(int64(s.k%3), 0)
				y = b.IndexAdd(a.Index(i, ints(1)).Sin(), ints(1), i)
			default:
				y = a.Mul(tensor.New([]float64{0, 1, 2, 0})).Add(b.Flip(s.k % 2))
			}
			pool = append(pool, y)
		}
		return pool[len(pool)-1]
	}
}

// TestRandomPrograms holds the entries of random functions, directly and by what is
// chosen, against the dense Jacobian.
func TestRandomPrograms(t *testing.T) {
	direct, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f, x := draw(t), random(3, 4)
		want, err := jacobian.Dense(f, x).Float64s()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []jacobian.Mode{jacobian.Direct, jacobian.Auto, jacobian.Reverse} {
			var opts []jacobian.Option
			if rapid.Bool().Draw(t, "at point") {
				opts = append(opts, jacobian.AtPoint())
			}
			p, err := jacobian.Prepare(f, x, append(opts, jacobian.WithMode(m))...)
			if no := (*pattern.DirectError)(nil); m == jacobian.Direct && errors.As(err, &no) {
				refused++
				continue
			}
			if err != nil {
				t.Fatalf("%v: %v", m, err)
			}
			values := make([]float64, p.Output().Nnz())
			if err := p.Run(ctx, x, values); err != nil {
				t.Fatal(err)
			}
			got := make([]float64, len(want))
			for i := range p.Output().Rows {
				for k := p.Output().Ptr[i]; k < p.Output().Ptr[i+1]; k++ {
					got[12*i+int(p.Output().Idx[k])] += values[k]
				}
			}
			for k := range want {
				if got[k] != want[k] && !(math.Abs(got[k]-want[k]) <= 1e-9*max(1, math.Abs(want[k]))) && !math.IsNaN(want[k]) {
					t.Fatalf("%v: entry (%d, %d) is %g, want %g\n%s", m, k/12, k%12, got[k], want[k], p.Explain())
				}
			}
			p.Close()
			if m == jacobian.Direct {
				direct++
			}
		}
	})
	if direct < 10 {
		t.Error("too few were computed directly")
	}
	t.Logf("%d were computed directly, %d refused", direct, refused)
}
