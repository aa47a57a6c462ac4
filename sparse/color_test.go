package sparse_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
	"pgregory.net/rapid"
)

var orders = []Order{Natural, LargestFirst, SmallestLast, IncidenceDegree, DynamicLargestFirst, Random}

// Every problem in every order, and by the default portfolio, is solved by
// definition and recovers random values exactly.
func TestColoringsAreRightAndRecover(t *testing.T) {
	for _, problem := range problems {
		t.Run(problem.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := drawPattern(t, problem, 14)
				var opts []Option
				if k := rapid.IntRange(-1, len(orders)-1).Draw(t, "order"); k >= 0 {
					opts = append(opts, WithOrder(orders[k]), WithSeed(rapid.Uint64().Draw(t, "seed")))
				}
				c, err := Color(p, problem, opts...)
				if err != nil {
					t.Fatal(err)
				}
				if !valid(has(p), c) {
					t.Fatalf("wrong: %v %v\n%v", c.ColColor, c.RowColor, p)
				}
				if err := Verify(p, c); err != nil {
					t.Fatal(err)
				}
				if c.Colors() < c.Bound || c.Gap() != c.Colors()-c.Bound {
					t.Fatal(c)
				}
				checkRecovery(t, p, c)
			})
		})
	}
}

// The bounds hold for the best colourings, found by trying all.
func TestBoundsHold(t *testing.T) {
	for _, problem := range problems {
		t.Run(problem.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				size := 5
				if problem.Partition == Bidirectional {
					size = 3
				}
				p := drawPattern(t, problem, size)
				c := must(Color(p, problem, WithOrder(Natural)))
				if best := fewest(p, problem); best < c.Bound || best > c.Colors() {
					t.Fatalf("%d colours are possible, the bound is %d, found %d\n%v", best, c.Bound, c.Colors(), p)
				}
			})
		})
	}
}

// On periodic grids, where each point has as many edges as axes, no acyclic colouring
// takes as few colours as on grids with sides: two classes may span only a forest.
func TestBoundsOnGrids(t *testing.T) {
	for _, c := range []struct {
		p     *Pattern
		bound int
	}{
		{gallery.Laplacian(false, 20, 21), 3}, {gallery.Laplacian(true, 20, 21), 4},
		{gallery.Laplacian(false, 9, 8, 9), 4}, {gallery.Laplacian(true, 9, 8, 9), 5},
		{gallery.Laplacian(false, 90), 2}, {gallery.Laplacian(true, 90), 3},
	} {
		if k := color(t, c.p, Acyclic); k.Bound != c.bound {
			t.Errorf("%d points, %d entries: bound %d, want %d", c.p.Rows, c.p.Nnz(), k.Bound, c.bound)
		}
	}
}

// fewest returns the least number of colours of any colouring.
func fewest(p *Pattern, problem Problem) int {
	a := has(p)
	lines := 0
	if problem.Partition != ByRow {
		lines += p.Cols
	}
	if problem.Partition != ByColumn {
		lines += p.Rows
	}
	best := lines
	color := make([]int32, lines)
	var try func(at int)
	try = func(at int) {
		if at < lines {
			for k := int32(-1); k < 4; k++ {
				color[at] = k
				try(at + 1)
			}
			return
		}
		c := &Coloring{Problem: problem}
		rest := color
		if problem.Partition != ByRow {
			c.ColColor, rest = rest[:p.Cols], rest[p.Cols:]
		}
		if problem.Partition != ByColumn {
			c.RowColor = rest
		}
		used := map[int32]bool{}
		for _, k := range c.ColColor {
			used[k] = true
		}
		for _, k := range c.RowColor {
			if k >= 0 {
				used[k+10] = true
			}
		}
		delete(used, -1)
		if len(used) < best && valid(a, c) {
			best = len(used)
		}
	}
	try(0)
	return best
}

func TestWorkersDoNotMatter(t *testing.T) {
	for _, problem := range problems {
		for name, p := range map[string]*Pattern{
			"grid":        gallery.Laplacian(true, 11, 9),
			"brusselator": gallery.Brusselator(10, false),
			"banded":      gallery.Banded(120, 2, []int{3, 50}, []int{3, 50}),
		} {
			one := color(t, p, problem, WithWorkers(1), WithBudget(5*time.Millisecond))
			for _, workers := range []int{2, 5} {
				c := color(t, p, problem, WithWorkers(workers), WithBudget(5*time.Millisecond))
				one.Seconds, c.Seconds, one.Tried, c.Tried = 0, 0, nil, nil
				if !reflect.DeepEqual(one, c) {
					t.Errorf("%v of %s: %v with one worker, %v with %d", problem, name, one, c, workers)
				}
			}
		}
	}
}

