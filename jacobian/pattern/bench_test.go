package pattern_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

type fn = func(*tensor.Tensor) *tensor.Tensor

// graphOf returns the program of a function of a tensor.
func graphOf(t testing.TB, f fn, shape ...int) *graph.Graph {
	p, err := grad.Prepare(f, tensor.Zeros(shape...))
	if err != nil {
		t.Fatal(err)
	}
	return p.Graph()
}

func BenchmarkGlobal(b *testing.B) {
	for _, n := range []int{100, 300, 1000} {
		benchmark(b, fmt.Sprintf("brusselator/n=%d", n), graphOf(b, bench.Brusselator(n), 2, n, n))
	}
	benchmark(b, "bratu-hessian/n=300", graphOf(b, grad.Grad(bench.BratuEnergy(300, 5)), 300, 300))
	benchmark(b, "rosenbrock-hessian/n=100000", graphOf(b, grad.Grad(bench.ChainedRosenbrock), 100000))
}

func benchmark(b *testing.B, name string, g *graph.Graph) {
	b.Run(name, func(b *testing.B) {
		nnz := 0
		for b.Loop() {
			p, err := pattern.Global(context.Background(), g)
			if err != nil {
				b.Fatal(err)
			}
			nnz = p.Nnz()
		}
		b.ReportMetric(float64(nnz), "nnz")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(nnz), "ns/nnz")
	})
}
