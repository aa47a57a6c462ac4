// The errors of declarations and kernels. Package tensor adds the caller's place.

package kernels

import (
	"errors"
	"fmt"
	"strings"
)

// ErrCancelled is returned by kernels whose call was cancelled.
var ErrCancelled = errors.New("kernels: cancelled")

// ShapeError reports operands whose shapes do not fit an op, or each other.
type ShapeError struct {
	Op     string
	Shapes [][]int
	Reason string
}

func (e *ShapeError) Error() string {
	if len(e.Shapes) == 0 {
		return e.Op + ": " + e.Reason
	}
	return fmt.Sprintf("%s: %s (shapes %s)", e.Op, e.Reason, shapes(e.Shapes))
}

// DTypeError reports operands of a type that an op does not take.
type DTypeError struct {
	Op     string
	DTypes []string
	Reason string
}

func (e *DTypeError) Error() string {
	return fmt.Sprintf("%s: %s (dtypes %s)", e.Op, e.Reason, strings.Join(e.DTypes, ", "))
}

// AttrError reports a parameter of an op that is out of its range.
type AttrError struct {
	Op     string
	Reason string
}

func (e *AttrError) Error() string { return e.Op + ": " + e.Reason }

// IndexError reports an index out of range found while an op ran.
type IndexError struct {
	Op    string
	Index int64
	Size  int // valid indices are -Size to Size-1
}

func (e *IndexError) Error() string {
	return fmt.Sprintf("%s: index %d out of range for a dimension of size %d", e.Op, e.Index, e.Size)
}

func shapes(s [][]int) string {
	parts := make([]string, len(s))
	for i, x := range s {
		parts[i] = fmt.Sprint(x)
	}
	return strings.Join(parts, ", ")
}
