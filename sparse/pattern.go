// The structure of a sparse matrix: where its entries are, without their values.

package sparse

import (
	"fmt"
	"math"
	"slices"
)

// Pattern is the structure of a Rows x Cols matrix in compressed sparse rows: the
// columns of row i's entries are Idx[Ptr[i]:Ptr[i+1]], ascending and without
// repeats. Column indices take 32 bits, because colouring and products are bound
// by memory traffic; offsets are ints, so that there may be more than 2³¹ entries.
//
// A Pattern is shared freely (by matrices, colourings and plans) and must not be
// changed once it is in use.
type Pattern struct {
	Rows, Cols int
	Ptr        []int
	Idx        []int32
}

// NewPattern returns the pattern of the given arrays, which it keeps. Rows that are
// unsorted or repeat a column are put in order; everything else that is wrong is a
// *StructureError.
func NewPattern(rows, cols int, ptr []int, idx []int32) (*Pattern, error) {
	p := &Pattern{Rows: rows, Cols: cols, Ptr: ptr, Idx: idx}
	if err := p.checkFrame(); err != nil {
		return nil, err
	}
	end := 0
	for i := range rows {
		row := idx[ptr[i]:ptr[i+1]]
		for _, j := range row {
			if j < 0 || int(j) >= cols {
				return nil, &StructureError{Row: i, Reason: fmt.Sprintf("column %d of %d", j, cols)}
			}
		}
		if !slices.IsSorted(row) {
			slices.Sort(row)
		}
		ptr[i] = end
		end += copy(idx[end:], slices.Compact(row))
	}
	ptr[rows] = end
	p.Idx = idx[:end]
	return p, nil
}

// EmptyPattern returns the rows x cols pattern without entries.
func EmptyPattern(rows, cols int) *Pattern {
	return &Pattern{Rows: rows, Cols: cols, Ptr: make([]int, rows+1)}
}

// Dense returns the rows x cols pattern with every entry.
func Dense(rows, cols int) *Pattern {
	p := &Pattern{Rows: rows, Cols: cols, Ptr: make([]int, rows+1), Idx: make([]int32, rows*cols)}
	for i := range rows {
		p.Ptr[i+1] = (i + 1) * cols
		for j := range cols {
			p.Idx[i*cols+j] = int32(j)
		}
	}
	return p
}

// checkFrame checks everything but the column indices.
func (p *Pattern) checkFrame() error {
	switch {
	case p.Rows < 0 || p.Cols < 0:
		return &StructureError{Row: -1, Reason: fmt.Sprintf("shape %d x %d", p.Rows, p.Cols)}
	case p.Rows > math.MaxInt32 || p.Cols > math.MaxInt32:
		return &StructureError{Row: -1, Reason: fmt.Sprintf("shape %d x %d is over 32-bit indices", p.Rows, p.Cols)}
	case len(p.Ptr) != p.Rows+1:
		return &StructureError{Row: -1, Reason: fmt.Sprintf("%d row offsets for %d rows", len(p.Ptr), p.Rows)}
	case p.Ptr[0] != 0:
		return &StructureError{Row: 0, Reason: fmt.Sprintf("begins at offset %d", p.Ptr[0])}
	case p.Ptr[p.Rows] != len(p.Idx):
		return &StructureError{Row: -1, Reason: fmt.Sprintf("last offset %d for %d entries", p.Ptr[p.Rows], len(p.Idx))}
	}
	for i := range p.Rows {
		if p.Ptr[i+1] < p.Ptr[i] || p.Ptr[i+1] > len(p.Idx) {
			return &StructureError{Row: i, Reason: fmt.Sprintf("offsets %d to %d of %d", p.Ptr[i], p.Ptr[i+1], len(p.Idx))}
		}
	}
	return nil
}

// Check returns a *StructureError unless the pattern is well formed: offsets that
// ascend, columns in range, ascending and unrepeated. It takes linear time.
func (p *Pattern) Check() error {
	if p == nil {
		return &StructureError{Row: -1, Reason: "nil pattern"}
	}
	if err := p.checkFrame(); err != nil {
		return err
	}
	cols := int32(p.Cols)
	for i := range p.Rows {
		last := int32(-1)
		for _, j := range p.Idx[p.Ptr[i]:p.Ptr[i+1]] {
			if j <= last || j >= cols {
				return &StructureError{Row: i, Reason: fmt.Sprintf("column %d after %d, of %d", j, last, p.Cols)}
			}
			last = j
		}
	}
	return nil
}

// Nnz returns the number of entries.
func (p *Pattern) Nnz() int { return len(p.Idx) }

// Row returns the columns of row i's entries; they belong to the pattern.
func (p *Pattern) Row(i int) []int32 { return p.Idx[p.Ptr[i]:p.Ptr[i+1]] }

// Find returns the position of entry (i, j) in Idx, or -1.
func (p *Pattern) Find(i, j int) int {
	k, ok := slices.BinarySearch(p.Row(i), int32(j))
	if !ok {
		return -1
	}
	return p.Ptr[i] + k
}

// MaxRow returns the largest number of entries in a row.
func (p *Pattern) MaxRow() int {
	m := 0
	for i := range p.Rows {
		m = max(m, p.Ptr[i+1]-p.Ptr[i])
	}
	return m
}

