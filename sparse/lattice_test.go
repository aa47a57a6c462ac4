package sparse_test

import (
	"fmt"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
)

// What lattices are known for the stencils, and for the Brusselator's Jacobian: the
// number of colours, and whether that is the bound.
func TestLattices(t *testing.T) {
	for _, c := range []struct {
		name    string
		p       *Pattern
		problem Problem
		colors  int
		optimal bool
	}{
		{"5-point", gallery.Laplacian(false, 40, 30), Columns, 5, true},
		{"5-point", gallery.Laplacian(false, 40, 30), Star, 5, false},
		{"5-point", gallery.Laplacian(false, 40, 30), Acyclic, 3, true},
		{"5-point periodic", gallery.Laplacian(true, 40, 30), Columns, 5, true},
		{"5-point periodic", gallery.Laplacian(true, 40, 30), Star, 5, false},
		{"7-point", gallery.Laplacian(false, 15, 14, 13), Columns, 7, true},
		{"7-point", gallery.Laplacian(false, 15, 14, 13), Star, 7, false},
		{"7-point", gallery.Laplacian(false, 15, 14, 13), Acyclic, 4, true},
		{"7-point periodic", gallery.Laplacian(true, 14, 14, 14), Columns, 7, true},
		{"7-point periodic", gallery.Laplacian(true, 14, 14, 14), Star, 7, false},
		{"9-point", gallery.Moore(false, 20, 31), Columns, 9, true},
		{"9-point", gallery.Moore(false, 20, 31), Acyclic, 5, true},
		{"9-point periodic", gallery.Moore(true, 21, 30), Columns, 9, true},
		{"27-point", gallery.Moore(false, 12, 11, 10), Columns, 27, true},
		{"27-point", gallery.Moore(false, 12, 11, 10), Acyclic, 14, false},
		{"27-point periodic", gallery.Moore(true, 9, 9, 9), Columns, 27, true},
		{"Brusselator, 6 divides N", gallery.Brusselator(30, false), Columns, 6, true},
		{"Brusselator, interleaved", gallery.Brusselator(30, true), Columns, 6, true},
		{"Brusselator, N = 100", gallery.Brusselator(100, false), Columns, 8, false},
		{"line", gallery.Laplacian(false, 200), Acyclic, 2, true},
	} {
		k := color(t, c.p, c.problem)
		if k.Lattice == nil || k.Method != "lattice" || k.Colors() != c.colors || c.optimal != (k.Gap() == 0) {
			t.Errorf("%s: %v", c.name, k)
			continue
		}
		for v, got := range k.ColColor {
			if k.Colors() == k.Lattice.Modulus && int(got) != k.Lattice.Color(v) {
				t.Errorf("%s: %v gives %d for %d, not %d", c.name, k.Lattice, k.Lattice.Color(v), v, got)
				break
			}
		}
	}
}

// A shape that the pattern does not show, or one that it contradicts.
func TestGivenGrids(t *testing.T) {
	p := gallery.Laplacian(false, 12, 10)
	for _, shape := range [][]int{{12, 10}, {10, 12}, {120}, {7, 7}, {1000000}, {2, 3}} {
		c := color(t, p, Columns, WithGrid(shape...))
		if fmt.Sprint(shape) == "[12 10]" && (c.Lattice == nil || c.Colors() != 5) {
			t.Error(c)
		}
	}
	// Three species, coupled within the cell, of a grid given by its cells.
	q := gallery.Grid{Shape: []int{9, 8, 3}, Offsets: [][]int{
		{0, 0, -2}, {0, 0, -1}, {0, 0, 0}, {0, 0, 1}, {0, 0, 2}, {-1, 0, 0}, {1, 0, 0}, {0, -1, 0}, {0, 1, 0},
	}}.Pattern()
	c := color(t, q, Columns, WithGrid(9, 8))
	if c.Lattice == nil || c.Colors() != 8 {
		t.Error(c)
	}
	// Lattices need no square matrix: the rows of a one-sided difference.
	r := must(NewPattern(199, 200, ramp(200), pairs(199)))
	if c := color(t, r, Columns); c.Colors() != 2 {
		t.Error(c)
	}
}

// ramp and pairs are the rows {i, i+1}.
func ramp(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = 2 * i
	}
	return p
}

func pairs(n int) []int32 {
	var idx []int32
	for i := range n {
		idx = append(idx, int32(i), int32(i+1))
	}
	return idx
}

func TestWithoutLattice(t *testing.T) {
	p := gallery.Laplacian(false, 40, 30)
	if c := color(t, p, Columns, WithoutLattice()); c.Lattice != nil {
		t.Error(c)
	}
	if c := color(t, p, Columns, WithOrder(Natural)); c.Lattice != nil || c.Method != "greedy" || len(c.Tried) != 1 {
		t.Error(c)
	}
}
