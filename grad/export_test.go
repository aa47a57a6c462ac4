package grad

import (
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// SweepsBeside lets sweeps take all instructions for long ones, so that those of small
// programs have branches that are worth several workers.
func SweepsBeside(t testing.TB) {
	sweep, node, duration := leastSweep, leastNode, sweepDuration
	t.Cleanup(func() { leastSweep, leastNode, sweepDuration = sweep, node, duration })
	leastSweep, leastNode = 0, 0
	sweepDuration = func(*kernels.Inst, *kernels.Derived, int) graph.Duration {
		return graph.Duration{One: 40e3, Shared: 40e3}
	}
}
