// Elimination tree and supernodes (Davis 2006, chapter 4).

package direct

import (
	"slices"

	"github.com/cotangent-ad/cotangent/sparse"
)

// tree is the elimination tree of a symmetric pattern in the order of elimination, a
// postorder of the tree.
type tree struct {
	p             *sparse.Pattern
	perm, inverse []int32
	parent        []int32 // -1 for a root
}

// plant orders a symmetric pattern.
func plant(p *sparse.Pattern) *tree {
	n := p.Rows
	list := make([][]int32, n)
	flat := make([]int32, 0, p.Nnz())
	for i := range n {
		from := len(flat)
		for _, j := range p.Row(i) {
			if int(j) != i {
				flat = append(flat, j)
			}
		}
		list[i] = flat[from:len(flat):len(flat)]
	}
	t := &tree{p: p, perm: order(list)}
	t.invert()
	t.grow()
	// Renumber along a postorder.
	post := t.postorder()
	perm, parent, at := make([]int32, n), make([]int32, n), make([]int32, n)
	for k, j := range post {
		perm[k] = t.perm[j]
		at[j] = int32(k)
	}
	for k, j := range post {
		if parent[k] = -1; t.parent[j] >= 0 {
			parent[k] = at[t.parent[j]]
		}
	}
	t.perm, t.parent = perm, parent
	t.invert()
	return t
}

func (t *tree) invert() {
	t.inverse = make([]int32, len(t.perm))
	for k, i := range t.perm {
		t.inverse[i] = int32(k)
	}
}

// grow finds parents (Liu's algorithm).
func (t *tree) grow() {
	n := len(t.perm)
	t.parent = make([]int32, n)
	ancestor := make([]int32, n)
	for j := range int32(n) {
		t.parent[j], ancestor[j] = -1, -1
		for _, r := range t.p.Row(int(t.perm[j])) {
			for i := t.inverse[r]; i >= 0 && i < j; {
				up := ancestor[i]
				ancestor[i] = j
				if up < 0 {
					t.parent[i] = j
				}
				i = up
			}
		}
	}
}

// children returns of each column its first child and its next sibling, ascending.
func (t *tree) children() (first, next []int32) {
	n := len(t.parent)
	first, next = make([]int32, n), make([]int32, n)
	for j := range first {
		first[j] = -1
	}
	for j := n - 1; j >= 0; j-- {
		if up := t.parent[j]; up >= 0 {
			next[j] = first[up]
			first[up] = int32(j)
		} else {
			next[j] = -1
		}
	}
	return first, next
}

func (t *tree) postorder() []int32 {
	first, next := t.children()
	post := make([]int32, 0, len(t.parent))
	var stack []int32
	for root := range t.parent {
		if t.parent[root] >= 0 {
			continue
		}
		stack = append(stack, int32(root))
		for len(stack) > 0 {
			j := stack[len(stack)-1]
			if c := first[j]; c >= 0 {
				first[j] = next[c]
				stack = append(stack, c)
				continue
			}
			stack = stack[:len(stack)-1]
			post = append(post, j)
		}
	}
	return post
}

// supernodes finds the rows of columns of L, and puts those together that have the
// same.
func (t *tree) supernodes() []node {
	n := len(t.perm)
	first, next := t.children()
	of := make([]int32, n)   // of each column its node
	mark := make([]int32, n) // of each row the last column that has it, plus one
	var nodes []node
	for j := range int32(n) {
		mark[j] = j + 1
		var rows []int32
		add := func(r int32) {
			if r > j && mark[r] != j+1 {
				mark[r] = j + 1
				rows = append(rows, r)
			}
		}
		for _, r := range t.p.Row(int(t.perm[j])) {
			add(t.inverse[r])
		}
		for c := first[j]; c >= 0; c = next[c] {
			for _, r := range nodes[of[c]].rows {
				add(r)
			}
		}
		if j > 0 && t.parent[j-1] == j {
			last := &nodes[len(nodes)-1]
			if len(rows) == len(last.rows)-last.width-1 {
				of[j] = int32(len(nodes) - 1)
				last.width++
				continue
			}
		}
		slices.Sort(rows)
		of[j] = int32(len(nodes))
		nodes = append(nodes, node{first: int(j), width: 1, rows: append([]int32{j}, rows...)})
	}
	return t.amalgamate(nodes)
}

// amalgamate joins a node to its last child, where that stores few zeros: a few larger
// fronts are factored faster than many small ones.
func (t *tree) amalgamate(nodes []node) []node {
	var out []node
	for _, nd := range nodes {
		for len(out) > 0 {
			child := out[len(out)-1]
			if t.parent[child.first+child.width-1] != int32(nd.first) {
				break
			}
			joined := node{first: child.first, width: child.width + nd.width}
			m := child.width + len(nd.rows)
			joined.zeros = child.zeros + nd.zeros + child.width*(m-len(child.rows))
			if !joined.worthwhile(m) {
				break
			}
			joined.rows = append(slices.Clone(child.rows[:child.width]), nd.rows...)
			nd, out = joined, out[:len(out)-1]
		}
		out = append(out, nd)
	}
	return out
}

// worthwhile reports whether the zeros among the entries of a node's columns, of m rows,
// are few enough: the more columns, the fewer.
func (nd *node) worthwhile(m int) bool {
	w := nd.width
	all := float64(w*m - w*(w-1)/2)
	share := float64(nd.zeros) / all
	switch {
	case w <= 4:
		return share < 0.9
	case w <= 16:
		return share < 0.5
	case w <= 48:
		return share < 0.1
	}
	return share < 0.03
}
