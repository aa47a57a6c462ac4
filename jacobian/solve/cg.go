// Conjugate gradients, with a preconditioner that inverts diagonal blocks.

package solve

import (
	"context"
	"math"
)

// cg solves a x = b for a symmetric positive definite operator a (y = a x) from
// x = 0, to a relative residual, and returns the number of iterations. A direction
// along which a is not positive ends it with what was found so far, as in
// truncated Newton methods; a first one leaves the preconditioned b. (Saad,
// algorithm 9.1; Nocedal and Wright, algorithm 7.1.)
func cg(ctx context.Context, a func(y, x []float64) error, precondition func(z, r []float64), x, b []float64, tol float64, limit int) (int, error) {
	n := len(b)
	r, z, p, q := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	clear(x)
	copy(r, b)
	precondition(z, r)
	copy(p, z)
	rz, stop := dot(r, z), tol*norm(b)
	for k := range limit {
		if norm(r) <= stop {
			return k, nil
		}
		if err := ctx.Err(); err != nil {
			return k, err
		}
		if err := a(q, p); err != nil {
			return k, err
		}
		curvature := dot(p, q)
		if !(curvature > 0) {
			if k == 0 {
				copy(x, z)
			}
			return k, nil
		}
		alpha := rz / curvature
		plus(x, x, alpha, p)
		plus(r, r, -alpha, q)
		precondition(z, r)
		next := dot(r, z)
		plus(p, z, next/rz, p)
		rz = next
	}
	return limit, nil
}

// blocks is a block diagonal matrix, factored by Cholesky.
type blocks struct {
	first []int       // of each block its first unknown, and the end
	of    []int32     // of each unknown its block
	l     [][]float64 // of each block its factor, row-major
}

// newPreconditioner returns room for the blocks of n unknowns that are asked for, or of
// the default ones.
func newPreconditioner[P any](o *Options, x P, n int) (*blocks, error) {
	sizes := o.Blocks
	if sizes == nil {
		var err error
		if sizes, err = blocksOf(x); err != nil {
			return nil, err
		}
	}
	return newBlocks(sizes, n)
}

func newBlocks(sizes []int, n int) (*blocks, error) {
	b := &blocks{first: []int{0}}
	for k, s := range sizes {
		if s < 1 {
			return nil, &ShapeError{"the size of a block", s, 1}
		}
		b.first = append(b.first, b.first[k]+s)
		b.l = append(b.l, make([]float64, s*s))
		for range s {
			b.of = append(b.of, int32(k))
		}
	}
	if got := b.first[len(sizes)]; got != n {
		return nil, &ShapeError{"unknowns in the blocks", got, n}
	}
	return b, nil
}

func (b *blocks) zero() {
	for _, l := range b.l {
		clear(l)
	}
}

// add adds v at (i, j), which are in one block.
func (b *blocks) add(i, j int, v float64) {
	k := b.of[i]
	first, n := b.first[k], b.first[k+1]-b.first[k]
	b.l[k][(i-first)*n+j-first] += v
}

// factor replaces each block by its Cholesky factor. A pivot that is not positive
// becomes 1: that unknown is left as it is.
func (b *blocks) factor() {
	for k, l := range b.l {
		n := b.first[k+1] - b.first[k]
		for j := range n {
			d := l[j*n+j]
			for t := range j {
				d -= l[j*n+t] * l[j*n+t]
			}
			if positive := d > 1e-14*math.Abs(l[j*n+j]); !positive || math.IsInf(d, 0) {
				for t := range n {
					if t != j {
						l[max(j, t)*n+min(j, t)] = 0
					}
				}
				d = 1
			}
			l[j*n+j] = math.Sqrt(d)
			for i := j + 1; i < n; i++ {
				s := l[i*n+j]
				for t := range j {
					s -= l[i*n+t] * l[j*n+t]
				}
				l[i*n+j] = s / l[j*n+j]
			}
		}
	}
}

// solve sets z to the inverse times r.
func (b *blocks) solve(z, r []float64) {
	for k, l := range b.l {
		n := b.first[k+1] - b.first[k]
		z, r := z[b.first[k]:b.first[k+1]], r[b.first[k]:b.first[k+1]]
		for i := range n {
			s := r[i]
			for t := range i {
				s -= l[i*n+t] * z[t]
			}
			z[i] = s / l[i*n+i]
		}
		for i := n - 1; i >= 0; i-- {
			s := z[i]
			for t := i + 1; t < n; t++ {
				s -= l[t*n+i] * z[t]
			}
			z[i] = s / l[i*n+i]
		}
	}
}
