// The program: a graph with its kernels found and its memory planned, ready to run.

package graph

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Program runs a graph on one device. It is safe for concurrent use: each run in
// progress has a state (an arena and call structures) of its own, and states are
// kept for later runs, as many as ever ran at the same time.
type Program struct {
	*code
	dev   device.Device
	move  kernels.Mover
	ins   []kernels.Aval // the types of the parameters
	outs  []kernels.Aval // and of the outputs
	stage []int          // of each output its place in the staging memory, and the end
	later bool           // the device runs its work on a stream, later

	stepwise bool // never recorded: each kernel is queued by itself

	native atomic.Pointer[Code] // see Translate

	// States that wait: one where it costs least to take it, for runs one after the
	// other, and a list.
	next   atomic.Pointer[state]
	idle   []*state
	mu     sync.Mutex // of idle, users, and of setting closed
	users  int        // states, and others who look at the constants
	closed atomic.Bool
}

// Stats tells how large a program is.
type Stats struct {
	Instructions int // that run: neither views nor dead
	Views        int // instructions that became views of their operands
	InPlace      int // results that took over the memory of an operand
	Copies       int // outputs that are copied, being inputs, views or repeated
	ArenaBytes   int // memory of one run in progress, beside arguments and destinations
	NeedBytes    int // the most that is in use at one step: no plan can be smaller
	ConstBytes   int // captured values
}

// Compile makes a program of g for dev. The program shares the constants; g must
// not be changed any more, and may be released. Errors: an *InvalidError, a *BackendError.
func Compile(g *Graph, dev device.Device) (*Program, error) { return newProgram(g, dev, true) }

// newProgram makes a program whose steps may run side by side, or all in order.
func newProgram(g *Graph, dev device.Device, beside bool) (*Program, error) {
	if err := g.Verify(); err != nil {
		return nil, err
	}
	to, err := targetOf(dev)
	if err != nil {
		return nil, err
	}
	to.without = g.Without
	p := &Program{dev: dev, move: moverOf(to.backend), later: dev.Kind() != "cpu" && dev.Kind() != "ref"}
	if !p.later && beside {
		to.workers = dev.Workers().N()
	}
	own := g.alias()
	if p.code, err = bestCode(own, to); err != nil {
		own.Release()
		return nil, err
	}
	p.ins, p.outs = g.types(g.Params), g.types(g.Outputs)
	p.stage = make([]int, len(g.Outputs)+1)
	for i, v := range g.Outputs {
		p.stage[i+1] = p.stage[i] + aligned(bytesOf(g.Aval(v)))
	}
	return p, nil
}

// apart reports whether the device works in memory of its own, which the host does
// not reach, nor it the host's.
func (p *Program) apart() bool {
	_, host := p.move.(hostMover)
	return !host
}

// Graph returns the graph, which must not be changed.
func (p *Program) Graph() *Graph { return p.g }

// Device returns the device that the program runs on.
func (p *Program) Device() device.Device { return p.dev }

// Later reports whether the device runs its work on a stream, later.
func (p *Program) Later() bool { return p.later }

// Stats tells how large the program is. Instructions of bodies count once.
func (p *Program) Stats() Stats {
	s := Stats{ArenaBytes: p.lay.arena, NeedBytes: p.lay.need}
	p.code.count(&s)
	for i := range p.g.Consts {
		if a := &p.g.Consts[i].Array; a.Size() > 0 {
			sp := spanOf(a, ofConst, i)
			s.ConstBytes += int(sp.hi - sp.lo)
		}
	}
	return s
}

// Run computes the outputs from the parameters, which are arrays of host-visible
// memory of the graph's types. Destinations are dense; one that shares memory with a parameter
// is written at the end. After an error the destinations' contents are undefined.
//
// A parameter that is not dense is copied first. Run allocates nothing once as many
// runs as there are now have been in progress at the same time.
//
// Errors: an *ArgError, a *RunError, ctx's, one of allocation, ErrClosed.
func (p *Program) Run(ctx context.Context, in, out []*kernels.Array) error {
	if len(in) != len(p.ins) || len(out) != len(p.outs) {
		return &InvalidError{-1, "a run with the wrong number of arguments or destinations"}
	}
	r, err := p.Begin()
	if err != nil {
		return err
	}
	copy(r.In, in)
	copy(r.Out, out)
	err = r.Do(ctx)
	r.End()
	return err
}

// Run is a run of a program, for one goroutine: the caller sets its arrays, as
// [Program.Run] takes them, does it, and ends it.
type Run struct {
	In, Out []*kernels.Array // of each parameter and output

	st *state
}

// Begin begins a run. Its error is ErrClosed, or one of allocation.
func (p *Program) Begin() (*Run, error) {
	st, err := p.take()
	if err != nil {
		return nil, err
	}
	return &st.run, nil
}

// Do computes the outputs; see [Program.Run].
func (r *Run) Do(ctx context.Context) (err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	st := r.st
	if st.coded == nil {
		err = st.adopt()
	}
	if err == nil {
		err = st.bind()
	}
	if err == nil {
		err = st.do(ctx)
	}
	return err
}

// End ends the run, and keeps nothing of its arrays alive.
func (r *Run) End() {
	r.st.unbind()
	r.st.p.put(r.st)
}

// take returns a state that is not in use.
func (p *Program) take() (*state, error) {
	if st := p.next.Swap(nil); st != nil {
		if p.closed.Load() {
			p.put(st)
			return nil, ErrClosed
		}
		return st, nil
	}
	p.mu.Lock()
	if p.closed.Load() {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		st := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return st, nil
	}
	p.users++
	p.mu.Unlock()
	st, err := newState(p)
	if err != nil {
		p.leave()
	}
	return st, err
}

// put takes back a state after its run.
func (p *Program) put(st *state) {
	if p.next.CompareAndSwap(nil, st) {
		if !p.closed.Load() {
			return
		}
		if st = p.next.Swap(nil); st == nil { // Close has seen to it
			return
		}
	}
	p.mu.Lock()
	if !p.closed.Load() {
		p.idle = append(p.idle, st)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	st.release()
	p.leave()
}

// hold keeps the constants, as a state does, until leave. Its error is ErrClosed.
func (p *Program) hold() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() {
		return ErrClosed
	}
	p.users++
	return nil
}

func (p *Program) leave() {
	p.mu.Lock()
	p.users--
	last := p.closed.Load() && p.users == 0
	p.mu.Unlock()
	if last {
		p.releaseConsts()
	}
}

// Close gives back the program's memory, when the last run in progress has ended.
// A program that is forgotten instead is given back by the garbage collector.
func (p *Program) Close() {
	p.mu.Lock()
	if p.closed.Load() {
		p.mu.Unlock()
		return
	}
	p.closed.Store(true) // a state that is put from then on is released
	idle := p.idle
	p.idle = nil
	if st := p.next.Swap(nil); st != nil {
		idle = append(idle, st)
	}
	p.users++
	p.mu.Unlock()
	for _, st := range idle {
		st.release()
		p.leave()
	}
	p.leave()
}

// Closed reports whether Close was called.
func (p *Program) Closed() bool { return p.closed.Load() }

func (p *Program) releaseConsts() {
	for i := range p.g.Consts {
		if buf := p.g.Consts[i].Array.Buf; buf != nil {
			buf.Release()
		}
	}
}
