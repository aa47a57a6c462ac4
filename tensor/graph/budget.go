// Memory budgets: programs made to fit, at the price of computing some results again.

package graph

import (
	"errors"
	"fmt"

	"github.com/cotangent-ad/cotangent/device"
)

// BudgetError tells that a program needs more memory than it may have, however much it
// computes again.
type BudgetError struct {
	Budget   int // bytes
	Smallest int // the least bytes with which a plan was found, see [device.BlockSize]
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("graph: no plan was found that needs %d bytes or less; the smallest needs %d", e.Budget, e.Smallest)
}

// OptimizeWithin is [Graph.Optimize] for a program whose arena on dev may take at most
// budget bytes, as a block of the device's pool. If it takes more, results are computed again (remat.go), and loops are
// fused only where that keeps no more in memory: whichever of such forms is estimated to
// take the least time. Rows on stacks (stack.go) are not counted: they have limits of
// their own.
//
// Errors: a *BudgetError, and those of [Compile]; g is undefined then.
func (g *Graph) OptimizeWithin(budget int, passes Passes, dev device.Device) error {
	g.budget = budget
	passes |= Reuse
	near := g.Clone()
	defer func() { near.Release() }()
	g.Optimize(passes, dev)
	if n, err := g.arena(dev); err != nil || n <= device.BlockWithin(budget) {
		return err
	}
	near.optimize(passes, dev, true)
	errFar, errNear := g.Fit(budget, dev), near.Fit(budget, dev)
	var far, nigh *BudgetError
	switch {
	case errors.As(errFar, &far) && errors.As(errNear, &nigh):
		if nigh.Smallest < far.Smallest {
			return nigh
		}
		return far
	case far == nil && errFar != nil:
		return errFar
	case far != nil || errNear == nil && near.Cost().Nanos() < g.Cost().Nanos():
		*g, *near = *near, *g
		return errNear
	}
	return nil
}

// arena returns the bytes of the arena of a program of g on dev.
func (g *Graph) arena(dev device.Device) (int, error) {
	to, err := targetOf(dev)
	if err != nil {
		return 0, err
	}
	if err := g.Verify(); err != nil {
		return 0, err
	}
	c, err := newCode(g, to, nil, len(g.Outputs))
	if err != nil {
		return 0, err
	}
	return c.lay.arena, nil
}

// Fit changes g so that the arena of its program on dev takes at most budget bytes, as
// a block of the device's pool, by computing results again. Results keep every bit. It is
// the last pass; sharing what is the same would undo it.
//
// Errors: a *BudgetError, which leaves g as it was, and those of [Compile].
func (g *Graph) Fit(budget int, dev device.Device) error {
	to, err := targetOf(dev)
	if err != nil {
		return err
	}
	if err := g.Verify(); err != nil {
		return err
	}
	g.Without &^= Reuse // without which nothing fits
	f := &fit{to: to, sums: len(g.Outputs), budget: device.BlockWithin(budget)}
	defer f.release()
	if err := f.search(g); err != nil {
		return err
	}
	if f.arena > f.budget && g.hasBodies() {
		h := g.Clone()
		defer h.Release()
		if err := h.shrinkBodies(f.to); err != nil {
			return err
		}
		if err := f.search(h); err != nil {
			return err
		}
	}
	if f.arena > f.budget {
		return &BudgetError{Budget: budget, Smallest: device.BlockSize(f.arena)}
	}
	f.replace(g)
	return nil
}

// fit looks for a program that needs little memory.
type fit struct {
	to     target
	sums   int // see newLayout
	budget int
	best   *Graph // the one with the smallest arena so far; nil before there is one
	arena  int    // of best
}

// search looks for a form of g that fits the budget. Where there is none it finds the
// smallest that it can, in a way that does not depend on the budget, so that with what it
// found as the budget it will find it again.
func (f *fit) search(g *Graph) error {
	lay, err := f.look(g.Clone(), true)
	if err != nil || f.arena <= f.budget {
		return err
	}
	lay.g = g                                                   // the copy may be gone
	most, least := lay.need, min(lay.largestNeed(), lay.need)-1 // limits that are enough, and that are not
	limit := f.budget
	for range 3 {
		h := g.rematerialise(lay, limit)
		if h == nil {
			break
		}
		l, err := f.look(h, false)
		if err != nil || f.arena <= f.budget {
			return err
		}
		// There are gaps in the arena: with so much less there may be room.
		limit = int(float64(limit) * min(0.97, float64(f.budget)/float64(l.arena)))
	}
	for range 14 {
		limit := least + (most-least)/2
		if limit <= least {
			break
		}
		h := g.rematerialise(lay, limit)
		if h == nil {
			least = limit
			continue
		}
		most = limit
		if _, err := f.look(h, true); err != nil || f.arena <= f.budget {
			return err
		}
	}
	return nil
}

// look plans h and returns its layout. It keeps h if it fits, or, if any will do, if it
// needs the least so far.
func (f *fit) look(h *Graph, any bool) (*layout, error) {
	c, err := newCode(h, f.to, nil, f.sums)
	if err != nil {
		h.Release()
		return nil, err
	}
	if arena := c.lay.arena; arena <= f.budget || any && (f.best == nil || arena < f.arena) {
		f.release()
		f.best, f.arena = h, arena
	} else {
		h.Release()
	}
	return c.lay, nil
}

func (f *fit) release() {
	if f.best != nil {
		f.best.Release()
		f.best = nil
	}
}

// replace makes g the best program.
func (f *fit) replace(g *Graph) {
	g.Release()
	*g, f.best = *f.best, nil
}

func (g *Graph) hasBodies() bool {
	for i := range g.Instrs {
		if ControlOf(g.Instrs[i].Inst) != nil {
			return true
		}
	}
	return false
}

// shrinkBodies makes the bodies of control flow need as little memory as they can.
func (g *Graph) shrinkBodies(to target) (err error) {
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		c := ControlOf(inst)
		if c == nil {
			continue
		}
		d := *c
		d.Bodies = make([]*Graph, len(c.Bodies))
		for k, b := range c.Bodies {
			d.Bodies[k] = b.Clone()
			if err := d.Bodies[k].shrinkBodies(to); err != nil {
				return err
			}
			f := &fit{to: to, sums: len(b.Outputs) - c.Sums}
			if err := f.search(d.Bodies[k]); err != nil {
				return err
			}
			f.replace(d.Bodies[k])
		}
		g.Instrs[i].Inst = d.Inst(inst.Op)
	}
	return nil
}