// Equal reports whether p and q have the same shape and entries.
func (p *Pattern) Equal(q *Pattern) bool {
	return p.Rows == q.Rows && p.Cols == q.Cols && slices.Equal(p.Ptr, q.Ptr) && slices.Equal(p.Idx, q.Idx)
}

// Transpose returns the pattern of the transposed matrix, in linear time.
func (p *Pattern) Transpose() *Pattern {
	t, _ := p.transpose(false)
	return t
}

// TransposeMap returns the transposed pattern and, for each of its entries, the
// position of the same entry in p.
func (p *Pattern) TransposeMap() (t *Pattern, from []int) { return p.transpose(true) }

func (p *Pattern) transpose(withMap bool) (*Pattern, []int) {
	t := &Pattern{Rows: p.Cols, Cols: p.Rows, Ptr: make([]int, p.Cols+1), Idx: make([]int32, len(p.Idx))}
	// next[j] counts column j's entries, and is then where its next one goes; after
	// the scatter it is where column j+1 begins, so it becomes Ptr shifted by one.
	next := t.Ptr
	for _, j := range p.Idx {
		next[j]++
	}
	sum := 0
	for j := range next {
		next[j], sum = sum, sum+next[j]
	}
	var from []int
	if withMap {
		from = make([]int, len(p.Idx))
	}
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			j := p.Idx[e]
			to := next[j]
			next[j] = to + 1
			t.Idx[to] = int32(i)
			if withMap {
				from[to] = e
			}
		}
	}
	copy(t.Ptr[1:], t.Ptr[:p.Cols])
	t.Ptr[0] = 0
	return t, from
}

// Symmetric reports whether the pattern is square and equals its transpose. It
// stops at the first entry without a mirror image.
func (p *Pattern) Symmetric() bool {
	if p.Rows != p.Cols {
		return false
	}
	return p.walkMirror(nil)
}

// Mirror returns, for each entry (i, j), the position of entry (j, i), or false if
// the pattern is not symmetric.
func (p *Pattern) Mirror() ([]int32, bool) {
	if p.Rows != p.Cols || len(p.Idx) > math.MaxInt32 {
		return nil, false
	}
	m := make([]int32, len(p.Idx))
	return m, p.walkMirror(m)
}

// walkMirror pairs every entry (i, j) with (j, i). Rows are visited in ascending
// order, so that row j must list its partners in the order in which they come: one
// cursor a row is enough.
func (p *Pattern) walkMirror(mirror []int32) bool {
	cursor := make([]int, p.Rows)
	copy(cursor, p.Ptr)
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			j := p.Idx[e]
			at := cursor[j]
			if at >= p.Ptr[j+1] || p.Idx[at] != int32(i) {
				return false
			}
			cursor[j] = at + 1
			if mirror != nil {
				mirror[e] = int32(at)
			}
		}
	}
	return true
}

// Symmetrize returns the union of the square pattern p and its transpose.
func (p *Pattern) Symmetrize() (*Pattern, error) {
	if p.Rows != p.Cols {
		return nil, &StructureError{Row: -1, Reason: fmt.Sprintf("a %d x %d pattern has no symmetric part", p.Rows, p.Cols)}
	}
	return p.Union(p.Transpose())
}

// Union returns the pattern of the entries that are in p, in q or in both.
func (p *Pattern) Union(q *Pattern) (*Pattern, error) {
	if p.Rows != q.Rows || p.Cols != q.Cols {
		return nil, &StructureError{Row: -1, Reason: fmt.Sprintf("union of %d x %d and %d x %d", p.Rows, p.Cols, q.Rows, q.Cols)}
	}
	u := &Pattern{Rows: p.Rows, Cols: p.Cols, Ptr: make([]int, p.Rows+1), Idx: make([]int32, 0, max(len(p.Idx), len(q.Idx)))}
	for i := range p.Rows {
		a, b := p.Row(i), q.Row(i)
		for len(a) > 0 && len(b) > 0 {
			j := min(a[0], b[0])
			if a[0] == j {
				a = a[1:]
			}
			if b[0] == j {
				b = b[1:]
			}
			u.Idx = append(u.Idx, j)
		}
		u.Idx = append(append(u.Idx, a...), b...)
		u.Ptr[i+1] = len(u.Idx)
	}
	return u, nil
}

// Triangle says which part of a symmetric matrix is stored.
type Triangle uint8

// The parts, the diagonal included in each.
const (
	Full Triangle = iota
	Lower
	Upper
)

// String returns "full", "lower" or "upper".
func (t Triangle) String() string { return [...]string{"full", "lower", "upper"}[min(t, Upper)] }

// Part returns the pattern of the entries of p in the triangle, and their positions
// in p.
func (p *Pattern) Part(t Triangle) (*Pattern, []int) {
	q := &Pattern{Rows: p.Rows, Cols: p.Cols, Ptr: make([]int, p.Rows+1)}
	var from []int
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			j := int(p.Idx[e])
			if t == Full || t == Lower && j <= i || t == Upper && j >= i {
				q.Idx = append(q.Idx, int32(j))
				from = append(from, e)
			}
		}
		q.Ptr[i+1] = len(q.Idx)
	}
	return q, from
}
