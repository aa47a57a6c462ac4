// GradBench's saddle and particle, and the descent that both use.

package bench

import (
	"errors"
	"math"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Mode is a way to the gradient of a scalar function.
type Mode func(f func(*T) *T) func(*T) *T

// Reverse takes the gradient by one reverse sweep.
func Reverse(f func(*T) *T) func(*T) *T { return grad.Grad(f) }

// Forward takes the gradient by forward sweeps along all axes at once.
func Forward(f func(*T) *T) func(*T) *T {
	return func(x *T) *T {
		return grad.Vmap(func(v *T) *T {
			_, d := grad.JVP(f, x, v)
			return d
		})(tensor.Eye(x.Dim(0)))
	}
}

// ErrNoDescent is the error of a descent whose numbers are not finite.
var ErrNoDescent = errors.New("bench: the descent left the finite numbers")

// ArgMin minimises f from x by gradient descent with a step that doubles after
// ten improvements and halves after a failure. It stops where the gradient or
// the step is at most 1e-5 long; the result is a function of whatever x, and
// the tensors that f captures, are functions of.
func ArgMin(f func(*T) *T, mode Mode, x *T) *T {
	const tolerance = 1e-5
	gradient := mode(f)
	fx, gx := f(x), gradient(x)
	eta, improved := 1e-5, 0
	for {
		length := norm(gx)
		switch {
		case x.Err() != nil || fx.Err() != nil:
			return x.Add(fx)
		case math.IsNaN(length) || math.IsInf(length, 0):
			if err := gx.Err(); err != nil {
				return gx
			}
			return tensor.Failed("bench.ArgMin", ErrNoDescent)
		case length <= tolerance:
			return x
		case improved == 10:
			eta, improved = 2*eta, 0
			continue
		}
		next := x.Sub(gx.MulScalar(eta))
		if norm(x.Sub(next)) <= tolerance {
			return x
		}
		fnext := f(next)
		if fnext.Float() < fx.Float() {
			x, fx, gx = next, fnext, gradient(next)
			improved++
		} else {
			eta, improved = eta/2, 0
		}
	}
}

// ArgMax maximises f.
func ArgMax(f func(*T) *T, mode Mode, x *T) *T {
	return ArgMin(func(x *T) *T { return f(x).Neg() }, mode, x)
}

func norm(x *T) float64 {
	v, err := x.Float64s()
	if err != nil {
		return math.NaN()
	}
	var s float64
	for _, e := range v {
		s += e * e
	}
	return math.Sqrt(s)
}

// Saddle finds the saddle point of |x|² - |y|² from start [2] by nested
// descents: the outer one minimises the maximum over y. It returns x and y [4].
func Saddle(start *T, outer, inner Mode) *T {
	f := func(x, y *T) *T { return x.Square().Sum().Sub(y.Square().Sum()) }
	x := ArgMin(func(x *T) *T {
		of := func(y *T) *T { return f(x, y) }
		return of(ArgMax(of, inner, start))
	}, outer, start)
	y := ArgMax(func(y *T) *T { return f(x, y) }, outer, start)
	return tensor.Concat(0, x, y)
}

// Particle steers a charged particle to the origin of the x axis: it minimises
// over the charge's position w [1] the square of where the particle, moved by
// Euler steps in the field of two charges, crosses the axis.
func Particle(w *T, outer, inner Mode) *T {
	return ArgMin(func(w *T) *T { return crossing(w, inner) }, outer, w)
}

// crossing returns the squared abscissa at which the particle crosses.
func crossing(w *T, inner Mode) *T {
	const dt = 0.1
	charge1 := tensor.Concat(0, tensor.New([]float64{10}), w.RSubScalar(10))
	charge2 := tensor.New([]float64{10, 0})
	potential := func(x *T) *T {
		distance := func(c *T) *T { return x.Sub(c).Square().Sum().Sqrt() }
		return distance(charge1).Reciprocal().Add(distance(charge2).Reciprocal())
	}
	field := inner(potential)
	x, v := tensor.New([]float64{0, 8}), tensor.New([]float64{0.75, 0})
	for {
		a := field(x).Neg()
		x = x.Add(v.MulScalar(dt))
		height := x.Index(tensor.At(1))
		if h := height.Float(); !(h > 0) {
			tau := height.Neg().Div(v.Index(tensor.At(1)))
			return x.Index(tensor.At(0)).Add(tau.Mul(v.Index(tensor.At(0)))).Square()
		}
		v = v.Add(a.MulScalar(dt))
	}
}
