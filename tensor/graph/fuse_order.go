// Fusion: the order of the groups. It is kept valid while groups are merged and
// instructions are moved into others, by moving only the groups between two places
// (Pearce and Kelly, A dynamic topological sort algorithm for directed acyclic
// graphs, 2006). Searches that become long are given up, so that fusing is linear.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// maxSearch bounds the uses that a search looks at.
const maxSearch = 400

// precedes makes a group come before others, and reports whether it can.
func (f *fuser) precedes(home int32, others []reader) bool {
	for _, r := range others {
		if r.group >= 0 && !f.before(home, f.find(r.group)) {
			return false
		}
	}
	return true
}

// before makes group x come before group y; false if y leads to x or the search is long.
func (f *fuser) before(x, y int32) bool {
	if f.order[x] < f.order[y] {
		return true
	}
	after, ok := f.search(y, -1, f.order[x], f.readersOf)
	if !ok || slices.Contains(after, x) {
		return false
	}
	ahead, ok := f.search(x, -1, f.order[y], f.readBy)
	if !ok {
		return false
	}
	f.rearrange(ahead, after)
	return true
}

// rearrange puts the groups of one list before those of another, in the places that they have.
func (f *fuser) rearrange(ahead, after []int32) {
	byOrder := func(a, b int32) int { return int(f.order[a] - f.order[b]) }
	slices.SortFunc(ahead, byOrder)
	slices.SortFunc(after, byOrder)
	all := append(ahead, after...)
	places := make([]int32, len(all))
	for i, g := range all {
		places[i] = f.order[g]
	}
	slices.Sort(places)
	for i, g := range all {
		f.order[g] = places[i]
	}
}

// search returns the groups that next leads to from a group, itself included and skip left
// out, up to a place in the order; not ok where it is given up.
func (f *fuser) search(from, skip, bound int32, next func(group int32, visit func(int32) bool) bool) (found []int32, ok bool) {
	found = []int32{from}
	forward := f.order[from] < bound
	steps := 0
	for i := 0; i < len(found); i++ {
		ok := next(found[i], func(g int32) bool {
			steps++
			if g != skip && !slices.Contains(found, g) && (f.order[g] == bound || (f.order[g] < bound) == forward) {
				found = append(found, g)
			}
			return steps < maxSearch && len(found) < maxSearch/8
		})
		if !ok {
			return nil, false
		}
	}
	return found, true
}

// readersOf visits the groups that read what a group stores.
func (f *fuser) readersOf(id int32, visit func(int32) bool) bool {
	for _, m := range f.groups[id].members {
		if f.inline[m.instr] && f.groups[id].loop {
			continue
		}
		x := &f.g.Instrs[m.instr]
		for k := range x.Inst.Out {
			for u := f.head[x.Out+Ref(k)]; u >= 0; u = f.uses[u].next {
				if g := f.uses[u].group; g >= 0 {
					if g = f.find(g); g != id && !visit(g) {
						return false
					}
				}
			}
		}
	}
	return true
}

// readBy visits the groups that store what a group reads.
func (f *fuser) readBy(id int32, visit func(int32) bool) bool {
	for _, v := range f.groups[id].reads {
		d := f.g.Def(v)
		if d < 0 || f.home[d] < 0 || f.groups[f.home[d]] == nil {
			continue
		}
		if f.inline[d] && f.groups[f.home[d]].loop { // its readers compute it themselves
			continue
		}
		if g := f.find(f.home[d]); g != id && !visit(g) {
			return false
		}
	}
	return true
}