// Stencils, periodic or not, arrowheads and bands with dense lines, for all problems
// that suit them, by default and in every order.
func TestFamilies(t *testing.T) {
	families := map[string]*Pattern{
		"arrow":           gallery.Arrow(30),
		"band":            gallery.Banded(40, 3, nil, nil),
		"band, dense row": gallery.Banded(40, 2, []int{5, 20}, nil),
		"band, both":      gallery.Banded(40, 1, []int{39}, []int{0, 20}),
		"brusselator":     gallery.Brusselator(5, false),
		"interleaved":     gallery.Brusselator(4, true),
	}
	for _, periodic := range []bool{false, true} {
		families[fmt.Sprint("5-point ", periodic)] = gallery.Laplacian(periodic, 7, 8)
		families[fmt.Sprint("7-point ", periodic)] = gallery.Laplacian(periodic, 3, 4, 5)
		families[fmt.Sprint("9-point ", periodic)] = gallery.Moore(periodic, 7, 6)
		families[fmt.Sprint("27-point ", periodic)] = gallery.Moore(periodic, 3, 4, 4)
	}
	for name, p := range families {
		t.Run(name, func(t *testing.T) {
			for _, problem := range problems {
				if problem.Structure == Symmetric && !p.Symmetric() {
					continue
				}
				checkRecovery(t, p, color(t, p, problem))
				for _, o := range orders {
					c := color(t, p, problem, WithOrder(o))
					if !testing.Short() {
						checkRecovery(t, p, c)
					}
				}
			}
		})
	}
}

// The portfolio is never worse than any of its members, nor a bicolouring than rows
// or columns.
func TestNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, problem := range problems {
			p := drawPattern(t, problem, 14)
			c := must(Color(p, problem))
			for _, o := range orders {
				if one := must(Color(p, problem, WithOrder(o))); one.Colors() < c.Colors() {
					t.Fatalf("%v is worse than %v", c, one)
				}
			}
			for _, try := range c.Tried {
				if try.Colors > 0 && try.Colors < c.Colors() {
					t.Fatalf("%v is worse than %+v", c, try)
				}
			}
			if problem.Partition == Bidirectional {
				least := min(must(Color(p, Columns)).Colors(), must(Color(p, Rows)).Colors())
				if c.Colors() > least {
					t.Fatalf("%v, but %d one way", c, least)
				}
			}
		}
	})
}

func TestSpecialShapes(t *testing.T) {
	for name, p := range map[string]*Pattern{
		"nothing": EmptyPattern(0, 0), "no rows": EmptyPattern(0, 5), "no columns": EmptyPattern(5, 0),
		"no entries": EmptyPattern(4, 4), "one entry": Dense(1, 1), "a row": Dense(1, 70), "a column": Dense(70, 1),
		"full": Dense(70, 70), "empty lines": must(NewPattern(4, 4, []int{0, 0, 2, 2, 2}, []int32{1, 3})),
		"no diagonal": must(NewPattern(2, 2, []int{0, 1, 2}, []int32{1, 0})),
	} {
		for _, problem := range problems {
			if problem.Structure == Symmetric && !p.Symmetric() {
				continue
			}
			c := color(t, p, problem)
			if p.Nnz() == 0 && c.Colors() != 0 {
				t.Errorf("%s: %v", name, c)
			}
			checkRecovery(t, p, c)
		}
	}
	if c := color(t, Dense(70, 70), Columns); c.Colors() != 70 || c.Gap() != 0 {
		t.Error(c)
	}
	if c := color(t, Dense(70, 1), StarBicoloring); c.Colors() != 1 {
		t.Error(c)
	}
}

func TestSizeLimits(t *testing.T) {
	wide := &Pattern{Rows: 1, Cols: 1 << 30, Ptr: []int{0, 1}, Idx: []int32{5}}
	var l *LimitError
	if _, err := Color(wide, Columns); !errors.As(err, &l) {
		t.Error(err)
	}
}

