package solve

import "fmt"

// A ShapeError says that a system has not as many equations as unknowns, or that
// blocks do not add up.
type ShapeError struct {
	What      string
	Got, Want int
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("solve: %s: there are %d, not %d", e.What, e.Got, e.Want)
}

// A BreakdownError says that a linear solver could not go on.
type BreakdownError struct{ Solver, Reason string }

func (e *BreakdownError) Error() string { return fmt.Sprintf("solve: %s: %s", e.Solver, e.Reason) }

// A DomainError says that what a solver needs is infinite or no number: the function
// at the start, or its derivative at a point that was reached.
type DomainError struct{ What string }

func (e *DomainError) Error() string { return "solve: " + e.What + " is infinite or no number" }

// An OptionError says why options make no sense.
type OptionError struct{ Reason string }

func (e *OptionError) Error() string { return "solve: " + e.Reason }
