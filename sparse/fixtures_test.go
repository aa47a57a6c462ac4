// What the tests share: random patterns, and dense matrices to compare with.

package sparse_test

import (
	"math/rand/v2"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
	"pgregory.net/rapid"
)

// problems are all there are.
var problems = []Problem{Columns, Rows, Star, Acyclic, StarBicoloring, AcyclicBicoloring}

// drawPattern draws a pattern of at most size x size that suits the problem, lines
// without entries and dense lines included.
func drawPattern(t *rapid.T, problem Problem, size int) *Pattern {
	rows := rapid.IntRange(0, size).Draw(t, "rows")
	cols := rapid.IntRange(0, size).Draw(t, "cols")
	if problem.Structure == Symmetric {
		cols = rows
	}
	density := rapid.SampledFrom([]float64{0, 0.1, 0.2, 0.4, 1}).Draw(t, "density")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	p := gallery.Random(rng, rows, cols, density, false)
	if rows > 0 && cols > 0 && rapid.Bool().Draw(t, "dense row") {
		full := Dense(1, cols)
		ptr := make([]int, rows+1)
		i := rng.IntN(rows)
		for r := range rows {
			ptr[r+1] = ptr[r]
			if r == i {
				ptr[r+1] += cols
			}
		}
		line := must(NewPattern(rows, cols, ptr, full.Idx))
		p = must(p.Union(line))
	}
	if problem.Structure == Symmetric {
		p = must(p.Symmetrize())
	}
	return p
}

// must returns v; an error is a defect of the test.
func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

// values returns random integers from -9 to 9 for the pattern: sums and differences
// of them are exact. Symmetric ones get a symmetric matrix.
func values(p *Pattern, symmetric bool, seed uint64) *CSR[float64] {
	rng := rand.New(rand.NewPCG(seed, 2))
	m := NewCSR[float64](p)
	for k := range m.Val {
		m.Val[k] = float64(rng.IntN(19) - 9)
	}
	if symmetric {
		mirror, _ := p.Mirror()
		for k, at := range mirror {
			m.Val[k] = m.Val[min(k, int(at))]
		}
	}
	return m
}

// dense returns the matrix with zeros written out.
func dense(m *CSR[float64]) [][]float64 {
	d := make([][]float64, m.Rows)
	for i := range d {
		d[i] = make([]float64, m.Cols)
		for k := m.Ptr[i]; k < m.Ptr[i+1]; k++ {
			d[i][m.Idx[k]] += m.Val[k]
		}
	}
	return d
}

// has returns the pattern as a table.
func has(p *Pattern) [][]bool {
	d := make([][]bool, p.Rows)
	for i := range d {
		d[i] = make([]bool, p.Cols)
		for _, j := range p.Row(i) {
			d[i][j] = true
		}
	}
	return d
}

// color colours, verifies, and fails the test if anything is wrong.
func color(t testing.TB, p *Pattern, problem Problem, opts ...Option) *Coloring {
	t.Helper()
	c, err := Color(p, problem, opts...)
	if err != nil {
		t.Fatalf("%v: %v", problem, err)
	}
	if err := Verify(p, c); err != nil {
		t.Fatal(err)
	}
	if c.Colors() < c.Bound {
		t.Fatalf("%v is under the bound", c)
	}
	return c
}
