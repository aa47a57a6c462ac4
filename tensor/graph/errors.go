// The errors of compiling and running a program.

package graph

import (
	"errors"
	"fmt"

	"github.com/cotangent-ad/cotangent/kernels"
)

// ErrClosed is the error of a program that was closed.
var ErrClosed = errors.New("graph: the program is closed")

// ErrApart is the error of machine code of the host for a program that works in a
// device's own memory.
var ErrApart = errors.New("graph: the program works in memory that the host's machine code does not reach")

// BackendError tells that a program cannot run on a device: no kernels are
// linked in for its kind, or there is none for an instruction.
type BackendError struct {
	Device string
	Op     string // the instruction without a kernel, or ""
}

func (e *BackendError) Error() string {
	if e.Op == "" {
		return fmt.Sprintf("graph: no kernels are linked in for device %s", e.Device)
	}
	return fmt.Sprintf("graph: device %s has no kernel for %s", e.Device, e.Op)
}

// ArgError tells of an argument or a destination that a run cannot take.
type ArgError struct {
	Out    bool // a destination
	Index  int
	Want   kernels.Aval
	Reason string
}

func (e *ArgError) Error() string {
	what := "argument"
	if e.Out {
		what = "destination"
	}
	return fmt.Sprintf("graph: %s %d (%v): %s", what, e.Index, e.Want, e.Reason)
}

// RunError is a kernel's error with the instruction that failed.
type RunError struct {
	Instr int
	Op    string
	In    []kernels.Aval // its operands
	Place string         // file:line of the caller who asked for it; "" where not noted
	// Within tells, for an instruction of a body, in which step of which loop it
	// failed, the innermost first.
	Within []string
	Err    error
}

func (e *RunError) Error() string {
	s := fmt.Sprintf("instruction %d: %v", e.Instr, e.Err)
	for _, w := range e.Within {
		s += ", in " + w
	}
	if e.Place != "" {
		s = e.Place + ": " + s
	}
	return s
}

// Unwrap returns the kernel's error.
func (e *RunError) Unwrap() error { return e.Err }
