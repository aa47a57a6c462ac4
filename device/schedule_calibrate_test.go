package device_test

// Calibration of schedules: as in math/big,
//
//	go test -run TestCalibrateSchedule -calibrate -v ./device
//
// on an otherwise idle machine of two cores or more prints what two strands of nodes take
// in order, and with two workers: right after another run, when the second one is awake,
// and after a pause, when it sleeps; and what a worker takes to go over what it has written
// itself, or another one. On two cores of an AMD EPYC two strands were faster side by side
// from 1 µs each on when the second worker was awake (0.3 µs more than one of them), and
// from 18 µs each on after a pause, when shorter ones took up to 7 µs more than in order;
// another worker took 0.1 µs more to go over 1 KiB, 0.3 µs over 4 KiB and 1 µs over 16 KiB.

import (
	"flag"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

var calibrate = flag.Bool("calibrate", false, "measure from which work on strands beside each other pay")

func TestCalibrateSchedule(t *testing.T) {
	if !*calibrate {
		t.Skip("only with -calibrate: it takes both cores for ten seconds")
	}
	w := newWorkers(t, 2)
	f := planOf([][]int32{nil, nil}, 2).NewFlight(w)
	for steps := 128; steps <= 1<<17; steps *= 2 {
		nodes := sequence(func(int, int) error { spend(steps); return nil })
		run := func() { _ = f.Run(nodes) }
		one := typical(0, func() { spend(steps); spend(steps) })
		t.Logf("two strands of %6.1f µs: %6.1f µs in order, %6.1f µs side by side, %6.1f µs after a pause",
			one/2e3, one/1e3, typical(0, run)/1e3, typical(200*time.Microsecond, run)/1e3)
	}
	const rounds = 64
	for size := 1 << 7; size <= 1<<13; size *= 4 {
		data := make([]int, size)
		var turn atomic.Int64
		pass := func() {
			for i := range data {
				data[i]++
			}
		}
		own := typical(0, func() {
			for range rounds {
				pass()
			}
		})
		apart := typical(0, func() {
			turn.Store(0)
			w.Run(taskFunc(func(part, _ int) { // by turns
				for n := int64(part); n < rounds; n += 2 {
					for turn.Load() != n {
					}
					pass()
					turn.Add(1)
				}
			}), 2)
		})
		t.Logf("%6d bytes: %6.2f µs where they were written, %6.2f µs by another worker", 8*size, own/rounds/1e3, apart/rounds/1e3)
	}
}

// typical returns nanoseconds of a run, each after a pause: those that a twentieth stays
// below, since others may use the machine.
func typical(pause time.Duration, run func()) float64 {
	var took []time.Duration
	for begin := time.Now(); time.Since(begin) < 300*time.Millisecond; {
		for at := time.Now(); time.Since(at) < pause; {
		}
		start := time.Now()
		run()
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return float64(took[len(took)/20].Nanoseconds())
}
