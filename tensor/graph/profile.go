// What each instruction of a program takes.

package graph

import (
	"context"
	"slices"
	"time"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Profile runs the program, kernel by kernel, for at least d and at least once, and
// returns its graph with the median time that each instruction takes in a run: of one in a
// loop all steps together, of a view 0. Looking at the clock adds some 50 ns to each
// step. Errors: those of Run.
func (p *Program) Profile(ctx context.Context, in, out []*kernels.Array, d time.Duration) (*Graph, error) {
	q, err := Compile(p.g, p.dev)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	var clocks []*clock
	watch(q.code, &clocks)
	for begin := time.Now(); ; {
		if err := q.Run(ctx, in, out); err != nil {
			return nil, err
		}
		for _, c := range clocks {
			c.runs, c.run = append(c.runs, c.run), 0
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
	run    time.Duration // so far in this run
	runs   []time.Duration
}

// Run runs the kernel.
func (c *clock) Run(call *kernels.Call) error {
	begin := time.Now()
	err := c.kernel.Run(call)
	c.run += time.Since(begin)
	return err
}

func (c *clock) median() time.Duration {
	slices.Sort(c.runs)
	return c.runs[len(c.runs)/2]
}

// watch puts clocks around the kernels of c, those of bodies included.
func watch(c *code, clocks *[]*clock) {
	for s := range c.steps {
		if cc := c.steps[s].control; cc != nil {
			for _, b := range cc.bodies {
				watch(b, clocks)
			}
			continue
		}
		k := &clock{kernel: c.steps[s].kernel}
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
