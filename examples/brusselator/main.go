package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"

	"github.com/cotangent-ad/cotangent/examples/internal/figure"
	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/tensor"
)

// reaction is the system on an n x n grid of cells.
type reaction struct {
	n    int
	side float64 // of the square
	a, b float64
}

// spread of the two substances.
const spreadU, spreadV = 2, 16

// rate returns u' and v' [2 n n] at u and v.
func (r reaction) rate(uv *tensor.Tensor) *tensor.Tensor {
	u, v := uv.Index(tensor.At(0)), uv.Index(tensor.At(1))
	made := u.Square().Mul(v)
	du := r.laplacian(u).MulScalar(spreadU).AddScalar(r.a).Sub(u.MulScalar(r.b + 1)).Add(made)
	dv := r.laplacian(v).MulScalar(spreadV).Add(u.MulScalar(r.b)).Sub(made)
	return tensor.Stack(0, du, dv)
}

// laplacian sums what flows in from the four neighbours; from outside nothing does.
func (r reaction) laplacian(u *tensor.Tensor) *tensor.Tensor {
	n := r.n
	h := r.side / float64(n)
	var flow [2]*tensor.Tensor
	for axis := range flow {
		ahead, behind := []tensor.Selector{tensor.All, tensor.All}, []tensor.Selector{tensor.All, tensor.All}
		ahead[axis], behind[axis] = tensor.Range(1, n), tensor.Range(0, n-1)
		slope := u.Index(ahead...).Sub(u.Index(behind...))
		first, last := []int{0, 0}, []int{0, 0}
		first[axis], last[axis] = 1, 1
		flow[axis] = slope.Pad([]int{0, 0}, last).Sub(slope.Pad(first, []int{0, 0}))
	}
	return flow[0].Add(flow[1]).MulScalar(1 / (h * h))
}

// noise is the even state with noise.
func (r reaction) noise() *tensor.Tensor {
	d := rand.New(rand.NewPCG(2, 3))
	v := make([]float64, 2*r.n*r.n)
	for i := range v {
		v[i] = r.a
		if i >= r.n*r.n {
			v[i] = r.b / r.a
		}
		v[i] += 0.1 * (2*d.Float64() - 1)
	}
	return tensor.FromSlice(v, 2, r.n, r.n)
}

func main() {
	r := reaction{a: 4.5}
	flag.IntVar(&r.n, "n", 64, "cells a side")
	flag.Float64Var(&r.side, "side", 40, "length of a side")
	flag.Float64Var(&r.b, "b", 7.5, "B, which drives the reaction")
	out := flag.String("plot", "", "picture of the state and the convergence to write (.png or .svg)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, r, *out); err != nil {
		fmt.Fprintln(os.Stderr, "brusselator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, r reaction, out string) error {
	if r.n < 2 || !(r.side > 0) {
		return fmt.Errorf("-n %d -side %g: at least 2 cells, and a length", r.n, r.side)
	}
	state, rep, err := r.steady(ctx, w, r.noise())
	if err != nil {
		return err
	}
	u, err := state.Index(tensor.At(0)).Float64s()
	if err != nil {
		return err
	}
	fmt.Fprintln(w, rep.Explain)
	fmt.Fprintf(w, "%s; u is in the middle %.6f, in the even state %g\n", rep.Reason, u[len(u)/2+r.n/2], r.a)
	if out == "" {
		return nil
	}
	field, err := figure.Field(fmt.Sprintf("u, B = %g", r.b), r.n, u)
	if err != nil {
		return err
	}
	curve, err := figure.Convergence(fmt.Sprintf("Brusselator, %d unknowns", 2*r.n*r.n), "largest residual", figure.Residual, figure.Curve{Name: "pseudo-transient continuation", Report: rep})
	if err != nil {
		return err
	}
	return figure.Save(out, field, curve)
}

func (r reaction) steady(ctx context.Context, w io.Writer, from *tensor.Tensor) (*tensor.Tensor, *solve.Report, error) {
	return solve.SteadyState(ctx, r.rate, from, solve.Options{
		Tolerance: 1e-9, MaxIterations: 500, FirstStep: 0.1, LinearTolerance: 1e-6,
		Progress: func(it solve.Iteration) bool { fmt.Fprintln(w, it); return true },
	})
}
