//go:build cuda && cgo

package cuda

// Nests: the parts of a loop that have kernels of their own, and what they read
// and write as linear functions of the axes.

import (
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// nest is results that reduce over the same axes, or one that is scattered.
type nest struct {
	e       *loop.Expr
	outs    []int // beside those that reduce there may be some that do not, over all axes
	scatter bool
	set     bool  // scattered values replace what is there instead of adding to it
	bare    bool  // what the nest does not write is others' to write
	res     []int // axes of the results; all axes where scattered
	red     []int // reduced axes
	needs   []bool
	nowhere bool // some gathered index is one into nothing: an error
	lanes   int  // values of all axes
	reduced int  // values of the reduced axes
}

// limits of what is worth a kernel: more goes to the host.
const (
	mostOuts  = 24
	mostNodes = 2000
	mostAxes  = 20
)

// nests splits an expression, or returns nil if some of it has no kernel.
func nests(e *loop.Expr) []*nest {
	var list []*nest
	for i := range e.Outs {
		s := &e.Outs[i]
		red := e.Reduced(s)
		if s.Scatter {
			red = nil
		}
		joins := func(n *nest) bool {
			return !s.Scatter && !n.scatter && slices.Equal(n.red, red) && len(n.outs) < mostOuts
		}
		if j := slices.IndexFunc(list, joins); j >= 0 {
			list[j].outs = append(list[j].outs, i)
			continue
		}
		list = append(list, &nest{e: e, outs: []int{i}, scatter: s.Scatter, red: red})
	}
	list = mixed(list)
	for _, n := range list {
		if !n.complete() {
			return nil
		}
	}
	return list
}

// mixed lets a nest that reduces do with what it reads what another one does that
// reduces nothing: each element is then read once.
func mixed(list []*nest) []*nest {
	plain := slices.IndexFunc(list, func(n *nest) bool { return !n.scatter && len(n.red) == 0 })
	if plain < 0 {
		return list
	}
	m := list[plain]
	// A Partial result is whole, too, where it only names the axes in another order.
	whole := func(o int) bool { return m.e.Outs[o].Aval.Size() == points(m.e) }
	for _, n := range list {
		if n.scatter || len(n.red) == 0 || len(n.outs)+len(m.outs) > mostOuts || points(m.e) < leastVector || !m.shares(n) {
			continue
		}
		if !slices.ContainsFunc(m.outs, func(o int) bool { return !whole(o) }) {
			n.outs = append(n.outs, m.outs...)
			slices.Sort(n.outs)
			return slices.Delete(list, plain, plain+1)
		}
	}
	return list
}

// points is the number of values of a loop's axes.
func points(e *loop.Expr) int {
	n := 1
	for _, a := range e.Axes {
		n *= a.Size
	}
	return n
}

// shares reports whether nests read some array at the same place.
func (n *nest) shares(m *nest) bool {
	a, b := n.e.CUDA().Needs(n.outs...), n.e.CUDA().Needs(m.outs...)
	for k := range n.e.Nodes {
		if n.e.Nodes[k].Fn == loop.LoadFn && a[k] && b[k] {
			return true
		}
	}
	return false
}

// reduces reports whether a result is reduced.
func (n *nest) reduces(o int) bool { return len(n.red) > 0 && len(n.e.Reduced(&n.e.Outs[o])) > 0 }

// complete fills in what follows from outs and red, and reports whether there is
// a kernel for it.
func (n *nest) complete() bool {
	e := n.e
	n.lanes, n.reduced = points(e), 1
	for a, axis := range e.Axes {
		if slices.Contains(n.red, a) {
			n.reduced *= axis.Size
		} else {
			n.res = append(n.res, a)
		}
	}
	if n.reduced == 1 && !n.scatter {
		n.red = nil
	}
	single := func(a int) bool { return e.Axes[a].Size == 1 }
	n.res, n.red = slices.DeleteFunc(n.res, single), slices.DeleteFunc(n.red, single)
	n.needs = e.CUDA().Needs(n.outs...)
	if len(e.Nodes) > mostNodes || len(n.res)+len(n.red) > mostAxes {
		return false
	}
	n.nowhere = n.lanes > 0 && n.gathersFrom(func(size int) bool { return size == 0 })
	for _, o := range n.outs {
		if s := &e.Outs[o]; s.Aval.DType == device.Bool && (n.scatter && !n.set || n.reduced != 1 && n.reduces(o)) {
			return false
		}
	}
	return true
}

// gathersFrom reports whether the nest gathers from, or scatters to, a dimension of
// a size for which is holds.
func (n *nest) gathersFrom(is func(size int) bool) bool {
	through := func(index []loop.Lin, shape []int) bool {
		for d, l := range index {
			if l.Via != loop.None && is(shape[d]) {
				return true
			}
		}
		return false
	}
	for k := range n.e.Nodes {
		x := &n.e.Nodes[k]
		if !n.needs[k] || x.Fn != loop.LoadFn {
			continue
		}
		if l := &n.e.Loads[x.K]; through(l.Index, n.e.Ins[l.In].Shape) {
			return true
		}
	}
	return slices.ContainsFunc(n.outs, func(o int) bool { return through(n.e.Outs[o].Index, n.e.Outs[o].Aval.Shape) })
}

// gathers reports whether the nest's kernels use the flag.
func (n *nest) gathers() bool { return n.gathersFrom(func(int) bool { return true }) }

// covers reports whether the nest writes every element of result o.
func (n *nest) covers(o int) bool {
	if n.scatter {
		return false
	}
	size := n.results() // what is written, each element once
	if !n.reduces(o) {
		size = n.lanes
	}
	return size == n.e.Outs[o].Aval.Size()
}

// affine is a linear function of the axes: a place in an array, in elements, or
// a number.
type affine struct {
	c0   int
	coef []int // by axis of the expression
}

// place is an index's affine part in an array of the given strides.
func (n *nest) place(index []loop.Lin, stride func(d int) int) affine {
	a := affine{coef: make([]int, len(n.e.Axes))}
	for d, l := range index {
		if l.Via != loop.None {
			continue
		}
		s := stride(d)
		a.c0 += l.Const * s
		for _, t := range l.Terms {
			a.coef[t.Axis] += t.Coef * s
		}
	}
	return a
}

// number is the value of an affine index.
func (n *nest) number(l loop.Lin) affine {
	return n.place([]loop.Lin{l}, func(int) int { return 1 })
}

// dim is axes that a kernel counts as one: in every affine function of the nest
// they are as if they were.
type dim struct {
	axes []int // outermost first
	size int
}

// merge joins neighbouring axes where all functions allow it.
func (n *nest) merge(axes []int, all []affine) []dim {
	var dims []dim
	for _, a := range axes {
		size := n.e.Axes[a].Size
		if k := len(dims) - 1; k >= 0 {
			outer := dims[k].axes[len(dims[k].axes)-1]
			if !slices.ContainsFunc(all, func(f affine) bool { return f.coef[outer] != f.coef[a]*size }) {
				dims[k].axes = append(dims[k].axes, a)
				dims[k].size *= size
				continue
			}
		}
		dims = append(dims, dim{axes: []int{a}, size: size})
	}
	return dims
}

// of is the coefficient of a dimension: that of its innermost axis.
func (d dim) of(f affine) int { return f.coef[d.axes[len(d.axes)-1]] }

// product is the number of values of dimensions.
func product(dims []dim) int {
	p := 1
	for _, d := range dims {
		p *= d.size
	}
	return p
}

// denseStride returns the strides of a row-major array of a shape.
func denseStride(shape []int) func(d int) int {
	a := kernels.Array{Aval: kernels.Aval{Shape: shape}}
	return a.Stride
}
