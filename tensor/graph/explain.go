// What a program will do, told before it runs.

package graph

import (
	"fmt"
	"time"
)

// Explanation tells what one run of a program does. Steps of loops are counted as often
// as they run, and as [UnknownSteps] where nobody knows how often.
type Explanation struct {
	Instructions int // that run, those of bodies once
	Views        int // instructions that became views
	Fused        int // loops that stand for several operations
	Cost         Cost

	Preaccumulated Preaccumulated // by loops, for each step

	Arguments int // bytes that a run is given
	Results   int // bytes that it writes
	Constants int // bytes of captured values
	Peak      int // bytes of memory beside these: the arena
}

// Explain tells what a run does.
func (p *Program) Explain() Explanation {
	s := p.Stats()
	e := Explanation{Instructions: s.Instructions, Views: s.Views, Fused: p.g.fused(), Cost: p.g.Cost(), Constants: s.ConstBytes, Peak: s.ArenaBytes, Preaccumulated: p.g.preaccumulated()}
	for _, a := range p.g.types(p.g.Params) {
		e.Arguments += bytesOf(a)
	}
	for _, a := range p.g.types(p.g.Outputs) {
		e.Results += bytesOf(a)
	}
	return e
}

// fused counts the loops that stand for several operations.
func (g *Graph) fused() (n int) {
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		if inst.Expr != nil && inst.Expr.Fused {
			n++
		}
		if c := ControlOf(inst); c != nil {
			for _, b := range c.Bodies {
				n += b.fused()
			}
		}
	}
	return n
}

// preaccumulated tells of a graph with its bodies.
func (g *Graph) preaccumulated() Preaccumulated {
	sum := g.Preaccumulated
	for i := range g.Instrs {
		if c := ControlOf(g.Instrs[i].Inst); c != nil {
			for _, b := range c.Bodies {
				sum = sum.plus(b.preaccumulated())
			}
		}
	}
	return sum
}

// Passes returns how many times over a run moves what must be read and written at least:
// arguments, constants and results. A program that is one loop makes one pass.
func (e *Explanation) Passes() float64 {
	return float64(e.Cost.Bytes) / float64(max(e.Arguments+e.Constants+e.Results, 1))
}

// Predicted returns the estimated time of a run on one core by kernels; right within a
// factor of two or three, mostly. Machine code takes less where loops are short.
func (e *Explanation) Predicted() time.Duration { return time.Duration(e.Cost.Nanos()) }

// String returns the explanation as lines of text.
func (e Explanation) String() string {
	s := fmt.Sprintf(`%d instructions, %d of them fused loops; %d more are views
%.3g flops, %.3g more in large matrix products, %.3g elementary functions, %d kernel calls
%s moved: %.1f passes over %s of arguments, %s of constants and %s of results
%s of memory for intermediate values
%v predicted on one core
`, e.Instructions, e.Fused, e.Views, float64(e.Cost.Flops), float64(e.Cost.Products), float64(e.Cost.Functions), e.Cost.Calls,
		bytesText(e.Cost.Bytes), e.Passes(), bytesText(int64(e.Arguments)), bytesText(int64(e.Constants)), bytesText(int64(e.Results)),
		bytesText(int64(e.Peak)), e.Predicted().Round(rounding(e.Predicted())))
	if a := e.Preaccumulated; a.Values > 0 {
		s += fmt.Sprintf("%d local derivatives kept for the reverse sweep: %s instead of %s\n", a.Values, bytesText(int64(a.Bytes)), bytesText(int64(a.Instead)))
	}
	return s
}

// rounding leaves three digits.
func rounding(d time.Duration) time.Duration {
	r := time.Duration(1)
	for d/r >= 1000 {
		r *= 10
	}
	return r
}

func bytesText(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
