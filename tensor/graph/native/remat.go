// Rematerialisation: what is cheaper to compute again where it is read than to
// store and to load.

package native

import (
	"slices"

	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// leastAgain is the size in bytes from which on a value may be computed again.
const leastAgain = 32 << 10

// rematerialise computes values again in the groups that read them, where that
// costs less.
func (g *grouping) rematerialise() {
	for _, b := range g.groups() {
		for g.again(b) {
		}
	}
	g.settle()
}

// again finds the value that the group had best compute itself.
func (g *grouping) again(b *group) bool {
	if b.members[0].call || len(b.shared) == 0 {
		return false
	}
	var best *group
	gain := 0.0
	for _, y := range b.members {
		for i := range y.loads {
			if !y.liveLoad(i) {
				continue
			}
			c := g.withMaker(b, y, &y.loads[i], 0)
			if c == nil {
				continue
			}
			if g.shape(c); c.best == nil {
				continue
			}
			if x := b.best.cost + g.saving(y.loads[i].val, b) - c.best.cost; x > gain {
				best, gain = c, x
			}
		}
	}
	if best == nil {
		return false
	}
	b.members, b.best = best.members, best.best
	for _, m := range b.members {
		if m.dup {
			for k := range m.loads {
				g.alsoRead(m.loads[k].val, b)
			}
		}
	}
	return true
}

func (g *grouping) alsoRead(v graph.Ref, b *group) {
	v = g.alias[v].base
	if !slices.Contains(g.dupReaders[v], b) {
		g.dupReaders[v] = append(g.dupReaders[v], b)
	}
}

// saving estimates the cycles of storing a value that only b reads from memory.
func (g *grouping) saving(v graph.Ref, b *group) float64 {
	if g.kept[v] {
		return 0
	}
	maker := g.of[g.maker[v]]
	for _, c := range g.readers[v] {
		if x := g.of[c]; x != b && x != maker {
			return 0
		}
	}
	n := bytes(g.g.Aval(v))
	return traffic(n, n) + float64(n)/8
}

// withMaker returns the group with the statement that makes what y loads, and
// those that make what that one loads, where these are large, too.
func (g *grouping) withMaker(b *group, y *member, ld *load, depth int) *group {
	p := g.maker[ld.val]
	if p < 0 || ld.direct || ld.guarded || depth > 6 || bytes(g.g.Aval(ld.val)) < leastAgain {
		return nil
	}
	s := g.stmts[p]
	if have, _ := b.makes(ld.val); have != nil || s.call || !s.plain() || g.of[p] == b {
		return nil
	}
	s = s.only(ld.val)
	m := &member{stmt: s, at: fill(len(s.size)), dup: true}
	covered := make([]bool, len(b.shared))
	for d := range s.outs[0].Index {
		t := plainAxis(ld.index[d])
		if t >= 0 && y.at[t] >= 0 && y.size[t] == s.size[d] {
			m.at[d] = y.at[t]
			covered[y.at[t]] = true
		}
	}
	if slices.Contains(covered, false) {
		return nil
	}
	c := &group{shared: b.shared, members: append(slices.Clone(b.members), m)}
	slices.SortFunc(c.members, func(x, y *member) int { return x.id - y.id })
	for i := range s.loads {
		if s.liveLoad(i) {
			if d := g.withMaker(c, m, &s.loads[i], depth+1); d != nil {
				c = d
			}
		}
	}
	return c
}

// only returns the statement with the one result that is a value: others may be read in
// ways in which they cannot be where they are made.
func (s *stmt) only(v graph.Ref) *stmt {
	if len(s.outs) == 1 {
		return s
	}
	c := *s
	c.outs = slices.DeleteFunc(slices.Clone(s.outs), func(o store) bool { return o.val != v })
	c.analyse()
	return &c
}

// settle finds which values must be stored now, and the groups' best forms.
func (g *grouping) settle() {
	g.stored = slices.Clone(g.kept)
	list := g.groups()
	for _, b := range list {
		for _, y := range b.members {
			for i := range y.loads {
				ld := &y.loads[i]
				if from, _ := b.makes(ld.val); y.liveLoad(i) && (from == nil || ld.direct) {
					g.stored[g.alias[ld.val].base] = true
				}
			}
		}
	}
	for _, b := range list {
		g.shape(b)
	}
}
