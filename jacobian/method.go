// What the ways to compute entries have in common.

package jacobian

import (
	"context"
	"fmt"
	"strings"

	"github.com/cotangent-ad/cotangent/sparse"
)

// method is a way to compute the entries. Its runs may be concurrent.
type method[P any] interface {
	// run computes the values at x, in the order of the form.
	run(ctx context.Context, x P, values []float64) error
	// gather computes what values are sums of, as tensors.
	gather(x P) (parts []*array, g gathering, err error)
	// predicted is what a run is thought to take, in seconds.
	predicted() float64
	// how tells in a few words what a run computes, name in which way it does so.
	how(what string) string
	name() string
	// details writes lines on how it does.
	details(b *strings.Builder)
	native(ctx context.Context) error
	close()
}

// form is where values go: all entries of a pattern or a triangle of it, by rows
// or by columns.
type form struct {
	pattern, output *sparse.Pattern
	triangle        sparse.Triangle
	byColumn        bool
}

// newForm returns the form of the pattern, with the entry of each value, nil where
// value k is entry k.
func newForm(p *sparse.Pattern, o *options) (f form, entries []int) {
	f = form{pattern: p, output: p, triangle: o.triangle, byColumn: o.byColumn}
	if o.triangle != sparse.Full {
		f.output, entries = p.Part(o.triangle)
	}
	if o.byColumn {
		t, from := f.output.TransposeMap()
		if entries != nil {
			for k, e := range from {
				from[k] = entries[e]
			}
		}
		f.output, entries = t, from
	}
	return f, entries
}

// matrix returns the whole matrix by rows.
func (f *form) matrix(values []float64) (*sparse.CSR[float64], error) {
	m := &sparse.CSR[float64]{Pattern: f.output, Val: values}
	if f.byColumn {
		m = m.Transpose()
	}
	if f.triangle != sparse.Full {
		return m.Symmetric()
	}
	return m, nil
}

// check returns an error for values of the wrong length.
func (f *form) check(values []float64) error {
	if want := f.output.Nnz(); len(values) != want {
		return &sparse.SizeError{Op: "jacobian.Run", What: "values", Got: len(values), Want: want}
	}
	return nil
}

func (f *form) describe() string {
	s := fmt.Sprintf("%d x %d, %s entries", f.pattern.Rows, f.pattern.Cols, count(f.pattern.Nnz()))
	if f.output.Nnz() != f.pattern.Nnz() {
		s += fmt.Sprintf(" (%s stored, %v triangle)", count(f.output.Nnz()), f.triangle)
	}
	return s
}
