// What preparing and running cost, a node.

package grad_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// chain is n scalar operations, one after the other.
func chain(n int) func(x *T) *T {
	return func(x *T) *T {
		y := x
		for i := range n / 2 {
			if i%2 == 0 {
				y = y.Sin().Mul(x)
			} else {
				y = y.Cos().Add(x)
			}
		}
		return y
	}
}

const chainLen = 1000

// BenchmarkPrepare measures recording, the passes and planning, a recorded node. It must
// grow linearly with the program.
func BenchmarkPrepare(b *testing.B) {
	x := tensor.Scalar(0.5)
	for _, c := range []struct {
		name string
		n    int
		make func(f func(x *T) *T) func(x *T) *T
		opts []grad.Option
	}{
		{"value", 1e3, value, nil},
		{"value", 1e4, value, nil},
		{"value", 1e5, value, nil},
		{"value", 1e6, value, nil},
		{"grad", 1e3, gradient, nil},
		{"grad", 1e4, gradient, nil},
		{"grad", 1e5, gradient, nil},
		{"grad without passes", 1e4, gradient, []grad.Option{grad.Without(graph.AllPasses)}},
		{"value with places", 1e3, value, []grad.Option{grad.WithPlaces()}},
	} {
		b.Run(fmt.Sprintf("f=%s/ops=%d", c.name, c.n), func(b *testing.B) {
			f := c.make(chain(c.n))
			p := mustPrepare(b, f, x, grad.Without(graph.AllPasses))
			nodes := len(p.Graph().Instrs)
			p.Close()
			b.ReportAllocs()
			for b.Loop() {
				p, err := grad.Prepare(f, x, c.opts...)
				if err != nil {
					b.Fatal(err)
				}
				p.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(nodes), "ns/node")
		})
	}
}

func value(f func(x *T) *T) func(x *T) *T    { return f }
func gradient(f func(x *T) *T) func(x *T) *T { return grad.Grad(f) }

// BenchmarkRunInto measures a scalar program against the eager function, a node.
func BenchmarkRunInto(b *testing.B) {
	x, dst := tensor.Scalar(0.5), tensor.Zeros()
	for _, n := range []int{1, chainLen} {
		for _, g := range []struct {
			name string
			f    func(x *T) *T
		}{{"value", chain(2 * n)}, {"grad", grad.Grad(chain(2 * n))}} {
			p := mustPrepare(b, g.f, x)
			nodes := float64(p.Stats().Instructions)
			for _, c := range []struct {
				name string
				run  func() error
			}{
				{"eager", func() error { return g.f(x).Err() }},
				{"prepared", func() error { return p.RunInto(context.Background(), dst, x) }},
				{"cancellable", func() error { return p.RunInto(b.Context(), dst, x) }},
			} {
				b.Run(fmt.Sprintf("f=%s/nodes=%v/%s", g.name, nodes, c.name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := c.run(); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/nodes, "ns/node")
				})
			}
		}
	}
}
