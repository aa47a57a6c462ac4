// The program: a graph with its kernels found and its memory planned, ready to run.

package graph

import (
	"context"
	"runtime"
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

	mu      sync.Mutex
	idle    []*state
	running int
	closed  bool
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
func Compile(g *Graph, dev device.Device) (*Program, error) {
	if err := g.Verify(); err != nil {
		return nil, err
	}
	to, err := targetOf(dev)
	if err != nil {
		return nil, err
	}
	p := &Program{dev: dev, move: moverOf(to.backend), later: dev.Kind() != "cpu" && dev.Kind() != "ref"}
	own := g.alias()
	if p.code, err = newCode(own, to, nil, len(g.Outputs)); err != nil {
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
	if ctx == nil {
		ctx = context.Background()
	}
	if err := p.check(in, out); err != nil {
		return err
	}
	st, err := p.take()
	if err != nil {
		return err
	}
	if err = st.adopt(); err == nil {
		err = st.bind(in, out)
	}
	if err == nil {
		err = st.run(ctx)
	}
	st.unbind()
	p.put(st)
	runtime.KeepAlive(in)
	runtime.KeepAlive(out)
	return err
}

func (p *Program) check(in, out []*kernels.Array) error {
	if len(in) != len(p.ins) || len(out) != len(p.outs) {
		return &InvalidError{-1, "a run with the wrong number of arguments or destinations"}
	}
	for i, a := range in {
		if want := p.ins[i]; a == nil || !kernels.EqualAval(a.Aval, want) {
			return &ArgError{Index: i, Want: want, Reason: "is of another type"}
		}
	}
	for i, a := range out {
		want := p.outs[i]
		switch {
		case a == nil || !kernels.EqualAval(a.Aval, want):
			return &ArgError{Out: true, Index: i, Want: want, Reason: "is of another type"}
		case !a.Dense():
			return &ArgError{Out: true, Index: i, Want: want, Reason: "is not dense"}
		}
	}
	return nil
}

// take returns a state that is not in use.
func (p *Program) take() (*state, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.running++
	if n := len(p.idle); n > 0 {
		st := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return st, nil
	}
	p.mu.Unlock()
	st, err := newState(p)
	if err != nil {
		p.put(nil)
	}
	return st, err
}

// hold keeps the program's memory, as a run in progress does, until put(nil).
func (p *Program) hold() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.running++
	return nil
}

// put takes back a state after its run, nil where none could be made.
func (p *Program) put(st *state) {
	p.mu.Lock()
	p.running--
	closed, last := p.closed, p.closed && p.running == 0
	if st != nil && !closed {
		p.idle = append(p.idle, st)
	}
	p.mu.Unlock()
	if st != nil && closed {
		st.release()
	}
	if last {
		p.releaseConsts()
	}
}

// Close gives back the program's memory, when the last run in progress has ended.
// A program that is forgotten instead is given back by the garbage collector.
func (p *Program) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	idle := p.idle
	p.closed, p.idle = true, nil
	last := p.running == 0
	p.mu.Unlock()
	for _, st := range idle {
		st.release()
	}
	if last {
		p.releaseConsts()
	}
}

// Closed reports whether Close was called.
func (p *Program) Closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

func (p *Program) releaseConsts() {
	for i := range p.g.Consts {
		if buf := p.g.Consts[i].Array.Buf; buf != nil {
			buf.Release()
		}
	}
}
