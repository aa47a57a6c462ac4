// Which mode, colouring and recovery: methods are predicted by their programs'
// costs, and near ones measured.

package jacobian

import (
	"cmp"
	"context"
	"slices"

	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/sparse"
)

// builder makes methods for one function.
type builder[P any] struct {
	forward, reverse func(a sweepArg[P]) *array
	like             P
	o                *options
	rules            bool // the function has derivative rules of its own
	symmetric        bool
	color            func(ctx context.Context) ([]*sparse.Coloring, error)

	pattern    *sparse.Pattern
	parts      *pattern.Partials // nil if there are none
	refused    string
	form       form
	rows, cols int
	tolerance  float64 // of a product, relative
	primal     float64 // predicted seconds of the function, or the gradient
}

// colored solves a colouring problem for the pattern.
func (b *builder[P]) colored(ctx context.Context, problem sparse.Problem) (*sparse.Coloring, error) {
	return sparse.ColorContext(ctx, b.pattern, problem, b.o.color...)
}

// jacobian returns the colourings to consider for the mode.
func (b *builder[P]) jacobian(ctx context.Context) ([]*sparse.Coloring, error) {
	one := func(p sparse.Problem) ([]*sparse.Coloring, error) {
		c, err := b.colored(ctx, p)
		return []*sparse.Coloring{c}, err
	}
	recovery := sparse.Direct
	if b.o.recovery != nil {
		recovery = *b.o.recovery
	}
	switch b.o.mode {
	case Forward:
		return one(sparse.Columns)
	case Reverse:
		return one(sparse.Rows)
	case Mixed:
		return one(sparse.Problem{Structure: sparse.General, Partition: sparse.Bidirectional, Recovery: recovery})
	}
	return b.either(ctx)
}

// either colours columns; rows where they can do with fewer colours, for a
// product costs more in reverse; and both where dense lines make either dear.
func (b *builder[P]) either(ctx context.Context) ([]*sparse.Coloring, error) {
	columns, err := b.colored(ctx, sparse.Columns)
	if err != nil {
		return nil, err
	}
	list := []*sparse.Coloring{columns}
	best := columns.Colors()
	if longest(b.pattern) < best {
		rows, err := b.colored(ctx, sparse.Rows)
		if err != nil {
			return nil, err
		}
		if rows.Colors() < best {
			list, best = append(list, rows), rows.Colors()
		}
	}
	if mean := b.pattern.Nnz() / max(1, min(b.rows, b.cols)); best > 8 && best > 2*mean {
		both, err := b.colored(ctx, sparse.StarBicoloring)
		if err != nil {
			return nil, err
		}
		if both.Colors() < best*3/4 {
			list = append(list, both)
		}
	}
	return list, nil
}

// longest returns the most entries in a column, below which no colouring of rows gets.
func longest(p *sparse.Pattern) int {
	n := make([]int32, p.Cols)
	for _, j := range p.Idx {
		n[j]++
	}
	if len(n) == 0 {
		return 0
	}
	return int(slices.Max(n))
}

// hessian colours for direct recovery and for substitution.
func (b *builder[P]) hessian(ctx context.Context) ([]*sparse.Coloring, error) {
	var list []*sparse.Coloring
	for _, p := range []sparse.Problem{sparse.Star, sparse.Acyclic} {
		if b.o.recovery != nil && *b.o.recovery != p.Recovery {
			continue
		}
		c, err := b.colored(ctx, p)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 || c.Colors() < list[0].Colors() {
			list = append(list, c)
		}
		if c.Colors() <= 2 {
			break
		}
	}
	return list, nil
}

// choose makes the methods and keeps the one that costs least. Predictions
// within a factor of two of the best are settled by running them.
func (b *builder[P]) choose(ctx context.Context, entries []int) (best method[P], all []method[P], err error) {
	defer func() {
		for _, k := range all {
			if err != nil || k != best {
				k.close()
			}
		}
	}()
	if b.parts != nil {
		d, err := newDirect(b.parts, b.form, entries, b.like, b.o.grad)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, d)
		if b.o.mode == Direct || d.predicted() <= b.floor() {
			return d, all, nil
		}
	}
	list, err := b.color(ctx)
	if err != nil {
		return nil, all, err
	}
	for _, c := range list {
		k, err := newColors(b, c)
		if err != nil {
			return nil, all, err
		}
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(a, b method[P]) int { return cmp.Compare(a.predicted(), b.predicted()) })
	return b.fastest(ctx, all), all, ctx.Err()
}

// fastest returns the fastest of the methods whose predictions are close to the best.
func (b *builder[P]) fastest(ctx context.Context, all []method[P]) method[P] {
	near := 1
	for near < len(all) && all[near].predicted() < 2*all[0].predicted() {
		near++
	}
	best, least := all[0], 0.0
	if near == 1 {
		return best
	}
	values := make([]float64, b.form.output.Nnz())
	for _, k := range all[:near] {
		t := fastest(2, func() error { return k.run(ctx, b.like, values) })
		if t > 0 && (least == 0 || t < least) {
			best, least = k, t
		}
	}
	return best
}

// floor is a time below which colours cannot get: they are at least as many as the
// entries of a row, or of a column, and half of that where a matrix is symmetric,
// and a product costs no less than the function.
func (b *builder[P]) floor() float64 {
	row := 0
	for i := range b.pattern.Rows {
		row = max(row, b.pattern.Ptr[i+1]-b.pattern.Ptr[i])
	}
	n := min(row, longest(b.pattern))
	if b.symmetric {
		n = (n + 1) / 2
	}
	return float64(n)*b.primal + machine().entry*float64(b.form.output.Nnz())
}
