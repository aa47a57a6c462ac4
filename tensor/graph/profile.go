// What each instruction of a program takes.

package graph

import (
	"context"
	"slices"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Profile runs the program, kernel by kernel, for at least d and at least once, and
// returns its graph with the median time that each instruction takes in a run: of one in a
// loop all steps together, of a view 0. On a device with a clock of its own
// (device.Timer) that is what the device takes; what it waits for the next kernel to be
// queued, longer than a small one runs, is in the time of that kernel. Looking at the
// clock adds some 50 ns to each step, there some microseconds. Errors: those of Run.
func (p *Program) Profile(ctx context.Context, in, out []*kernels.Array, d time.Duration) (*Graph, error) {
	if err := p.hold(); err != nil {
		return nil, err
	}
	defer p.leave()
	q, err := newProgram(p.g, p.dev, false)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	q.stepwise = true
	var clocks []*clock
	timer, _ := p.dev.Stream().(device.Timer)
	watch(q.code, timer, &clocks)
	defer func() {
		for _, c := range clocks {
			c.close()
		}
	}()
	run := func() error {
		if err := q.Run(ctx, in, out); err != nil {
			return err
		}
		for _, c := range clocks {
			if err := c.settle(); err != nil {
				return err
			}
			c.runs, c.run = append(c.runs, c.run), 0
		}
		return nil
	}
	if timer != nil { // its kernels are compiled as they run for the first time
		if err := run(); err != nil {
			return nil, err
		}
		for _, c := range clocks {
			c.runs = c.runs[:0]
		}
	}
	for begin := time.Now(); ; {
		if err := run(); err != nil {
			return nil, err
		}
		if time.Since(begin) >= d {
			g, _ := timed(q.code)
			g.Consts = p.g.Consts // q's are about to go
			return g, nil
		}
	}
}

// clock is a kernel that notes what it takes.
type clock struct {
	kernel kernels.Kernel
	timer  device.Timer  // nil where the host's clock sees the work
	run    time.Duration // so far in this run
	runs   []time.Duration

	laps []device.Stopwatch
	used int // of laps, since they were settled
}

// mostLaps is how many stopwatches a clock has at most: as many runs of a kernel as
// are queued before the host waits for their times.
const mostLaps = 64

// Run runs the kernel.
func (c *clock) Run(call *kernels.Call) error {
	if c.timer != nil {
		return c.lap(call)
	}
	begin := time.Now()
	err := c.kernel.Run(call)
	c.run += time.Since(begin)
	return err
}

// lap runs the kernel between two marks on the device's stream.
func (c *clock) lap(call *kernels.Call) error {
	if c.used == mostLaps {
		if err := c.settle(); err != nil {
			return err
		}
	}
	if c.used == len(c.laps) {
		w, err := c.timer.Stopwatch()
		if err != nil {
			return err
		}
		c.laps = append(c.laps, w)
	}
	w := c.laps[c.used]
	if err := w.Start(); err != nil {
		return err
	}
	if err := c.kernel.Run(call); err != nil {
		return err
	}
	c.used++
	return w.Stop()
}

// settle adds up the laps since it was called last.
func (c *clock) settle() error {
	for _, w := range c.laps[:c.used] {
		d, err := w.Elapsed()
		if err != nil {
			return err
		}
		c.run += d
	}
	c.used = 0
	return nil
}

// close gives the stopwatches back.
func (c *clock) close() {
	for _, w := range c.laps {
		_ = w.Close() // its device told what was wrong with it before
	}
}

func (c *clock) median() time.Duration {
	slices.Sort(c.runs)
	return c.runs[len(c.runs)/2]
}

// watch puts clocks around the kernels of c, those of bodies included.
func watch(c *code, timer device.Timer, clocks *[]*clock) {
	for s := range c.steps {
		if cc := c.steps[s].control; cc != nil {
			for _, b := range cc.bodies {
				watch(b, timer, clocks)
			}
			continue
		}
		k := &clock{kernel: c.steps[s].kernel, timer: timer}
		c.steps[s].kernel = k
		*clocks = append(*clocks, k)
	}
}

// timed returns the graph of a watched code with the times, and their sum. Control
// flow takes what its bodies take.
func timed(c *code) (*Graph, time.Duration) {
	g := *c.g
	g.Instrs = slices.Clone(g.Instrs)
	g.Times = make([]time.Duration, len(g.Instrs))
	var sum time.Duration
	for s, i := range c.lay.steps {
		if cc := c.steps[s].control; cc != nil {
			old := g.Instrs[i].Inst
			control := *cc.c
			control.Bodies = make([]*Graph, len(cc.bodies))
			for k, b := range cc.bodies {
				body, d := timed(b)
				control.Bodies[k] = body
				g.Times[i] += d
			}
			g.Instrs[i].Inst = kernels.NewInst(old.Op, &control, old.In, old.Out)
		} else {
			g.Times[i] = c.steps[s].kernel.(*clock).median()
		}
		sum += g.Times[i]
	}
	return &g, sum
}
