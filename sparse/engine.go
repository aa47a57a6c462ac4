// One greedy colouring of each kind behind one interface, so that orders,
// portfolio and iteration are written once.

package sparse

import "math"

// engine colours greedily in a given order; it holds working storage, which makes
// it cheap to run again and unfit for concurrent use.
type engine interface {
	// run returns the colouring, or nil if it was stopped or gave up.
	run(order []int32, halt *halter) *attempt
	// graph is what orders are made from.
	graph() adjacency
	size() int
	// classes returns the colour of each vertex, for orders by colour class.
	classes(a *attempt) ([]int32, int)
}

// Some orders make some matrices quadratic: where a dense line's neighbours all get
// colours of their own, each looks at those of all before it. Members of a portfolio
// give up after so many steps, and so many an entry.
const (
	maxSteps      = 1 << 25
	maxStepsEntry = 64
)

// engine returns the greedy method of the instance's problem.
func (in *instance) engine() engine {
	limit := in.limit()
	switch in.problem {
	case Star:
		g := newStarGreedy(in.p, in.p.Rows)
		g.limit = limit
		return &symmetricEngine{g: in.p, greedy: g.run}
	case Acyclic:
		g := newAcyclicGreedy(in.p, in.p.Rows)
		g.limit = limit
		return &symmetricEngine{g: in.p, greedy: g.run}
	case StarBicoloring, AcyclicBicoloring:
		b, rows := bordered(in.p, in.byCol())
		g := newCoverGreedy(b, rows, in.problem == StarBicoloring)
		g.limit = limit
		return &borderedEngine{in: in, g: b, greedy: g.run}
	default:
		return &columnEngine{newColumnGreedy(in.p, in.byCol())}
	}
}

// limit returns how many steps a member may take.
func (in *instance) limit() int {
	if in.settings.chosen || in.unlimited {
		return math.MaxInt
	}
	return maxSteps + maxStepsEntry*in.p.Nnz()
}

// borderedEngine colours every line, and drops colours only afterwards: another
// way to a bicolouring, better for some matrices.
func (in *instance) borderedEngine() engine {
	b, rows := bordered(in.p, in.byCol())
	if in.problem == StarBicoloring {
		g := newStarGreedy(b, rows)
		g.limit = in.limit()
		return &borderedEngine{in: in, g: b, greedy: g.run}
	}
	g := newAcyclicGreedy(b, rows)
	g.limit = in.limit()
	return &borderedEngine{in: in, g: b, greedy: g.run}
}

// cost estimates, in nanoseconds, the making of an order and a greedy run. The
// constants were measured on a machine of 2023; they steer the budget and need no
// precision.
func (in *instance) cost(o Order) (order, greedy float64) {
	n, nnz := float64(in.p.Rows+in.p.Cols), float64(in.p.Nnz())
	degree := min(nnz/max(n/2, 1), 64)
	neighbours := nnz
	switch in.problem {
	case Columns:
		// Beyond the first word of colours, about as many steps as there are words.
		greedy = 5*n + (4+8*math.Log2(1+float64(in.bound/windowColors)))*nnz
		neighbours = min(float64(in.squares()), maxLine*nnz)
	case Star, Acyclic:
		greedy = 10*n + (12+2*degree)*nnz
	default:
		greedy = 20*n + 2*(20+2*degree)*nnz
		neighbours = 2 * nnz
	}
	// Orders that move vertices between lists are bound by memory once these outgrow
	// the caches.
	move := 8 + 16*min(n/500e3, 1)
	switch o {
	case Natural:
	case Random:
		order = 10*n + greedy
	case LargestFirst:
		order = 5*n + 2*neighbours
	case DynamicLargestFirst:
		order = 20*n + 2*move*neighbours
	default:
		order = 20*n + move*neighbours
	}
	return order, greedy
}

type columnEngine struct{ g *columnGreedy }

func (e *columnEngine) run(order []int32, halt *halter) *attempt {
	color := make([]int32, e.g.p.Cols)
	n, ok := e.g.run(color, order, halt)
	if !ok {
		return nil
	}
	return &attempt{col: color, cols: n}
}

func (e *columnEngine) graph() adjacency                  { return newMeeting(e.g.p, e.g.byCol) }
func (e *columnEngine) size() int                         { return e.g.p.Cols }
func (e *columnEngine) classes(a *attempt) ([]int32, int) { return a.col, a.cols }

type symmetricEngine struct {
	g      *Pattern
	greedy func(color, order []int32, halt *halter) (int, bool)
}

func (e *symmetricEngine) run(order []int32, halt *halter) *attempt {
	color := make([]int32, e.g.Rows)
	n, ok := e.greedy(color, order, halt)
	if !ok {
		return nil
	}
	return &attempt{col: color, cols: n}
}

func (e *symmetricEngine) graph() adjacency                  { return joined{e.g} }
func (e *symmetricEngine) size() int                         { return e.g.Rows }
func (e *symmetricEngine) classes(a *attempt) ([]int32, int) { return a.col, a.cols }

type borderedEngine struct {
	in     *instance
	g      *Pattern
	greedy func(color, order []int32, halt *halter) (int, bool)
}

func (e *borderedEngine) run(order []int32, halt *halter) *attempt {
	color := make([]int32, e.g.Rows)
	top, ok := e.greedy(color, order, halt)
	if !ok {
		return nil
	}
	a := &attempt{}
	a.row, a.col, a.rows, a.cols = neutralize(e.in.p, e.in.byCol(), color, top)
	return a
}

func (e *borderedEngine) graph() adjacency { return joined{e.g} }
func (e *borderedEngine) size() int        { return e.g.Rows }

// classes numbers row colours, then column colours, then the lines without one.
func (e *borderedEngine) classes(a *attempt) ([]int32, int) {
	class := make([]int32, 0, e.g.Rows)
	none := int32(a.rows + a.cols)
	add := func(color []int32, base int) {
		for _, c := range color {
			if c < 0 {
				class = append(class, none)
			} else {
				class = append(class, c+int32(base))
			}
		}
	}
	add(a.row, 0)
	add(a.col, a.rows)
	return class, int(none) + 1
}
