// Grouping: which statements are computed in one nest of loops.

package native

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// member is a statement in a group. Each of its axes is a shared axis of the
// group or an inner axis of its own (-1).
type member struct {
	*stmt
	at  []int
	dup bool // computed here again, to be read here only
}

// group is statements that are computed together: for each value of the shared
// axes all members, in order. Every member has all shared axes, as axes of its
// results, or, the vector axis only, as one that it reduces over.
type group struct {
	shared  []int // sizes
	members []*member

	rank  int    // see rank.go
	visit int    // the last search that came by
	into  *group // what it was merged into, or nil
	best  *form  // how it is computed
}

// maxMembers bounds the statements of a group: a function of C stays small
// enough to be optimised well, and preparing stays linear in the statements.
const maxMembers = 256

// grouping is groups in the making.
type grouping struct {
	*lowering
	of      []*group // by statement
	visits  int      // searches among groups
	readers [][]int  // by value: the statements that read it
	kept    []bool   // by value: it must lie in memory whatever the groups are

	stored     []bool     // by value, once that is settled: it lies in memory
	dupReaders [][]*group // by value: groups that read it in what they compute again

	needs map[graph.Ref][]bool // see needed
}

// singles puts every statement into a group of its own.
func singles(l *lowering) *grouping {
	g := &grouping{lowering: l, readers: make([][]int, len(l.maker)), kept: make([]bool, len(l.maker)), dupReaders: make([][]*group, len(l.maker)), needs: map[graph.Ref][]bool{}}
	for _, v := range l.g.Outputs {
		g.kept[l.alias[v].base] = true
	}
	for _, s := range l.stmts {
		g.readAll(s)
		gr := &group{rank: s.id}
		m := &member{stmt: s, at: fill(len(s.size))}
		for a, n := range s.size {
			if n > 1 {
				m.at[a] = len(gr.shared)
				gr.shared = append(gr.shared, n)
			}
		}
		gr.members = []*member{m}
		g.of = append(g.of, gr)
	}
	for _, gr := range g.of {
		g.shape(gr)
	}
	return g
}

func (g *grouping) readAll(s *stmt) {
	read := func(v graph.Ref) {
		if r := g.readers[v]; len(r) == 0 || r[len(r)-1] != s.id {
			g.readers[v] = append(r, s.id)
		}
	}
	for _, v := range s.in {
		read(g.alias[v].base)
		g.kept[g.alias[v].base] = true
	}
	for i := range s.loads {
		ld := &s.loads[i]
		read(g.alias[ld.val].base)
		if ld.direct {
			g.kept[g.alias[ld.val].base] = true
		}
	}
	for i := range s.outs {
		if s.outs[i].Scatter || s.outs[i].Partial {
			g.kept[s.outs[i].val] = true
		}
	}
}

// edge is a value that one statement makes and another reads.
type edge struct {
	from, to int
	bytes    int
}

// worthNesting is the part of the cost of two results of one instruction that must be
// saved where they are joined before all else.
const worthNesting = 0.25

// nested joins the statements of one instruction that compute much in common.
func (g *grouping) nested() {
	for i := 1; i < len(g.stmts); i++ {
		x, y := g.stmts[i-1], g.stmts[i]
		a, b := g.of[i-1], g.of[i]
		if x.instr != y.instr || x.instr < 0 || a == b || !slices.Equal(x.size, y.size) || g.apart(a, b) {
			continue
		}
		match, there := newMatching(a), b.member(y).at
		for k, at := range a.member(x).at {
			if at >= 0 {
				match.note(at, there[k])
			}
		}
		g.join(a, b, match.settled(), 1-worthNesting)
	}
}

// merge joins groups along the values that pass between them, the largest first,
// where that costs less.
func (g *grouping) merge() {
	var edges []edge
	for v, readers := range g.readers {
		p := g.maker[v]
		if p < 0 || g.stmts[p].call {
			continue
		}
		for _, c := range readers {
			if !g.stmts[c].call {
				edges = append(edges, edge{int(p), c, bytes(g.g.Aval(graph.Ref(v)))})
			}
		}
	}
	g.nested()
	slices.SortStableFunc(edges, func(a, b edge) int { return b.bytes - a.bytes })
	for _, e := range edges {
		a, b := g.of[e.from], g.of[e.to]
		if a == b || len(a.members)+len(b.members) > maxMembers || g.between(a, b) {
			continue
		}
		if match, ok := g.match(a, b); ok {
			g.join(a, b, match, 1)
		}
	}
	g.siblings()
}

