// The programs that compute the products of many colours at once.

package jacobian

import (
	"context"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// sweepArg is the argument of a sweep: the point, the colour of each line
// (columns in forward mode, rows in reverse) and the colours whose products are
// wanted.
type sweepArg[P any] struct {
	X      P
	Line   *array // int32 [lines]
	Colors *array // int32 [colours]
}

// seeds returns the seed of each wanted colour, [colours lines]: 1 where the line
// has the colour.
func (a sweepArg[P]) seeds() *array {
	return a.Line.Unsqueeze(0).Eq(a.Colors.Unsqueeze(1)).Cast(tensor.Float64)
}

// forward returns the function that computes Jacobian-vector products of seeds,
// [colours rows].
func forward[P, Q any](f func(P) Q, opts []grad.Option) func(a sweepArg[P]) *array {
	return func(a sweepArg[P]) *array {
		return grad.Vmap(func(seed *array) *array {
			_, dy := grad.JVP(f, a.X, grad.Unflatten(a.X, seed), opts...)
			return grad.Flatten(dy)
		})(a.seeds())
	}
}

// reverse returns the function that computes vector-Jacobian products of seeds,
// [colours columns].
func reverse[P, Q any](f func(P) Q, opts []grad.Option) func(a sweepArg[P]) *array {
	return func(a sweepArg[P]) *array {
		y, pull := grad.VJP(f, a.X, opts...)
		return grad.Vmap(func(seed *array) *array {
			return grad.Flatten(pull(grad.Unflatten(y, seed)))
		})(a.seeds())
	}
}

// sweep is one side's products as a program, chunk by chunk.
type sweep[P any] struct {
	program *grad.Prepared[sweepArg[P], *array]
	line    *array   // the lines' colours
	chunks  []*array // the colours of each chunk, all of one size
	rows    int      // elements of a product
	colors  int
}

// newSweep prepares products of the given colours of lines. size is the number of
// elements of a product. As many colours are swept at once as memory allows; or as
// the cache holds, if that takes less time, or not much more and far less memory.
func newSweep[P any](b *builder[P], f func(a sweepArg[P]) *array, lines []int32, colors, size int) (*sweep[P], error) {
	if colors == 0 || size == 0 {
		return &sweep[P]{rows: size, colors: colors}, nil
	}
	each := int64(8 * (size + len(lines)))
	chunks := func(bytes int64) int { // how many
		width := min(int64(colors), max(1, bytes/each))
		return (colors + int(width) - 1) / int(width)
	}
	large, small := chunks(b.o.memory), chunks(min(cacheBytes, b.o.memory))
	s, err := newChunks(b, f, lines, colors, size, large)
	if err != nil || small == large {
		return s, err
	}
	t, err := newChunks(b, f, lines, colors, size, small)
	if err != nil {
		s.program.Close()
		return nil, err
	}
	quicker := t.predicted() <= 1.5*s.predicted()
	if each*int64(colors) <= trialBytes {
		quicker, err = t.quicker(s, b.like)
	}
	if !quicker {
		s, t = t, s
	}
	s.program.Close()
	return t, err
}

// What the seeds and products of one chunk had better keep to, and what those of
// all chunks may take for it to be tried out what is faster.
const (
	cacheBytes = 4 << 20
	trialBytes = 64 << 20
)

// quicker reports whether all chunks take less time at x than another sweep's, of
// which there are less. It goes by the faster of two runs of one chunk each, the
// second where the first, which has to come by memory, does not show it.
func (s *sweep[P]) quicker(than *sweep[P], x P) (bool, error) {
	mine, err := s.measure(2, x)
	if err != nil {
		return false, err
	}
	theirs, err := than.measure(1, x)
	if err == nil && mine < theirs && theirs < 1.5*mine {
		theirs, err = than.measure(2, x)
	}
	return mine < theirs, err
}

// measure returns the seconds that all chunks take at x, from the fastest of a number
// of runs of one.
func (s *sweep[P]) measure(runs int, x P) (float64, error) {
	m, err := s.memory()
	if err != nil {
		return 0, err
	}
	one := fastest(runs, func() error {
		err = s.program.RunInto(context.Background(), m.chunks[0], sweepArg[P]{x, s.line, s.chunks[0]})
		return err
	})
	return one * float64(len(s.chunks)), err
}

// newChunks prepares products in a number of chunks.
func newChunks[P any](b *builder[P], f func(a sweepArg[P]) *array, lines []int32, colors, size, count int) (*sweep[P], error) {
	s := &sweep[P]{rows: size, colors: colors, line: beside(b.like, tensor.FromSlice(lines, len(lines)))}
	width := (colors + count - 1) / count
	for c := range count {
		chunk := make([]int32, width)
		for k := range chunk {
			if chunk[k] = int32(c*width + k); int(chunk[k]) >= colors {
				chunk[k] = -2 // no line has it
			}
		}
		s.chunks = append(s.chunks, beside(b.like, tensor.FromSlice(chunk, len(chunk))))
	}
	var err error
	s.program, err = grad.Prepare(f, sweepArg[P]{b.like, s.line, s.chunks[0]}, b.o.grad...)
	return s, err
}

// predicted returns the seconds that all chunks are thought to take.
func (s *sweep[P]) predicted() float64 {
	return float64(len(s.chunks)) * machine().predict(s.program.Graph(), s.program.Stats())
}
