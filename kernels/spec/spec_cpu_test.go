package spec

import (
	"testing"

	"github.com/cotangent-ad/cotangent/device"
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
