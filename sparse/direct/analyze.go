// The analysis of a pattern: order, elimination tree, fronts.

package direct

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/sparse"
)

// Kind says what matrices are to be factored.
type Kind uint8

// The kinds. Of a symmetric matrix both triangles are given.
const (
	Symmetric Kind = iota // L D Lᵀ
	General               // L U
)

// String returns "L D Lᵀ" or "L U".
func (k Kind) String() string { return [...]string{"L D Lᵀ", "L U"}[min(k, General)] }

// Symbolic is how matrices of one pattern are factored. It is not changed by use.
type Symbolic struct {
	kind  Kind
	n     int
	nnz   int     // of the pattern
	perm  []int32 // the row and column that is eliminated k-th
	nodes []node  // supernodes, children before parents
	from  []entry // where entries of the matrix go, node by node
	room  int     // for fronts at work
	store int     // for L, and as much for U
	flops float64
}

// node is a supernode: columns that are factored together, as the first of a front.
type node struct {
	first, width int
	rows         []int32 // of the front: the columns themselves, then what is below, ascending
	parent       int     // -1 for a root
	place        []int32 // of each row below, in the parent's rows
	at           int     // where its columns are stored
	from, to     int     // its part of Symbolic.from
	zeros        int     // entries of its columns that are stored but zero
}

// entry says that an entry of the matrix is added to an element of a front.
type entry struct{ from, to int32 }

// A ShapeError says that a matrix is not square, or too large.
type ShapeError struct {
	Rows, Cols int
	Reason     string
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("direct: %d x %d matrix: %s", e.Rows, e.Cols, e.Reason)
}

// Analyze prepares the factorization of matrices with the pattern p. Errors are
// *ShapeError for one that is not square, and for a symmetric kind *sparse.StructureError
// for one whose transpose differs.
func Analyze(p *sparse.Pattern, kind Kind) (*Symbolic, error) {
	if p.Rows != p.Cols {
		return nil, &ShapeError{p.Rows, p.Cols, "not square"}
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	full := p
	if kind == General {
		var err error
		if full, err = p.Symmetrize(); err != nil {
			return nil, err
		}
	} else if _, ok := p.Mirror(); !ok {
		return nil, &sparse.StructureError{Row: -1, Reason: "the pattern of a symmetric factorization differs from its transpose"}
	}
	s := &Symbolic{kind: kind, n: p.Rows, nnz: p.Nnz()}
	t := plant(full)
	s.perm = t.perm
	s.nodes = t.supernodes()
	s.connect()
	if err := s.lay(p, t.inverse); err != nil {
		return nil, err
	}
	return s, nil
}

// Nnz returns the entries that the factors store, those of L and U together.
func (s *Symbolic) Nnz() int {
	if s.kind == General {
		return 2 * s.store
	}
	return s.store
}

// Flops returns the multiplications and additions of a factorization.
func (s *Symbolic) Flops() float64 { return s.flops }

// String describes the analysis in a line.
func (s *Symbolic) String() string {
	return fmt.Sprintf("%v of %d x %d: %d entries become %d in %d fronts, %.3g operations", s.kind, s.n, s.n, s.nnz, s.Nnz(), len(s.nodes), s.flops)
}

// connect finds each node's parent, and where its rows are in the parent's.
func (s *Symbolic) connect() {
	of := make([]int32, s.n) // of each column its node
	for i, nd := range s.nodes {
		for c := range nd.width {
			of[nd.first+c] = int32(i)
		}
	}
	for i := range s.nodes {
		nd := &s.nodes[i]
		nd.parent = -1
		below := nd.rows[nd.width:]
		if len(below) == 0 {
			continue
		}
		nd.parent = int(of[below[0]])
		up := &s.nodes[nd.parent]
		nd.place = make([]int32, len(below))
		at := int32(0)
		for k, r := range below {
			for up.rows[at] != r {
				at++
			}
			nd.place[k] = at
		}
	}
}

// lay decides where columns, fronts and the matrix's entries go.
func (s *Symbolic) lay(p *sparse.Pattern, inverse []int32) error {
	end := 0 // of the fronts at work, as Factor has them
	opened := make([]int, len(s.nodes))
	open := func(i int) int {
		if opened[i] < 0 {
			opened[i] = end
			end += len(s.nodes[i].rows) * len(s.nodes[i].rows)
			s.room = max(s.room, end)
		}
		return opened[i]
	}
	for i := range opened {
		opened[i] = -1
	}
	for i := range s.nodes {
		nd := &s.nodes[i]
		m, k := len(nd.rows), nd.width
		nd.at = s.store
		s.store += m * k
		at := open(i)
		if up := nd.parent; up < 0 || opened[up] >= 0 {
			end = at
		} else {
			open(up)
			opened[up], end = at, at+len(s.nodes[up].rows)*len(s.nodes[up].rows)
		}
		for j := range k {
			left := float64(m - j - 1)
			if s.kind == General {
				s.flops += left + 2*left*left
			} else {
				s.flops += left + left*(left+1)
			}
		}
	}
	if s.store > maxStore || s.room > maxStore {
		return &ShapeError{s.n, s.n, fmt.Sprintf("its factors have %d entries", s.store)}
	}
	s.entries(p, inverse)
	return nil
}

// maxStore is the most entries that factors may have: 16 GiB.
const maxStore = 1 << 31

// entries sorts the matrix's entries by the node that they are added to.
func (s *Symbolic) entries(p *sparse.Pattern, inverse []int32) {
	of := make([]int32, s.n)
	for i, nd := range s.nodes {
		for c := range nd.width {
			of[nd.first+c] = int32(i)
		}
	}
	count := make([]int, len(s.nodes)+1)
	visit := func(do func(e int, i, j int32, node int)) {
		for r := range p.Rows {
			i := inverse[r]
			for e := p.Ptr[r]; e < p.Ptr[r+1]; e++ {
				j := inverse[p.Idx[e]]
				if s.kind == Symmetric && i < j {
					continue
				}
				do(e, i, j, int(of[min(i, j)]))
			}
		}
	}
	visit(func(_ int, _, _ int32, node int) { count[node+1]++ })
	for i := range s.nodes {
		count[i+1] += count[i]
		s.nodes[i].from, s.nodes[i].to = count[i], count[i]
	}
	type cell struct {
		e    int32
		i, j int32
	}
	cells := make([]cell, count[len(s.nodes)])
	visit(func(e int, i, j int32, node int) {
		nd := &s.nodes[node]
		cells[nd.to] = cell{int32(e), i, j}
		nd.to++
	})
	s.from = make([]entry, len(cells))
	local := make([]int32, s.n)
	for i := range s.nodes {
		nd := &s.nodes[i]
		for k, r := range nd.rows {
			local[r] = int32(k)
		}
		m := int32(len(nd.rows))
		for k := nd.from; k < nd.to; k++ {
			c := cells[k]
			s.from[k] = entry{c.e, local[c.j]*m + local[c.i]}
		}
	}
}
