package layered

// The order within layers: few crossings.

import (
	"cmp"
	"slices"
)

// sweeps bounds how often the order is improved, down and up.
const sweeps = 24

// reorder sorts every layer by the barycentres of the neighbours in the one
// before it, going down and up in turn, and keeps the best order that it met.
func (g *net) reorder() {
	best, fewest := g.snapshot(), g.crossings()
	for s := 0; s < sweeps && fewest > 0; s++ {
		if s%2 == 0 {
			for r := 1; r < len(g.layers); r++ {
				g.sortLayer(r, g.up)
			}
		} else {
			for r := len(g.layers) - 2; r >= 0; r-- {
				g.sortLayer(r, g.down)
			}
		}
		if n := g.crossings(); n < fewest {
			best, fewest = g.snapshot(), n
		}
	}
	g.layers = best
	for _, l := range g.layers {
		g.number(l)
	}
}

func (g *net) snapshot() [][]int {
	out := make([][]int, len(g.layers))
	for r, l := range g.layers {
		out[r] = slices.Clone(l)
	}
	return out
}

// sortLayer sorts a layer by its neighbours' mean place; who has none stays
// about where it is.
func (g *net) sortLayer(r int, neighbours [][]int) {
	l := g.layers[r]
	key := make(map[int]float64, len(l))
	for i, v := range l {
		if len(neighbours[v]) == 0 {
			key[v] = float64(i)
			continue
		}
		sum := 0
		for _, w := range neighbours[v] {
			sum += g.pos[w]
		}
		key[v] = float64(sum) / float64(len(neighbours[v]))
	}
	slices.SortStableFunc(l, func(a, b int) int { return cmp.Compare(key[a], key[b]) })
	g.number(l)
}

// crossings counts the pairs of edges that cross, layer by layer, as inversions
// (W. Barth, M. Jünger, P. Mutzel, Simple and efficient bilayer cross counting, 2002).
func (g *net) crossings() int {
	total := 0
	for r := 0; r+1 < len(g.layers); r++ {
		tree := make([]int, len(g.layers[r+1])+1) // counts of ends so far, as a Fenwick tree
		seen := 0
		var ends []int
		for _, v := range g.layers[r] {
			ends = ends[:0]
			for _, w := range g.down[v] {
				ends = append(ends, g.pos[w])
			}
			for _, e := range ends {
				notRight := 0
				for i := e + 1; i > 0; i &= i - 1 {
					notRight += tree[i]
				}
				total += seen - notRight
			}
			for _, e := range ends {
				for i := e + 1; i < len(tree); i += i & -i {
					tree[i]++
				}
			}
			seen += len(ends)
		}
	}
	return total
}
