// Branches that workers do side by side: derivatives keep every bit.

package grad_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"pgregory.net/rapid"
)

// matrices returns n random square matrices, large enough for kernels of some microseconds.
func matrices(n int) []*T {
	r := rand.New(rand.NewPCG(21, uint64(n)))
	list := make([]*T, n)
	for i := range list {
		list[i] = random(r, 48, 48).MulScalar(0.2)
	}
	return list
}

// branching are losses of six matrices, with work beside each other.
var branching = map[string]func(w []*T) *T{
	"ensemble": func(w []*T) *T {
		sum := tensor.Scalar(0)
		for i := range w {
			sum = sum.Add(w[i].MatMul(w[i]).Tanh().MatMul(w[i]).Tanh().Sum())
		}
		return sum
	},
	"losses of blocks": func(w []*T) *T { // that share parameters
		sum := tensor.Scalar(0)
		for k := range 6 {
			x := w[5].MulScalar(float64(k + 1)).Sin()
			sum = sum.Add(x.MatMul(w[0]).Tanh().MatMul(w[1]).Tanh().Square().Mean())
		}
		return sum
	},
	"gates": func(w []*T) *T {
		h, c := w[5], w[4]
		for range 4 {
			var g [4]*T
			for k := range g {
				g[k] = h.MatMul(w[k]).Add(w[4]).Sigmoid()
			}
			c = c.Mul(g[0]).Add(g[1].Mul(g[2].Tanh()))
			h = c.Tanh().Mul(g[3])
		}
		return h.Sum()
	},
	"heads": func(w []*T) *T {
		trunk := w[0].MatMul(w[1]).Tanh()
		sum := trunk.Mean()
		for _, v := range w[2:] {
			sum = sum.Add(trunk.MatMul(v).LogSumExp(1).Sum())
		}
		return sum
	},
	"diamonds": func(w []*T) *T {
		x := w[0]
		for i := range 5 {
			x = x.MatMul(w[1]).Tanh().Add(x.Sin().MatMul(w[i%4+2])).Mul(x)
		}
		return x.Sum()
	},
	"rows": func(w []*T) *T { // cotangents with gaps, views of each other
		sum := tensor.Scalar(0)
		for i := range 12 {
			row := w[0].Index(tensor.Range(4*i, 4*i+4))
			sum = sum.Add(row.MatMul(w[1]).Tanh().MatMul(w[2]).Tanh().MatMul(w[3]).Mul(row).Sum())
		}
		return sum.Add(w[4].T().Reshape(48, 48).Mul(w[5]).Sum())
	},
	"loops": func(w []*T) *T {
		sum := tensor.Scalar(0)
		for i := range 4 {
			y, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) { return c.MatMul(w[i]).Tanh(), struct{}{} }, w[i+1], struct{}{}, grad.Length(5))
			sum = sum.Add(y.Sum())
		}
		return sum
	},
}

// wantLeaves fails where a leaf differs in a bit.
func wantLeaves(t rapid.TB, what string, got, want []*T) {
	t.Helper()
	for i := range want {
		a, err := got[i].Float64s()
		b, err2 := want[i].Float64s()
		if err != nil || err2 != nil {
			t.Errorf("%s: %v, %v", what, err, err2)
			return
		}
		if !slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y }) {
			t.Errorf("%s: leaf %d differs", what, i)
		}
	}
}

// TestBranchesAgree: gradients of branches are the same bits for any number of workers,
// eagerly and prepared.
func TestBranchesAgree(t *testing.T) {
	for name, f := range branching {
		var want []*T
		for _, dev := range []string{"cpu:1", "cpu:2", "cpu:3", "cpu:7"} {
			on(t, dev)
			w := matrices(6)
			eager := grad.Grad(f)(w)
			if want == nil {
				want = eager
			}
			p := mustPrepare(t, grad.Grad(f), w)
			for range 10 {
				wantLeaves(t, name+" prepared on "+dev, p.Call(w), want)
				wantLeaves(t, name+" on "+dev, grad.Grad(f)(w), want)
			}
		}
	}
}

// TestRandomBranchesAgree is the same of random functions.
func TestRandomBranchesAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var fs []func(x, c *T) *T
		for range rapid.IntRange(2, 4).Draw(rt, "branches") {
			fs = append(fs, drawFunctionOf(rt))
		}
		f := func(w []*T) *T {
			y := w[0].MatMul(w[1]).Tanh()
			sum := y.Mean()
			for i, f := range fs {
				sum = sum.Add(f(y, w[2])).Add(f(w[i%2].MulScalar(0.3), w[2]))
			}
			return sum
		}
		var want []*T
		for _, dev := range []string{"cpu:1", "cpu:2", "cpu:7"} {
			on(t, dev)
			w := matrices(3)
			eager := grad.Grad(f)(w)
			if want == nil {
				want = eager
			}
			wantLeaves(rt, "on "+dev, eager, want)
			p, err := grad.Prepare(grad.Grad(f), w)
			if err != nil {
				rt.Fatal(err)
			}
			wantLeaves(rt, "prepared on "+dev, p.Call(w), want)
			p.Close()
		}
	})
}

// TestBranchesConcurrent: gradients and runs at the same time share the workers.
func TestBranchesConcurrent(t *testing.T) {
	on(t, "cpu:3")
	f, w := branching["losses of blocks"], matrices(6)
	want := grad.Grad(f)(w)
	p := mustPrepare(t, grad.Grad(f), w)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				wantLeaves(t, "prepared", p.Call(w), want)
				wantLeaves(t, "eager", grad.Grad(f)(w), want)
			}
		})
	}
	wg.Wait()
}

// TestBranchesAllocateNothing: a run allocates nothing with steps side by side either.
func TestBranchesAllocateNothing(t *testing.T) {
	if kernelsAllocate {
		t.Skip("kernels allocate here")
	}
	on(t, "cpu:2")
	w, dst, ctx := matrices(6), matrices(6), context.Background()
	for _, name := range []string{"ensemble", "gates", "loops"} {
		p := mustPrepare(t, grad.Grad(branching[name]), w)
		if n := testing.AllocsPerRun(50, func() {
			if err := p.RunInto(ctx, dst, w); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a run", name, n)
		}
	}
}

// BenchmarkBranches measures gradients with one worker and with two.
func BenchmarkBranches(b *testing.B) {
	for _, name := range []string{"ensemble", "losses of blocks", "gates", "heads"} {
		for _, dev := range []string{"cpu:1", "cpu:2"} {
			b.Run(fmt.Sprintf("f=%s/dev=%s/how=eager", name, dev), func(b *testing.B) {
				on(b, dev)
				g, w := grad.Grad(branching[name]), matrices(6)
				for b.Loop() {
					for _, t := range g(w) {
						tensor.Free(t)
					}
				}
			})
			b.Run(fmt.Sprintf("f=%s/dev=%s/how=prepared", name, dev), func(b *testing.B) {
				on(b, dev)
				w, dst := matrices(6), matrices(6)
				p := mustPrepare(b, grad.Grad(branching[name]), w)
				for b.Loop() {
					if err := p.RunInto(context.Background(), dst, w); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
