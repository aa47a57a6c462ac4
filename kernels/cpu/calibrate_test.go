package cpu

// Calibration of the grain, from which on a loop is shared out: as in math/big,
//
//	go test -run TestCalibrate -calibrate -v ./kernels/cpu
//
// on an otherwise idle machine of two cores or more prints, for loops of several kinds and
// lengths, the time that a plan estimates, what it takes on one worker, and on two: right
// after another loop, when the second worker is awake, and after a pause, when it sleeps.
// The grain lies between half of the least estimate from which on two are faster when
// awake, below which nothing is gained, and the time to wake one, which is what a loop may
// lose.

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

var calibrate = flag.Bool("calibrate", false, "measure from which work on a second worker pays")

func TestCalibrate(t *testing.T) {
	if !*calibrate {
		t.Skip("only with -calibrate: it takes both cores for half a minute")
	}
	defer func(g float64) { grain = g }(grain)
	grain = 1 // every loop is shared out, if it may be
	for _, l := range []struct {
		name string
		make func(n int) *loop.Expr
	}{
		{"sum of two arrays", func(n int) *loop.Expr { return mapOf([]int{n}, [][]int{{n}, {n}}, addBody) }},
		{"exp", func(n int) *loop.Expr {
			return mapOf([]int{n}, [][]int{{n}}, func(e *loop.Expr, x []loop.Node) loop.Node { return e.Exp(x[0]) })
		}},
		{"sums of rows", func(n int) *loop.Expr { return foldOf(loop.Sum, []int{n / 64, 64}, 1, []int{n / 64, 64}, 0, 1) }},
	} {
		least := 0.0 // estimate from which on two are faster
		for n := 1 << 10; n <= 1<<18; n *= 2 {
			e := l.make(n)
			k := newKernel(kernels.NewLoop("x", e)).(*kernel)
			c := ready(e)
			one := typical(t, k, c, nil, 0)
			two := typical(t, k, c, twoWorkers, 0)
			woken := typical(t, k, c, twoWorkers, 200*time.Microsecond)
			cost := k.variant(c).plans[0].cost
			t.Logf("%-18s %7d elements, estimated %8.1f µs: %8.1f µs, with two workers %8.1f µs, %8.1f µs after a pause", l.name, n, cost/1e3, one/1e3, two/1e3, woken/1e3)
			switch faster := two < 0.9*one; {
			case !faster:
				least = 0
			case least == 0:
				least = cost
			}
		}
		t.Logf("%-18s two workers that are awake pay from an estimate of %.1f µs on (0: never)", l.name, least/1e3)
	}
}

// typical returns the median nanoseconds of a run, each after a pause.
func typical(t *testing.T, k *kernel, c *kernels.Call, w *device.Workers, pause time.Duration) float64 {
	c.Workers = w
	var took []time.Duration
	for begin := time.Now(); time.Since(begin) < 200*time.Millisecond; {
		for at := time.Now(); time.Since(at) < pause; {
		}
		start := time.Now()
		if err := k.Run(c); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds())
}
