package layered

import (
	"fmt"
	"slices"
)

// Point is a place in the drawing; y grows downwards.
type Point struct{ X, Y float64 }

// Size is a node's extent.
type Size struct{ Width, Height float64 }

// Edge goes from a node to a later one.
type Edge struct{ From, To int }

// Gaps are the distances to keep.
type Gaps struct {
	Nodes  float64 // between nodes of a layer
	Lines  float64 // between a line that passes and what is beside it
	Layers float64
}

// Drawing is where things are.
type Drawing struct {
	Size
	Nodes []Point   // the centres of the nodes
	Lines [][]Point // of each edge the points it passes, from the lower side of its first node to the upper side of its last
}

// Draw places nodes and edges. Every edge must go from a lower number to a higher.
func Draw(nodes []Size, edges []Edge, gaps Gaps) (*Drawing, error) {
	for _, e := range edges {
		if e.From < 0 || e.From >= e.To || e.To >= len(nodes) {
			return nil, fmt.Errorf("layered: edge %d to %d among %d nodes", e.From, e.To, len(nodes))
		}
	}
	g := newNet(nodes, edges, gaps)
	g.reorder()
	g.place()
	return g.drawing(nodes, edges), nil
}

// net is the graph with long edges cut by a vertex in every layer that they
// pass. The first vertices are the nodes.
type net struct {
	gaps     Gaps
	nodes    int
	width    []float64 // of each vertex
	height   []float64
	rank     []int
	layers   [][]int // the vertices of each, in order
	up, down [][]int // the neighbours in the layers before and after
	first    []int   // of each node the vertex that its line passes next
	x        []float64
	pos      []int // in its layer
}

func newNet(nodes []Size, edges []Edge, gaps Gaps) *net {
	g := &net{gaps: gaps, nodes: len(nodes), rank: ranks(len(nodes), edges), first: make([]int, len(nodes))}
	for _, s := range nodes {
		g.width, g.height = append(g.width, s.Width), append(g.height, s.Height)
	}
	g.up, g.down = make([][]int, len(nodes)), make([][]int, len(nodes))
	deepest := slices.Clone(g.rank)
	for _, e := range edges {
		deepest[e.From] = max(deepest[e.From], g.rank[e.To])
	}
	for u := range nodes { // the line of u: a vertex in each layer that it passes
		g.first[u] = len(g.rank)
		last := u
		for r := g.rank[u] + 1; r < deepest[u]; r++ {
			v := len(g.rank)
			g.rank, g.width, g.height = append(g.rank, r), append(g.width, 0), append(g.height, 0)
			g.up, g.down = append(g.up, nil), append(g.down, nil)
			g.join(last, v)
			last = v
		}
	}
	for _, e := range edges {
		if from := g.before(e); !slices.Contains(g.down[from], e.To) {
			g.join(from, e.To)
		}
	}
	for v, r := range g.rank {
		for len(g.layers) <= r {
			g.layers = append(g.layers, nil)
		}
		g.layers[r] = append(g.layers[r], v)
	}
	g.pos = make([]int, len(g.rank))
	for _, l := range g.layers {
		g.number(l)
	}
	return g
}

func (g *net) join(u, v int) {
	g.down[u] = append(g.down[u], v)
	g.up[v] = append(g.up[v], u)
}

// before returns the vertex from which an edge goes to its last node.
func (g *net) before(e Edge) int {
	if between := g.rank[e.To] - g.rank[e.From] - 1; between > 0 {
		return g.first[e.From] + between - 1
	}
	return e.From
}

func (g *net) number(layer []int) {
	for i, v := range layer {
		g.pos[v] = i
	}
}

// ranks returns the layer of each node: one more than the highest before it, and
// then as far down as makes its edges shorter.
func ranks(n int, edges []Edge) []int {
	in, out := make([][]int, n), make([][]int, n)
	for _, e := range edges {
		in[e.To] = append(in[e.To], e.From)
		out[e.From] = append(out[e.From], e.To)
	}
	rank := make([]int, n)
	for v := range n {
		for _, u := range in[v] {
			rank[v] = max(rank[v], rank[u]+1)
		}
	}
	for moved := true; moved; {
		moved = false
		for v := n - 1; v >= 0; v-- {
			if len(out[v]) == 0 || len(out[v]) <= len(in[v]) && len(in[v]) > 0 {
				continue
			}
			lowest := rank[out[v][0]]
			for _, w := range out[v] {
				lowest = min(lowest, rank[w])
			}
			if lowest-1 > rank[v] {
				rank[v], moved = lowest-1, true
			}
		}
	}
	return rank
}

// drawing reads the places off.
func (g *net) drawing(nodes []Size, edges []Edge) *Drawing {
	d := &Drawing{Nodes: make([]Point, len(nodes)), Lines: make([][]Point, len(edges))}
	top := make([]float64, len(g.layers)+1)
	for r, l := range g.layers {
		tallest := 0.0
		for _, v := range l {
			tallest = max(tallest, g.height[v])
		}
		top[r+1] = top[r] + tallest + g.gaps.Layers
		d.Height = top[r] + tallest
	}
	left := 0.0
	for v := range g.rank {
		left = min(left, g.x[v]-g.width[v]/2)
	}
	for v := range g.rank {
		g.x[v] -= left
		d.Width = max(d.Width, g.x[v]+g.width[v]/2)
	}
	bottom := func(r int) float64 { return top[r+1] - g.gaps.Layers }
	middle := func(v int) float64 { return (top[g.rank[v]] + bottom(g.rank[v])) / 2 }
	for v := range nodes {
		d.Nodes[v] = Point{g.x[v], middle(v)}
	}
	ports := g.ports(edges)
	for i, e := range edges {
		line := []Point{{g.x[e.From], middle(e.From) + nodes[e.From].Height/2}}
		for r := g.rank[e.From] + 1; r < g.rank[e.To]; r++ {
			x := g.x[g.first[e.From]+r-g.rank[e.From]-1]
			line = append(line, Point{x, top[r]}, Point{x, bottom(r)})
		}
		d.Lines[i] = append(line, Point{ports[i], middle(e.To) - nodes[e.To].Height/2})
	}
	return d
}

// ports returns the place on the upper side of its last node where each edge
// ends: side by side, in the order in which the edges come.
func (g *net) ports(edges []Edge) []float64 {
	into := make([][]int, g.nodes)
	for i, e := range edges {
		into[e.To] = append(into[e.To], i)
	}
	at := make([]float64, len(edges))
	for v, list := range into {
		slices.SortStableFunc(list, func(a, b int) int {
			x, y := g.x[g.before(edges[a])], g.x[g.before(edges[b])]
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		step := min(14, g.width[v]/float64(len(list)+1))
		for k, i := range list {
			at[i] = g.x[v] + (float64(k)-float64(len(list)-1)/2)*step
		}
	}
	return at
}
