// The search for a colouring: a portfolio of methods, and the best of what they
// find.

package sparse

import (
	"context"
	"sync"
	"time"
)

// Names of methods.
const (
	methodGreedy   = "greedy"
	methodLattice  = "lattice"
	methodIterated = "iterated greedy"
	methodBordered = "greedy on all lines"
	methodApart    = "dense rows apart"
	methodApartT   = "dense columns apart"
	methodColumns  = "columns only"
	methodRows     = "rows only"
)

// What 32-bit indices of twice as many things allow.
const (
	maxEntries = 1<<30 - 1
	maxLines   = 1 << 29
)

// Color solves a colouring problem for a pattern. See ColorContext.
func Color(p *Pattern, problem Problem, opts ...Option) (*Coloring, error) {
	return ColorContext(context.Background(), p, problem, opts...)
}

// ColorContext solves a colouring problem for a pattern. By default it tries
// lattices (optimal where they exist), greedy colourings in several orders, and
// greedy colourings again in orders made from the best one's classes (Culberson
// 1992), in parallel, until the lower bound or the budget is reached. The result is
// never worse than its best member; a bicolouring never worse than rows or columns
// alone. Equal calls give equal results, whatever the number of workers.
//
// Errors: *StructureError for an invalid pattern, *ProblemError for a problem that
// makes no sense for it or a bad option, *LimitError for more than 2³⁰ entries or 2²⁹
// rows and columns, and the context's error once it ends.
func ColorContext(ctx context.Context, p *Pattern, problem Problem, opts ...Option) (*Coloring, error) {
	begin := time.Now()
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	if err := problem.check(p); err != nil {
		return nil, err
	}
	if p.Nnz() > maxEntries {
		return nil, &LimitError{"number of entries", int64(p.Nnz()), maxEntries}
	}
	if lines := p.Rows + p.Cols; lines > maxLines {
		return nil, &LimitError{"number of rows and columns", int64(lines), maxLines}
	}
	in := &instance{p: p, both: &twin{p: p}, problem: problem, settings: s}
	if problem.Structure == Symmetric && in.byCol() != p {
		return nil, &ProblemError{problem, "the pattern is not symmetric"}
	}
	in.bound = lowerBound(p, problem, in.byCol)
	best, tried, err := in.search(ctx)
	if err != nil {
		return nil, err
	}
	return &Coloring{
		Problem: problem, Rows: p.Rows, Cols: p.Cols,
		ColColor: best.col, RowColor: best.row, ColColors: best.cols, RowColors: best.rows,
		Bound: in.bound, Seconds: time.Since(begin).Seconds(),
		Method: best.method, Order: best.order, Lattice: best.lattice, Tried: tried,
	}, nil
}

// instance is a problem, a pattern, and what all methods need to know of them.
type instance struct {
	p        *Pattern
	both     *twin
	problem  Problem
	bound    int
	settings *settings
	// unlimited: greedy colourings may take as long as they like.
	unlimited bool
}

// twin makes the transpose when it is first asked for: a lattice of columns, which
// may be all that is needed, does without. A symmetric pattern is its own.
type twin struct {
	once, square sync.Once
	p, t         *Pattern
	squares      int
}

// squares returns the sum of the squared numbers of entries of the rows.
func (in *instance) squares() int {
	b := in.both
	b.square.Do(func() { b.squares = squares(b.p) })
	return b.squares
}

// byCol returns the transpose of the instance's pattern.
func (in *instance) byCol() *Pattern {
	b := in.both
	b.once.Do(func() {
		if b.t == nil {
			if b.t = b.p; !b.p.Symmetric() {
				b.t = b.p.Transpose()
			}
		}
	})
	return b.t
}

// attempt is a colouring that a method has found.
type attempt struct {
	col, row   []int32
	cols, rows int
	method     string
	order      Order
	lattice    *Lattice
}

func (a *attempt) colors() int { return a.cols + a.rows }

// transposed returns the instance of the rows of p as columns.
func (in *instance) transposed() *instance {
	t := *in
	t.p = in.byCol()
	t.both = &twin{p: t.p, t: in.p}
	return &t
}

// as returns the instance for another problem.
func (in *instance) as(problem Problem) *instance {
	t := *in
	t.problem = problem
	t.bound = lowerBound(t.p, problem, t.byCol)
	return &t
}

// search runs the portfolio.
func (in *instance) search(ctx context.Context) (*attempt, []Try, error) {
	switch {
	case in.problem == Rows:
		// Rows are the columns of the transpose.
		best, tried, err := in.transposed().as(Columns).search(ctx)
		if err != nil {
			return nil, nil, err
		}
		best.row, best.rows, best.col, best.cols = best.col, best.cols, nil, 0
		return best, tried, nil
	case in.problem.Partition == Bidirectional:
		return in.searchBidirectional(ctx)
	}
	return in.runPortfolio(ctx, nil)
}

// searchBidirectional adds rows alone and columns alone to the portfolio. A side
// that is not coloured is neutral.
func (in *instance) searchBidirectional(ctx context.Context) (*attempt, []Try, error) {
	sides := func(problem Problem, method string) (*attempt, error) {
		a, _, err := in.as(problem).search(ctx)
		if err != nil {
			return nil, err
		}
		if a.col == nil {
			a.col = neutralSide(in.p.Cols)
		}
		if a.row == nil {
			a.row = neutralSide(in.p.Rows)
		}
		a.method = method
		return a, nil
	}
	cols, err := sides(Columns, methodColumns)
	if err != nil {
		return nil, nil, err
	}
	rows, err := sides(Rows, methodRows)
	if err != nil {
		return nil, nil, err
	}
	given := func(a *attempt) *member {
		return &member{method: a.method, order: a.order, run: func(*halter) *attempt { return a }}
	}
	return in.runPortfolio(ctx, []*member{given(cols), given(rows)})
}

func neutralSide(n int) []int32 {
	c := make([]int32, n)
	for v := range c {
		c[v] = -1
	}
	return c
}
