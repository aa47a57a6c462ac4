// Ranks: an order in which each group comes after those whose values it reads, kept while
// groups are merged. A way from one group to another leads through such alone as are
// ranked between the two, whichever statements they hold (Pearce and Kelly, A dynamic
// topological sort algorithm for directed acyclic graphs, ACM JEA 11, 2007).

package native

import (
	"cmp"
	"slices"
)

// mostBetween bounds the groups that are looked at before two are merged: farther apart
// they stay apart, so that scheduling stays linear in the statements.
const mostBetween = 4000

// between reports whether some group, neither a nor b, must run after one of them and
// before the other; or whether that would take long to find out.
func (g *grouping) between(a, b *group) bool {
	if a.rank > b.rank {
		a, b = b, a
	}
	_, ok := g.reach(a, b, g.after)
	return !ok
}

// rerank gives m, which is to be a and b in one, a rank, and others new ranks where they
// must come before b, or after a, and now do not. It reports whether it could.
func (g *grouping) rerank(m, a, b *group) bool {
	if a.rank > b.rank {
		a, b = b, a
	}
	after, ok := g.reach(a, b, g.after)
	if !ok {
		return false
	}
	m.rank = b.rank
	if len(after) == 0 {
		return true
	}
	before, ok := g.reach(b, a, g.before)
	if !ok {
		return false
	}
	byRank := func(x, y *group) int { return cmp.Compare(x.rank, y.rank) }
	slices.SortFunc(after, byRank)
	slices.SortFunc(before, byRank)
	list := slices.Concat(before, []*group{m}, after)
	ranks := []int{a.rank}
	for _, x := range list {
		ranks = append(ranks, x.rank)
	}
	slices.Sort(ranks)
	for i, x := range list {
		x.rank = ranks[i]
	}
	return true
}

// reach returns the groups that next leads to from one on, step by step, and that are
// ranked between that and another. It is not ok where they lead to that other one, or are
// too many.
func (g *grouping) reach(from, to *group, next func(*group) []*group) (list []*group, ok bool) {
	g.visits++
	low, high := min(from.rank, to.rank), max(from.rank, to.rank)
	work := []*group{from}
	for len(work) > 0 {
		x := work[len(work)-1]
		work = work[:len(work)-1]
		for _, y := range next(x) {
			switch {
			case y == to && x != from:
				return nil, false
			case y.rank <= low || y.rank >= high || y.visit == g.visits:
			case len(list) == mostBetween:
				return nil, false
			default:
				y.visit = g.visits
				list, work = append(list, y), append(work, y)
			}
		}
	}
	return list, true
}

// after returns the groups that read a group's values.
func (g *grouping) after(gr *group) (list []*group) {
	add := func(x *group) {
		if x != gr && (len(list) == 0 || list[len(list)-1] != x) {
			list = append(list, x)
		}
	}
	for _, m := range gr.members {
		if m.dup {
			continue
		}
		for i := range m.outs {
			v := m.outs[i].val
			for _, c := range g.readers[v] {
				add(g.of[c])
			}
			for _, x := range g.dupReaders[v] {
				add(x.now())
			}
		}
	}
	return list
}

// now returns the group that a group is part of by now.
func (gr *group) now() *group {
	for gr.into != nil {
		gr = gr.into
	}
	return gr
}
