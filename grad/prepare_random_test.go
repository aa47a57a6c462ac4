// Random functions: prepared and eager evaluation give the same bits.

package grad_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"pgregory.net/rapid"
)

// instruction of a random function: an operation on earlier values, all of one shape.
type instruction struct {
	op   int
	a, b int
}

var randomOps = []func(a, b *T) *T{
	func(a, b *T) *T { return a.Add(b) },
	func(a, b *T) *T { return a.Mul(b) },
	func(a, b *T) *T { return a.Sub(b.MulScalar(0.5)) },
	func(a, b *T) *T { return a.Div(b.Square().AddScalar(1)) },
	func(a, b *T) *T { return a.Sin() },
	func(a, b *T) *T { return a.Tanh().Exp() },
	func(a, b *T) *T { return tensor.Where(a.Lt(b), a, b.Square()) },
	func(a, b *T) *T { return a.Maximum(b) },
	func(a, b *T) *T { return a.Abs().Sqrt() },
	func(a, b *T) *T { return a.SumKeep(1).Mul(b) },
	func(a, b *T) *T { return a.Mul(b.Max()) },
	func(a, b *T) *T { return a.Softmax(0).Add(b) },
	func(a, b *T) *T { return a.T().Reshape(a.Shape()...) },
	func(a, b *T) *T { return a.MatMul(b.T()).MatMul(a).MulScalar(0.1) },
	func(a, b *T) *T {
		return a.Index(tensor.Range(0, a.Dim(0)), tensor.Range(1, a.Dim(1))).Pad([]int{0, 1}, []int{0, 0})
	},
	func(a, b *T) *T { return a.Flip(1).Add(b.Index(tensor.At(1))) },
	func(a, b *T) *T { return a.CumSum(1).Sub(b) },
	func(a, b *T) *T { return a.Mul(grad.StopGradient(b)) },
}

func drawFunction(t *rapid.T, c *T) func(x *T) *T {
	f := drawFunctionOf(t)
	return func(x *T) *T { return f(x, c) }
}

func drawFunctionOf(t *rapid.T) func(x, c *T) *T {
	var code []instruction
	for i := range rapid.IntRange(1, 12).Draw(t, "length") {
		at := rapid.IntRange(0, i+1)
		code = append(code, instruction{rapid.IntRange(0, len(randomOps)-1).Draw(t, "op"), at.Draw(t, "a"), at.Draw(t, "b")})
	}
	last := rapid.IntRange(1, len(code)).Draw(t, "result") + 1
	return func(x, c *T) *T {
		vals := []*T{x, c}
		for _, i := range code {
			vals = append(vals, randomOps[i.op](vals[i.a], vals[i.b]))
		}
		return vals[last].Sum()
	}
}

func bitsOf(t *rapid.T, x *T) []uint64 {
	v, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	bits := make([]uint64, len(v))
	for i, x := range v {
		bits[i] = math.Float64bits(x)
	}
	return bits
}

// Of any function, prepared and eager evaluation give the same bits, whatever is
// made of it: on a few elements, and on as many as are shared out among workers.
func TestRandomFunctions(t *testing.T) {
	for _, shape := range [][]int{{2, 3}, {70, 131}} {
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			small := shape[0]*shape[1] < 100
			like := tensor.Zeros(shape...)
			if !small && like.Device().Kind() != "cpu" {
				t.Skip("only CPUs share elements out among workers")
			}
			r := rand.New(rand.NewPCG(15, 16))
			c := random(r, shape...)
			rapid.Check(t, func(t *rapid.T) {
				f := drawFunction(t, c)
				x := random(rand.New(rand.NewPCG(17, rapid.Uint64().Draw(t, "seed"))), shape...)
				if rapid.Bool().Draw(t, "zeros") {
					x = x.Mul(x.Gt(c).Cast(tensor.Float64)) // at kinks
				}
				for name, g := range made(f, small) {
					compare(t, name, g, like, x)
				}
			})
		})
	}
}

// made returns what transformations make of f.
func made(f func(x *T) *T, small bool) map[string]func(x *T) *T {
	all := map[string]func(x *T) *T{
		"value": f,
		"grad":  grad.Grad(f),
		"hvp":   func(x *T) *T { return grad.HVP(f, x, x.AddScalar(1)) },
		"jvp": func(x *T) *T {
			_, dy := grad.JVP(f, x, x.Neg())
			return dy
		},
	}
	if small { // its values are as large as the square of the argument
		all["vmap of grad"] = func(x *T) *T {
			return grad.Vmap(grad.Grad(func(s *T) *T { return f(x.Mul(s)) }))(x.Flatten())
		}
	}
	return all
}

func compare(t *rapid.T, name string, g func(x *T) *T, like, x *T) {
	want := g(x)
	if err := want.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	p, err := grad.Prepare(g, like)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer p.Close()
	for range 2 {
		got, err := p.Run(context.Background(), x)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !slices.Equal(bitsOf(t, got), bitsOf(t, want)) {
			t.Fatalf("%s: got %v, want %v\n%v", name, got, want, p.Graph())
		}
	}
}
