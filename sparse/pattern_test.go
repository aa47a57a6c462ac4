package sparse_test

import (
	"errors"
	"slices"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"pgregory.net/rapid"
)

func TestNewPatternSortsAndDropsRepeats(t *testing.T) {
	p, err := NewPattern(3, 4, []int{0, 4, 4, 6}, []int32{2, 0, 2, 3, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Ptr, []int{0, 3, 3, 4}) || !slices.Equal(p.Idx, []int32{0, 2, 3, 1}) {
		t.Errorf("Ptr %v, Idx %v", p.Ptr, p.Idx)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
}

func TestInvalidPatterns(t *testing.T) {
	for _, c := range []struct {
		name       string
		rows, cols int
		ptr        []int
		idx        []int32
		row        int
	}{
		{"negative shape", -1, 2, []int{}, nil, -1},
		{"too many columns", 1, 1 << 40, []int{0, 0}, nil, -1},
		{"missing offsets", 2, 2, []int{0, 1}, []int32{0}, -1},
		{"no offsets", 0, 0, nil, nil, -1},
		{"first offset", 1, 1, []int{1, 1}, []int32{0}, 0},
		{"last offset", 1, 1, []int{0, 2}, []int32{0}, -1},
		{"descending offsets", 2, 2, []int{0, 2, 1}, []int32{0}, 0},
		{"offsets that go down again", 3, 2, []int{0, 2, 1, 2}, []int32{0, 1}, 1},
		{"column out of range", 2, 2, []int{0, 1, 2}, []int32{0, 2}, 1},
		{"negative column", 1, 2, []int{0, 1}, []int32{-1}, 0},
	} {
		_, err := NewPattern(c.rows, c.cols, c.ptr, c.idx)
		var s *StructureError
		if !errors.As(err, &s) || s.Row != c.row {
			t.Errorf("%s: %v", c.name, err)
		}
		if (&Pattern{Rows: c.rows, Cols: c.cols, Ptr: c.ptr, Idx: c.idx}).Check() == nil {
			t.Errorf("%s: Check finds nothing", c.name)
		}
	}
	unsorted := &Pattern{Rows: 1, Cols: 3, Ptr: []int{0, 2}, Idx: []int32{2, 1}}
	repeated := &Pattern{Rows: 1, Cols: 3, Ptr: []int{0, 2}, Idx: []int32{1, 1}}
	for _, p := range []*Pattern{unsorted, repeated, nil} {
		if p.Check() == nil {
			t.Errorf("Check accepts %v", p)
		}
		if _, err := Color(p, Columns); err == nil {
			t.Errorf("Color accepts %v", p)
		}
	}
}

func TestPatternAgainstTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := drawPattern(t, Columns, 14), (*Pattern)(nil)
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		tab := has(p)
		tr, from := p.TransposeMap()
		if err := tr.Check(); err != nil {
			t.Fatal(err)
		}
		if !tr.Equal(p.Transpose()) || !tr.Transpose().Equal(p) {
			t.Fatal("transposes differ")
		}
		trTab := has(tr)
		symmetric := p.Rows == p.Cols
		for i := range p.Rows {
			for j := range p.Cols {
				if tab[i][j] != trTab[j][i] || tab[i][j] != (p.Find(i, j) >= 0) {
					t.Fatalf("entry (%d, %d)", i, j)
				}
				if symmetric && tab[i][j] != tab[j][i] {
					symmetric = false
				}
			}
		}
		for j := range tr.Rows {
			for k := tr.Ptr[j]; k < tr.Ptr[j+1]; k++ {
				if from[k] != p.Find(int(tr.Idx[k]), j) {
					t.Fatal("TransposeMap's positions")
				}
			}
		}
		if p.Symmetric() != symmetric {
			t.Fatalf("Symmetric is %v", p.Symmetric())
		}
		if p.Rows != p.Cols {
			if _, err := p.Symmetrize(); err == nil {
				t.Fatal("a rectangle is symmetrized")
			}
			return
		}
		q = must(p.Symmetrize())
		if err := q.Check(); err != nil {
			t.Fatal(err)
		}
		mirror, ok := q.Mirror()
		if !ok || !q.Symmetric() {
			t.Fatal("not symmetrized")
		}
		qTab := has(q)
		for i := range p.Rows {
			for j := range p.Cols {
				if qTab[i][j] != (tab[i][j] || tab[j][i]) {
					t.Fatalf("symmetrized entry (%d, %d)", i, j)
				}
				if k := q.Find(i, j); k >= 0 && int(mirror[k]) != q.Find(j, i) {
					t.Fatal("Mirror's positions")
				}
			}
		}
	})
}

func TestParts(t *testing.T) {
	p := Dense(3, 3)
	for _, c := range []struct {
		part Triangle
		idx  []int32
		from []int
	}{
		{Full, []int32{0, 1, 2, 0, 1, 2, 0, 1, 2}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{Lower, []int32{0, 0, 1, 0, 1, 2}, []int{0, 3, 4, 6, 7, 8}},
		{Upper, []int32{0, 1, 2, 1, 2, 2}, []int{0, 1, 2, 4, 5, 8}},
	} {
		q, from := p.Part(c.part)
		if !slices.Equal(q.Idx, c.idx) || !slices.Equal(from, c.from) || q.Check() != nil {
			t.Errorf("%v: %v, %v", c.part, q.Idx, from)
		}
	}
}

func TestDenseAndEmpty(t *testing.T) {
	if p := Dense(2, 3); p.Check() != nil || p.Nnz() != 6 || p.MaxRow() != 3 {
		t.Error(p)
	}
	if p := EmptyPattern(2, 3); p.Check() != nil || p.Nnz() != 0 || p.MaxRow() != 0 {
		t.Error(p)
	}
	if _, err := Dense(2, 3).Union(Dense(3, 2)); err == nil {
		t.Error("union of different shapes")
	}
}
