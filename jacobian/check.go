// Checking values against products with random vectors.

package jacobian

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// A StaleError says that the values do not belong to the function: its pattern has
// entries that the prepared one lacks, because it was given wrong, because it was
// found at a point and choices are made otherwise now, or because the function
// captured something that changed. Row is the first row that differs, with the
// element of the product there.
type StaleError struct {
	Row       int
	Got, Want float64
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("jacobian: the pattern does not fit the function: row %d of a product is %g, not %g", e.Row, e.Got, e.Want)
}

// Check holds the values at x against products of the function's derivative with
// random vectors, which use neither pattern nor colours, and returns a
// *StaleError where they differ. Each probe costs about two evaluations of f (four
// for a Hessian); one finds a missing entry almost surely. Rows tell nothing at points
// where both are infinite or no numbers.
//
// Errors: an *OptionError for less than one probe, those of [Prepared.Run] and of f.
func (p *Prepared[P]) Check(ctx context.Context, x P, probes int) error {
	if probes < 1 {
		return &OptionError{fmt.Sprintf("a check of %d probes", probes)}
	}
	values := make([]float64, p.output.Nnz())
	if err := p.Run(ctx, x, values); err != nil {
		return err
	}
	m, err := p.matrix(values)
	if err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	v, size := make([]float64, p.cols), make([]float64, p.cols)
	got, scale := make([]float64, p.rows), make([]float64, p.rows)
	abs := &sparse.CSR[float64]{Pattern: m.Pattern, Val: make([]float64, len(m.Val))}
	for k, a := range m.Val {
		abs.Val[k] = math.Abs(a)
	}
	for range probes {
		if err := ctx.Err(); err != nil {
			return err
		}
		for j := range v {
			v[j] = 1 + rnd.Float64()
			if size[j] = v[j]; rnd.Uint64()&1 == 0 {
				v[j] = -v[j]
			}
		}
		want, err := p.product(x, beside(x, tensor.FromSlice(v, len(v)))).Float64s()
		if err != nil {
			return err
		}
		if err := m.MulVec(got, v); err != nil {
			return err
		}
		if err := abs.MulVec(scale, size); err != nil {
			return err
		}
		for i := range got {
			if differ(got[i], want[i], p.tolerance*max(scale[i], math.Abs(want[i]))) {
				return &StaleError{Row: i, Got: got[i], Want: want[i]}
			}
		}
	}
	return nil
}

// differ reports whether two numbers are further apart than a bound, or one is finite
// and the other no number.
func differ(a, b, bound float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return !math.IsNaN(a-a) || !math.IsNaN(b-b) // Inf - Inf is none
	}
	return math.Abs(a-b) > bound
}
