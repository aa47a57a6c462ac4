// Copying nodes from one expression into another while axes are replaced by
// affine indices of other axes, and clearing away what is not used.

package loop

import (
	"slices"

	"github.com/cotangent-ad/cotangent/device"
)

// rebuild copies nodes of src into dst, where an axis a of src is sub[a].
type rebuild struct {
	src, dst *Expr
	sub      []Lin
	alias    []Node          // nodes of src to take in place of others (None: the node itself); may be short
	guard    bool            // sub may leave an axis' range: loads must be guarded
	memo     []Node          // node of dst plus one, 0 where not yet made
	load     func(Load) Node // makes loads in place of dst; may be nil
}

func newRebuild(src, dst *Expr, sub []Lin) *rebuild {
	return &rebuild{src: src, dst: dst, sub: sub, memo: make([]Node, len(src.Nodes))}
}

// node returns the copy of n in dst.
func (r *rebuild) node(n Node) Node {
	if n == None {
		return None
	}
	if int(n) < len(r.alias) && r.alias[n] != None {
		n = r.alias[n]
	}
	if m := r.memo[n]; m != 0 {
		return m - 1
	}
	var m Node
	switch x := &r.src.Nodes[n]; x.Fn {
	case LoadFn:
		l := &r.src.Loads[x.K]
		at := Load{In: l.In, Index: r.index(l.Index), Guarded: l.Guarded || r.guard}
		if r.load != nil {
			m = r.load(at)
		} else {
			m = r.dst.load(at)
		}
	case Iota:
		m = r.dst.linNode(r.sub[x.K])
	default:
		arg := noArgs
		for i := range x.Fn.Arity() {
			arg[i] = r.node(x.Arg[i])
		}
		m = r.dst.apply(x, arg)
	}
	r.memo[n] = m + 1
	return m
}

// index returns the copy of an index.
func (r *rebuild) index(index []Lin) []Lin {
	if r.same(index) {
		return index
	}
	out := make([]Lin, len(index))
	for d, l := range index {
		if l.Via != None {
			out[d] = Through(r.through(l.Via))
		} else {
			out[d] = l.subst(r.sub)
		}
	}
	return out
}

// through returns the copy of an index that is a node. Where an axis that it
// depends on leaves its range, and nothing made of it counts, it is 0, for
// even then it must be valid.
func (r *rebuild) through(n Node) Node {
	m := r.node(n)
	if !r.guard {
		return m
	}
	deps := r.src.deps()[n]
	for a, axis := range r.src.Axes {
		if lo, hi := r.sub[a].bounds(r.dst.Axes); deps>>a&1 != 0 && (lo < 0 || hi >= axis.Size) {
			m = r.dst.Select(r.dst.within(r.dst.linNode(r.sub[a]), axis.Size), m, None)
		}
	}
	return m
}

// same reports whether an index is its own copy.
func (r *rebuild) same(index []Lin) bool {
	for i := range index {
		if index[i].Via != None {
			return false
		}
		for _, t := range index[i].Terms {
			if !r.sub[t.Axis].isAt(t.Axis) {
				return false
			}
		}
	}
	return true
}

// linNode returns the value of an affine index.
func (e *Expr) linNode(l Lin) Node {
	sum := e.ConstInt(device.Int64, int64(l.Const))
	for _, t := range l.Terms {
		sum = e.Add(sum, e.Mul(e.ConstInt(device.Int64, int64(t.Coef)), e.Iota(t.Axis)))
	}
	return sum
}

// within returns whether 0 <= n < size, a bool node.
func (e *Expr) within(n Node, size int) Node {
	low := e.Le(e.ConstInt(device.Int64, 0), n)
	return e.And(low, e.Lt(n, e.ConstInt(device.Int64, int64(size))))
}

// Simplify returns e built anew, without the nodes and loads that no result
// needs. The operands stay as they are.
func (e *Expr) Simplify() *Expr {
	dst := New(e.Axes, e.Ins)
	dst.Contraction = e.Contraction
	r := newRebuild(e, dst, Ats(len(e.Axes)))
	for _, s := range e.Outs {
		s.Value, s.Index = r.node(s.Value), r.index(s.Index)
		dst.Outs = append(dst.Outs, s)
	}
	dst.compact(false)
	return dst
}

// compact removes in place what no result needs: nodes, loads and, on request,
// operands. It returns the operands' old positions.
func (e *Expr) compact(dropIns bool) (kept []int) {
	live := e.live()
	ins := make([]int, len(e.Ins)) // new position plus one
	if dropIns {
		kept = e.keepIns(live, ins)
	}
	node := make([]Node, len(e.Nodes))
	nodes, loads := e.Nodes[:0], make([]Load, 0, len(e.Loads))
	for n := range e.Nodes {
		if !live[n] {
			continue
		}
		x := e.Nodes[n]
		for i := range x.Fn.Arity() {
			x.Arg[i] = node[x.Arg[i]]
		}
		if x.Fn == LoadFn {
			l := e.Loads[x.K]
			l.Index = renumber(l.Index, node)
			if dropIns {
				l.In = ins[l.In] - 1
			}
			x.K = int64(len(loads))
			loads = append(loads, l)
		}
		node[n] = Node(len(nodes))
		nodes = append(nodes, x)
	}
	e.Nodes, e.Loads, e.table = nodes, loads, nil
	for i := range e.Outs {
		s := &e.Outs[i]
		s.Value, s.Index = node[s.Value], renumber(s.Index, node)
	}
	return kept
}

// live marks the nodes that the given results need, or all results.
func (e *Expr) live(outs ...int) []bool {
	live := make([]bool, len(e.Nodes))
	mark := func(index []Lin) {
		for i := range index {
			if index[i].Via != None {
				live[index[i].Via] = true
			}
		}
	}
	for i := range e.Outs {
		if len(outs) == 0 || slices.Contains(outs, i) {
			live[e.Outs[i].Value] = true
			mark(e.Outs[i].Index)
		}
	}
	for n := len(e.Nodes) - 1; n >= 0; n-- {
		x := &e.Nodes[n]
		if !live[n] {
			continue
		}
		for i := range x.Fn.Arity() {
			live[x.Arg[i]] = true
		}
		if x.Fn == LoadFn {
			mark(e.Loads[x.K].Index)
		}
	}
	return live
}

// keepIns drops the operands that live nodes do not load, and sets ins to the
// new positions plus one.
func (e *Expr) keepIns(live []bool, ins []int) (kept []int) {
	for n := range e.Nodes {
		if x := &e.Nodes[n]; live[n] && x.Fn == LoadFn {
			ins[e.Loads[x.K].In] = 1
		}
	}
	avals := make([]Aval, 0, len(e.Ins))
	for i := range ins {
		if ins[i] != 0 {
			kept, avals = append(kept, i), append(avals, e.Ins[i])
			ins[i] = len(kept)
		}
	}
	e.Ins = avals
	return kept
}

func renumber(index []Lin, node []Node) []Lin {
	var out []Lin
	for d := range index {
		if index[d].Via != None {
			if out == nil {
				out = append(out, index...)
			}
			out[d].Via = node[index[d].Via]
		}
	}
	if out == nil {
		return index
	}
	return out
}
