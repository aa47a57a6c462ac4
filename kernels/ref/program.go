// Loops, interpreted: every node is evaluated at every point of the axes, the
// innermost fastest, and what the stores are given is combined as they say.

package ref

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// program is the kernel of a loop. It may run several times at once.
type program struct {
	name  string
	expr  *loop.Expr
	nodes []step
}

// step computes one node at the machine's point.
type step func(m *machine)

// scalar is a value of any type: floats in f, integers and bools (0 and 1) in i.
type scalar struct {
	f float64
	i int64
}

// machine is one run of a program.
type machine struct {
	*program
	call  *kernels.Call
	point []int    // the value of each axis
	value []scalar // of each node
	err   error
}

// newProgram prepares the nodes of an Inst's loop.
func newProgram(inst *kernels.Inst) *program {
	p := &program{name: inst.Name, expr: inst.Expr}
	for n := range p.expr.Nodes {
		p.nodes = append(p.nodes, p.step(loop.Node(n)))
	}
	return p
}

func (p *program) Run(c *kernels.Call) error {
	m := &machine{program: p, call: c, point: make([]int, len(p.expr.Axes)), value: make([]scalar, len(p.nodes))}
	stores := make([]*store, len(p.expr.Outs))
	passes := 1
	for i := range stores {
		stores[i] = m.newStore(&p.expr.Outs[i], c.Out[i], c.Add && i == 0)
		passes = max(passes, stores[i].combine.passes())
	}
	for pass := range passes {
		if err := m.sweep(stores, pass); err != nil {
			return err
		}
	}
	for _, s := range stores {
		s.finish()
	}
	return nil
}

// sweep visits all points.
func (m *machine) sweep(stores []*store, pass int) error {
	axes := m.expr.Axes
	for d, a := range axes {
		m.point[d] = 0
		if a.Size == 0 {
			return nil
		}
	}
	for count := 1; ; count++ {
		if count%1024 == 0 && m.call.Cancel != nil && m.call.Cancel.Load() {
			return kernels.ErrCancelled
		}
		for _, s := range m.nodes {
			s(m)
		}
		for _, s := range stores {
			if at := m.offset(s.out.Index, s.shape, s.strides); m.err == nil {
				s.combine.put(pass, at, m.value[s.out.Value])
			}
		}
		if m.err != nil {
			return m.err
		}
		if !next(m.point, func(d int) int { return axes[d].Size }) {
			return nil
		}
	}
}

// next advances a row-major index, and reports false after the last one.
func next(point []int, size func(d int) int) bool {
	for d := len(point) - 1; d >= 0; d-- {
		if point[d]++; point[d] < size(d) {
			return true
		}
		point[d] = 0
	}
	return false
}

// offset returns the place of an element in a layout of the given shape and
// strides; m.err is set where a gathered index is out of range.
func (m *machine) offset(index []loop.Lin, shape, strides []int) int {
	at := 0
	for d := range index {
		at += m.index(&index[d], shape[d]) * strides[d]
	}
	return at
}

// index returns the index along a dimension of the given size.
func (m *machine) index(l *loop.Lin, size int) int {
	if l.Via == loop.None {
		i := l.Const
		for _, t := range l.Terms {
			i += t.Coef * m.point[t.Axis]
		}
		return i
	}
	i := m.value[l.Via].i
	if i < 0 {
		i += int64(size)
	}
	if i < 0 || i >= int64(size) {
		m.err = &kernels.IndexError{Op: m.name, Index: m.value[l.Via].i, Size: size}
		return 0
	}
	return int(i)
}

// inRange reports whether the index stays within the shape.
func (m *machine) inRange(index []loop.Lin, shape []int) bool {
	for d := range index {
		if i := m.index(&index[d], shape[d]); i < 0 || i >= shape[d] {
			return false
		}
	}
	return true
}

// strides returns those of an array.
func strides(a *kernels.Array) []int {
	s := make([]int, len(a.Shape))
	for d := range s {
		s[d] = a.Stride(d)
	}
	return s
}

// element returns the address of the element at an offset.
func element(a *kernels.Array, offset int) unsafe.Pointer {
	return unsafe.Add(a.Ptr, offset*a.DType.Size())
}
