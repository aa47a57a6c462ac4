package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"

	"gonum.org/v1/plot"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/examples/internal/figure"
	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/tensor"
)

func main() {
	n := flag.Int("n", 100, "interior points a side")
	lambda := flag.Float64("lambda", 6.5, "λ, the heat that burning gives")
	out := flag.String("plot", "", "picture of the solution and the convergence to write (.png or .svg)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *n, *lambda, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bratu:", err)
		os.Exit(1)
	}
}

// solution is what both methods found.
type solution struct {
	u                []float64
	newton, minimize *solve.Report
	apart            float64 // the largest difference between them
}

func run(ctx context.Context, w io.Writer, n int, lambda float64, out string) error {
	if n < 2 {
		return fmt.Errorf("-n %d: at least 2", n)
	}
	s, err := ignite(ctx, w, n, lambda)
	if err != nil {
		return err
	}
	if !s.newton.Converged {
		fmt.Fprintf(w, "no solution found for λ = %g: %s\n", lambda, s.newton.Reason)
	} else {
		fmt.Fprintf(w, "largest u %.6f, the two solutions at most %.1e apart\n", s.u[(n/2)*n+n/2], s.apart)
	}
	if out == "" {
		return nil
	}
	field, err := figure.Field(fmt.Sprintf("u, λ = %g", lambda), n, s.u)
	if err != nil {
		return err
	}
	curves, err := figure.Convergence(fmt.Sprintf("Bratu, %d unknowns", n*n), "largest residual", figure.Residual, figure.Curve{Name: "Newton, equations", Report: s.newton}, figure.Curve{Name: "Newton, energy", Report: s.minimize})
	if err != nil {
		return err
	}
	return figure.Save(out, []*plot.Plot{field, curves}...)
}

func ignite(ctx context.Context, w io.Writer, n int, lambda float64) (s solution, err error) {
	start := tensor.Zeros(n, n)
	o := solve.Options{Tolerance: 1e-11, MaxIterations: 30, Progress: func(it solve.Iteration) bool {
		fmt.Fprintln(w, it)
		return true
	}}
	fmt.Fprintln(w, "Newton's method for the equations")
	u, rep, err := solve.Newton(ctx, bench.BratuResidual(n, lambda), start, o)
	if err != nil {
		return s, err
	}
	s.newton = rep
	fmt.Fprintln(w, rep.Explain)
	fmt.Fprintln(w, "Newton's method for the minimum of the energy")
	v, rep, err := solve.Minimize(ctx, bench.BratuEnergy(n, lambda), start, o)
	if err != nil {
		return s, err
	}
	s.minimize = rep
	fmt.Fprintln(w, rep.Explain)
	if s.u, err = u.Float64s(); err != nil {
		return s, err
	}
	other, err := v.Float64s()
	if err != nil {
		return s, err
	}
	for i := range other {
		s.apart = max(s.apart, math.Abs(s.u[i]-other[i]))
	}
	return s, nil
}
