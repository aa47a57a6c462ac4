// What callers choose, and what they are told.

package solve

import (
	"context"
	"fmt"
	"time"

	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
)

// Options change how a solver works; the zero value is good for many problems.
type Options struct {
	// Tolerance ends the iteration: for equations when the largest residual is at
	// most Tolerance, for minima when the largest element of the gradient is at most
	// Tolerance times what it was at first. 0 means 1e-8.
	Tolerance float64
	// ValueTolerance ends LeastSquares when a step lowers the sum of squares by at most
	// that part of it; 0 means 1e-13.
	ValueTolerance float64
	// MaxIterations is 100 if 0.
	MaxIterations int
	// LinearTolerance is the relative residual to which linear systems are solved, and
	// LinearIterations their bound; 1e-3 for least squares, else 1e-8, and 500.
	LinearTolerance  float64
	LinearIterations int
	// Systems is how linear systems are solved.
	Systems Systems
	// FirstStep is the time of SteadyState's first step, which must be short against
	// the fastest growth there; 0 means 0.1.
	FirstStep float64
	// Undamped makes LeastSquares Gauss-Newton with a line search instead of
	// Levenberg-Marquardt.
	Undamped bool
	// Blocks are the sizes of the groups of unknowns, one after the other, that block
	// Jacobi preconditioning inverts exactly. By default those of a leaf of rank 2 or
	// more are its last dimension, if it is at most 16, and else 1.
	Blocks []int
	// Linear, where not nil, solves the linear systems of Newton and SteadyState:
	// a x = b.
	Linear func(ctx context.Context, a *sparse.CSR[float64], x, b []float64) error
	// Progress, where not nil, is told of each iteration; the solver stops early if
	// it returns false.
	Progress func(Iteration) bool
	// Jacobian are options for preparing the derivatives; those about the order of
	// entries, and triangles, are an *OptionError.
	Jacobian []jacobian.Option
}

// Iteration is what one iteration came to.
type Iteration struct {
	Number   int
	Value    float64 // half the sum of squares of the residuals, or the function's value
	Residual float64 // the largest residual, or element of the gradient
	Step     float64 // the length of the step that led here, 0 at the start
	Damping  float64 // of Levenberg-Marquardt; 1/δ of SteadyState's last step
	Linear   int     // iterations of the linear solver
	Elapsed  time.Duration
}

func (i Iteration) String() string {
	return fmt.Sprintf("%3d  value %-12.6g residual %-9.3g step %-9.3g linear %-4d %v", i.Number, i.Value, i.Residual, i.Step, i.Linear, i.Elapsed.Round(time.Millisecond))
}

// Report tells how a solver got where it is.
type Report struct {
	Iterations []Iteration
	Converged  bool
	Reason     string // why it stopped
	Explain    string // of the prepared derivative, and of how steps are computed
}

// Last returns the last iteration, or a zero one if there was none.
func (r *Report) Last() Iteration {
	if len(r.Iterations) == 0 {
		return Iteration{}
	}
	return r.Iterations[len(r.Iterations)-1]
}

// finish notes why the solver stops.
func (r *Report) finish(converged bool, reason string) {
	r.Converged, r.Reason = converged, reason
}

func (o Options) withDefaults(linear float64) Options {
	if o.Tolerance == 0 {
		o.Tolerance = 1e-8
	}
	if o.ValueTolerance == 0 {
		o.ValueTolerance = 1e-13
	}
	if o.MaxIterations == 0 {
		o.MaxIterations = 100
	}
	if o.FirstStep == 0 {
		o.FirstStep = 0.1
	}
	if o.LinearTolerance == 0 {
		o.LinearTolerance = linear
	}
	if o.LinearIterations == 0 {
		o.LinearIterations = 500
	}
	return o
}

// check returns an *OptionError for numbers that make no sense.
func (o *Options) check() error {
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"Tolerance", o.Tolerance}, {"ValueTolerance", o.ValueTolerance}, {"LinearTolerance", o.LinearTolerance}, {"FirstStep", o.FirstStep},
		{"MaxIterations", float64(o.MaxIterations)}, {"LinearIterations", float64(o.LinearIterations)},
	} {
		if !(n.value >= 0) {
			return &OptionError{fmt.Sprintf("Options.%s is %v", n.name, n.value)}
		}
	}
	return nil
}
