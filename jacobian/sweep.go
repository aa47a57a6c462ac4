// The programs that compute the products of many colours at once.

package jacobian

import (
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
			dx, err := unflatten(a.X, seed)
			if err != nil {
				return tensor.Failed("jacobian", err)
			}
			_, dy := grad.JVP(f, a.X, dx, opts...)
			return flatten(dy)
		})(a.seeds())
	}
}

// reverse returns the function that computes vector-Jacobian products of seeds,
// [colours columns].
func reverse[P, Q any](f func(P) Q, opts []grad.Option) func(a sweepArg[P]) *array {
	return func(a sweepArg[P]) *array {
		y, pull := grad.VJP(f, a.X, opts...)
		return grad.Vmap(func(seed *array) *array {
			g, err := unflatten(y, seed)
			if err != nil {
				return tensor.Failed("jacobian", err)
			}
			return flatten(pull(g))
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
// elements of a product. As many colours are swept at once as memory allows.
func newSweep[P any](f func(a sweepArg[P]) *array, like P, lines []int32, colors, size int, o *options) (*sweep[P], error) {
	s := &sweep[P]{rows: size, colors: colors}
	if colors == 0 || size == 0 {
		return s, nil
	}
	width := min(int64(colors), max(1, o.memory/(8*int64(size+len(lines)))))
	count := (int64(colors) + width - 1) / width
	width = (int64(colors) + count - 1) / count
	for c := int64(0); c < count; c++ {
		chunk := make([]int32, width)
		for k := range chunk {
			if chunk[k] = int32(c*width) + int32(k); int(chunk[k]) >= colors {
				chunk[k] = -2 // no line has it
			}
		}
		s.chunks = append(s.chunks, tensor.FromSlice(chunk, len(chunk)))
	}
	s.line = tensor.FromSlice(lines, len(lines))
	var err error
	s.program, err = grad.Prepare(f, sweepArg[P]{like, s.line, s.chunks[0]}, o.grad...)
	return s, err
}
