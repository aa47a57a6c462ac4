// BiCGSTAB with an incomplete factorization.

package solve

import (
	"context"
	"math"

	"github.com/cotangent-ad/cotangent/sparse"
)

// ilu is an incomplete LU factorization without fill: L has a unit diagonal and is
// stored below U in the pattern of the matrix.
type ilu struct {
	*sparse.CSR[float64]
	diagonal []int // position of each row's diagonal entry
	where    []int // scratch: position of each column in the row at work, or -1
}

func newILU(p *sparse.Pattern) (*ilu, error) {
	f := &ilu{CSR: sparse.NewCSR[float64](p), diagonal: make([]int, p.Rows), where: make([]int, p.Cols)}
	for i := range f.diagonal {
		if f.diagonal[i] = p.Find(i, i); f.diagonal[i] < 0 {
			return nil, &BreakdownError{"ILU(0)", "a row without a diagonal entry"}
		}
		f.where[i] = -1
	}
	return f, nil
}

// factor factors a, which has the pattern. (Saad, algorithm 10.4.)
func (f *ilu) factor(a []float64) error {
	copy(f.Val, a)
	for i := range f.Rows {
		from, to := f.Ptr[i], f.Ptr[i+1]
		for k := from; k < to; k++ {
			f.where[f.Idx[k]] = k
		}
		for k := from; k < f.diagonal[i]; k++ {
			j := f.Idx[k]
			f.Val[k] /= f.Val[f.diagonal[j]]
			for t := f.diagonal[j] + 1; t < f.Ptr[j+1]; t++ {
				if at := f.where[f.Idx[t]]; at >= 0 {
					f.Val[at] -= f.Val[k] * f.Val[t]
				}
			}
		}
		for k := from; k < to; k++ {
			f.where[f.Idx[k]] = -1
		}
		if d := f.Val[f.diagonal[i]]; d == 0 || d != d {
			return &BreakdownError{"ILU(0)", "a pivot is zero or no number"}
		}
	}
	return nil
}

// solve sets z to the inverse of L U times r.
func (f *ilu) solve(z, r []float64) {
	for i := range f.Rows {
		s := r[i]
		for k := f.Ptr[i]; k < f.diagonal[i]; k++ {
			s -= f.Val[k] * z[f.Idx[k]]
		}
		z[i] = s
	}
	for i := f.Rows - 1; i >= 0; i-- {
		s := z[i]
		for k := f.diagonal[i] + 1; k < f.Ptr[i+1]; k++ {
			s -= f.Val[k] * z[f.Idx[k]]
		}
		z[i] = s / f.Val[f.diagonal[i]]
	}
}

// bicgstab solves a x = b from x = 0 to a relative residual, and returns the number
// of iterations. (Saad, algorithm 7.7, preconditioned from the right.)
func bicgstab(ctx context.Context, a *sparse.CSR[float64], precondition func(z, r []float64), x, b []float64, tol float64, limit int) (int, error) {
	n := len(b)
	v := make([][]float64, 7)
	for i := range v {
		v[i] = make([]float64, n)
	}
	r, r0, p, ap, s, as, z := v[0], v[1], v[2], v[3], v[4], v[5], v[6]
	clear(x)
	copy(r, b)
	copy(r0, b)
	copy(p, b)
	rho, stop := dot(r, r0), tol*norm(b)
	for k := range limit {
		if norm(r) <= stop {
			return k, nil
		}
		if err := ctx.Err(); err != nil {
			return k, err
		}
		precondition(z, p)
		if err := a.MulVec(ap, z); err != nil {
			return k, err
		}
		alpha := rho / dot(ap, r0)
		plus(x, x, alpha, z)
		plus(s, r, -alpha, ap)
		if norm(s) <= stop {
			return k + 1, nil
		}
		precondition(z, s)
		if err := a.MulVec(as, z); err != nil {
			return k, err
		}
		omega := dot(as, s) / dot(as, as)
		plus(x, x, omega, z)
		plus(r, s, -omega, as)
		next := dot(r, r0)
		beta := next / rho * alpha / omega
		if math.IsNaN(beta) || math.IsInf(beta, 0) {
			return k, &BreakdownError{"BiCGSTAB", "a division by zero"}
		}
		for i := range p {
			p[i] = r[i] + beta*(p[i]-omega*ap[i])
		}
		rho = next
	}
	return limit, &BreakdownError{"BiCGSTAB", "no convergence"}
}
