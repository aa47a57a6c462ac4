package sparse

import "testing"

// Where most distances between the columns of a row are found nowhere else, no grid
// is guessed, and no time lost on lattices.
func TestGridsAreGuessedWhereDistancesRecur(t *testing.T) {
	tridiagonal := func(n int) *Pattern {
		p := &Pattern{Rows: n, Cols: n, Ptr: []int{0}}
		for i := range n {
			for j := max(0, i-1); j <= min(n-1, i+1); j++ {
				p.Idx = append(p.Idx, int32(j))
			}
			p.Ptr = append(p.Ptr, len(p.Idx))
		}
		return p
	}
	// Row i has two columns of a block and one anywhere.
	scattered := func(n int) *Pattern {
		p := &Pattern{Rows: n, Cols: 3 * n, Ptr: []int{0}}
		for i := range n {
			b := int32(i % 7 * 2)
			p.Idx = append(p.Idx, b, b+1, int32(n+i*i%(2*n)))
			p.Ptr = append(p.Ptr, len(p.Idx))
		}
		return p
	}
	if len(guessShapes(tridiagonal(1000))) == 0 {
		t.Error("no grid for a band")
	}
	if s := guessShapes(scattered(1000)); s != nil {
		t.Errorf("grids %v for columns anywhere", s)
	}
}
