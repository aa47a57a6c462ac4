package jacobian_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
)

// BenchmarkRun measures prepared runs, BenchmarkFirst all from the function to the
// first values.
func BenchmarkRun(b *testing.B) {
	for _, mode := range []jacobian.Mode{jacobian.Direct, jacobian.Forward} {
		for _, native := range []bool{false, true} {
			opts := []jacobian.Option{jacobian.WithMode(mode)}
			if native {
				opts = append(opts, jacobian.WithGrad(grad.WithNative()))
			}
			for _, n := range []int{100, 300, 1000} {
				x := random(2, n, n)
				runs(b, fmt.Sprintf("brusselator/n=%d/%v/native=%v", n, mode, native), x, func() (*jacobian.Prepared[*T], error) {
					return jacobian.Prepare(bench.Brusselator(n), x, opts...)
				})
			}
			x := random(300, 300)
			runs(b, fmt.Sprintf("bratu-hessian/n=300/%v/native=%v", mode, native), x, func() (*jacobian.Prepared[*T], error) {
				return jacobian.PrepareHessian(bench.BratuEnergy(300, 5), x, opts...)
			})
			for _, o := range []int{31843} {
				f, x := bundle(b, o)
				runs(b, fmt.Sprintf("bundle/p=%d/%v/native=%v", o, mode, native), x, func() (*jacobian.Prepared[bench.BundleParams], error) {
					return jacobian.Prepare(f.Residuals, x, opts...)
				})
			}
		}
	}
}

// bundle returns an adjustment of the size of GradBench's first, of p observations.
func bundle(b *testing.B, p int) (*bench.Bundle, bench.BundleParams) {
	f, x, err := bench.ReplicatedBundle(49, 7776, p, [11]float64{0.02, -0.13, -0.004, -0.05, -0.1, -3.7, 520, 31, 27, -2e-7, 5e-13}, [3]float64{-0.6, 0.57, -1.4}, 0.9, [2]float64{-333, 262})
	if err != nil {
		b.Fatal(err)
	}
	return f, x
}

func runs[P any](b *testing.B, name string, x P, prepare func() (*jacobian.Prepared[P], error)) {
	b.Run(name, func(b *testing.B) {
		p, err := prepare()
		if err != nil {
			b.Skip(err)
		}
		defer p.Close()
		if err := p.Native(ctx); err != nil && strings.Contains(name, "native=true") {
			b.Fatal(err)
		}
		values := make([]float64, p.Output().Nnz())
		if err := p.Run(ctx, x, values); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := p.Run(ctx, x, values); err != nil {
				b.Fatal(err)
			}
		}
		b.Log(p.Explain())
	})
}

func BenchmarkFirst(b *testing.B) {
	for _, mode := range []jacobian.Mode{jacobian.Auto, jacobian.Forward} {
		opt := jacobian.WithMode(mode)
		for _, n := range []int{100, 300, 1000} {
			x := random(2, n, n)
			first(b, fmt.Sprintf("brusselator/n=%d/%v", n, mode), x, func() (*jacobian.Prepared[*T], error) {
				return jacobian.Prepare(bench.Brusselator(n), x, opt)
			})
		}
		f, x := bundle(b, 31843)
		first(b, fmt.Sprintf("bundle/p=31843/%v", mode), x, func() (*jacobian.Prepared[bench.BundleParams], error) {
			return jacobian.Prepare(f.Residuals, x, opt)
		})
	}
}

func first[P any](b *testing.B, name string, x P, prepare func() (*jacobian.Prepared[P], error)) {
	b.Run(name, func(b *testing.B) {
		for b.Loop() {
			p, err := prepare()
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
