package sparse

import (
	"os"
	"testing"
)

// TestCoverCountsAreColPacks compares the colours of the covering bicolouring in the
// natural order, before any are dropped, with ColPack's implicitly covering one. ColPack counts the
// neutral colour of rows, and that of columns, where lines are left without a colour.
func TestCoverCountsAreColPacks(t *testing.T) {
	f, err := os.Open("testdata/west0479.mtx.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := ReadMatrixMarket(f, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	west, err := m.DropZeros().Pattern()
	if err != nil {
		t.Fatal(err)
	}
	// Two dense rows and columns, and the diagonal.
	dense := &COO[float64]{Rows: 2000, Cols: 2000}
	for i := range 2000 {
		dense.Append(i, i, 1)
		for k := range 2 {
			dense.Append(i, k, 1)
			dense.Append(k, i, 1)
		}
	}
	rect, err := dense.Pattern()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p    *Pattern
		want int
	}{{rect, 2001}, {west, 36}} {
		b, rows := bordered(c.p, c.p.Transpose())
		color := make([]int32, b.Rows)
		if _, ok := newCoverGreedy(b, rows, true).run(color, nil, nil); !ok {
			t.Fatalf("%d x %d: gave up", c.p.Rows, c.p.Cols)
		}
		used := map[int32]bool{}
		for v, k := range color {
			if k < 0 && v < rows {
				k = -2 // the neutral colour of rows
			}
			used[k] = true
		}
		if len(used) != c.want {
			t.Errorf("%d x %d: %d colours, ColPack has %d", c.p.Rows, c.p.Cols, len(used), c.want)
		}
	}
}
