package gallery_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
)

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name                          string
		p                             *sparse.Pattern
		rows, nnz, longest, symmetric int
	}{
		{"5-point", gallery.Laplacian(false, 100, 100), 10000, 49600, 5, 1},
		{"5-point, periodic", gallery.Laplacian(true, 10, 12), 120, 600, 5, 1},
		{"9-point", gallery.Moore(false, 300, 300), 90000, 806404, 9, 1},
		{"7-point", gallery.Laplacian(false, 64, 64, 64), 262144, 1810432, 7, 1},
		{"27-point, periodic", gallery.Moore(true, 4, 4, 4), 64, 27 * 64, 27, 1},
		{"periodic on three cells", gallery.Moore(true, 3, 3), 9, 81, 9, 1},
		{"periodic on two cells", gallery.Laplacian(true, 2), 2, 4, 2, 1},
		{"Brusselator", gallery.Brusselator(32, false), 2048, 12288, 6, 1},
		{"Brusselator, interleaved", gallery.Brusselator(32, true), 2048, 12288, 6, 1},
		{"arrow", gallery.Arrow(2000), 2000, 5998, 2000, 1},
		{"band", gallery.Banded(100000, 5, nil, nil), 100000, 1099970, 11, 1},
		{"dense lines", gallery.Banded(2000, 0, []int{0, 1}, []int{0, 1}), 2000, 9994, 2000, 1},
		{"dense row", gallery.Banded(10, 0, []int{3}, nil), 10, 19, 10, 0},
		{"column off the matrix", gallery.Banded(3, 0, nil, []int{7, -1}), 3, 3, 1, 1},
		{"bundle", gallery.Bundle(2, 3, 5), 15, 31 * 5, 15, 0},
		{"nothing", gallery.Arrow(0), 0, 0, 0, 1},
		{"negative", gallery.Arrow(-1), 0, 0, 0, 1},
		{"random, full", gallery.Random(rand.New(rand.NewPCG(1, 1)), 4, 4, 1, true), 4, 16, 4, 1},
	} {
		if err := c.p.Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.p.Rows != c.rows || c.p.Nnz() != c.nnz || c.p.MaxRow() != c.longest || c.p.Symmetric() != (c.symmetric == 1) {
			t.Errorf("%s: %d rows, %d entries, %d in the longest row", c.name, c.p.Rows, c.p.Nnz(), c.p.MaxRow())
		}
	}
}

func ExampleLaplacian() {
	p := gallery.Laplacian(false, 2, 3)
	for i := range p.Rows {
		fmt.Println(p.Row(i))
	}
	// Output:
	// [0 1 3]
	// [0 1 2 4]
	// [1 2 5]
	// [0 3 4]
	// [1 3 4 5]
	// [2 4 5]
}
