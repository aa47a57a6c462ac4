// Machine code in place of kernels.

package graph

import (
	"slices"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Code is a whole program in another form, which runs in place of the kernels of
// its instructions and gives what they give.
type Code interface {
	// NewRunner returns what one run in progress needs.
	NewRunner() (Runner, error)
}

// Runner does one run at a time.
type Runner interface {
	// Run computes the destinations from the arguments; all are dense, and no
	// destination shares memory with another or with an argument. Errors: a
	// *RunError, kernels.ErrCancelled once cancel is set.
	Run(in, out []*kernels.Array, cancel *atomic.Bool) error
	// Release gives the memory back.
	Release()
}

// Translate makes code of the program and has runs that begin from then on use
// it; runs in progress end as they began. Its error is ErrClosed, ErrApart or make's,
// after which the program is what it was.
func (p *Program) Translate(make func(*Graph, device.Device) (Code, error)) error {
	if p.apart() {
		return ErrApart
	}
	return p.View(func(g *Graph) error {
		c, err := make(g, p.dev)
		if err != nil {
			return err
		}
		p.native.Store(&c)
		return nil
	})
}

// View calls f with the graph, whose constants stay, and can be read, until it
// returns. Its error is f's, ErrClosed, or one of copying constants from a device.
func (p *Program) View(f func(*Graph) error) error {
	if err := p.hold(); err != nil {
		return err
	}
	defer p.leave()
	g, err := p.g.within()
	if err != nil {
		return err
	}
	return f(g)
}

// within returns the graph with constants that the host reaches: itself, or one
// with copies.
func (g *Graph) within() (*Graph, error) {
	h := g
	for i := range g.Consts {
		a, err := Within(&g.Consts[i].Array)
		if err != nil {
			return nil, err
		}
		if a == &g.Consts[i].Array {
			continue
		}
		if h == g {
			copied := *g
			copied.Consts = slices.Clone(g.Consts)
			h = &copied
		}
		h.Consts[i].Array = *a
	}
	return h, nil
}

// coded is how a state runs code: the runner, and the arrays that it is given,
// which are dense and apart from each other.
type coded struct {
	runner  Runner
	in, out []*kernels.Array
	loops   bool // there may be loops, which cannot look at the context themselves
}

// adopt makes the state run code, if there is some.
func (st *state) adopt() error {
	c := st.p.native.Load()
	if c == nil {
		return nil
	}
	r, err := (*c).NewRunner()
	if err != nil {
		return err
	}
	g := st.p.g
	k := &coded{runner: r}
	for i := range g.Instrs {
		k.loops = k.loops || ControlOf(g.Instrs[i].Inst) != nil
	}
	for _, v := range g.Params {
		k.in = append(k.in, &kernels.Array{Aval: g.Aval(v)})
	}
	for _, v := range g.Outputs {
		k.out = append(k.out, &kernels.Array{Aval: g.Aval(v)})
	}
	st.coded = k
	if st.arena != nil { // of the kernels, which this state runs no more
		st.arena.Release()
		st.arena = nil
	}
	return nil
}

// bind points the runner's arrays to the memory of the run.
func (k *coded) bind(in, out []memory) {
	for i, m := range in {
		k.in[i].Ptr, k.in[i].Buf = m.ptr, m.buf
	}
	for i, m := range out {
		k.out[i].Ptr, k.out[i].Buf = m.ptr, m.buf
	}
}

// forget forgets that memory.
func (k *coded) forget() {
	for _, list := range [2][]*kernels.Array{k.in, k.out} {
		for _, a := range list {
			a.Ptr, a.Buf = nil, nil
		}
	}
}
