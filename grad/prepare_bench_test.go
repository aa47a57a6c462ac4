// What preparing and running cost, a node.

package grad_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
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

// BenchmarkPrepare measures recording and planning, a node.
func BenchmarkPrepare(b *testing.B) {
	x := tensor.Scalar(0.5)
	for _, c := range []struct {
		name string
		f    func(x *T) *T
		opts []grad.Option
	}{
		{"value", chain(chainLen), nil},
		{"grad", grad.Grad(chain(chainLen)), nil},
		{"places", chain(chainLen), []grad.Option{grad.WithPlaces()}},
	} {
		b.Run("f="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			nodes := 0
			for b.Loop() {
				p, err := grad.Prepare(c.f, x, c.opts...)
				if err != nil {
					b.Fatal(err)
				}
				nodes = len(p.Graph().Instrs)
				p.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(nodes), "ns/node")
		})
	}
}

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
