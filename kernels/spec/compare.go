// Comparing results.

package spec

import (
	"fmt"
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// same compares results that should be equal up to tol: of the largest element,
// or, for cases at singular points and extremes, of each element.
func (r *runner) same(what string, got, want []kernels.Val, tol float64) bool {
	r.counts.Compared++
	if len(got) != len(want) {
		r.errorf("%s: %d results, want %d", what, len(got), len(want))
		return false
	}
	for i := range got {
		g, w := got[i], want[i]
		if g == nil && w == nil {
			continue
		}
		if g == nil || w == nil {
			r.errorf("%s: result %d is %v, want %v", what, i, g, w)
			return false
		}
		if err := r.compare(g.(*value), w.(*value), tol); err != nil {
			r.errorf("%s: result %d: %v", what, i, err)
			return false
		}
	}
	return true
}

func (r *runner) compare(got, want *value, tol float64) error {
	if got.err != nil || want.err != nil {
		return fmt.Errorf("errors %v, want %v", got.err, want.err)
	}
	if !kernels.EqualAval(got.aval, want.aval) {
		return fmt.Errorf("type %v, want %v", got.aval, want.aval)
	}
	return close(elements(got.array), elements(want.array), tol, !r.c.Kink)
}

// close compares elements. NaN equals NaN, and infinities themselves. In
// uniform results an error counts as a part of the largest element, else of
// each element itself, up to a few of the smallest numbers.
func close(got, want []float64, tol float64, uniform bool) error {
	scale := 0.0
	for _, w := range want {
		if a := math.Abs(w); uniform && !math.IsInf(a, 0) {
			scale = max(scale, a)
		}
	}
	for i, w := range want {
		g := got[i]
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			continue
		}
		if d := math.Abs(g - w); d > tol*max(scale, math.Abs(w))+4*0x1p-149 || math.IsNaN(d) || math.IsInf(w, 0) {
			return fmt.Errorf("element %d is %v, want %v (tolerance %.2g; got %v, want %v)", i, g, w, tol, short(got), short(want))
		}
	}
	return nil
}

// short is a list cut to what one reads.
func short(list []float64) string {
	if len(list) > 12 {
		return fmt.Sprint(slices.Clone(list[:12])) + "..."
	}
	return fmt.Sprint(list)
}

// dot is the inner product of all elements of two lists of values, and the sum
// of the products' sizes.
func dot(a, b []kernels.Val) (total, size float64) {
	for i := range a {
		if a[i] == nil || b[i] == nil {
			continue
		}
		x, y := elements(a[i].(*value).array), elements(b[i].(*value).array)
		for k := range x {
			total += x[k] * y[k]
			size += math.Abs(x[k] * y[k])
		}
	}
	return total, size
}