func TestProblemErrors(t *testing.T) {
	if _, err := Color(Dense(2, 2), Columns, nil); err != nil {
		t.Errorf("a nil option: %v", err)
	}
	unsymmetric := must(NewPattern(2, 2, []int{0, 1, 1}, []int32{1}))
	for _, c := range []struct {
		p       *Pattern
		problem Problem
		opts    []Option
	}{
		{Dense(2, 3), Star, nil},
		{unsymmetric, Acyclic, nil},
		{Dense(2, 2), Problem{Symmetric, Bidirectional, Direct}, nil},
		{Dense(2, 2), Problem{General, ByColumn, Substitution}, nil},
		{Dense(2, 2), Columns, []Option{WithOrder()}},
		{Dense(2, 2), Columns, []Option{WithOrder(99)}},
		{Dense(2, 2), Columns, []Option{WithWorkers(0)}},
		{Dense(2, 2), Columns, []Option{WithBudget(-1)}},
		{Dense(2, 2), Columns, []Option{WithGrid(2, 0)}},
	} {
		var e *ProblemError
		if _, err := Color(c.p, c.problem, c.opts...); !errors.As(err, &e) {
			t.Errorf("%v: %v", c.problem, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, p := range problems {
		if q, err := ParseProblem(p.String()); err != nil || q != p {
			t.Errorf("%v: %v, %v", p, q, err)
		}
	}
	for _, o := range orders {
		if q, err := ParseOrder(o.String()); err != nil || q != o {
			t.Errorf("%v: %v, %v", o, q, err)
		}
	}
	if _, err := ParseProblem("rainbow"); err == nil {
		t.Error("an unknown problem")
	}
	if _, err := ParseOrder("rainbow"); err == nil {
		t.Error("an unknown order")
	}
}

func TestContextEndsTheSearch(t *testing.T) {
	p := gallery.Brusselator(300, false)
	for _, problem := range problems {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := ColorContext(ctx, p, problem); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: %v", problem, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := ColorContext(ctx, p, StarBicoloring, WithBudget(time.Hour))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

func TestVerifyRefuses(t *testing.T) {
	p := gallery.Laplacian(false, 5, 5)
	for name, spoil := range map[string]func(c *Coloring){
		"colour out of range": func(c *Coloring) { c.ColColor[3] = int32(c.ColColors) },
		"colour below -1":     func(c *Coloring) { c.ColColor[3] = -2 },
		"missing colours":     func(c *Coloring) { c.ColColor = c.ColColor[1:] },
		"too many colours":    func(c *Coloring) { c.ColColors = 1000 },
		"another shape":       func(c *Coloring) { c.Rows++ },
		"colours for rows":    func(c *Coloring) { c.RowColor = c.ColColor },
		"no colour":           func(c *Coloring) { c.ColColor[7] = -1 },
		"a neighbour's":       func(c *Coloring) { c.ColColor[7] = c.ColColor[8] },
	} {
		for _, problem := range []Problem{Columns, Star, Acyclic} {
			c := color(t, p, problem)
			spoil(c)
			var e *ConflictError
			if err := Verify(p, c); !errors.As(err, &e) || e.Problem != problem {
				t.Errorf("%s, %v: %v", name, problem, err)
			}
		}
	}
	if Verify(p, nil) == nil {
		t.Error("a nil colouring")
	}
	if Verify(nil, color(t, p, Columns)) == nil {
		t.Error("a nil pattern")
	}
}

// A dense row determines the number of colours, and must not cost its square: with
// the row below, 6·10¹¹ steps.
func TestDenseRowTakesLinearTime(t *testing.T) {
	n := 800_000
	if testing.Short() {
		n = 80_000
	}
	p := gallery.Banded(n, 0, []int{n / 2}, nil)
	begin := time.Now()
	for _, problem := range problems {
		if problem.Structure == Symmetric {
			continue
		}
		c := color(t, p, problem)
		want := n
		if problem.Partition == Bidirectional || problem == Rows {
			want = 2
		}
		if c.Colors() != want {
			t.Errorf("%v, want %d", c, want)
		}
	}
	arrow := must(p.Symmetrize())
	for _, problem := range []Problem{Star, Acyclic} {
		if c := color(t, arrow, problem); c.Colors() != 2 {
			t.Error(c)
		}
	}
	// Two hubs that are no neighbours: largest-first and the natural order give the
	// leaves a colour each, and must give up instead.
	hubs := &COO[float32]{Rows: n / 4, Cols: n / 4}
	for i := range hubs.Rows {
		for h := range 2 {
			if i > 1 {
				hubs.Append(h, i, 1)
				hubs.Append(i, h, 1)
			}
		}
	}
	for _, problem := range problems {
		if problem.Structure == Symmetric || problem.Partition == Bidirectional {
			if c := color(t, must(hubs.Pattern()), problem); c.Colors() > 4 {
				t.Error(c)
			}
		}
	}
	if d := time.Since(begin); d > time.Minute {
		t.Errorf("took %v", d)
	}
}

// The matrix that ColPack needs more than a second for.
func TestOneRowOfMany(t *testing.T) {
	ptr, idx := []int{0}, []int32{}
	for i := range 25 {
		for j := range 10524 {
			if i == 0 && j < 10500 || i > 0 && j%25 == i && j < 2500 {
				idx = append(idx, int32(j))
			}
		}
		ptr = append(ptr, len(idx))
	}
	p := must(NewPattern(25, 10524, ptr, idx))
	for _, o := range orders {
		if c := color(t, p, Columns, WithOrder(o)); c.Colors() != 10500 || c.Gap() != 0 {
			t.Error(c)
		}
	}
}

func TestGroups(t *testing.T) {
	p := gallery.Banded(30, 1, []int{4}, nil)
	c := color(t, p, StarBicoloring)
	for name, side := range map[string]struct {
		groups [][]int32
		color  []int32
	}{"columns": {c.ColGroups(), c.ColColor}, "rows": {c.RowGroups(), c.RowColor}} {
		seen := make([]int32, len(side.color))
		for v := range seen {
			seen[v] = -1
		}
		for k, g := range side.groups {
			for _, v := range g {
				seen[v] = int32(k)
			}
		}
		if !slices.Equal(seen, side.color) {
			t.Errorf("%s: %v, want %v", name, seen, side.color)
		}
	}
	if s := c.String(); s == "" || fmt.Sprint(c.Problem) != "star bicolouring" {
		t.Error(s)
	}
}
