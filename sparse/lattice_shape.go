// Guessing the grid behind a pattern.

package sparse

import (
	"math/rand/v2"
	"slices"
)

const (
	sampledRows = 256
	maxShapes   = 8
	maxAxes     = 5
	// An axis of up to so many points may be one of species, with any shifts.
	maxSpecies = 4
)

// shapes returns the grids to look for lattices on: the caller's, with a last or
// first axis of species if its points are a fraction of the columns, or guesses.
func (in *instance) shapes() [][]int {
	n := in.p.Cols
	given := in.settings.shape
	if given == nil {
		return guessShapes(in.p)
	}
	cells := 1
	for _, s := range given {
		if cells > n/s {
			return nil
		}
		cells *= s
	}
	switch {
	case cells == n:
		return [][]int{given}
	case n%cells != 0:
		return nil
	}
	s := n / cells
	return [][]int{append([]int{s}, given...), append(slices.Clone(given), s)}
}

// guessShapes finds the strides at which many rows have entries, and returns the
// shapes of the grids with such strides, the finest first. On a grid of n1 x n2
// cells, the neighbours of a cell are 1 and n2 away.
func guessShapes(p *Pattern) [][]int {
	n := p.Cols
	if n < 2 || p.Rows == 0 {
		return nil
	}
	strides, ok := commonStrides(p)
	if !ok {
		return nil
	}
	var chains [][]int
	var extend func(chain []int, from int)
	extend = func(chain []int, from int) {
		if len(chains) >= 256 {
			return
		}
		chains = append(chains, slices.Clone(chain))
		if len(chain) == maxAxes {
			return
		}
		for k := from; k < len(strides); k++ {
			if strides[k]%chain[len(chain)-1] == 0 {
				extend(append(chain, strides[k]), k+1)
			}
		}
	}
	extend([]int{1}, 0)
	slices.SortStableFunc(chains, func(a, b []int) int { return len(b) - len(a) })
	var shapes [][]int
	for _, c := range chains[:min(len(chains), maxShapes)] {
		shape := make([]int, len(c))
		for a := range c {
			end := n
			if a+1 < len(c) {
				end = c[a+1]
			}
			shape[len(c)-1-a] = end / c[a]
		}
		shapes = append(shapes, shape)
	}
	return shapes
}

// commonStrides returns the numbers between 1 and n that divide n and are a distance
// between the diagonal and an entry (for rectangular patterns: between entries) in
// a tenth of the rows or more. It is false where most distances are not as common as
// that: such a pattern is on no grid, and a search for a lattice would be in vain.
func commonStrides(p *Pattern) (strides []int, ok bool) {
	n := p.Cols
	rng := rand.New(rand.NewPCG(1, 2))
	count := map[int]int{} // in how many rows there is a distance
	rows := min(sampledRows, p.Rows)
	for range rows {
		i := rng.IntN(p.Rows)
		row := p.Row(i)
		from := []int32{int32(i)}
		if p.Rows != n {
			from = row
		}
		once := map[int]bool{}
		for _, a := range from {
			for _, b := range row {
				if d := int(max(b-a, a-b)); d > 0 && !once[d] {
					once[d] = true
					count[d]++
				}
			}
		}
	}
	all, common := 0, 0
	for d, c := range count {
		all += c
		if 10*c >= rows {
			common += c
			if d > 1 && d < n && n%d == 0 {
				strides = append(strides, d)
			}
		}
	}
	slices.Sort(strides)
	return strides, 2*common >= all
}
