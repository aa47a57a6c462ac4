package sparse

import "fmt"

// A StructureError says why index arrays do not describe a valid pattern.
type StructureError struct {
	Row    int // the offending row, or -1 where no single row is at fault
	Reason string
}

func (e *StructureError) Error() string {
	if e.Row < 0 {
		return "sparse: invalid structure: " + e.Reason
	}
	return fmt.Sprintf("sparse: invalid structure in row %d: %s", e.Row, e.Reason)
}

// A SizeError says that an argument has the wrong length or shape.
type SizeError struct {
	Op, What  string
	Got, Want int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("sparse: %s: %s is %d, want %d", e.Op, e.What, e.Got, e.Want)
}

// A ProblemError says why a colouring problem makes no sense for a pattern.
type ProblemError struct {
	Problem Problem
	Reason  string
}

func (e *ProblemError) Error() string {
	return fmt.Sprintf("sparse: %v: %s", e.Problem, e.Reason)
}

// A ConflictError is what Verify returns: the entry that the colouring leaves
// undetermined, or the colour that is out of range.
type ConflictError struct {
	Problem  Problem
	Row, Col int // the entry, or -1
	Reason   string
}

func (e *ConflictError) Error() string {
	if e.Row < 0 && e.Col < 0 {
		return fmt.Sprintf("sparse: not a %v colouring: %s", e.Problem, e.Reason)
	}
	return fmt.Sprintf("sparse: not a %v colouring: entry (%d, %d): %s", e.Problem, e.Row, e.Col, e.Reason)
}

// A FormatError says what is wrong with a MatrixMarket file, and on which line
// (from 1).
type FormatError struct {
	Line   int
	Reason string
	Err    error // the cause, if another package found it
}

func (e *FormatError) Error() string {
	s := fmt.Sprintf("sparse: MatrixMarket line %d: %s", e.Line, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// A LimitError says that an input asks for more than Limits allows.
type LimitError struct {
	What       string
	Got, Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("sparse: %s is %d, over the limit of %d", e.What, e.Got, e.Limit)
}

// A DecodeError says why bytes are not an encoded plan.
type DecodeError struct{ Reason string }

func (e *DecodeError) Error() string { return "sparse: not an encoded plan: " + e.Reason }
