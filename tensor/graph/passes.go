// The passes: what Optimize does with a graph, and which of it can be left out.

package graph

import (
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Passes is a set of passes.
type Passes uint

// The passes, in the order in which they run.
const (
	FoldConstants Passes = 1 << iota // compute now what depends on nothing but constants
	Inline                           // put what calls, known branches and single steps do in their place
	Simplify                         // leave out what changes nothing
	Share                            // compute the same only once
	Prune                            // leave out what nothing reads, as the others that leave such behind do as well
	Hoist                            // compute before a loop what is the same in all of its steps
	Fusion                           // make one loop of several
	Reuse                            // have values lie in the same memory one after the other, results in that of operands, rows where they are computed
	VectorAxis                       // in machine code: have vectors run along the axis that costs least, not the last one

	AllPasses = 1<<iota - 1
)

// Passes that change results by rounding, and so are no part of AllPasses.
const (
	Reorder       Passes = (AllPasses + 1) << iota // put chains of matrix products in the cheapest order, sums over products into their factors; before Hoist
	Preaccumulate                                  // keep local derivatives instead of what they are made of; with Fusion, before it
)

var passNames = []string{"constants", "inline", "simplify", "share", "prune", "hoist", "fusion", "reuse", "vector axis", "reorder", "preaccumulate"}

// String lists the passes' names.
func (p Passes) String() string {
	var list []string
	for i, name := range passNames {
		if p>>i&1 != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, ",")
}

// Has reports whether all of q are in p.
func (p Passes) Has(q Passes) bool { return p&q == q }

// Optimize runs passes on g and the bodies in it. What the graph computes stays the
// same, bit for bit, but for what Reorder and Preaccumulate do. On dev, which may be nil,
// constants are computed. What [Compile] and the making of machine code do is noted in g.
func (g *Graph) Optimize(passes Passes, dev device.Device) { g.optimize(passes, dev, false) }

// optimize runs passes; for near see fuser.
func (g *Graph) optimize(passes Passes, dev device.Device, near bool) {
	o := &optimizer{passes: passes, near: near, uniform: map[elements]uniformity{}}
	o.tidy(g, nil)
	if passes.Has(FoldConstants) && dev != nil && g.fold(dev) {
		o.tidy(g, nil)
	}
	o.fuse(g, nil)
}

// optimizer runs passes.
type optimizer struct {
	passes  Passes
	near    bool
	uniform map[elements]uniformity // of the constants that were looked at
}

// tidy runs the passes that come before fusion; given are values of parameters.
func (o *optimizer) tidy(g *Graph, given given) {
	g.Without = AllPasses &^ o.passes
	if o.passes.Has(Inline) {
		for g.inline(o.known(g, given)) {
		}
	}
	o.clean(g, given)
	if o.passes.Has(Reorder) {
		g.reorder()
		g.distribute()
	}
	g.eachBody(o.known(g, given), o.tidy)
	if o.passes.Has(Hoist) && g.hoist() {
		o.clean(g, given)
	}
}

// clean runs the passes on the instructions of one graph.
func (o *optimizer) clean(g *Graph, given given) {
	if o.passes.Has(Simplify) {
		g.simplify(o.known(g, given))
	}
	if o.passes.Has(Share) {
		g.share(o.known(g, given))
	}
	o.prune(g)
}

func (o *optimizer) prune(g *Graph) {
	if o.passes.Has(Prune) {
		g.RemoveDead()
	}
}

// fuse makes loops, of bodies first.
func (o *optimizer) fuse(g *Graph, given given) {
	if o.passes.Has(Fusion) {
		g.eachBody(o.known(g, given), o.fuse)
		known := o.known(g, given)
		var early map[*kernels.Inst]bool
		if o.passes.Has(Preaccumulate) {
			early = g.preaccumulate(known, Step{})
			known = o.known(g, given)
		}
		g.fuse(known, early, o.near)
	}
	if o.passes.Has(Reuse) {
		g.wholeRows()
	}
	o.prune(g)
}
