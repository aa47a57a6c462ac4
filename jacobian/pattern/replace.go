// Loops that write over what is there.

package pattern

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// replace has a loop's stores replace the sets of the results, the last of
// several at one place. Where indices are not known they may all stay.
func (p *interpreter) replace(x *graph.Instr, e *loop.Expr, args []graph.Ref) error {
	for o := range e.Outs {
		m, err := p.newStore(e, o, args)
		if err != nil {
			return err
		}
		if len(m.sizes) > len(e.Axes) {
			if err := p.add(x, e, args); err != nil {
				return err
			}
			continue
		}
		m.src = m.numbers()
		winner := m.last()
		v := x.Out + graph.Ref(o)
		p.cut(v, winner)
		err = p.eachRead(e, o, args, func(m *mapping, _ loop.Read, src graph.Ref) error {
			for _, y := range p.rows[src] {
				p.give(v, p.winners(m, y, winner))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// numbers is the access that numbers the points in the loop's order.
func (m *mapping) numbers() access {
	a := access{coef: make([]int, len(m.sizes))}
	step := 1
	for d := len(m.sizes) - 1; d >= 0; d-- {
		a.coef[d] = step
		step *= m.sizes[d]
	}
	return a
}

func (m *mapping) all() []int {
	axes := make([]int, len(m.sizes))
	for a := range axes {
		axes[a] = a
	}
	return axes
}

// last returns the number, in the loop's order, of the last point that stores at
// each element of the result, -1 where none does. The mapping's operand is the points.
func (m *mapping) last() []int {
	winner := slices.Repeat([]int{-1}, m.total)
	m.walk(m.all(), func(l line) bool {
		for k := range l.n {
			winner[l.out+k*l.outStep] = l.src + k*l.srcStep
		}
		return true
	})
	return winner
}

// cut empties a value's sets where there is a winner.
func (p *interpreter) cut(v graph.Ref, winner []int) {
	var cut []*part
	for _, y := range p.rows[v] {
		x := p.newPart(len(y.ids), false)
		for i, w := range winner {
			if x.ids[i] = y.ids[i]; w >= 0 {
				x.ids[i] = empty
			}
		}
		cut = append(cut, x)
	}
	p.take(v)
	for _, x := range cut {
		p.give(v, x)
	}
}

// winners returns the sets that the winning points store.
func (p *interpreter) winners(m *mapping, from *part, winner []int) *part {
	points := 1
	for _, n := range m.sizes {
		points *= n
	}
	stored := slices.Repeat([]ref{empty}, points)
	out := m.out
	m.out = m.numbers()
	m.walk(m.all(), func(l line) bool {
		for k := range l.n {
			stored[l.out+k*l.outStep] = from.ids[l.src+k*l.srcStep]
		}
		return true
	})
	m.out = out
	x := p.newPart(m.total, false)
	for i, w := range winner {
		if x.ids[i] = empty; w >= 0 {
			x.ids[i] = stored[w]
		}
	}
	return x
}
