// Codes: graphs made ready to run, a program's own and those of bodies.

package graph

import (
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// code is a graph with its kernels found and its memory planned.
type code struct {
	g      *Graph
	lay    *layout
	steps  []step
	values []kernels.Array // of each value: its type and strides
	slow   bool            // some kernel may run long
}

// step is an instruction that runs: a kernel, or control flow over codes.
type step struct {
	kernel  kernels.Kernel
	control *controlCode
}

// target is where codes run.
type target struct {
	device  string
	backend int
	workers int // who may run steps side by side
	without Passes
}

// targetOf returns where codes for a device run; its error is a *BackendError.
func targetOf(dev device.Device) (target, error) {
	backend, ok := kernels.BackendID(dev.Kind())
	if !ok {
		return target{}, &BackendError{Device: dev.Name()}
	}
	return target{device: dev.Name(), backend: backend, workers: 1}, nil
}

// slowPoints is the number of loop steps from which a kernel is long enough to be
// interrupted: some hundred microseconds.
const slowPoints = 1 << 18

// newCode makes g ready to run; see newLayout for strides and sums.
func newCode(g *Graph, to target, strides [][]int, sums int) (*code, error) {
	c := &code{g: g, lay: newLayout(g, strides, sums)}
	scratch := make([]int, len(c.lay.steps))
	for s, i := range c.lay.steps {
		inst := g.Instrs[i].Inst
		var st step
		if ControlOf(inst) != nil {
			var err error
			if st.control, err = newControlCode(inst, to, c.stridesOf(g.Args(int(i)))); err != nil {
				return nil, err
			}
			scratch[s] = st.control.scratch
			c.slow = c.slow || st.control.slow()
		} else {
			if st.kernel = inst.Kernel(to.backend); st.kernel == nil {
				return nil, &BackendError{Device: to.device, Op: inst.Name}
			}
			c.slow = c.slow || slow(inst)
		}
		c.steps = append(c.steps, st)
	}
	c.lay.assign(scratch, to)
	c.values = make([]kernels.Array, g.NumValues())
	for v := range c.values {
		c.values[v] = kernels.Array{Aval: g.Aval(Ref(v)), Strides: c.lay.at[v].strides}
	}
	return c, nil
}

// bestCode makes g ready to run, with steps side by side where that is worth it.
func bestCode(g *Graph, to target) (*code, error) {
	c, err := newCode(g, to, nil, len(g.Outputs))
	if err != nil || !c.beside() {
		return c, err
	}
	workers := to.workers
	to.workers = 1
	inOrder, err := newCode(g, to, nil, len(g.Outputs))
	if err != nil || !c.affords(inOrder, workers) {
		return inOrder, err
	}
	return c, nil
}

// stridesOf returns the strides of values, nil where dense.
func (c *code) stridesOf(refs []Ref) [][]int {
	out := make([][]int, len(refs))
	for i, v := range refs {
		out[i] = c.lay.at[v].strides
	}
	return out
}

// count adds what there is of the code, bodies included, to s.
func (c *code) count(s *Stats) {
	s.Instructions += len(c.steps)
	s.Views += len(c.g.Instrs) - len(c.steps)
	s.InPlace += c.lay.inPlace
	s.Copies += len(c.lay.copies)
	for _, st := range c.steps {
		if st.control != nil {
			for _, b := range st.control.bodies {
				b.count(s)
			}
		}
	}
}

// slow reports whether an instruction may run long.
func slow(inst *kernels.Inst) bool {
	if inst.Expr == nil {
		n := 0
		for _, a := range inst.In {
			n += a.Size()
		}
		return n >= 1<<12 // a cubic algorithm takes n^1.5 steps
	}
	n := 1
	for _, a := range inst.Expr.Axes {
		n *= a.Size
	}
	return n >= slowPoints
}
