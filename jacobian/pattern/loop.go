// One load of a loop: which elements of its operand each element of a result
// depends on.

package pattern

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// mapping relates the elements of a result to those of an operand that one load
// reads, point by point of the loop's axes. Axes behind the loop's own stand for
// indices that are not known: they take every value.
type mapping struct {
	sizes    []int
	out, src access
	when     *column // at which points; nil: at all
	total    int     // the result's elements
	plain    bool    // the result's index is the first axes
	oneToOne bool    // two points meet in an element of the result only if they differ in an axis that its index lacks
}

// access is where in an array, as a row-major sequence, each point is.
type access struct {
	base    int
	coef    []int // of each axis; a short list ends in zeros
	columns []column
	guards  []guard
}

// column is a table over some axes: terms of a position, or whether a point counts.
type column struct {
	coef []int // of each axis, its stride in the table
	at   []int
	yes  []bool
}

// guard demands 0 <= base + Σ coef*axis < size of a point.
type guard struct {
	base int
	coef []int
	size int
}

func coefOf(coef []int, axis int) int {
	if axis < len(coef) {
		return coef[axis]
	}
	return 0
}

// newMapping relates result o to a load.
func (p *interpreter) newMapping(e *loop.Expr, o int, r loop.Read, args []graph.Ref) (*mapping, error) {
	m, err := p.newStore(e, o, args)
	if err != nil {
		return nil, err
	}
	l := &e.Loads[r.Load]
	if m.src, err = p.newAccess(m, e, l.Index, e.Ins[l.In].Shape, args); err != nil {
		return nil, err
	}
	if l.Guarded {
		m.src.guard(m.sizes, l.Index, e.Ins[l.In].Shape)
	}
	if r.When != loop.None {
		table, coef, err := p.tabulate(e, r.When, args)
		if err != nil {
			return nil, err
		}
		if yes := bools(table); slices.Contains(yes, false) {
			m.when = &column{coef: coef, yes: yes}
		}
	}
	return m, nil
}

// newStore returns the mapping of result o, as yet without a load.
func (p *interpreter) newStore(e *loop.Expr, o int, args []graph.Ref) (*mapping, error) {
	s := &e.Outs[o]
	m := &mapping{total: s.Aval.Size(), plain: !s.Partial && !s.Scatter}
	for _, a := range e.Axes {
		m.sizes = append(m.sizes, a.Size)
	}
	var err error
	m.out, err = p.newAccess(m, e, s.Index, s.Aval.Shape, args)
	m.oneToOne = !s.Scatter && len(m.sizes) == len(e.Axes)
	return m, err
}

// newAccess returns where an index leads in an array of a shape. Where the
// values that an index goes through are not known, it adds an axis to m.
func (p *interpreter) newAccess(m *mapping, e *loop.Expr, index []loop.Lin, shape []int, args []graph.Ref) (access, error) {
	a := access{coef: make([]int, len(e.Axes))}
	step := 1
	for d := len(index) - 1; d >= 0; d-- {
		l := index[d]
		switch {
		case l.Via == loop.None:
			a.base += step * l.Const
			for _, t := range l.Terms {
				a.coef[t.Axis] += step * t.Coef
			}
		case e.Known(l.Via, func(in int) bool { return p.known.has(args[in]) }):
			table, coef, err := p.tabulate(e, l.Via, args)
			if err != nil {
				return a, err
			}
			at, err := positions(table, shape[d], step, p.g.Instrs[p.instr].Inst.Name)
			if err != nil {
				return a, err
			}
			a.columns = append(a.columns, column{coef: coef, at: at})
		default:
			for len(a.coef) < len(m.sizes) {
				a.coef = append(a.coef, 0)
			}
			m.sizes, a.coef = append(m.sizes, shape[d]), append(a.coef, step)
		}
		step *= shape[d]
	}
	return a, nil
}

// guard adds what a guarded load's index must fulfil.
func (a *access) guard(sizes []int, index []loop.Lin, shape []int) {
	for d, l := range index {
		if l.Via != loop.None {
			continue
		}
		g := guard{base: l.Const, coef: make([]int, len(sizes)), size: shape[d]}
		lo, hi := l.Const, l.Const
		for _, t := range l.Terms {
			g.coef[t.Axis] = t.Coef
			reach := t.Coef * (sizes[t.Axis] - 1)
			lo, hi = lo+min(reach, 0), hi+max(reach, 0)
		}
		if lo < 0 || hi >= shape[d] {
			a.guards = append(a.guards, g)
		}
	}
}

// tabulate computes a node at every point of the axes that it depends on, and
// returns each axis' stride in the table.
func (p *interpreter) tabulate(e *loop.Expr, n loop.Node, args []graph.Ref) (*kernels.Array, []int, error) {
	t, axes, ins := e.Tabulate(n)
	in := make([]*kernels.Array, len(ins))
	for i, k := range ins {
		a, err := p.known.array(args[k])
		if err != nil {
			return nil, nil, err
		}
		in[i] = a
	}
	table := newArray(t.Outs[0].Aval)
	if err := p.known.run(kernels.NewLoop("pattern", t), in, []*kernels.Array{table}); err != nil {
		return nil, nil, err
	}
	coef := make([]int, len(e.Axes))
	step := 1
	for d := len(axes) - 1; d >= 0; d-- {
		coef[axes[d]] = step
		step *= t.Axes[d].Size
	}
	return table, coef, nil
}

// depends reports whether an access, or the column, changes along an axis.
func (a *access) depends(axis int) bool {
	if coefOf(a.coef, axis) != 0 {
		return true
	}
	for i := range a.columns {
		if coefOf(a.columns[i].coef, axis) != 0 {
			return true
		}
	}
	for i := range a.guards {
		if coefOf(a.guards[i].coef, axis) != 0 {
			return true
		}
	}
	return false
}

// identity reports whether every element of the result depends on the element
// of the same number alone, and there are n of both.
func (m *mapping) identity(n int) bool {
	if !m.plain || m.when != nil || len(m.src.columns)+len(m.src.guards) > 0 || m.src.base != m.out.base || n != m.total {
		return false
	}
	for a, size := range m.sizes {
		if size > 1 && coefOf(m.src.coef, a) != coefOf(m.out.coef, a) {
			return false
		}
	}
	return true
}
