package layered

import (
	"math"
	"math/rand/v2"
	"testing"
)

var gaps = Gaps{Nodes: 10, Lines: 5, Layers: 20}

// random returns an acyclic graph.
func random(r *rand.Rand, n, m int) (nodes []Size, edges []Edge) {
	for range n {
		nodes = append(nodes, Size{20 + 60*r.Float64(), 10 + 20*r.Float64()})
	}
	for range m {
		if a, b := r.IntN(n), r.IntN(n); a < b {
			edges = append(edges, Edge{a, b})
		}
	}
	return nodes, edges
}

// Edges run down, nodes do not touch, and all is within the drawing.
func TestDraw(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 60 {
		nodes, edges := random(r, 1+r.IntN(40), r.IntN(80))
		d, err := Draw(nodes, edges, gaps)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range edges {
			line := d.Lines[i]
			for k := 1; k < len(line); k++ {
				if line[k].Y < line[k-1].Y {
					t.Fatalf("edge %v runs up: %v", e, line)
				}
			}
			a, b := line[0], line[len(line)-1]
			if a.X != d.Nodes[e.From].X || math.Abs(b.X-d.Nodes[e.To].X) > nodes[e.To].Width/2 ||
				a.Y < d.Nodes[e.From].Y || b.Y > d.Nodes[e.To].Y || b.Y <= a.Y {
				t.Fatalf("edge %v from %v to %v ends at %v and %v", e, d.Nodes[e.From], d.Nodes[e.To], a, b)
			}
		}
		const eps = 1e-9
		for i, p := range d.Nodes {
			s := nodes[i]
			if p.X-s.Width/2 < -eps || p.Y-s.Height/2 < -eps || p.X+s.Width/2 > d.Width+eps || p.Y+s.Height/2 > d.Height+eps {
				t.Fatalf("node %d at %v is outside", i, p)
			}
			for k, q := range d.Nodes[:i] {
				w, h := (s.Width+nodes[k].Width)/2, (s.Height+nodes[k].Height)/2
				if math.Abs(p.X-q.X) < w+gaps.Lines-eps && math.Abs(p.Y-q.Y) < h-eps {
					t.Fatalf("nodes %d and %d touch", i, k)
				}
			}
		}
	}
}

// A tree, however its nodes are numbered, is drawn without crossings.
func TestTreeHasNoCrossings(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 30 {
		var edges []Edge
		nodes := make([]Size, 31)
		perm := r.Perm(16) // leaves' order
		for v := 1; v < 31; v++ {
			to := v
			if v >= 15 {
				to = 15 + perm[v-15]
			}
			edges = append(edges, Edge{(v - 1) / 2, to})
		}
		g := newNet(nodes, edges, gaps)
		g.reorder()
		if n := g.crossings(); n != 0 {
			t.Errorf("%d crossings", n)
		}
	}
}

// The count is that of all pairs.
func TestCrossings(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 50 {
		nodes, edges := random(r, 12, 40)
		g := newNet(nodes, edges, gaps)
		want := 0
		for _, l := range g.layers {
			for _, u := range l {
				for _, v := range l {
					for _, a := range g.down[u] {
						for _, b := range g.down[v] {
							if g.pos[u] < g.pos[v] && g.pos[a] > g.pos[b] {
								want++
							}
						}
					}
				}
			}
		}
		if got := g.crossings(); got != want {
			t.Fatalf("%d crossings, counted one by one %d", got, want)
		}
	}
}

func TestSortingHelps(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	before, after := 0, 0
	for range 20 {
		nodes, edges := random(r, 60, 90)
		g := newNet(nodes, edges, gaps)
		before += g.crossings()
		g.reorder()
		after += g.crossings()
	}
	if after > before/2 {
		t.Errorf("%d crossings, %d after sorting", before, after)
	}
}

func TestWrongEdges(t *testing.T) {
	for _, e := range []Edge{{1, 0}, {0, 0}, {-1, 1}, {0, 2}} {
		if _, err := Draw(make([]Size, 2), []Edge{e}, gaps); err == nil {
			t.Errorf("%v is no error", e)
		}
	}
	if d, err := Draw(nil, nil, gaps); err != nil || d.Width != 0 || d.Height != 0 {
		t.Errorf("nothing: %v, %v", d, err)
	}
}

func TestAscending(t *testing.T) {
	got := ascending([]float64{3, 1, 2, 10, 8}, []float64{1, 1, 1, 1, 3})
	for i, want := range []float64{2, 2, 2, 8.5, 8.5} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Fatalf("%v", got)
		}
	}
}