// merge makes group y part of group x, where what is at index iy of one is at index ix of the
// other. It reports whether it can.
func (f *fuser) merge(x, y int32, ix, iy []loop.Lin) bool {
	gx, gy := f.groups[x], f.groups[y]
	if gx.nodes+gy.nodes > gx.most() || gx.rigid || gy.rigid || len(gx.reads)+len(gy.reads) > maxSearch {
		return false
	}
	inverse, ok := loop.Invert(gy.axes, iy)
	if !ok {
		return false
	}
	sub, _ := loop.Subst(inverse, ix)
	red, ok := f.mergedReductions(gx, gy, sub)
	if !ok || !f.meets(x, y, nil, sub) || !f.meets(y, x, sub, nil) || !f.adjoin(x, y) {
		return false
	}
	gx.red = red
	gy.parent, gy.sub = x, sub
	for _, m := range gy.members {
		m.sub, _ = loop.Subst(m.sub, sub)
		gx.members = append(gx.members, m)
		f.home[m.instr] = x
	}
	gx.reads = append(gx.reads, gy.reads...)
	gx.nodes += gy.nodes
	gy.members, gy.reads = nil, nil
	return true
}

func (f *fuser) mergedReductions(gx, gy *group, sub []loop.Lin) (red []int, ok bool) {
	red = gx.red
	for _, m := range gy.members {
		to, _ := loop.Subst(m.sub, sub)
		r, ok := reductions(f.g.Instrs[m.instr].Inst.Expr, gx.axes, to)
		if !ok || len(r) > 0 && len(red) > 0 && !slices.Equal(r, red) {
			return nil, false
		}
		if len(r) > 0 {
			red = r
		}
	}
	return red, true
}

// meets reports whether group y reads what x stores only at the very point at which x
// computes it, where the axes of the two are subX and subY (nil for themselves).
func (f *fuser) meets(x, y int32, subX, subY []loop.Lin) bool {
	over := func(index, sub []loop.Lin) []loop.Lin {
		if sub != nil {
			index, _ = loop.Subst(index, sub)
		}
		return index
	}
	for _, m := range f.groups[x].members {
		if f.inline[m.instr] {
			continue
		}
		i := &f.g.Instrs[m.instr]
		for k := range i.Inst.Out {
			for u := f.head[i.Out+Ref(k)]; u >= 0; u = f.uses[u].next {
				if g := f.uses[u].group; g < 0 || f.find(g) != y {
					continue
				}
				w := f.at(u)
				s := &i.Inst.Expr.Outs[k]
				if w.index == nil || w.guarded || s.Reduce != loop.NoReduce ||
					!sameIndex(over(w.index, subY), over(m.sub[:len(s.Index)], subX)) {
					return false
				}
			}
		}
	}
	return true
}

// adjoin makes two groups neighbours in the order; false if one leads to the other by way of
// a third, or the search is long.
func (f *fuser) adjoin(x, y int32) bool {
	lo, hi := x, y
	if f.order[lo] > f.order[hi] {
		lo, hi = hi, lo
	}
	after, ok := f.search(lo, hi, f.order[hi], f.readersOf)
	if !ok {
		return false
	}
	ahead, ok := f.search(hi, lo, f.order[lo], f.readBy)
	if !ok {
		return false
	}
	// No way leads from lo to hi but the direct one.
	for _, g := range after[1:] {
		if slices.Contains(ahead, g) {
			return false
		}
	}
	f.rearrange(ahead, after)
	return true
}

// joinReaders merges groups that read the same inputs, point by point.
func (f *fuser) joinReaders() {
	for v := range f.g.NumValues() {
		d := f.g.Def(Ref(v))
		if d >= 0 && (f.home[d] < 0 || f.inline[d]) || f.head[v] < 0 {
			continue
		}
		size := f.g.Aval(Ref(v)).Size()
		if size == 1 {
			continue
		}
		var home int32 = -1
		var at []loop.Lin
		looked := 0
		for u := f.head[v]; u >= 0 && looked < maxReaders; u = f.uses[u].next {
			looked++
			w := f.at(u)
			if w.group < 0 || w.index == nil || w.guarded {
				continue
			}
			g := f.groups[w.group]
			if !g.loop || g.rigid || extent(g.axes) != size || !loop.OneToOne(g.axes, w.index) {
				continue
			}
			if home >= 0 {
				home = f.find(home)
			}
			switch {
			case home < 0:
				home, at = w.group, w.index
			case w.group == home:
			case f.merge(home, w.group, at, w.index):
			case f.merge(w.group, home, w.index, at):
				home, at = w.group, w.index
			}
		}
	}
}
