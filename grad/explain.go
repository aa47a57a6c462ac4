// What a prepared program will do, told before it runs.

package grad

import (
	"fmt"
	"time"

	"github.com/cotangent-ad/cotangent/tensor/graph"
	"github.com/cotangent-ad/cotangent/tensor/graph/native"
)

// Explanation tells what a run of a prepared program does.
type Explanation struct {
	graph.Explanation
	Recorded int         // operations that were recorded, those of bodies once
	Native   *NativePlan `json:",omitempty"`
}

// NativePlan tells what the machine code of a program is made of, nil where [WithNative]
// was not asked for.
type NativePlan struct {
	Functions int   // groups of loops, each a function of C
	Calls     int   // kernels that are called: large matrix products, prefix sums
	Err       error `json:"-"` // why there can be none

	Ready bool          // runs use it
	Took  time.Duration // what the compiler took; zero before it is ready, and where the code was in the cache
}

// Explain tells what a run does, as far as that is known beforehand: passes over memory,
// operations, fused loops, memory, an estimate of the time. It runs nothing.
func (p *program) Explain() Explanation {
	r := p.rec.Load()
	e := Explanation{Explanation: r.program.Explain(), Recorded: operations(r.recorded)}
	if r.native != nil {
		n := new(NativePlan)
		if err := r.program.View(func(g *graph.Graph) error {
			n.Functions, n.Calls, n.Err = native.Plan(g)
			return nil
		}); err != nil {
			n.Err = err
		}
		select {
		case <-r.native.done:
			if n.Err == nil {
				n.Err = r.native.err
			}
			if n.Err == nil {
				n.Ready, n.Took = true, r.native.code.Took
			}
		default:
		}
		e.Native = n
	}
	return e
}

// operations counts the instructions of a graph, those of bodies once.
func operations(g *graph.Graph) int {
	n := len(g.Instrs)
	for i := range g.Instrs {
		if c := graph.ControlOf(g.Instrs[i].Inst); c != nil {
			for _, b := range c.Bodies {
				n += operations(b)
			}
		}
	}
	return n
}

// String returns the explanation as lines of text.
func (e Explanation) String() string {
	s := fmt.Sprintf("%d operations recorded\n", e.Recorded) + e.Explanation.String()
	switch {
	case e.Native == nil:
	case e.Native.Err != nil:
		s += fmt.Sprintf("no machine code: %v\n", e.Native.Err)
	default:
		s += fmt.Sprintf("machine code of %d functions and %d calls of kernels", e.Native.Functions, e.Native.Calls)
		switch {
		case !e.Native.Ready:
			s += ", being compiled"
		case e.Native.Took > 0:
			s += fmt.Sprintf(", compiled in %v", e.Native.Took.Round(time.Millisecond))
		}
		s += "\n"
	}
	return s
}
