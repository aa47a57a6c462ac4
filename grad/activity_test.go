// What the tape records and keeps: of what is active, what the sweep reads.

package grad_test

import (
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// A tape records an operation only where a value under differentiation reaches it by what
// has derivatives, of it keeps only what its rule reads, and forgets in the end what leads
// to no result: analyses of what is active, of what is useful and of what is to be recorded
// would find nothing more. Counted are the arrays that live on with the pullback.
func TestActivity(t *testing.T) {
	const n = 1 << 16 // elements: large enough for a buffer
	a := tensor.Full(0.5, []int{n})
	for _, c := range []struct {
		name   string
		f      func(x *T) *T
		arrays float64 // that the tape keeps, in arrays of n float64
	}{
		{"sin keeps its operand, which is there", func(x *T) *T { return x.Sin().Sum() }, 0},
		{"exp keeps its result", func(x *T) *T { return x.Exp().Sum() }, 1},
		{"linear operations keep nothing", func(x *T) *T { return x.Neg().Add(a).MulScalar(3).Flip(0).Sum() }, 0},
		{"a chain keeps what its rules read", func(x *T) *T { return x.Sin().Neg().Exp().AddScalar(1).Sum() }, 1},
		{"what does not depend on the argument", func(x *T) *T { return x.Mul(a.Exp().Sin().Tanh()).Sum() }, 1},
		{"what StopGradient shuts out", func(x *T) *T { return x.Mul(grad.StopGradient(x.Exp().Sin().Tanh())).Sum() }, 1},
		{"integers", func(x *T) *T { return x.Mul(x.MulScalar(7).Cast(tensor.Int64).Cast(tensor.Float64)).Sum() }, 1},
		{"comparisons", func(x *T) *T { return tensor.Where(x.Exp().Lt(a), x, x.Neg()).Sum() }, 1. / 8},
		{"what nothing reads", func(x *T) *T {
			_ = x.Exp().Tanh()
			return x.Sin().Sum()
		}, 0},
		{"what others read too", func(x *T) *T {
			y := x.Exp()
			_ = y.Sin().Exp()
			return y.Sum()
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := tensor.Full(0.25, []int{n})
			before := outstanding(x)
			y, pull := grad.VJP(c.f, x)
			if err := y.Err(); err != nil {
				t.Fatal(err)
			}
			if kept := (outstanding(x) - before) / (8 * n); math.Abs(kept-c.arrays) > 0.01 {
				t.Errorf("the tape keeps %.2f arrays, want %v", kept, c.arrays)
			}
			if err := pull(tensor.Scalar(1)).Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// outstanding returns the bytes of buffers of x's device that somebody holds.
func outstanding(x *T) float64 {
	for range 3 { // what is only forgotten is given back by cleanups
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	return float64(x.Device().Stats().Outstanding)
}
