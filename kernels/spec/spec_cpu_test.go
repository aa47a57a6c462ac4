package spec

import (
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/device/sim"
	_ "github.com/cotangent-ad/cotangent/kernels/cpu"
)

// TestCPU holds the backend "cpu" against ref, on one goroutine and shared out
// among workers.
func TestCPU(t *testing.T) {
	t.Run("alone", func(t *testing.T) { Run(t, "cpu", Options{}) })
	t.Run("shared", func(t *testing.T) {
		w := device.NewWorkers(3)
		defer w.Close()
		Run(t, "cpu", Options{Workers: w})
	})
}

// TestSim holds the same kernels against ref in the memory of an accelerator:
// nothing is done before somebody waits for it, memory is NaN before it is
// written and after its release, and writes outside of buffers are found.
func TestSim(t *testing.T) {
	d := sim.New(sim.Options{Held: true})
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	devicetest.AllReleased(t, d)
	Run(t, "sim", Options{Device: d})
}