// worthSharing is the part of two groups' cost that must be saved where they are
// joined only because they compute alike.
const worthSharing = 0.05

// apart reports whether groups that do not read each other's results cannot be one.
func (g *grouping) apart(a, b *group) bool {
	return a.members[0].call || b.members[0].call || len(a.members)+len(b.members) > maxMembers || g.between(a, b)
}

// siblings joins groups that read the same large value and compute alike.
func (g *grouping) siblings() {
	for v, readers := range g.readers {
		if bytes(g.g.Aval(graph.Ref(v))) < leastAgain {
			continue
		}
		for k := 1; k < len(readers); k++ {
			a, b := g.of[readers[k-1]], g.of[readers[k]]
			if a == b || g.apart(a, b) {
				continue
			}
			if match, ok := g.alike(a, b); ok {
				g.join(a, b, match, 1-worthSharing)
			}
		}
	}
}

// join makes one group of two whose shared axes match, if that costs less than part
// of what they cost.
func (g *grouping) join(a, b *group, match matching, part float64) {
	m := g.joined(a, b, match)
	if m == nil || m.best.cost > part*(a.best.cost+b.best.cost) || !g.rerank(m, a, b) {
		return
	}
	for _, x := range m.members {
		if !x.dup {
			g.of[x.id] = m
		}
	}
	a.into, b.into = m, m
}

// alike finds which shared axes of a are which of b, from how both read what
// neither makes; see match. It is not ok where one reads what the other makes.
func (g *grouping) alike(a, b *group) (match matching, ok bool) {
	match = newMatching(a)
	for _, x := range a.members {
		for i := range x.loads {
			p := &x.loads[i]
			if !x.liveLoad(i) {
				continue
			}
			if m, _ := b.makes(g.alias[p.val].base); m != nil {
				return nil, false
			}
			for _, y := range b.members {
				for j := range y.loads {
					q := &y.loads[j]
					if m, _ := a.makes(g.alias[q.val].base); m != nil {
						return nil, false
					}
					if !y.liveLoad(j) || p.val != q.val {
						continue
					}
					for d := range p.index {
						s, t := plainAxis(p.index[d]), plainAxis(q.index[d])
						if s >= 0 && t >= 0 && x.size[s] == y.size[t] && x.at[s] >= 0 {
							match.note(x.at[s], y.at[t])
						}
					}
				}
			}
		}
	}
	return match.settled(), true
}

// joined returns a and b as one group, or nil where they have no axis in common.
func (g *grouping) joined(a, b *group, match matching) *group {
	var shared []int
	newA, newB := fill(len(a.shared)), fill(len(b.shared))
	for i, j := range match {
		if j >= 0 {
			newA[i], newB[j] = len(shared), len(shared)
			shared = append(shared, a.shared[i])
		}
	}
	if len(shared) == 0 && (len(a.shared) > 0 || len(b.shared) > 0) {
		return nil
	}
	m := &group{shared: shared}
	for _, x := range a.members {
		m.members = append(m.members, x.renamed(newA))
	}
	for _, x := range b.members {
		m.members = append(m.members, x.renamed(newB))
	}
	slices.SortFunc(m.members, func(x, y *member) int { return 2*(x.id-y.id) + order(x.dup, y.dup) })
	m.members = slices.CompactFunc(m.members, func(x, y *member) bool { return x.id == y.id && slices.Equal(x.at, y.at) && x.has(y) })
	if g.shape(m); m.best == nil {
		return nil
	}
	return m
}

// has reports whether the member has all results of another one of the same statement.
func (m *member) has(y *member) bool {
	return !slices.ContainsFunc(y.outs, func(o store) bool {
		return !slices.ContainsFunc(m.outs, func(p store) bool { return p.val == o.val })
	})
}

// order puts what is no duplicate first.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func fill(n int) []int { return slices.Repeat([]int{-1}, n) }

