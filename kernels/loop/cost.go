// What a loop costs, from its extents.

package loop

import "math/bits"

// Cost estimates one run: floating-point operations (a fused multiply-add is
// two), bytes that must come from and go to memory at least, and evaluations
// of transcendental functions (not counted as operations). Nodes is how many nodes
// there are to evaluate, whatever the extents.
type Cost struct{ Flops, Bytes, Transcendentals, Nodes int64 }

// Cost returns the cost of e. A node counts once for every value of the axes
// that it depends on, and so does a load, up to the size of its operand.
func (e *Expr) Cost() Cost {
	var c Cost
	deps := e.deps()
	read := make([]int64, len(e.Ins))
	for n, on := range e.live() {
		x := &e.Nodes[n]
		times := e.times(deps[n])
		if on && x.Fn != Const {
			c.Nodes++
		}
		switch {
		case !on || x.Fn == Const || x.Fn == Iota || x.Fn == Cast:
		case x.Fn == LoadFn:
			in := e.Loads[x.K].In
			read[in] = min(read[in]+times, int64(e.Ins[in].Size()))
		case x.Fn.Transcendental():
			c.Transcendentals += times
		case x.DType.IsFloat() || e.DType(x.Arg[0]).IsFloat():
			c.Flops += times
		}
	}
	for i, n := range read {
		c.Bytes += n * int64(e.Ins[i].DType.Size())
	}
	for i := range e.Outs {
		c.add(e.storeCost(&e.Outs[i]))
	}
	return c
}

func (c *Cost) add(d Cost) {
	c.Flops += d.Flops
	c.Bytes += d.Bytes
	c.Transcendentals += d.Transcendentals
}

// storeCost is the cost of a store and its reduction.
func (e *Expr) storeCost(s *Store) Cost {
	iterations := e.times(e.allAxes())
	c := Cost{Bytes: int64(s.Aval.Size() * s.Aval.DType.Size())}
	switch {
	case s.Scatter: // elements are read, too
		c.Bytes += 2 * iterations * int64(s.Aval.DType.Size())
		c.Flops = iterations
	case s.Reduce == LSE:
		c.Flops, c.Transcendentals = 2*iterations, iterations
	case s.Reduce != NoReduce:
		c.Flops = iterations
	}
	return c
}

// deps returns, for each node, the set of axes that it depends on, bit a for
// axis a.
func (e *Expr) deps() []uint64 {
	deps := make([]uint64, len(e.Nodes))
	for n := range e.Nodes {
		x := &e.Nodes[n]
		switch x.Fn {
		case Iota:
			deps[n] = 1 << x.K
		case LoadFn:
			deps[n] = indexDeps(e.Loads[x.K].Index, deps)
		}
		for i := range x.Fn.Arity() {
			deps[n] |= deps[x.Arg[i]]
		}
	}
	return deps
}

func indexDeps(index []Lin, deps []uint64) (set uint64) {
	for _, l := range index {
		if l.Via != None {
			set |= deps[l.Via]
		}
		for _, t := range l.Terms {
			set |= 1 << t.Axis
		}
	}
	return set
}

func (e *Expr) allAxes() uint64 { return 1<<len(e.Axes) - 1 }

// times returns the number of values of a set of axes.
func (e *Expr) times(set uint64) int64 {
	n := int64(1)
	for ; set != 0; set &= set - 1 {
		n *= int64(e.Axes[bits.TrailingZeros64(set)].Size)
	}
	return n
}
