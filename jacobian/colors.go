// Entries by colours: products into buffers that are kept, entries out of them.

package jacobian

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// colors computes products of all colours and recovers the entries from them.
type colors[P any] struct {
	plan     *sparse.Plan
	col, row *sweep[P]
	seconds  float64

	frames idle[frame]
}

// frame holds the products of one run in progress.
type frame struct{ col, row products }

// products is memory for all products of one side, of which each chunk computes a
// part.
type products struct {
	all    *hosted
	chunks []*array
	values []float64
}

// newColors makes the programs of a colouring.
func newColors[P any](b *builder[P], c *sparse.Coloring) (*colors[P], error) {
	plan, err := sparse.NewPlan(b.pattern, c, sparse.PlanOptions{Layout: sparse.Stacked, Triangle: b.o.triangle, ByColumn: b.o.byColumn})
	if err != nil {
		return nil, err
	}
	k := &colors[P]{plan: plan}
	if k.col, err = newSweep(b, b.forward, c.ColColor, c.ColColors, b.rows); err != nil {
		return nil, err
	}
	if k.row, err = newSweep(b, b.reverse, c.RowColor, c.RowColors, b.cols); err != nil {
		k.close()
		return nil, err
	}
	r := machine()
	for _, s := range k.sweeps() {
		k.seconds += s.predicted()
	}
	_, subtractions, _ := k.plan.Substitutions()
	k.seconds += r.entry * float64(k.plan.Output().Nnz()+2*subtractions)
	return k, nil
}

func (k *colors[P]) predicted() float64 { return k.seconds }

// sweeps lists the sides that there are.
func (k *colors[P]) sweeps() (list []*sweep[P]) {
	for _, s := range []*sweep[P]{k.col, k.row} {
		if s != nil && s.program != nil {
			list = append(list, s)
		}
	}
	return list
}

func (k *colors[P]) run(ctx context.Context, x P, values []float64) error {
	f, err := k.frames.take(k.memory)
	if err != nil {
		return err
	}
	defer k.frames.give(f)
	if err := k.col.run(ctx, x, &f.col); err != nil {
		return err
	}
	if err := k.row.run(ctx, x, &f.row); err != nil {
		return err
	}
	return sparse.Recover(k.plan, values, f.col.values, f.row.values)
}

// run computes the products, chunk by chunk.
func (s *sweep[P]) run(ctx context.Context, x P, to *products) error {
	for i, colors := range s.chunks {
		if err := s.program.RunInto(ctx, to.chunks[i], sweepArg[P]{x, s.line, colors}); err != nil {
			return err
		}
	}
	if to.all == nil {
		return nil
	}
	err := to.all.fetch()
	runtime.KeepAlive(to.all)
	return err
}

// memory returns room for the products.
func (s *sweep[P]) memory() (products, error) {
	var m products
	if s.program == nil {
		return m, nil
	}
	width := s.chunks[0].Size()
	var err error
	if m.all, err = newHosted(s.line, len(s.chunks)*width, s.rows); err != nil {
		return m, err
	}
	if len(s.chunks) == 1 {
		m.chunks = []*array{m.all.array} // a view of one element would have memory of its own
	}
	for i := range len(s.chunks) - len(m.chunks) {
		m.chunks = append(m.chunks, m.all.array.Index(tensor.Range(i*width, (i+1)*width)))
	}
	m.values = m.all.values[:s.colors*s.rows]
	return m, nil
}

// memory returns room for the products of both sides.
func (k *colors[P]) memory() (*frame, error) {
	f := new(frame)
	var err error
	if f.col, err = k.col.memory(); err != nil {
		return nil, err
	}
	f.row, err = k.row.memory()
	return f, err
}

func (k *colors[P]) native(ctx context.Context) error {
	for _, s := range k.sweeps() {
		if err := s.program.Native(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (k *colors[P]) close() {
	for _, s := range k.sweeps() {
		s.program.Close()
	}
}

func (k *colors[P]) how(what string) string {
	c, p := k.plan.Coloring(), k.plan.Pattern()
	kind := "JVPs"
	if what == "Hessian" {
		kind = "HVPs"
	}
	switch {
	case c.RowColors == 0:
		return fmt.Sprintf("%d %s instead of %d", c.ColColors, kind, p.Cols)
	case c.ColColors == 0:
		return fmt.Sprintf("%d VJPs instead of %d", c.RowColors, p.Rows)
	}
	return fmt.Sprintf("%d JVPs and %d VJPs instead of %d", c.ColColors, c.RowColors, min(p.Rows, p.Cols))
}

func (k *colors[P]) name() string {
	c := k.plan.Coloring()
	return fmt.Sprintf("%v with %s", c.Problem, times(c.Colors(), "colour"))
}

func (k *colors[P]) details(b *strings.Builder) {
	c := k.plan.Coloring()
	fmt.Fprintf(b, "  colouring: %v, %s, bound %d", c.Problem, c.Method, c.Bound)
	if c.Lattice != nil {
		fmt.Fprintf(b, ", %v", c.Lattice)
	}
	fmt.Fprintln(b)
	for _, s := range k.sweeps() {
		side := "forward"
		if s == k.row {
			side = "reverse"
		}
		stats := s.program.Stats()
		fmt.Fprintf(b, "  %s sweep: %s of %s, %s, %s of memory\n", side,
			times(len(s.chunks), "chunk"), times(s.chunks[0].Size(), "colour"), times(stats.Instructions, "instruction"), bytes(stats.ArenaBytes))
	}
	if values, subtractions, depth := k.plan.Substitutions(); values > 0 {
		fmt.Fprintf(b, "  substitution: %s values from others, %s subtractions, chains of up to %d\n", count(values), count(subtractions), depth)
	}
}
