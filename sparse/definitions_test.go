// The problems' definitions once more, by exhaustive search on small matrices: the
// judge of Verify.

package sparse_test

import (
	"math/rand/v2"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"pgregory.net/rapid"
)

// valid decides by definition whether the colouring solves its problem.
func valid(a [][]bool, c *Coloring) bool {
	switch c.Problem {
	case Columns:
		return allDiffer(a, c.ColColor, false)
	case Rows:
		return allDiffer(a, c.RowColor, true)
	case Star:
		return proper(a, c.ColColor) && !fourPath(a, c.ColColor)
	case Acyclic:
		return proper(a, c.ColColor) && !cycle(a, c.ColColor)
	case StarBicoloring:
		return readable(a, c)
	default:
		return substitutable(a, c)
	}
}

// allDiffer: entries in the same row are in columns of different colours (or the
// transpose of that).
func allDiffer(a [][]bool, color []int32, transposed bool) bool {
	at := func(i, j int) bool {
		if transposed {
			return a[j][i]
		}
		return a[i][j]
	}
	lines := 0
	if len(a) > 0 {
		lines = len(a[0])
	}
	if !transposed {
		lines = len(a)
	}
	for i := range lines {
		for j := range color {
			if at(i, j) && color[j] < 0 {
				return false
			}
			for k := range j {
				if at(i, j) && at(i, k) && color[j] == color[k] {
					return false
				}
			}
		}
	}
	return true
}

// proper: neighbours differ, and everything with an entry has a colour.
func proper(a [][]bool, color []int32) bool {
	for i := range a {
		for j := range a {
			if a[i][j] && (color[i] < 0 || i != j && color[i] == color[j]) {
				return false
			}
		}
	}
	return true
}

// fourPath looks for a path of four vertices with two colours.
func fourPath(a [][]bool, color []int32) bool {
	n := len(a)
	for u := range n {
		for v := range n {
			for w := range n {
				for x := range n {
					if u != v && u != w && u != x && v != w && v != x && w != x && a[u][v] && a[v][w] && a[w][x] &&
						color[u] == color[w] && color[v] == color[x] {
						return true
					}
				}
			}
		}
	}
	return false
}

// cycle looks for a cycle with two colours, by depth-first search among each two.
func cycle(a [][]bool, color []int32) bool {
	n := len(a)
	for c := range int32(n) {
		for d := range c {
			seen := make([]bool, n)
			var walk func(v, from int) bool
			walk = func(v, from int) bool {
				seen[v] = true
				for u := range n {
					if u == v || u == from || !a[v][u] || color[u] != c && color[u] != d {
						continue
					}
					if seen[u] || walk(u, v) {
						return true
					}
				}
				return false
			}
			for v := range n {
				if !seen[v] && (color[v] == c || color[v] == d) && walk(v, -1) {
					return true
				}
			}
		}
	}
	return false
}

// single says whether entry (i, j) is the only one of those still unknown in its
// column product (or row product).
func single(unknown [][]bool, c *Coloring, i, j int, byRow bool) bool {
	if byRow {
		if c.RowColor[i] < 0 {
			return false
		}
		for k := range unknown {
			if k != i && unknown[k][j] && c.RowColor[k] == c.RowColor[i] {
				return false
			}
		}
		return true
	}
	if c.ColColor[j] < 0 {
		return false
	}
	for k := range unknown[i] {
		if k != j && unknown[i][k] && c.ColColor[k] == c.ColColor[j] {
			return false
		}
	}
	return true
}

func readable(a [][]bool, c *Coloring) bool {
	for i := range a {
		for j := range a[i] {
			if a[i][j] && !single(a, c, i, j, false) && !single(a, c, i, j, true) {
				return false
			}
		}
	}
	return true
}

func substitutable(a [][]bool, c *Coloring) bool {
	unknown := make([][]bool, len(a))
	left := 0
	for i := range a {
		unknown[i] = append([]bool(nil), a[i]...)
		for _, b := range a[i] {
			if b {
				left++
			}
		}
	}
	for more := true; more; {
		more = false
		for i := range a {
			for j := range a[i] {
				if unknown[i][j] && (single(unknown, c, i, j, false) || single(unknown, c, i, j, true)) {
					unknown[i][j], more = false, true
					left--
				}
			}
		}
	}
	return left == 0
}

// randomColoring makes a colouring up, right or wrong.
func randomColoring(t *rapid.T, p *Pattern, problem Problem) *Coloring {
	c := &Coloring{Problem: problem, Rows: p.Rows, Cols: p.Cols}
	side := func(n int) ([]int32, int) {
		k := rapid.IntRange(0, n).Draw(t, "colours")
		none := rapid.Bool().Draw(t, "some without")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "colour seed"), 3))
		color := make([]int32, n)
		for v := range color {
			color[v] = -1
			if k > 0 && (!none || rng.IntN(3) > 0) {
				color[v] = int32(rng.IntN(k))
			}
		}
		return color, k
	}
	if problem.Partition != ByRow {
		c.ColColor, c.ColColors = side(p.Cols)
	}
	if problem.Partition != ByColumn {
		c.RowColor, c.RowColors = side(p.Rows)
	}
	return c
}

func TestVerifyAgreesWithDefinitions(t *testing.T) {
	accepted := map[Problem]int{}
	for _, problem := range problems {
		t.Run(problem.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				p := drawPattern(t, problem, 14)
				var c *Coloring
				if rapid.Bool().Draw(t, "made up") {
					c = randomColoring(t, p, problem)
				} else {
					// A right one, with one line changed.
					c = must(Color(p, problem, WithOrder(Natural)))
					if n := len(c.ColColor); n > 0 && c.ColColors > 0 {
						c.ColColor[rapid.IntRange(0, n-1).Draw(t, "line")] = int32(rapid.IntRange(-1, c.ColColors-1).Draw(t, "colour"))
					}
				}
				err := Verify(p, c)
				if want := valid(has(p), c); (err == nil) != want {
					t.Fatalf("Verify says %v, the definition %v\n%v\n%v %v", err, want, p, c.ColColor, c.RowColor)
				}
				if err == nil {
					accepted[problem]++
				}
			})
		})
		if accepted[problem] == 0 {
			t.Errorf("%v: no colouring was right", problem)
		}
	}
}
