// Matrices with values in coordinate form, by rows and by columns, and the ways
// from one to the other.

package sparse

import (
	"fmt"
	"math"
)

// Float is the type of a matrix's values.
type Float interface{ ~float32 | ~float64 }

// COO is a matrix as a list of entries in any order: entry k is Val[k] at
// (Row[k], Col[k]). Entries at the same place add up.
type COO[T Float] struct {
	Rows, Cols int
	Row, Col   []int32
	Val        []T
}

// CSR is a matrix in compressed sparse rows: the value of the pattern's entry k is
// Val[k]. Matrices with the same structure share one Pattern.
type CSR[T Float] struct {
	*Pattern
	Val []T
}

// CSC is a matrix in compressed sparse columns: column j's rows are
// Idx[Ptr[j]:Ptr[j+1]], ascending, with the values at the same positions of Val.
type CSC[T Float] struct {
	Rows, Cols int
	Ptr        []int
	Idx        []int32
	Val        []T
}

// NewCSR returns the matrix with the given structure, and zeros for values.
func NewCSR[T Float](p *Pattern) *CSR[T] { return &CSR[T]{p, make([]T, p.Nnz())} }

// Append adds v at (i, j). Indices are checked by the conversions.
func (m *COO[T]) Append(i, j int, v T) {
	m.Row = append(m.Row, clampIndex(i))
	m.Col = append(m.Col, clampIndex(j))
	m.Val = append(m.Val, v)
}

// clampIndex keeps an index that is out of 32 bits out of range, so that it is
// found by the check instead of wrapping to a valid one.
func clampIndex(i int) int32 { return int32(min(max(i, -1), math.MaxInt32)) }

// Check returns an error unless the lengths agree and every index is in range.
func (m *COO[T]) Check() error {
	if len(m.Row) != len(m.Col) || len(m.Row) != len(m.Val) {
		return &StructureError{Row: -1, Reason: fmt.Sprintf("%d rows, %d columns and %d values", len(m.Row), len(m.Col), len(m.Val))}
	}
	if m.Rows < 0 || m.Cols < 0 || m.Rows > math.MaxInt32 || m.Cols > math.MaxInt32 {
		return &StructureError{Row: -1, Reason: fmt.Sprintf("shape %d x %d", m.Rows, m.Cols)}
	}
	for k, i := range m.Row {
		if i < 0 || int(i) >= m.Rows || m.Col[k] < 0 || int(m.Col[k]) >= m.Cols {
			return &StructureError{Row: int(i), Reason: fmt.Sprintf("entry %d at (%d, %d) of a %d x %d matrix", k, i, m.Col[k], m.Rows, m.Cols)}
		}
	}
	return nil
}

// CSR returns the matrix by rows, entries at the same place summed in the order in
// which they are listed. A sum of zero stays an entry. Linear time: two bucket
// passes, by column and then by row, put each row in order.
func (m *COO[T]) CSR() (*CSR[T], error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	byCol, _ := bucket(m.Col, nil, m.Cols)
	order, ptr := bucket(m.Row, byCol, m.Rows)
	p := &Pattern{Rows: m.Rows, Cols: m.Cols, Ptr: ptr, Idx: make([]int32, 0, len(order))}
	val := make([]T, 0, len(order))
	for i := range m.Rows {
		row := order[ptr[i]:ptr[i+1]]
		start := len(p.Idx)
		ptr[i] = start
		for _, k := range row {
			if n := len(p.Idx); n > start && p.Idx[n-1] == m.Col[k] {
				val[n-1] += m.Val[k]
				continue
			}
			p.Idx = append(p.Idx, m.Col[k])
			val = append(val, m.Val[k])
		}
	}
	ptr[m.Rows] = len(p.Idx)
	return &CSR[T]{p, val}, nil
}

// bucket sorts the positions listed in order (all, if nil) by key, stably, and
// returns them with the offsets of each key's run.
func bucket(key []int32, order []int, keys int) (sorted, ptr []int) {
	ptr = make([]int, keys+1)
	for _, k := range key {
		ptr[k+1]++
	}
	for k := range keys {
		ptr[k+1] += ptr[k]
	}
	next := append([]int(nil), ptr...)
	sorted = make([]int, len(key))
	put := func(at int) {
		k := key[at]
		sorted[next[k]] = at
		next[k]++
	}
	if order == nil {
		for at := range key {
			put(at)
		}
	}
	for _, at := range order {
		put(at)
	}
	return sorted, ptr
}

// CSC returns the matrix by columns, entries at the same place summed.
func (m *COO[T]) CSC() (*CSC[T], error) {
	a, err := m.CSR()
	if err != nil {
		return nil, err
	}
	return a.CSC(), nil
}

