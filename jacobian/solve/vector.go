// Arguments and results as vectors.

package solve

import (
	"context"
	"math"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// vector returns the elements of the floating-point leaves of p, one after the other.
func vector[P any](p P) ([]float64, error) {
	leaves, err := grad.Leaves(p)
	if err != nil {
		return nil, err
	}
	var v []float64
	for _, t := range leaves {
		e, err := t.Float64s()
		if err != nil {
			return nil, err
		}
		if t.DType().IsFloat() {
			v = append(v, e...)
		}
	}
	return v, nil
}

// build returns a value like p with the elements of v in its floating-point leaves, the
// first ones if v is shorter.
func build[P any](p P, v []float64) (P, error) {
	leaves, err := grad.Leaves(p)
	if err != nil {
		return p, err
	}
	for i, t := range leaves {
		if !t.DType().IsFloat() || len(v) == 0 {
			continue
		}
		n := t.Size()
		leaves[i] = tensor.NewShaped(v[:n:n], t.Shape(), tensor.On(t.Device()), tensor.WithDType(t.DType()))
		v = v[n:]
	}
	return grad.Rebuild(p, leaves)
}

// blocksOf returns the default blocks of the unknowns in p.
func blocksOf[P any](p P) ([]int, error) {
	leaves, err := grad.Leaves(p)
	if err != nil {
		return nil, err
	}
	var blocks []int
	for _, t := range leaves {
		if !t.DType().IsFloat() {
			continue
		}
		size := 1
		if last := t.Dim(-1); t.Rank() > 1 && last > 1 && last <= 16 {
			size = last
		}
		for range t.Size() / size {
			blocks = append(blocks, size)
		}
	}
	return blocks, nil
}

// function is a prepared function from vectors to vectors.
type function[P any] struct {
	like  P
	run   func(ctx context.Context, x P) ([]float64, error)
	close func()
}

func newFunction[P, Q any](f func(P) Q, like P) (*function[P], error) {
	p, err := grad.Prepare(f, like)
	if err != nil {
		return nil, err
	}
	return &function[P]{like, func(ctx context.Context, x P) ([]float64, error) {
		y, err := p.Run(ctx, x)
		if err != nil {
			return nil, err
		}
		return vector(y)
	}, p.Close}, nil
}

// at evaluates at a vector, and returns that as an argument, too.
func (f *function[P]) at(ctx context.Context, v []float64) (P, []float64, error) {
	x, err := build(f.like, v)
	if err != nil {
		return x, nil, err
	}
	y, err := f.run(ctx, x)
	return x, y, err
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func norm(a []float64) float64 { return math.Sqrt(dot(a, a)) }

// largest returns the largest magnitude, NaN if there is one.
func largest(a []float64) float64 {
	m := 0.0
	for _, v := range a {
		m = max(m, math.Abs(v))
	}
	return m
}

// plus sets dst = a + s b.
func plus(dst, a []float64, s float64, b []float64) {
	for i := range dst {
		dst[i] = a[i] + s*b[i]
	}
}
