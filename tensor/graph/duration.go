// Durations: how long instructions take one worker, and several.

package graph

import "github.com/cotangent-ad/cotangent/kernels"

// Duration is what an instruction is estimated to take, in nanoseconds: by one worker,
// and where all workers that have use for it share it out inside.
type Duration struct{ One, Shared float64 }

// Wide reports whether it is better shared out inside than part of a stage.
func (d Duration) Wide() bool { return d.Shared < d.One && d.One > wideNanos }

func (d Duration) plus(e Duration, n float64) Duration {
	return Duration{d.One + n*e.One, d.Shared + n*e.Shared}
}

const (
	// wideNanos is from which time on what can be shared out is no part of a stage:
	// little is lost inside of it, and who waits in a stage cannot help.
	wideNanos = 250e3
	// shareNanos is what a worker has to do in what is shared out (kernels/cpu),
	// shareProduct in a product of matrices (kernels/cpu/gemm), and sharing what it takes
	// to give it to workers.
	shareNanos   = 12e3
	shareProduct = 21e3
	sharing      = 3e3
	// smallNanos stands for what is too small to be looked at: smallPoints scalar
	// operations or less.
	smallNanos  = 100
	smallPoints = 512
)

// durationOf estimates an instruction.
func durationOf(inst *kernels.Inst, workers int) (d Duration) {
	if c := ControlOf(inst); c != nil {
		for _, b := range c.Bodies {
			for i := range b.Instrs {
				d = d.plus(durationOf(b.Instrs[i].Inst, workers), float64(c.steps()))
			}
		}
		return d
	}
	if e := inst.Expr; e != nil && extent(e.Axes)*len(e.Nodes) <= smallPoints {
		return Duration{smallNanos, smallNanos}
	}
	cost, least := CostOf(inst), shareNanos
	if cost.Products > 0 {
		least = shareProduct
	}
	one := cost.Nanos()
	if shares := min(float64(workers), one/least); shares >= 2 && sharesOut(inst) {
		return Duration{one, one/shares + sharing}
	}
	return Duration{one, one}
}

// SweepNanos estimates what the sweep through an instruction takes one worker when
// kernels run as they come: those of derived loops, or a rule of as much work twice.
func SweepNanos(inst *kernels.Inst, how *kernels.Derived) float64 {
	if how.Rule {
		return 2 * durationOf(inst, 1).One
	}
	one := 0.
	for i := range how.Steps {
		if st := &how.Steps[i]; !st.Pass {
			one += durationOf(st.Inst, 1).One
		}
	}
	return one
}

// SweepDuration is the same with several workers.
func SweepDuration(inst *kernels.Inst, how *kernels.Derived, workers int) (d Duration) {
	if one := how.Nanos(inst, SweepNanos); one < 2*shareNanos || how.Rule {
		return Duration{one, one}
	}
	for i := range how.Steps {
		if st := &how.Steps[i]; !st.Pass {
			d = d.plus(durationOf(st.Inst, workers), 1)
		}
	}
	return d
}

// sharesOut reports whether workers share an instruction out if it is large: a loop that
// keeps to no order.
func sharesOut(inst *kernels.Inst) bool {
	if inst.Expr == nil {
		return false
	}
	for i := range inst.Expr.Outs {
		if inst.Expr.Outs[i].Scatter {
			return false
		}
	}
	return true
}
