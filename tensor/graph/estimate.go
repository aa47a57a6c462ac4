// Estimates: what instructions cost, before anything runs.

package graph

import (
	"github.com/cotangent-ad/cotangent/kernels"
)

// Cost counts what a run of an instruction or a program does.
type Cost struct {
	Calls     int64 // kernels
	Steps     int64 // scalar operations of loops, once for each tile of elements
	Flops     int64 // arithmetic on elements; a fused multiply-add is two
	Products  int64 // the same in large products of matrices
	Functions int64 // exp, log, ...: elementary functions of one element
	Bytes     int64 // read and written, each operand and result at most once in a kernel
	Elements  int64 // of the operands of what is no loop: joins, prefix sums
}

// UnknownSteps is how many steps a loop is assumed to take where nobody knows.
const UnknownSteps = 100

// Nanoseconds of one core of a recent machine, for kernels on what lies in caches. They
// are right within a factor of two or so; `cotangent bench --explain` compares.
const (
	nanosCall     = 60
	nanosStep     = 15
	nanosFlop     = 0.08
	nanosProduct  = 0.02
	nanosFunction = 1.0
	nanosByte     = 0.02
	nanosElement  = 2
)

// Nanos estimates the time of one core.
func (c Cost) Nanos() float64 {
	return nanosCall*float64(c.Calls) + nanosStep*float64(c.Steps) + nanosFlop*float64(c.Flops) + nanosProduct*float64(c.Products) +
		nanosFunction*float64(c.Functions) + nanosByte*float64(c.Bytes) + nanosElement*float64(c.Elements)
}

// plus returns c and n times d.
func (c Cost) plus(d Cost, n int64) Cost {
	return Cost{
		c.Calls + n*d.Calls, c.Steps + n*d.Steps, c.Flops + n*d.Flops, c.Products + n*d.Products,
		c.Functions + n*d.Functions, c.Bytes + n*d.Bytes, c.Elements + n*d.Elements,
	}
}

// CostOf returns what an instruction costs: a rearrangement nothing, as it is mostly a
// view; of control flow the steps of the bodies, of a condition both branches.
func CostOf(inst *kernels.Inst) (c Cost) {
	if control := ControlOf(inst); control != nil {
		for _, b := range control.Bodies {
			c = c.plus(b.Cost(), control.steps())
		}
		return c
	}
	if inst.Rearranges() {
		return c
	}
	c.Calls = 1
	if inst.Expr == nil {
		for _, a := range inst.In {
			c.Elements += int64(a.Size())
		}
		return c
	}
	e := inst.Expr.Cost()
	c.Functions, c.Bytes = e.Transcendentals, e.Bytes
	if p, ok := inst.Expr.AsContraction(); ok && p.Large() {
		c.Products = e.Flops
		return c
	}
	c.Flops = e.Flops
	c.Steps = e.Nodes * int64((extent(inst.Expr.Axes)+tilePoints-1)/tilePoints)
	return c
}

// steps returns how often bodies run.
func (c *Control) steps() int64 {
	switch {
	case c.Dynamic():
		return UnknownSteps
	case c.Form == Scan:
		return int64(c.Length)
	}
	return 1
}

// Cost returns what all instructions cost.
func (g *Graph) Cost() (c Cost) {
	for i := range g.Instrs {
		c = c.plus(CostOf(g.Instrs[i].Inst), 1)
	}
	return c
}
