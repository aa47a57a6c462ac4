// The result of a colouring.

package sparse

import (
	"fmt"
	"strings"
	"time"
)

// Coloring assigns colours to the columns, to the rows, or to both. The columns of
// one colour are multiplied together: they are one seed. A line whose colour is -1
// is in no seed: it has no entries, or the other side's colours determine them.
type Coloring struct {
	Problem    Problem
	Rows, Cols int

	// ColColor has a colour below ColColors for each column, RowColor one below
	// RowColors for each row; nil where the problem does not colour that side.
	// Symmetric problems colour columns.
	ColColor, RowColor   []int32
	ColColors, RowColors int

	Bound   int     // no colouring of this problem has fewer colours
	Seconds float64 // wall-clock time it took
	Method  string  // what found it: "greedy", "lattice", "iterated greedy", "dense rows apart", ...
	Order   Order   // the order of a greedy method
	Lattice *Lattice
	Tried   []Try // the portfolio's members, in the order in which ties are decided
}

// Try is what one member of the portfolio found.
type Try struct {
	Method  string
	Order   Order
	Colors  int // 0 if it was not run or found nothing
	Seconds float64
}

// Colors returns the number of products needed: seeds from the right and the left.
func (c *Coloring) Colors() int { return c.ColColors + c.RowColors }

// Gap returns how many colours there are above the lower bound; at 0 the colouring
// is known to be optimal.
func (c *Coloring) Gap() int { return c.Colors() - c.Bound }

// String describes the result in a line.
func (c *Coloring) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %d colours", c.Problem, c.Colors())
	if c.Problem.Partition == Bidirectional {
		fmt.Fprintf(&b, " (%d columns, %d rows)", c.ColColors, c.RowColors)
	}
	fmt.Fprintf(&b, ", bound %d, by %s", c.Bound, c.Method)
	switch {
	case c.Lattice != nil:
		fmt.Fprintf(&b, " %v", c.Lattice)
	case c.Method == methodGreedy:
		fmt.Fprintf(&b, " (%v)", c.Order)
	}
	fmt.Fprintf(&b, ", %v", time.Duration(c.Seconds*float64(time.Second)).Round(time.Microsecond))
	return b.String()
}

// ColGroups returns the columns of each colour.
func (c *Coloring) ColGroups() [][]int32 { return groups(c.ColColor, c.ColColors) }

// RowGroups returns the rows of each colour.
func (c *Coloring) RowGroups() [][]int32 { return groups(c.RowColor, c.RowColors) }

func groups(color []int32, colors int) [][]int32 {
	size := make([]int, colors)
	for _, c := range color {
		if c >= 0 {
			size[c]++
		}
	}
	all := make([]int32, len(color))
	g := make([][]int32, colors)
	for c, n := range size {
		g[c], all = all[:0:n], all[n:]
	}
	for v, c := range color {
		if c >= 0 {
			g[c] = append(g[c], int32(v))
		}
	}
	return g
}
