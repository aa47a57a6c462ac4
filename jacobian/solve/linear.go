// The linear systems of steps: by which factorization, or without one.

package solve

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/direct"
)

// Systems says how linear systems are solved.
type Systems uint8

// The ways. By default matrices are factored unless that is predicted to take too long;
// those of LeastSquares only once conjugate gradients are slow.
const (
	Automatic Systems = iota
	Direct            // L D Lᵀ or L U, and an iteration to make up for what is lost without pivoting
	Iterative         // conjugate gradients or BiCGSTAB, and preconditioners without fill
)

var systemsNames = []string{"automatic", "direct", "iterative"}

// String returns "automatic", "direct" or "iterative".
func (s Systems) String() string { return systemsNames[min(int(s), len(systemsNames)-1)] }

// ParseSystems reads "automatic", "direct" or "iterative"; an error tells that a name is
// none of them.
func ParseSystems(name string) (Systems, error) {
	if i := slices.Index(systemsNames, name); i >= 0 {
		return Systems(i), nil
	}
	return 0, fmt.Errorf("solve: %q is none of %v", name, systemsNames)
}

// Bounds of what Automatic factors: tens of seconds, half a GiB.
const (
	mostFlops   = 5e10
	mostEntries = 1 << 26
)

// complete returns memory for factors of matrices with the pattern p, or nil if they are
// not to be factored.
func (s Systems) complete(p *sparse.Pattern, kind direct.Kind) (*direct.Factor, error) {
	if s == Iterative {
		return nil, nil
	}
	analysis, err := direct.Analyze(p, kind)
	if err != nil {
		return nil, err
	}
	if s == Automatic && (analysis.Flops() > mostFlops || analysis.Nnz() > mostEntries) {
		return nil, nil
	}
	return analysis.NewFactor(), nil
}

// definite factors a symmetric matrix, and reports whether it is positive definite.
func definite(ctx context.Context, f *direct.Factor, values []float64) (bool, error) {
	err := f.Factor(ctx, values)
	var pivot *direct.PivotError
	if errors.As(err, &pivot) {
		return false, nil
	}
	return f.Negative() == 0, err
}

// apply returns the inverse of what was factored, as a preconditioner.
func apply(f *direct.Factor) func(z, r []float64) {
	// Lengths fit: the vectors are those of the matrix.
	return func(z, r []float64) { _ = f.Solve(z, r) }
}

// describe tells how systems with a symmetric matrix are solved.
func describe(f *direct.Factor) string {
	if f == nil {
		return "conjugate gradients with diagonal blocks"
	}
	return f.String()
}

// newtonLinear returns what solves a d = b, for the values that a has then, and tells
// how.
func newtonLinear(a *sparse.CSR[float64], o *Options) (func(ctx context.Context, d, b []float64) (int, error), string, error) {
	if o.Linear != nil {
		return func(ctx context.Context, d, b []float64) (int, error) { return 1, o.Linear(ctx, a, d, b) }, "Options.Linear", nil
	}
	lu, err := o.Systems.complete(a.Pattern, direct.General)
	if err != nil {
		return nil, "", err
	}
	if lu != nil {
		return func(ctx context.Context, d, b []float64) (int, error) {
			err := lu.Factor(ctx, a.Val)
			var pivot *direct.PivotError
			if errors.As(err, &pivot) {
				return 0, &BreakdownError{"L U", pivot.Error() + ": the matrix is singular or needs pivots that are searched for (as Options.Linear may do)"}
			}
			if err != nil {
				return 0, err
			}
			return bicgstab(ctx, a, apply(lu), d, b, o.LinearTolerance, o.LinearIterations)
		}, lu.String(), nil
	}
	f, err := newILU(a.Pattern)
	if err != nil {
		return nil, "", err
	}
	return func(ctx context.Context, d, b []float64) (int, error) {
		if err := f.factor(a.Val); err != nil {
			return 0, err
		}
		return bicgstab(ctx, a, f.solve, d, b, o.LinearTolerance, o.LinearIterations)
	}, "BiCGSTAB with ILU(0)", nil
}

// gram is Jᵀ J + λ D, for a sparse J.
type gram struct {
	j      *sparse.CSR[float64]
	row    []int32 // of the entries of J by columns, the row
	at     []int32 // and the position
	ptr    []int
	n      *sparse.Pattern // of Jᵀ J, with a diagonal
	mirror []int32
	base   []float64 // Jᵀ J
	values []float64
	sum    []float64
}

// maxPairs bounds the products that make up Jᵀ J.
const maxPairs = 1 << 30

// newGram returns nil if a J has rows so long that Jᵀ J takes too long to form.
func newGram(j *sparse.CSR[float64]) *gram {
	pairs := 0
	for i := range j.Rows {
		k := j.Ptr[i+1] - j.Ptr[i]
		if pairs += k * k; pairs > maxPairs {
			return nil
		}
	}
	g := &gram{j: j, ptr: make([]int, j.Cols+1), row: make([]int32, j.Nnz()), at: make([]int32, j.Nnz()), sum: make([]float64, j.Cols)}
	for _, c := range j.Idx {
		g.ptr[c+1]++
	}
	for c := range j.Cols {
		g.ptr[c+1] += g.ptr[c]
	}
	next := append([]int(nil), g.ptr...)
	for i := range j.Rows {
		for e := j.Ptr[i]; e < j.Ptr[i+1]; e++ {
			c := j.Idx[e]
			g.row[next[c]], g.at[next[c]] = int32(i), int32(e)
			next[c]++
		}
	}
	if g.n = g.pattern(); g.n == nil {
		return nil
	}
	g.mirror, _ = g.n.Mirror()
	g.base, g.values = make([]float64, g.n.Nnz()), make([]float64, g.n.Nnz())
	return g
}

// pattern returns the structure of Jᵀ J, with a diagonal.
func (g *gram) pattern() *sparse.Pattern {
	n := g.j.Cols
	lower := &sparse.COO[float64]{Rows: n, Cols: n}
	mark := make([]int, n)
	for i := range n {
		lower.Append(i, i, 1)
		mark[i] = i + 1
		for k := g.ptr[i]; k < g.ptr[i+1]; k++ {
			for _, c := range g.j.Row(int(g.row[k])) {
				if int(c) >= i {
					break
				}
				if mark[c] != i+1 {
					mark[c] = i + 1
					lower.Append(i, int(c), 1)
					lower.Append(int(c), i, 1)
				}
			}
		}
	}
	p, err := lower.Pattern()
	if err != nil {
		return nil
	}
	return p
}

// form computes Jᵀ J of J's present values.
func (g *gram) form() {
	for i := range g.j.Cols {
		row := g.n.Row(i)
		for k := g.ptr[i]; k < g.ptr[i+1]; k++ {
			r := int(g.row[k])
			v := g.j.Val[g.at[k]]
			for e := g.j.Ptr[r]; e < g.j.Ptr[r+1]; e++ {
				c := g.j.Idx[e]
				if int(c) > i {
					break
				}
				g.sum[c] += v * g.j.Val[e]
			}
		}
		for k, c := range row {
			if int(c) > i {
				break
			}
			e := g.n.Ptr[i] + k
			g.base[e] = g.sum[c]
			g.base[g.mirror[e]] = g.sum[c]
			g.sum[c] = 0
		}
	}
}

// damped returns Jᵀ J plus a diagonal.
func (g *gram) damped(diagonal func(i int) float64) []float64 {
	copy(g.values, g.base)
	for i := range g.n.Rows {
		if e := g.n.Find(i, i); e >= 0 {
			g.values[e] += diagonal(i)
		}
	}
	return g.values
}
