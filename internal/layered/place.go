package layered

// Positions within layers.

// rounds is how often positions are improved, down and up.
const rounds = 30

// place gives every vertex a position: at first one beside the other, then,
// layer by layer, as near to its neighbours as the order and the distances allow.
func (g *net) place() {
	g.x = make([]float64, len(g.rank))
	for _, l := range g.layers {
		for i := 1; i < len(l); i++ {
			g.x[l[i]] = g.x[l[i-1]] + g.distance(l[i-1], l[i])
		}
	}
	for s := range rounds {
		if s%2 == 0 {
			for r := range g.layers {
				g.placeLayer(r, g.up, g.down)
			}
		} else {
			for r := len(g.layers) - 1; r >= 0; r-- {
				g.placeLayer(r, g.down, g.up)
			}
		}
	}
}

// distance is that which two vertices must keep, centre from centre.
func (g *net) distance(u, v int) float64 {
	gap := g.gaps.Nodes
	if u >= g.nodes || v >= g.nodes {
		gap = g.gaps.Lines
	}
	return (g.width[u]+g.width[v])/2 + gap
}

// placeLayer moves the vertices of a layer towards the mean of their neighbours on
// one side, or on the other where there are none there.
func (g *net) placeLayer(r int, side, other [][]int) {
	l := g.layers[r]
	want, weight := make([]float64, len(l)), make([]float64, len(l))
	for i, v := range l {
		near := side[v]
		if len(near) == 0 {
			near = other[v]
		}
		want[i], weight[i] = g.x[v], 0.1
		if len(near) > 0 {
			want[i], weight[i] = 0, 1
			for _, w := range near {
				want[i] += g.x[w] / float64(len(near))
			}
		}
		if v >= g.nodes {
			weight[i] = 4 // lines are to be straight
		}
	}
	offset := make([]float64, len(l))
	for i := 1; i < len(l); i++ {
		offset[i] = offset[i-1] + g.distance(l[i-1], l[i])
	}
	for i := range want {
		want[i] -= offset[i]
	}
	for i, x := range ascending(want, weight) {
		g.x[l[i]] = x + offset[i]
	}
}

// ascending returns the ascending sequence nearest to want in weighted least
// squares, by pooling adjacent violators.
func ascending(want, weight []float64) []float64 {
	type block struct {
		mean, weight float64
		n            int
	}
	var blocks []block
	for i := range want {
		blocks = append(blocks, block{want[i], weight[i], 1})
		for n := len(blocks); n > 1 && blocks[n-2].mean > blocks[n-1].mean; n = len(blocks) {
			a, b := blocks[n-2], blocks[n-1]
			w := a.weight + b.weight
			blocks = append(blocks[:n-2], block{(a.mean*a.weight + b.mean*b.weight) / w, w, a.n + b.n})
		}
	}
	out := make([]float64, 0, len(want))
	for _, b := range blocks {
		for range b.n {
			out = append(out, b.mean)
		}
	}
	return out
}
