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
	all   []float64            // where j has columns that a has not, its entries
	kept  []int                // and which of them are those of a

	x        P
	v, r     []float64 // the point, and the function's values there
	d, trial []float64 // the step, and where it leads
	it       Iteration
}

// newRun prepares a function and the derivative that prepare makes, and evaluates at
// the start. The report is there even with an error; close gives memory back, also
// after an error.
func newRun[P, Q any](ctx context.Context, f func(P) Q, x P, o *Options, prepare func() (*jacobian.Prepared[P], error)) (*run[P], error) {
	start := time.Now()
	s, err := prepareRun(f, x, o, prepare)
	if err == nil {
		err = s.begin(ctx, x, start)
	}
	return s, err
}

// prepareRun does what runs from any start have in common.
func prepareRun[P, Q any](f func(P) Q, x P, o *Options, prepare func() (*jacobian.Prepared[P], error)) (*run[P], error) {
	s := &run[P]{o: o, rep: new(Report), x: x}
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
	s.a = sparse.NewCSR[float64](s.j.Output())
	return s, nil
}

// begin evaluates at the start x. The unknowns are the first elements of x, as many as
// the derivative has columns.
func (s *run[P]) begin(ctx context.Context, x P, start time.Time) error {
	s.rep, s.start, s.it = &Report{Explain: s.j.Explain()}, start, Iteration{}
	s.f.like, s.x = x, x
	var err error
	if s.r, err = s.f.run(ctx, x); err != nil {
		return err
	}
	if s.v, err = vector(x); err != nil {
		return err
	}
	s.v = s.v[:s.a.Cols]
	s.d, s.trial = make([]float64, len(s.v)), make([]float64, len(s.v))
	if !finite(s.r) {
		return &DomainError{"the function at the start"}
	}
	return nil
}

func (s *run[P]) close() {
	if s.f != nil {
		s.f.close()
	}
	if s.j != nil {
		s.j.Close()
	}
}

// leave takes the last columns out of the derivative.
func (s *run[P]) leave(columns int) error {
	p := s.j.Output()
	cols := p.Cols - columns
	var idx []int32
	ptr, kept := make([]int, p.Rows+1), []int{}
	for i := range p.Rows {
		for k := p.Ptr[i]; k < p.Ptr[i+1]; k++ {
			if j := p.Idx[k]; int(j) < cols {
				idx, kept = append(idx, j), append(kept, k)
			}
		}
		ptr[i+1] = len(idx)
	}
	left, err := sparse.NewPattern(p.Rows, cols, ptr, idx)
	if err != nil {
		return err
	}
	s.a, s.all, s.kept = sparse.NewCSR[float64](left), make([]float64, p.Nnz()), kept
	return nil
}

// derive computes the derivative.
func (s *run[P]) derive(ctx context.Context) error {
	values := s.a.Val
	if s.kept != nil {
		values = s.all
	}
	if err := s.j.Run(ctx, s.x, values); err != nil {
		return err
	}
	for i, k := range s.kept {
		s.a.Val[i] = s.all[k]
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
