// What the methods share: the point and what is known there, when to stop, and the
// search along a step.

package solve

import (
	"context"
	"math"
	"time"

	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
)

// run is a method at work.
type run[P any] struct {
	o     *Options
	rep   *Report
	start time.Time
	f     *function[P]
	j     *jacobian.Prepared[P]
	a     *sparse.CSR[float64] // the derivative

	x        P
	v, r     []float64 // the point, and the function's values there
	d, trial []float64 // the step, and where it leads
	it       Iteration
}

// newRun prepares a function and the derivative that prepare makes, and evaluates at
// the start. The report is there even with an error; close gives memory back, also
// after an error.
func newRun[P, Q any](ctx context.Context, f func(P) Q, x P, o *Options, prepare func() (*jacobian.Prepared[P], error)) (*run[P], error) {
	s := &run[P]{o: o, rep: new(Report), start: time.Now(), x: x}
	err := o.check()
	if err != nil {
		return s, err
	}
	if s.f, err = newFunction(f, x); err != nil {
		return s, err
	}
	if s.j, err = prepare(); err != nil {
		return s, err
	}
	if s.j.Output() != s.j.Pattern() {
		return s, &OptionError{"Options.Jacobian asks for a triangle, or for columns: steps need all entries by rows"}
	}
	s.rep.Explain = s.j.Explain()
	s.a = sparse.NewCSR[float64](s.j.Output())
	if s.v, err = vector(x); err != nil {
		return s, err
	}
	s.d, s.trial = make([]float64, len(s.v)), make([]float64, len(s.v))
	var start P
	if start, s.r, err = s.f.at(ctx, s.v); err != nil {
		return s, err
	}
	s.x = start
	if !finite(s.r) {
		return s, &DomainError{"the function at the start"}
	}
	return s, nil
}

func (s *run[P]) close() {
	if s.f != nil {
		s.f.close()
	}
	if s.j != nil {
		s.j.Close()
	}
}

// derive computes the derivative.
func (s *run[P]) derive(ctx context.Context) error {
	if err := s.j.Run(ctx, s.x, s.a.Val); err != nil {
		return err
	}
	if !finite(s.a.Val) {
		return &DomainError{"the derivative"}
	}
	return nil
}

// goOn notes an iteration and reports whether to go on. A residual of at most enough
// is convergence, for the reason given.
func (s *run[P]) goOn(value, residual, enough float64, reason string) bool {
	s.it.Value, s.it.Residual, s.it.Elapsed = value, residual, time.Since(s.start)
	s.it.Number = len(s.rep.Iterations)
	s.rep.Iterations = append(s.rep.Iterations, s.it)
	switch {
	case s.o.Progress != nil && !s.o.Progress(s.it):
		s.rep.finish(false, "stopped by Progress")
	case residual <= enough:
		s.rep.finish(true, reason)
	case s.it.Number >= s.o.MaxIterations:
		s.rep.finish(false, "too many iterations")
	default:
		return true
	}
	return false
}

// shortest is the part of a step at which its search gives up.
const shortest = 1e-10

// search takes the first of the steps d, d/2, d/4, ... at which the function has values
// that enough accepts, given the part of d. It reports whether there is one.
func (s *run[P]) search(ctx context.Context, enough func(t float64, r []float64) bool) (bool, error) {
	for t := 1.0; t > shortest; t /= 2 {
		plus(s.trial, s.v, t, s.d)
		x, r, err := s.f.at(ctx, s.trial)
		if err != nil {
			return false, err
		}
		if finite(r) && enough(t, r) {
			s.x, s.r = x, r
			copy(s.v, s.trial)
			s.it.Step = t * norm(s.d)
			return true, nil
		}
	}
	return false, nil
}

// finite reports whether all elements are numbers.
func finite(v []float64) bool {
	for _, e := range v {
		if math.IsNaN(e) || math.IsInf(e, 0) {
			return false
		}
	}
	return true
}
