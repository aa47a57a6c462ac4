package jacobian_test

import (
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/jacobian"
)

// BenchmarkRun measures prepared runs, BenchmarkFirst all from the function to the
// first values.
func BenchmarkRun(b *testing.B) {
	for _, n := range []int{100, 300, 1000} {
		x := random(2, n, n)
		p, err := jacobian.Prepare(bench.Brusselator(n), x)
		runs(b, fmt.Sprintf("brusselator/n=%d", n), p, err, x)
	}
	x := random(300, 300)
	p, err := jacobian.PrepareHessian(bench.BratuEnergy(300, 5), x)
	runs(b, "bratu-hessian/n=300", p, err, x)
}

func runs(b *testing.B, name string, p *jacobian.Prepared[*T], err error, x *T) {
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	values := make([]float64, p.Output().Nnz())
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := p.Run(ctx, x, values); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(p.Coloring().Colors()), "colours")
	})
	b.Log(p.Explain())
}

func BenchmarkFirst(b *testing.B) {
	for _, n := range []int{100, 300, 1000} {
		x := random(2, n, n)
		b.Run(fmt.Sprintf("brusselator/n=%d", n), func(b *testing.B) {
			for b.Loop() {
				p, err := jacobian.Prepare(bench.Brusselator(n), x)
				if err != nil {
					b.Fatal(err)
				}
				if err := p.Run(ctx, x, make([]float64, p.Output().Nnz())); err != nil {
					b.Fatal(err)
				}
				p.Close()
			}
		})
	}
}
