// GradBench's saddle and particle, and the descent that both use.

package bench

import (
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

// descent is where a descent stands.
type descent struct {
	X, F, G  *T // the point, the function and its gradient there
	Eta      *T // the length of a step over that of the gradient
	Improved *T // improvements since eta was changed
}

// next is where the next step would go.
func (d descent) next() *T { return d.X.Sub(d.G.Mul(d.Eta)) }

// ArgMin minimises f from x by gradient descent with a step that doubles after
// ten improvements and halves after a failure. It stops where the gradient or
// the step is at most 1e-5 long; the result is a function of whatever x, and
// the tensors that f captures, are functions of. It is NaN where the descent has
// left the finite numbers.
func ArgMin(f func(*T) *T, mode Mode, x *T) *T {
	gradient := mode(f)
	tolerance, ten, zero := tensor.Scalar(1e-5), tensor.Scalar(10), tensor.Scalar(0)
	goesOn := func(d descent) *T {
		return norm(d.G).Gt(tolerance).And(norm(d.X.Sub(d.next())).Gt(tolerance))
	}
	step := func(d descent) descent {
		next := d.next()
		fnext := f(next)
		return grad.Cond(fnext.Lt(d.F), func(to descent) descent {
			to.G, to.Improved = gradient(to.X), to.Improved.AddScalar(1)
			full := to.Improved.Eq(ten)
			to.Eta = tensor.Where(full, to.Eta.MulScalar(2), to.Eta)
			to.Improved = tensor.Where(full, zero, to.Improved)
			return to
		}, func(descent) descent {
			return descent{d.X, d.F, d.G, d.Eta.MulScalar(0.5), zero}
		}, descent{next, fnext, d.G, d.Eta, d.Improved})
	}
	d := grad.While(goesOn, step, descent{x, f(x), gradient(x), tensor.Scalar(1e-5), zero})
	finite := norm(d.G).Lt(tensor.Scalar(math.Inf(1)))
	return tensor.Where(finite, d.X, tensor.Scalar(math.NaN()))
}

// ArgMax maximises f.
func ArgMax(f func(*T) *T, mode Mode, x *T) *T {
	return ArgMin(func(x *T) *T { return f(x).Neg() }, mode, x)
}

func norm(x *T) *T { return x.Square().Sum().Sqrt() }

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
	type motion struct{ X, V *T }
	ahead := func(m motion) *T { return m.X.Add(m.V.MulScalar(dt)) }
	part := func(x *T, i int) *T { return x.Index(tensor.At(i)) }
	last := grad.While(func(m motion) *T { return part(ahead(m), 1).Gt(tensor.Scalar(0)) }, func(m motion) motion {
		return motion{ahead(m), m.V.Sub(field(m.X).MulScalar(dt))}
	}, motion{tensor.New([]float64{0, 8}), tensor.New([]float64{0.75, 0})})
	x := ahead(last)
	tau := part(x, 1).Neg().Div(part(last.V, 1))
	return part(x, 0).Add(tau.Mul(part(last.V, 0))).Square()
}