// Pattern returns the structure of the listed entries, zero values included.
func (m *COO[T]) Pattern() (*Pattern, error) {
	a, err := m.CSR()
	if err != nil {
		return nil, err
	}
	return a.Pattern, nil
}

// DropZeros returns the matrix without the entries whose value is zero. (Files of
// matrices often store zeros; ColPack's counts are of patterns without them.)
func (m *COO[T]) DropZeros() *COO[T] {
	r := &COO[T]{Rows: m.Rows, Cols: m.Cols}
	for k, v := range m.Val {
		if v != 0 {
			r.Row, r.Col, r.Val = append(r.Row, m.Row[k]), append(r.Col, m.Col[k]), append(r.Val, v)
		}
	}
	return r
}

// check returns an error unless the matrix is well formed.
func (m *CSR[T]) check() error {
	if err := m.Pattern.Check(); err != nil {
		return err
	}
	if len(m.Val) != m.Nnz() {
		return &SizeError{"CSR", "number of values", len(m.Val), m.Nnz()}
	}
	return nil
}

// At returns the value at (i, j), zero where there is no entry.
func (m *CSR[T]) At(i, j int) T {
	if k := m.Find(i, j); k >= 0 {
		return m.Val[k]
	}
	return 0
}

// Transpose returns the transposed matrix, by rows.
func (m *CSR[T]) Transpose() *CSR[T] {
	t, from := m.TransposeMap()
	r := NewCSR[T](t)
	for k, e := range from {
		r.Val[k] = m.Val[e]
	}
	return r
}

// CSC returns the same matrix by columns.
func (m *CSR[T]) CSC() *CSC[T] {
	t := m.Transpose()
	return &CSC[T]{Rows: m.Rows, Cols: m.Cols, Ptr: t.Ptr, Idx: t.Idx, Val: t.Val}
}

// COO returns the entries of the matrix, row after row. Col and Val are shared.
func (m *CSR[T]) COO() *COO[T] {
	r := &COO[T]{Rows: m.Rows, Cols: m.Cols, Row: make([]int32, m.Nnz()), Col: m.Idx, Val: m.Val}
	for i := range m.Rows {
		for k := m.Ptr[i]; k < m.Ptr[i+1]; k++ {
			r.Row[k] = int32(i)
		}
	}
	return r
}

// transposed views the columns of m as the rows of its transpose, without a copy.
func (m *CSC[T]) transposed() *CSR[T] {
	return &CSR[T]{&Pattern{Rows: m.Cols, Cols: m.Rows, Ptr: m.Ptr, Idx: m.Idx}, m.Val}
}

// CSR returns the same matrix by rows.
func (m *CSC[T]) CSR() *CSR[T] { return m.transposed().Transpose() }

// Transpose returns the transposed matrix, by columns.
func (m *CSC[T]) Transpose() *CSC[T] {
	r := m.CSR()
	return &CSC[T]{Rows: m.Cols, Cols: m.Rows, Ptr: r.Ptr, Idx: r.Idx, Val: r.Val}
}

// COO returns the entries of the matrix, column after column. Row and Val are
// shared.
func (m *CSC[T]) COO() *COO[T] {
	t := m.transposed().COO()
	return &COO[T]{Rows: m.Rows, Cols: m.Cols, Row: t.Col, Col: t.Row, Val: t.Val}
}

// Pattern returns the structure of the matrix, by rows.
func (m *CSC[T]) Pattern() *Pattern { return m.transposed().Pattern.Transpose() }

// At returns the value at (i, j), zero where there is no entry.
func (m *CSC[T]) At(i, j int) T { return m.transposed().At(j, i) }

// Nnz returns the number of entries.
func (m *CSC[T]) Nnz() int { return len(m.Idx) }

// Symmetric fills the matrix stored in one triangle (its diagonal included) out to
// both: the sum of m, its transpose, less the diagonal counted twice.
func (m *CSR[T]) Symmetric() (*CSR[T], error) {
	if m.Rows != m.Cols {
		return nil, &StructureError{Row: -1, Reason: fmt.Sprintf("a %d x %d matrix is no triangle of a symmetric one", m.Rows, m.Cols)}
	}
	c := m.COO()
	c.Col, c.Val = append([]int32(nil), c.Col...), append([]T(nil), c.Val...)
	for k := range m.Nnz() {
		if i, j := c.Row[k], c.Col[k]; i != j {
			c.Row, c.Col, c.Val = append(c.Row, j), append(c.Col, i), append(c.Val, c.Val[k])
		}
	}
	return c.CSR()
}
