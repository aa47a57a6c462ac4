package gallery

import (
	"math/rand/v2"

	"github.com/cotangent-ad/cotangent/sparse"
)

// Grid is a stencil on a grid of cells in row-major order (the last axis fastest).
type Grid struct {
	Shape    []int
	Periodic bool
	// Offsets are the stencil's steps, one component an axis, the cell itself
	// included if it is to have a diagonal.
	Offsets [][]int
}

// Star returns the offsets of the cell and its two neighbours along each of d axes:
// the 5-point stencil for d = 2, the 7-point stencil for d = 3.
func Star(d int) [][]int {
	off := [][]int{make([]int, d)}
	for a := range d {
		for _, s := range []int{-1, 1} {
			o := make([]int, d)
			o[a] = s
			off = append(off, o)
		}
	}
	return off
}

// Box returns the offsets of the cell and everything around it in d axes: the
// 9-point stencil for d = 2, the 27-point stencil for d = 3.
func Box(d int) [][]int {
	off := [][]int{{}}
	for range d {
		var next [][]int
		for _, o := range off {
			for s := -1; s <= 1; s++ {
				next = append(next, append(append([]int(nil), o...), s))
			}
		}
		off = next
	}
	return off
}

// Pattern returns the square pattern that couples each cell to its stencil.
func (g Grid) Pattern() *sparse.Pattern {
	n := 1
	for _, s := range g.Shape {
		n *= s
	}
	b := builder{rows: n, cols: n}
	at := make([]int, len(g.Shape))
	for range n {
		for _, o := range g.Offsets {
			if j, ok := g.neighbour(at, o); ok {
				b.add(j)
			}
		}
		b.endRow()
		for a := len(at) - 1; a >= 0; a-- {
			if at[a]++; at[a] < g.Shape[a] {
				break
			}
			at[a] = 0
		}
	}
	return b.pattern()
}

// neighbour returns the flat index of the cell at plus o, or false if it is off the
// grid.
func (g Grid) neighbour(at, o []int) (int, bool) {
	j := 0
	for a, s := range g.Shape {
		x := at[a] + o[a]
		if x < 0 || x >= s {
			if !g.Periodic {
				return 0, false
			}
			x = ((x % s) + s) % s
		}
		j = j*s + x
	}
	return j, true
}

// Laplacian returns the star stencil on a grid of the given shape.
func Laplacian(periodic bool, shape ...int) *sparse.Pattern {
	return Grid{Shape: shape, Periodic: periodic, Offsets: Star(len(shape))}.Pattern()
}

// Moore returns the box stencil on a grid of the given shape.
func Moore(periodic bool, shape ...int) *sparse.Pattern {
	return Grid{Shape: shape, Periodic: periodic, Offsets: Box(len(shape))}.Pattern()
}

// Brusselator returns the Jacobian's pattern of the two-species reaction-diffusion
// system on an n x n periodic grid: six entries a row, of 2n² rows. Species come
// one after the other (all of u, then all of v), or interleaved cell by cell.
func Brusselator(n int, interleaved bool) *sparse.Pattern {
	cells := n * n
	b := builder{rows: 2 * cells, cols: 2 * cells}
	g := Grid{Shape: []int{n, n}, Periodic: true}
	index := func(cell, species int) int {
		if interleaved {
			return 2*cell + species
		}
		return species*cells + cell
	}
	stencil := Star(2)
	for row := range 2 * cells {
		cell, species := row%cells, row/cells
		if interleaved {
			cell, species = row/2, row%2
		}
		for _, o := range stencil {
			j, _ := g.neighbour([]int{cell / n, cell % n}, o)
			b.add(index(j, species))
		}
		b.add(index(cell, 1-species))
		b.endRow()
	}
	return b.pattern()
}

// Arrow returns the n x n arrowhead: the diagonal, and a dense first row and column.
func Arrow(n int) *sparse.Pattern {
	b := builder{rows: n, cols: n}
	for i := range n {
		if i == 0 {
			for j := range n {
				b.add(j)
			}
		} else {
			b.add(0)
			b.add(i)
		}
		b.endRow()
	}
	return b.pattern()
}

// Banded returns the n x n pattern with half diagonals on either side of the main
// one, and the given rows and columns dense.
func Banded(n, half int, denseRows, denseCols []int) *sparse.Pattern {
	b := builder{rows: n, cols: n}
	dense := map[int]bool{}
	for _, i := range denseRows {
		dense[i] = true
	}
	for i := range n {
		lo, hi := max(0, i-half), min(n-1, i+half)
		if dense[i] {
			lo, hi = 0, n-1
		}
		for j := lo; j <= hi; j++ {
			b.add(j)
		}
		for _, j := range denseCols {
			b.add(j)
		}
		b.endRow()
	}
	return b.pattern()
}

// Bundle returns the Jacobian's pattern of bundle adjustment: each observation gives
// two rows, with the 11 columns of its camera, the 3 of its point and that of its
// weight, and at the end one row of its weight alone.
func Bundle(cameras, points, observations int) *sparse.Pattern {
	firstPoint := 11 * cameras
	firstWeight := firstPoint + 3*points
	b := builder{rows: 3 * observations, cols: firstWeight + observations}
	for i := range observations {
		for range 2 {
			for k := range 11 {
				b.add(i%cameras*11 + k)
			}
			for k := range 3 {
				b.add(firstPoint + i%points*3 + k)
			}
			b.add(firstWeight + i)
			b.endRow()
		}
	}
	for i := range observations {
		b.add(firstWeight + i)
		b.endRow()
	}
	return b.pattern()
}

// Random returns a rows x cols pattern in which each entry is present with the
// given probability; symmetric ones are square and equal their transpose.
func Random(rng *rand.Rand, rows, cols int, density float64, symmetric bool) *sparse.Pattern {
	b := builder{rows: rows, cols: cols}
	for range rows {
		for j := range cols {
			if rng.Float64() < density {
				b.add(j)
			}
		}
		b.endRow()
	}
	p := b.pattern()
	if symmetric {
		p, _ = p.Symmetrize()
	}
	return p
}

// builder collects a pattern row by row.
type builder struct {
	rows, cols int
	ptr        []int
	idx        []int32
}

// add puts column j into the row; a column off the matrix is left out.
func (b *builder) add(j int) {
	if j >= 0 && j < b.cols {
		b.idx = append(b.idx, int32(j))
	}
}

func (b *builder) endRow() {
	if b.ptr == nil {
		b.ptr = append(make([]int, 0, b.rows+1), 0)
	}
	b.ptr = append(b.ptr, len(b.idx))
}

func (b *builder) pattern() *sparse.Pattern {
	if b.ptr == nil {
		b.ptr = []int{0}
	}
	p, err := sparse.NewPattern(b.rows, b.cols, b.ptr, b.idx)
	if err != nil {
		return sparse.EmptyPattern(0, 0) // a negative size
	}
	return p
}
