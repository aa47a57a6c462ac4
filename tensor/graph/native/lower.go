// From a graph to statements: loops whose loads name values, with views resolved.

package native

import (
	"math/bits"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// stmt is what is computed in one nest of loops: results of an instruction that
// reduce over the same axes. An instruction that is no loop is a statement
// without axes whose kernel is called.
type stmt struct {
	id    int
	instr int // of the graph; -1 for a copy to a destination
	call  bool

	size  []int       // of each axis
	nodes []loop.Inst // K of a LoadFn is an index in loads
	loads []load
	outs  []store
	deps  []uint64 // of each node, the axes that it depends on
	live  []bool   // of each node, that it is needed
	red   uint64   // the axes that are reduced
	// product marks a contraction that eager evaluation hands to a matrix product:
	// it is summed in any order, by fused multiply-adds.
	product bool

	in []graph.Ref // of a call
}

// load is a read of an element of a value.
type load struct {
	val     graph.Ref
	index   []loop.Lin
	guarded bool
	direct  bool // the value must lie in memory: it is not read where it is computed
}

// store is a result of a statement.
type store struct {
	loop.Store
	val graph.Ref
}

// lowering is a graph on its way to statements.
type lowering struct {
	g     *graph.Graph
	stmts []*stmt
	alias []alias // by value; base is itself where it is none
	maker []int32 // by value: the statement that makes it, or -1

	consts   map[graph.Ref]int // of each constant its place in the graph's list
	uniforms map[graph.Ref]uniform
}

// leastProduct is the number of multiplications from which on eager evaluation
// computes a contraction as a matrix product.
const leastProduct = 512

// lower makes the statements of a graph, in its order. Calls tells that kernels
// may be called, among them those of large matrix products.
func lower(g *graph.Graph, calls bool) *lowering {
	l := &lowering{g: g, alias: make([]alias, g.NumValues()), maker: make([]int32, g.NumValues()), consts: map[graph.Ref]int{}, uniforms: map[graph.Ref]uniform{}}
	for i := range g.Consts {
		l.consts[g.Consts[i].Ref] = i
	}
	for v := range l.alias {
		l.alias[v].base = graph.Ref(v)
		l.maker[v] = -1
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		if l.view(x, g.Args(i)) {
			continue
		}
		e := x.Inst.Expr
		if e == nil || !printable(e) || calls && isLarge(e) {
			l.callOf(i, x)
			continue
		}
		for _, outs := range nests(e) {
			l.loopOf(i, x, e, outs)
		}
	}
	return l
}

// printable reports whether the printer takes all of an expression.
func printable(e *loop.Expr) bool {
	if len(e.Axes) > 60 {
		return false
	}
	for i := range e.Outs {
		s := &e.Outs[i]
		if s.Scatter && s.Aval.DType == device.Bool || s.Reduce != loop.NoReduce && s.Aval.DType == device.Bool {
			return false
		}
	}
	return true
}

func (l *lowering) add(s *stmt) *stmt {
	s.id = len(l.stmts)
	l.stmts = append(l.stmts, s)
	for i := range s.outs {
		l.maker[s.outs[i].val] = int32(s.id)
	}
	return s
}

func (l *lowering) callOf(i int, x *graph.Instr) {
	s := &stmt{instr: i, call: true, in: l.g.Args(i)}
	for k := range x.Inst.Out {
		s.outs = append(s.outs, store{val: x.Out + graph.Ref(k)})
	}
	l.add(s)
}

// nests groups the results of an expression that are computed in one nest: those that
// reduce over the same axes, and are written in the same order.
func nests(e *loop.Expr) (list [][]int) {
	for i := range e.Outs {
		s := &e.Outs[i]
		k := slices.IndexFunc(list, func(outs []int) bool {
			o := &e.Outs[outs[0]]
			return !s.Scatter && !o.Scatter && slices.Equal(e.Reduced(o), e.Reduced(s)) && slices.EqualFunc(o.Index, s.Index, loop.Lin.Equal)
		})
		if k >= 0 {
			list[k] = append(list[k], i)
		} else {
			list = append(list, []int{i})
		}
	}
	return list
}

func (l *lowering) loopOf(i int, x *graph.Instr, e *loop.Expr, outs []int) {
	args := l.g.Args(i)
	if order, ok := e.Whole(&e.Outs[outs[0]]); ok && e.Outs[outs[0]].Partial {
		e = e.Order(order) // so that others can read it where it is made
	}
	s := &stmt{instr: i, nodes: slices.Clone(e.Nodes)}
	for _, a := range e.Axes {
		s.size = append(s.size, a.Size)
	}
	for _, ld := range e.Loads {
		s.loads = append(s.loads, l.resolve(args[ld.In], ld))
	}
	for n := range s.nodes {
		if x := &s.nodes[n]; x.Fn == loop.LoadFn {
			l.known(x, &s.loads[x.K])
		}
	}
	for _, o := range outs {
		s.outs = append(s.outs, store{e.Outs[o], x.Out + graph.Ref(o)})
	}
	if first := &e.Outs[outs[0]]; !first.Scatter {
		for _, a := range e.Reduced(first) {
			s.red |= 1 << a
		}
	}
	s.product = isProduct(e)
	s.analyse()
	l.add(s)
}

// isProduct reports whether eager evaluation takes a loop for a matrix product.
func isProduct(e *loop.Expr) bool {
	c, ok := e.AsContraction()
	if !ok || !e.Outs[0].Aval.DType.IsFloat() {
		return false
	}
	m, n, k := loop.Extent(c.M), loop.Extent(c.N), loop.Extent(c.K)
	return m*n >= 2 && m*n*k >= leastProduct
}

// largeProduct is the product of the two smaller extents of a matrix product from
// which on its kernel is called: with less, what is done for each value of the
// largest extent stays in registers.
const largeProduct = 640

// isLarge reports whether a loop is a large matrix product.
func isLarge(e *loop.Expr) bool {
	if !isProduct(e) {
		return false
	}
	c, _ := e.AsContraction()
	n := []int{loop.Extent(c.M), loop.Extent(c.N), loop.Extent(c.K)}
	slices.Sort(n)
	return n[0]*n[1] >= largeProduct
}

// analyse fills in what follows from nodes and results.
func (s *stmt) analyse() {
	s.live = make([]bool, len(s.nodes))
	mark := func(index []loop.Lin) {
		for _, x := range index {
			if x.Via != loop.None {
				s.live[x.Via] = true
			}
		}
	}
	for i := range s.outs {
		s.live[s.outs[i].Value] = true
		mark(s.outs[i].Index)
	}
	for n := len(s.nodes) - 1; n >= 0; n-- {
		if x := &s.nodes[n]; s.live[n] {
			for i := range x.Fn.Arity() {
				s.live[x.Arg[i]] = true
			}
			if x.Fn == loop.LoadFn {
				mark(s.loads[x.K].index)
			}
		}
	}
	s.deps = make([]uint64, len(s.nodes))
	for n := range s.nodes {
		x := &s.nodes[n]
		switch x.Fn {
		case loop.Iota:
			s.deps[n] = 1 << x.K
		case loop.LoadFn:
			s.deps[n] = s.indexDeps(s.loads[x.K].index)
		}
		for i := range x.Fn.Arity() {
			s.deps[n] |= s.deps[x.Arg[i]]
		}
	}
}

func (s *stmt) indexDeps(index []loop.Lin) (set uint64) {
	for _, x := range index {
		if x.Via != loop.None {
			set |= s.deps[x.Via]
		}
		for _, t := range x.Terms {
			set |= 1 << t.Axis
		}
	}
	return set
}

// extent returns the number of values of a set of axes.
func (s *stmt) extent(set uint64) int {
	n := 1
	for ; set != 0; set &= set - 1 {
		n *= s.size[bits.TrailingZeros64(set)]
	}
	return n
}

func (s *stmt) all() uint64 { return 1<<len(s.size) - 1 }

// plain reports whether every result is written element by element.
func (s *stmt) plain() bool {
	for i := range s.outs {
		if s.outs[i].Scatter || s.outs[i].Partial {
			return false
		}
	}
	return !s.call
}

// bytes returns the memory that an array of the type takes.
func bytes(a kernels.Aval) int { return a.Size() * a.DType.Size() }
