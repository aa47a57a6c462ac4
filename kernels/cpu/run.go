package cpu

// Runs: a plan on the arrays of a call, on one goroutine or shared out among
// workers. How it is shared out changes no bit of the results.

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// run does a plan.
func run(p *plan, c *kernels.Call) error {
	if parts := p.parts(c); parts > 1 || len(c.In)+len(c.Out) > some && !p.inGo {
		j := jobs.Get().(*job)
		err := j.run(p, c, parts)
		j.release()
		return err
	}
	if p.inGo {
		m := machines.Get().(*machine)
		m.base = bases(m.base, c)
		m.begin(p)
		err := m.run(0, p.tiles, c.Cancel)
		m.end()
		machines.Put(m)
		return err
	}
	var room [some]unsafe.Pointer
	base := bases(room[:0], c)
	var pinned pins
	pinned.pin(p, base)
	err := runTiles(p, base, 0, p.tiles, c.Cancel)
	pinned.unpin()
	return err
}

// some is the number of arrays up to which a run keeps their addresses on the stack.
const some = 12

// parts returns how many parts a call is worth.
func (p *plan) parts(c *kernels.Call) int {
	if c.Workers == nil || p.cost < 2*grain || p.group.scatter { // a scatter keeps the order of the loop
		return 1
	}
	if n := c.Workers.N(); n > 1 {
		return min(4*n, int(p.cost/grain))
	}
	return 1
}

var (
	machines = sync.Pool{New: func() any { return new(machine) }}
	jobs     = sync.Pool{New: func() any { return new(job) }}
)

// bases lists the addresses of a call's operands and results.
func bases(list []unsafe.Pointer, c *kernels.Call) []unsafe.Pointer {
	list = list[:0]
	for _, a := range c.In {
		list = append(list, a.Ptr)
	}
	for _, o := range c.Out {
		list = append(list, o.Ptr)
	}
	return list
}

// grain is the nanoseconds of work, as cost.go estimates them, that are worth another
// worker. A second worker that is awake pays from 1 to 3 µs on; one that sleeps takes
// 12 µs and more to wake, and after a pause two workers were slower than one up to some
// 250 µs of work (calibrate_test.go measures both).
var grain = 12e3

// job is a run that may be shared out.
type job struct {
	plan   *plan
	base   []unsafe.Pointer
	pins   pins
	cancel *atomic.Bool
	parts  int

	// Where reductions are shared out: the parts of each tile, their steps and
	// values.
	folds, steps int
	partial      []uint64

	mu     sync.Mutex
	err    error // of the first part that failed
	failed int
}

func (j *job) run(p *plan, c *kernels.Call, want int) error {
	j.plan, j.cancel, j.err, j.folds = p, c.Cancel, nil, 0
	j.base = bases(j.base, c)
	j.pins.pin(p, j.base)
	defer j.pins.unpin()
	j.parts = min(want, p.tiles)
	if j.parts < want && p.folds {
		j.fold(want)
	}
	if j.parts <= 1 {
		j.Do(0, 0)
	} else {
		c.Workers.Run(j, j.parts)
	}
	if j.folds > 0 && j.err == nil {
		j.finish()
	}
	return j.err
}

func (j *job) release() {
	clear(j.base)
	j.plan, j.cancel, j.err = nil, nil, nil
	jobs.Put(j)
}

// fold makes every part so many steps of the reduction of one tile that their
// blocks are a subtree of all: a power of two of them.
func (j *job) fold(want int) {
	p := j.plan
	steps := p.dims[p.inner].count
	each := (steps*p.tiles + want - 1) / want
	j.steps = max(1<<bits.Len(uint(each-1)), blockSize/p.step)
	if j.folds = (steps + j.steps - 1) / j.steps; j.folds == 1 {
		j.folds = 0
		return
	}
	j.parts = p.tiles * j.folds
	j.partial = grown(j.partial, j.parts*p.partials())
}

// partials returns the numbers that reducers hold for a tile.
func (p *plan) partials() int { return 2 * len(p.reds) * p.cols.size }

// Do does one part.
func (j *job) Do(part, _ int) {
	var err error
	p := j.plan
	if j.folds == 0 {
		err = runTiles(p, j.base, part*p.tiles/j.parts, (part+1)*p.tiles/j.parts, j.cancel)
	} else {
		n := p.partials()
		lo := part % j.folds * j.steps
		hi := min(lo+j.steps, p.dims[p.inner].count)
		err = runFold(p, j.base, part/j.folds, lo, hi, j.partial[part*n:(part+1)*n], j.cancel)
	}
	if err != nil {
		j.mu.Lock()
		if j.err == nil || part < j.failed {
			j.err, j.failed = err, part
		}
		j.mu.Unlock()
	}
}

// finish combines what the parts hold.
func (j *job) finish() {
	m := machines.Get().(*machine)
	m.base = append(m.base[:0], j.base...)
	m.begin(j.plan)
	n := j.plan.partials()
	for tile := range j.plan.tiles {
		m.seek(tile)
		m.cut()
		clear(m.folds)
		for f := range j.folds {
			at := (tile*j.folds + f) * n
			m.takeIn(j.partial[at : at+n])
		}
		m.exec(j.plan.code[epilogue])
	}
	m.end()
	machines.Put(m)
}

// runTilesGo does tiles lo to hi-1 of the result on a machine.
func runTilesGo(p *plan, base []unsafe.Pointer, lo, hi int, cancel *atomic.Bool) error {
	m := machines.Get().(*machine)
	m.base = append(m.base[:0], base...)
	m.begin(p)
	err := m.run(lo, hi, cancel)
	m.end()
	machines.Put(m)
	return err
}

// runFoldGo reduces steps lo to hi-1 of a tile on a machine, and writes what the
// reducers hold to partial.
func runFoldGo(p *plan, base []unsafe.Pointer, tile, lo, hi int, partial []uint64, cancel *atomic.Bool) error {
	m := machines.Get().(*machine)
	m.base = append(m.base[:0], base...)
	m.begin(p)
	m.seek(tile)
	err := m.reduce(lo, hi, cancel)
	m.giveOut(partial)
	m.end()
	machines.Put(m)
	return err
}

// scatterApart adds what is scattered to the result, each element once.
func scatterApart(p *plan, c *kernels.Call) error {
	apart := *c
	sum := newDense(c.Out[p.group.outs[0]].Aval)
	apart.Out = append([]*kernels.Array(nil), c.Out...)
	apart.Out[p.group.outs[0]] = sum
	if err := run(p, &apart); err != nil {
		return err
	}
	addTo(c.Out[p.group.outs[0]], sum)
	return nil
}