func (m *member) renamed(axes []int) *member {
	r := &member{stmt: m.stmt, at: make([]int, len(m.at)), dup: m.dup}
	for i, a := range m.at {
		r.at[i] = -1
		if a >= 0 {
			r.at[i] = axes[a]
		}
	}
	return r
}

// matching tells of each shared axis of a group which one it is of another: -1 for
// none, unknown where nothing is known.
type matching []int

const unknown = -2

func newMatching(a *group) matching { return slices.Repeat(matching{unknown}, len(a.shared)) }

// note adds that axis a is b, or is none.
func (m matching) note(a, b int) {
	switch {
	case m[a] == unknown:
		m[a] = b
	case m[a] != b:
		m[a] = -1
	}
}

// settled returns a matching in which each axis has one partner at most.
func (m matching) settled() matching {
	for i, j := range m {
		if j < 0 || slices.Contains(m[:i], j) {
			m[i] = -1
		}
	}
	return m
}

// match finds which shared axes of a are which of b, from how b's members read
// what a's make.
func (g *grouping) match(a, b *group) (match matching, ok bool) {
	match = newMatching(a)
	for _, y := range b.members {
		for i := range y.loads {
			ld := &y.loads[i]
			if !y.liveLoad(i) {
				continue
			}
			x, out := a.makes(g.alias[ld.val].base)
			if x == nil {
				continue
			}
			if ld.direct || ld.guarded || !x.plain() {
				return nil, false
			}
			for d := range out.Index {
				if x.at[d] < 0 {
					continue
				}
				sb := -1
				if t := plainAxis(ld.index[d]); t >= 0 && y.size[t] == x.size[d] {
					sb = y.at[t]
				}
				match.note(x.at[d], sb)
			}
		}
	}
	return match.settled(), true
}

// plainAxis returns the axis that an index is, or -1.
func plainAxis(x loop.Lin) int {
	if x.Via == loop.None && x.Const == 0 && len(x.Terms) == 1 && x.Terms[0].Coef == 1 {
		return x.Terms[0].Axis
	}
	return -1
}

// member returns the statement as a member of the group that computes it for all.
func (gr *group) member(s *stmt) *member {
	return gr.members[slices.IndexFunc(gr.members, func(m *member) bool { return m.id == s.id && !m.dup })]
}

// makes returns the member that makes a value, and which of its results it is.
func (gr *group) makes(v graph.Ref) (*member, *store) {
	for _, m := range gr.members {
		for i := range m.outs {
			if m.outs[i].val == v {
				return m, &m.outs[i]
			}
		}
	}
	return nil, nil
}

// liveLoad reports whether load i is needed.
func (s *stmt) liveLoad(i int) bool {
	for n := range s.nodes {
		if s.nodes[n].Fn == loop.LoadFn && int(s.nodes[n].K) == i && s.live[n] {
			return true
		}
	}
	return false
}

// groups returns the groups in an order in which each comes after those whose
// values it reads.
func (g *grouping) groups() []*group {
	var order []*group
	done := map[*group]int{} // 1: under way, 2: done
	type frame struct {
		gr   *group
		deps []*group
	}
	visit := func(root *group) {
		if done[root] != 0 {
			return
		}
		done[root] = 1
		work := []frame{{root, g.before(root)}}
		for len(work) > 0 {
			f := &work[len(work)-1]
			if len(f.deps) == 0 {
				done[f.gr] = 2
				order = append(order, f.gr)
				work = work[:len(work)-1]
				continue
			}
			d := f.deps[0]
			f.deps = f.deps[1:]
			switch done[d] {
			case 0:
				done[d] = 1
				work = append(work, frame{d, g.before(d)})
			case 1: // better no machine code than wrong results
				panic("native: groups that read each other's results")
			}
		}
	}
	for _, s := range g.stmts {
		visit(g.of[s.id])
	}
	return order
}

// before returns the groups whose values a group reads.
func (g *grouping) before(gr *group) (list []*group) {
	add := func(v graph.Ref) {
		if p := g.maker[g.alias[v].base]; p >= 0 && g.of[p] != gr && !slices.Contains(list, g.of[p]) {
			list = append(list, g.of[p])
		}
	}
	for _, m := range gr.members {
		for i := range m.loads {
			add(m.loads[i].val)
		}
		for _, v := range m.in {
			add(v)
		}
	}
	return list
}
