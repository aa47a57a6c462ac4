// Sets of columns, by reference.

package pattern

import (
	"math/bits"
	"slices"
)

// ref names a set of columns: 0 the empty one, 1+c that of column c alone, and
// -1-i set i of the table. Zeroed memory is empty sets.
type ref = int32

const empty ref = 0

// set is a list of the table's slab, ascending, or an interval.
type set struct {
	at int // where the list begins, or the complement (^) of an interval's first column
	n  int
}

// table holds the sets of more than one column.
type table struct {
	cols  int
	sets  []set
	slab  []int32
	bits  []uint64 // scratch: a column each, zero between uses
	small []int32  // scratch
	used  int64    // bytes, those of lists of references included
	limit int64
}

// few is the number of columns up to which sets are united by insertion.
const few = 48

func (t *table) size(r ref) int {
	switch {
	case r > 0:
		return 1
	case r == empty:
		return 0
	}
	return t.sets[-1-r].n
}

// spend counts bytes and reports whether they are within the limit.
func (t *table) spend(n int) bool {
	t.used += int64(n)
	return t.used <= t.limit
}

// union returns the union of sets; it may change the order of list.
func (t *table) union(list []ref) ref {
	all, total := empty, 0
	k := 0
	for _, r := range list {
		if r == empty || r == all || k > 0 && r == list[k-1] {
			continue
		}
		all = r
		list[k], k = r, k+1
		total += t.size(r)
	}
	list = list[:k]
	switch {
	case k <= 1:
		return all
	case total <= few:
		t.small = t.insert(t.small[:0], list)
		return t.add(t.small)
	}
	if r := t.covering(list); r != empty {
		return r
	}
	return t.mark(list)
}

// insert appends the columns of small sets to cols, ascending and once each.
func (t *table) insert(cols []int32, list []ref) []int32 {
	base := len(cols)
	for _, r := range list {
		if r > 0 {
			cols = insert1(cols, base, r-1)
			continue
		}
		s := t.sets[-1-r]
		if s.at < 0 {
			for c := range s.n {
				cols = insert1(cols, base, int32(^s.at+c))
			}
			continue
		}
		for _, c := range t.slab[s.at : s.at+s.n] {
			cols = insert1(cols, base, c)
		}
	}
	return cols
}

func insert1(cols []int32, base int, c int32) []int32 {
	i := len(cols)
	for i > base && cols[i-1] > c {
		i--
	}
	if i > base && cols[i-1] == c {
		return cols
	}
	cols = append(cols, c)
	if last := len(cols) - 1; i < last {
		copy(cols[i+1:], cols[i:last])
		cols[i] = c
	}
	return cols
}

// add returns the set of the columns, which are ascending.
func (t *table) add(cols []int32) ref {
	n := len(cols)
	switch {
	case n == 0:
		return empty
	case n == 1:
		return 1 + cols[0]
	case int(cols[n-1]-cols[0]) == n-1:
		return t.interval(int(cols[0]), n)
	}
	t.sets = append(t.sets, set{len(t.slab), n})
	t.slab = append(t.slab, cols...)
	t.spend(16 + 4*n)
	return ref(-len(t.sets))
}

func (t *table) interval(lo, n int) ref {
	if last := len(t.sets) - 1; last >= 0 && t.sets[last] == (set{^lo, n}) {
		return ref(-1 - last)
	}
	t.sets = append(t.sets, set{^lo, n})
	t.spend(16)
	return ref(-len(t.sets))
}

// covering returns the interval in the list that contains all other sets, or
// empty where there is none.
func (t *table) covering(list []ref) ref {
	best := empty
	for _, r := range list {
		if r < empty && t.sets[-1-r].at < 0 && (best == empty || t.size(r) > t.size(best)) {
			best = r
		}
	}
	if best == empty {
		return empty
	}
	s := t.sets[-1-best]
	lo, hi := ^s.at, ^s.at+s.n
	for _, r := range list {
		if first, last := t.ends(r); first < lo || last >= hi {
			return empty
		}
	}
	return best
}

// ends returns the first and the last column of a set that is not empty.
func (t *table) ends(r ref) (first, last int) {
	if r > 0 {
		return int(r - 1), int(r - 1)
	}
	s := t.sets[-1-r]
	if s.at < 0 {
		return ^s.at, ^s.at + s.n - 1
	}
	return int(t.slab[s.at]), int(t.slab[s.at+s.n-1])
}

// mark unites sets by marking bits.
func (t *table) mark(list []ref) ref {
	if t.bits == nil {
		t.bits = make([]uint64, t.cols/64+1)
		t.spend(8 * len(t.bits))
	}
	lo, hi := t.cols, -1
	for _, r := range list {
		first, last := t.ends(r)
		lo, hi = min(lo, first), max(hi, last)
		t.setBits(r)
	}
	words := t.bits[lo/64 : hi/64+1]
	n := 0
	for _, w := range words {
		n += bits.OnesCount64(w)
	}
	if n == hi-lo+1 {
		clear(words)
		return t.interval(lo, n)
	}
	if !t.spend(16 + 4*n) {
		clear(words)
		return t.interval(lo, hi-lo+1) // whoever asked looks at the limit
	}
	t.sets = append(t.sets, set{len(t.slab), n})
	t.slab = slices.Grow(t.slab, n)
	for i, w := range words {
		for base := (lo/64 + i) * 64; w != 0; w &= w - 1 {
			t.slab = append(t.slab, int32(base+bits.TrailingZeros64(w)))
		}
		words[i] = 0
	}
	return ref(-len(t.sets))
}

func (t *table) setBits(r ref) {
	if r > 0 {
		t.bits[(r-1)/64] |= 1 << ((r - 1) % 64)
		return
	}
	s := t.sets[-1-r]
	if s.at >= 0 {
		for _, c := range t.slab[s.at : s.at+s.n] {
			t.bits[c/64] |= 1 << (c % 64)
		}
		return
	}
	for c, end := ^s.at, ^s.at+s.n; c < end; {
		if c%64 == 0 && end-c >= 64 {
			t.bits[c/64] = ^uint64(0)
			c += 64
			continue
		}
		t.bits[c/64] |= 1 << (c % 64)
		c++
	}
}

// appendTo appends the columns of a set, ascending.
func (t *table) appendTo(cols []int32, r ref) []int32 {
	switch {
	case r > 0:
		return append(cols, r-1)
	case r == empty:
		return cols
	}
	s := t.sets[-1-r]
	if s.at >= 0 {
		return append(cols, t.slab[s.at:s.at+s.n]...)
	}
	for c := range s.n {
		cols = append(cols, int32(^s.at+c))
	}
	return cols
}
