package solve_test

import (
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/tensor"
)

var systems = map[string]solve.Systems{"direct": solve.Direct, "iterative": solve.Iterative}

// BenchmarkBundle times bundle adjustments, steps by factors and by conjugate gradients.
func BenchmarkBundle(b *testing.B) {
	for _, size := range []struct{ cameras, points, views int }{{12, 400, 6}, {49, 7776, 4}} {
		reprojection, start := newScene(b, size.cameras, size.points, size.views, 0.5)
		for name, how := range systems {
			b.Run(fmt.Sprintf("cameras=%d/points=%d/%s", size.cameras, size.points, name), func(b *testing.B) {
				var rep *solve.Report
				for b.Loop() {
					var err error
					if _, rep, err = solve.LeastSquares(ctx, reprojection, start, solve.Options{Systems: how, Tolerance: 1e-9, MaxIterations: 50}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(rep.Iterations)), "iterations")
				b.ReportMetric(rep.Last().Value, "value")
			})
		}
	}
}

// BenchmarkBratu times Newton's method for equations, and for the energy.
func BenchmarkBratu(b *testing.B) {
	for _, n := range []int{100, 300} {
		for name, how := range systems {
			o := solve.Options{Systems: how, Tolerance: 1e-10, LinearIterations: 5000}
			start := tensor.Zeros(n, n)
			b.Run(fmt.Sprintf("newton/n=%d/%s", n, name), func(b *testing.B) {
				for b.Loop() {
					if _, rep, err := solve.Newton(ctx, bench.BratuResidual(n, 6.5), start, o); err != nil || !rep.Converged {
						b.Fatal(err, rep.Reason)
					}
				}
			})
			b.Run(fmt.Sprintf("minimize/n=%d/%s", n, name), func(b *testing.B) {
				for b.Loop() {
					if _, rep, err := solve.Minimize(ctx, bench.BratuEnergy(n, 6.5), start, o); err != nil || !rep.Converged {
						b.Fatal(err, rep.Reason)
					}
				}
			})
		}
	}
}
