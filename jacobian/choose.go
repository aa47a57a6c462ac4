// Which mode, colouring and recovery: candidates are predicted by their programs'
// costs, and near ones measured.

package jacobian

import (
	"context"
	"slices"

	"github.com/cotangent-ad/cotangent/sparse"
)

// builder makes candidates for one function.
type builder[P any] struct {
	forward, reverse func(a sweepArg[P]) *array
	like             P
	pattern          *sparse.Pattern
	rows, cols       int
	tolerance        float64 // of a product, relative
	o                *options
}

// candidate is a way to compute the entries.
type candidate[P any] struct {
	plan      *sparse.Plan
	col, row  *sweep[P]
	predicted float64 // seconds of a run
}

// color solves a colouring problem for the pattern.
func (b *builder[P]) color(ctx context.Context, problem sparse.Problem) (*sparse.Coloring, error) {
	return sparse.ColorContext(ctx, b.pattern, problem, b.o.color...)
}

// build makes the programs of a colouring.
func (b *builder[P]) build(c *sparse.Coloring) (*candidate[P], error) {
	plan, err := sparse.NewPlan(b.pattern, c, sparse.PlanOptions{Layout: sparse.Stacked, Triangle: b.o.triangle, ByColumn: b.o.byColumn})
	if err != nil {
		return nil, err
	}
	k := &candidate[P]{plan: plan}
	if k.col, err = newSweep(b.forward, b.like, c.ColColor, c.ColColors, b.rows, b.o); err != nil {
		return nil, err
	}
	if k.row, err = newSweep(b.reverse, b.like, c.RowColor, c.RowColors, b.cols, b.o); err != nil {
		return nil, err
	}
	k.predicted = k.predict()
	return k, nil
}

func (k *candidate[P]) predict() float64 {
	r := machine()
	t := 0.0
	for _, s := range []*sweep[P]{k.col, k.row} {
		if s.program != nil {
			t += float64(len(s.chunks)) * r.predict(s.program.Graph())
		}
	}
	_, subtractions, _ := k.plan.Substitutions()
	return t + r.entry*float64(k.plan.Output().Nnz()+2*subtractions)
}

func (k *candidate[P]) close() {
	for _, s := range []*sweep[P]{k.col, k.row} {
		if s.program != nil {
			s.program.Close()
		}
	}
}

// problems returns the colourings to consider, after some thought.
func (b *builder[P]) problems(ctx context.Context) ([]*sparse.Coloring, error) {
	one := func(p sparse.Problem) ([]*sparse.Coloring, error) {
		c, err := b.color(ctx, p)
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
	return b.jacobian(ctx)
}

// jacobian colours columns; rows where they can do with fewer colours, for a
// product costs more in reverse; and both where dense lines make either dear.
func (b *builder[P]) jacobian(ctx context.Context) ([]*sparse.Coloring, error) {
	columns, err := b.color(ctx, sparse.Columns)
	if err != nil {
		return nil, err
	}
	list := []*sparse.Coloring{columns}
	best := columns.Colors()
	if longest(b.pattern) < best {
		rows, err := b.color(ctx, sparse.Rows)
		if err != nil {
			return nil, err
		}
		if rows.Colors() < best {
			list, best = append(list, rows), rows.Colors()
		}
	}
	if mean := b.pattern.Nnz() / max(1, min(b.rows, b.cols)); best > 8 && best > 2*mean {
		both, err := b.color(ctx, sparse.StarBicoloring)
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
		c, err := b.color(ctx, p)
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

// choose builds the candidates and keeps the one that costs least. Predictions
// within a factor of two of the best are settled by running them.
func (b *builder[P]) choose(ctx context.Context, list []*sparse.Coloring) (*candidate[P], []*candidate[P], error) {
	var all []*candidate[P]
	for _, c := range list {
		k, err := b.build(c)
		if err != nil {
			for _, k := range all {
				k.close()
			}
			return nil, nil, err
		}
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(a, b *candidate[P]) int {
		if a.predicted < b.predicted {
			return -1
		}
		return 1
	})
	near := all[:1]
	for len(near) < len(all) && all[len(near)].predicted < 2*all[0].predicted {
		near = all[:len(near)+1]
	}
	best := all[0]
	if len(near) > 1 {
		least := 0.0
		for _, k := range near {
			p := &Prepared[P]{candidate: k}
			values := make([]float64, k.plan.Output().Nnz())
			t := fastest(2, func() error { return p.Run(ctx, b.like, values) })
			if t > 0 && (least == 0 || t < least) {
				best, least = k, t
			}
		}
	}
	for _, k := range all {
		if k != best {
			k.close()
		}
	}
	return best, all, ctx.Err()
}
