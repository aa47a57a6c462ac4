package native

// From a graph to machine code.

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/internal/cc"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// maxText bounds the bytes of a program's text beside the prelude: compilers take
// more than linear time.
const maxText = 4 << 20

// optimize is the compiler's level of optimisation. What -O3 adds costs much time
// on straight code, and gains nothing on vectors; what -O2 adds to -O1 is worth it
// short loops, and lost on long straight code, where it takes half of the time; but for
// registers that live across calls, which are rare. Which bits of integers are known
// takes -O1 about a sixteenth of its time to find, and there is nothing in what is printed that
// would be better for it.
func optimize(text string) []string {
	if len(text) > longText && cpu.Detect() != cpu.Baseline { // for which gcc 12 fails at -O1
		return []string{"-O1", "-ftree-vectorize", "-fcaller-saves", "-fno-tree-bit-ccp"}
	}
	return []string{"-O2"}
}

const longText = 20 << 10

// level is optimize unless a test sets it.
var level = optimize

// inspect, where a test sets it, is shown what is printed.
var inspect func(*grouping, *printed)

// TooLargeError tells that a program is too large to be compiled.
type TooLargeError struct{ Bytes int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("native: the program would be %d bytes of C, more than %d", e.Bytes, maxText)
}

// Compile makes machine code of a graph, which must not be changed any more.
// Errors: a *cc.Error where the machine cannot compile or load; a
// *TooLargeError; a *graph.BackendError.
func Compile(ctx context.Context, g *graph.Graph, dev device.Device) (*Code, error) {
	p, err := translate(g, true)
	if err != nil {
		return nil, err
	}
	lib, err := cc.Compile(ctx, p.source(), cc.Options{ISA: cpu.Detect(), Flags: level(p.text)})
	if err != nil {
		return nil, err
	}
	var e entries
	for _, s := range []struct {
		name string
		to   *uintptr
	}{{"ct_run_steps", &e.steps}, {"ct_run_items", &e.items}, {"ct_run_zero", &e.zero}} {
		f, err := lib.Symbol(s.name)
		if err != nil {
			return nil, err
		}
		*s.to = uintptr(f)
	}
	c, err := newCode(dev, p, e)
	if err != nil {
		return nil, err
	}
	c.lib, c.Took = lib, lib.Took
	return c, nil
}

// Plan returns of how many functions of C the code of a graph would be made, and how many
// kernels it would call, without compiling it. Errors: those of printing, as in [Compile].
func Plan(g *graph.Graph) (functions, calls int, err error) {
	p, err := translate(g, true)
	if err != nil {
		return 0, 0, err
	}
	for i := range p.steps {
		if p.steps[i].fn == "" {
			calls++
		} else {
			functions++
		}
	}
	return functions, calls + len(p.calls), nil
}

// translate prints a graph, see lower. A panic of the printer is its error: a program can
// always run without code.
func translate(g *graph.Graph, calls bool) (p *printed, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, &device.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	if n := len(g.Instrs); n > maxText/64 {
		return nil, &TooLargeError{n * 64}
	}
	g = loops(g, calls)
	s := schedule(g, calls)
	if p, err = s.print(calls); err != nil {
		return nil, err
	}
	if inspect != nil {
		inspect(s, p)
	}
	if len(p.text) > maxText {
		return nil, &TooLargeError{len(p.text)}
	}
	return p, nil
}

// schedule groups the statements of a graph, see lower.
func schedule(g *graph.Graph, calls bool) *grouping {
	s := singles(lower(g, calls))
	if !g.Without.Has(graph.Fusion) {
		s.merge()
		s.rematerialise()
		s.merge()
	}
	s.settle()
	return s
}
