// Memory budgets: programs fit them, and give the same bits.

package grad_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
	"pgregory.net/rapid"
)

// perceptron is one of layers equal layers.
func perceptron(layers int) func(p []*T) *T {
	return func(p []*T) *T {
		h := p[0]
		for range layers {
			h = h.MatMul(p[1]).Tanh()
		}
		return h.Square().Sum()
	}
}

func TestMemoryBudget(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	x, w := random(r, 16, 16), random(r, 16, 16)
	size := 16 * 16 * 8
	for _, c := range []struct {
		name   string
		f      func(p []*T) *T
		values int // of x's size, that fit the budget
	}{
		{"chain", func(p []*T) *T {
			y := p[0]
			for range 100 {
				y = y.Sin().MatMul(p[1]) // which keeps them loops of their own
			}
			return y.Sum()
		}, 30},
		{"mlp", perceptron(64), 20},
		{"scan", func(p []*T) *T {
			c, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) {
				return c.Sin().Mul(c.Exp()).Add(p[1]).Tanh(), struct{}{}
			}, p[0], struct{}{}, grad.Length(100))
			return c.Sum()
		}, 110},
		{"scan of a network", func(p []*T) *T {
			c, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) {
				for range 8 {
					c = c.MatMul(p[1]).Tanh()
				}
				return c, struct{}{}
			}, p[0], struct{}{}, grad.Length(20))
			return c.Sum()
		}, 34},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []*T{x, w}
			g := grad.Grad(c.f)
			free := mustPrepare(t, g, args)
			want := run(t, free, args)
			budget := c.values * size
			p := mustPrepare(t, g, args, grad.MemoryBudget(budget))
			if a, b := p.Stats().ArenaBytes, free.Stats().ArenaBytes; a > budget || b <= budget {
				t.Errorf("an arena of %d bytes with a budget of %d, and of %d without", a, budget, b)
			}
			got := run(t, p, args)
			for i := range got {
				sameBits(t, "gradient", got[i], want[i])
			}
			var tooSmall *graph.BudgetError
			if _, err := grad.Prepare(g, args, grad.MemoryBudget(size)); !errors.As(err, &tooSmall) {
				t.Fatalf("room for one value: %v", err)
			}
			var still *graph.BudgetError
			if _, err := grad.Prepare(g, args, grad.MemoryBudget(tooSmall.Smallest-1)); !errors.As(err, &still) || still.Smallest != tooSmall.Smallest {
				t.Errorf("a byte less than the smallest, %d: %v", tooSmall.Smallest, err)
			}
			least := mustPrepare(t, g, args, grad.MemoryBudget(tooSmall.Smallest))
			if tooSmall.Smallest > budget || least.Stats().ArenaBytes > tooSmall.Smallest {
				t.Errorf("%+v: %v", least.Stats(), tooSmall)
			}
			for i, y := range run(t, least, args) {
				sameBits(t, "gradient with the smallest budget", y, want[i])
			}
		})
	}
}

// Machine code that would need more than the budget is not used.
func TestMemoryBudgetNative(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 36))
	args := []*T{random(r, 16, 16), random(r, 16, 16)}
	const budget = 5 * 16 * 16 * 8
	g := grad.Grad(perceptron(6))
	p := mustPrepare(t, g, args, grad.MemoryBudget(budget), grad.WithNative())
	var tooMuch *graph.BudgetError
	if err := p.Native(t.Context()); errors.As(err, &tooMuch) && tooMuch.Smallest <= budget {
		t.Error(err)
	}
	for i, y := range run(t, p, args) {
		close12(t, "gradient", y, g(args)[i])
	}
}

// The budget bounds what is taken from the device, beside arguments and results, for arenas
// of any size, and so does the smallest that an error names.
func TestMemoryBudgetOfDevice(t *testing.T) {
	const layers = 32
	for _, n := range []int{1 << 10, 1060, 940} { // the largest block of its kind, and two between
		x := tensor.Zeros(n)
		dev := x.Device()
		g := grad.Grad(func(x *T) *T {
			y := x
			for range layers {
				y = y.Sin().CumSum(0)
			}
			return y.Sum()
		})
		for _, budget := range []int{1, 12 * 8 * n, 20 * 8 * n, 23*8*n + 100} {
			p, err := grad.Prepare(g, x, grad.MemoryBudget(budget))
			var tooSmall *graph.BudgetError
			if errors.As(err, &tooSmall) {
				budget = tooSmall.Smallest
				p, err = grad.Prepare(g, x, grad.MemoryBudget(budget))
			}
			if err != nil {
				t.Fatal(err)
			}
			dst := tensor.Zeros(n)
			before := dev.Stats().Outstanding
			device.ResetPeak(dev)
			if err := p.RunInto(t.Context(), dst, x); err != nil {
				t.Fatal(err)
			}
			if peak := dev.Stats().Peak - before; peak > int64(budget) || peak < int64(p.Stats().ArenaBytes) {
				t.Errorf("%d values: a run took %d bytes, with a budget of %d and an arena of %d", n, peak, budget, p.Stats().ArenaBytes)
			}
			p.Close()
		}
	}
}

// Random programs with control flow fit their budget or say which they fit.
func TestMemoryBudgetRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	c, rows := random(r, 2, 3), random(r, 3, 2, 3)
	rapid.Check(t, func(t *rapid.T) {
		code := drawStatements(t, 2, 2)
		p := withControl{rows, false}
		g := grad.Grad(func(x *T) *T { return p.run(code, []*T{x, c}).Sum() })
		free, err := grad.Prepare(g, c)
		if err != nil {
			t.Fatal(err)
		}
		defer free.Close()
		want, err := free.Run(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		budget := rapid.IntRange(0, max(free.Stats().ArenaBytes, 1)).Draw(t, "budget")
		var tooSmall *graph.BudgetError
		fit, err := grad.Prepare(g, c, grad.MemoryBudget(budget))
		if errors.As(err, &tooSmall) {
			if budget = tooSmall.Smallest; budget <= tooSmall.Budget {
				t.Fatal(err)
			}
			fit, err = grad.Prepare(g, c, grad.MemoryBudget(budget))
		}
		if err != nil {
			t.Fatal(err)
		}
		defer fit.Close()
		if a := fit.Stats().ArenaBytes; a > budget {
			t.Fatalf("an arena of %d bytes, beyond the budget of %d", a, budget)
		}
		got, err := fit.Run(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := bitsOf(t, got), bitsOf(t, want); !slices.Equal(a, b) {
			t.Fatalf("got %v, want %v\n%v", got, want, fit.Graph())
		}
	})
}
