// Prepared programs as machine code.

package grad

import (
	"context"
	"io"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/tensor/graph"
	"github.com/cotangent-ad/cotangent/tensor/graph/native"
)

// WithNative, for [Prepare], has the program compiled to machine code by the
// machine's C compiler, in the background: until that is done, and where it
// cannot be done, the program runs as it does without this option.
func WithNative() Option { return func(o *options) { o.native = true } }

// translation is machine code on its way.
type translation struct {
	done   chan struct{}
	cancel context.CancelFunc
	code   *native.Code
	err    error
}

// translate begins to compile a program. Code that would need more than the memory
// budget, if there is one, is not used.
func translate(p *graph.Program, budget int) *translation {
	ctx, cancel := context.WithCancel(context.Background())
	t := &translation{done: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(t.done)
		defer cancel()
		t.err = p.Translate(func(g *graph.Graph, dev device.Device) (graph.Code, error) {
			c, err := native.Compile(ctx, g, dev)
			switch {
			case err != nil:
				return nil, err
			case budget > 0 && device.BlockSize(c.ArenaBytes()) > budget:
				return nil, &graph.BudgetError{Budget: budget, Smallest: device.BlockSize(c.ArenaBytes())}
			}
			t.code = c
			return c, nil
		})
	}()
	return t
}

// Native waits until runs use machine code, and returns nil, or why they do not:
// because [WithNative] was not asked for, a *cc.Error of the compiler, a
// *graph.BudgetError of code that would need more than [MemoryBudget], ctx's.
func (p *program) Native(ctx context.Context) error {
	t := p.rec.Load().native
	if t == nil {
		return ErrNotNative
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// WriteC writes the program as C11 for embedding: a function called name, in a
// file that is its own header and needs nothing but the C library; the comment at
// its beginning tells how to compile it. Constants are part of the text.
//
// Errors: w's, a *native.NameError, a *native.UnsupportedError for an operation
// that is no loop (a prefix sum), a *native.TooLargeError, graph.ErrClosed.
func (p *program) WriteC(w io.Writer, name string) error {
	r := p.rec.Load()
	return located(r.program.View(func(g *graph.Graph) error {
		return native.WriteC(w, g, name, p.in.paths, r.out.paths)
	}))
}
