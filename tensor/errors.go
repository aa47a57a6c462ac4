// Errors that stick to tensors, with the place of the caller.

package tensor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/kernels"
)

// The typed errors of operations; errors.As finds them inside an *OpError.
type (
	// ShapeError reports shapes that do not fit an operation.
	ShapeError = kernels.ShapeError
	// DTypeError reports a dtype that an operation does not take.
	DTypeError = kernels.DTypeError
	// AttrError reports a parameter out of its range.
	AttrError = kernels.AttrError
	// IndexError reports an index out of range.
	IndexError = kernels.IndexError
)

// ErrNil is the error of a nil *Tensor, or one to a Tensor that nothing has made, given to an operation.
var ErrNil = errors.New("tensor: nil tensor")

var errFreed = errors.New("tensor: used after its memory was given back")

// fault holds a tensor's error: set when the tensor is made, or later when the
// queued work that computes it has failed.
type fault struct{ err atomic.Pointer[error] }

var freed = faultOf(errFreed)

func faultOf(err error) *fault {
	f := new(fault)
	f.set(err)
	return f
}

func (f *fault) get() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

// set keeps the first error.
func (f *fault) set(err error) { f.err.CompareAndSwap(nil, &err) }

// OpError is an error of an operation: which, on what, and where the caller
// stood. The typed error is inside.
type OpError struct {
	Op    string         // the operation
	In    []kernels.Aval // its operands
	Where string         // file:line of the caller outside this library
	// Within tells, of a prepared program's loops, in which step of which it failed,
	// the innermost first.
	Within []string
	Err    error
}

func (e *OpError) Error() string {
	var s strings.Builder
	if e.Where != "" {
		fmt.Fprintf(&s, "%s: ", e.Where)
	}
	msg := e.reason()
	if e.Op != "" && !strings.HasPrefix(msg, e.Op+":") {
		fmt.Fprintf(&s, "%s: ", e.Op)
	}
	s.WriteString(msg)
	if len(e.In) > 0 {
		s.WriteString(" [operands")
		for i, a := range e.In {
			if i > 0 {
				s.WriteByte(',')
			}
			fmt.Fprintf(&s, " %v", a)
		}
		s.WriteByte(']')
	}
	for _, w := range e.Within {
		s.WriteString(", in ")
		s.WriteString(w)
	}
	return s.String()
}

// reason returns what went wrong, without the types that the operands tell as well.
func (e *OpError) reason() string {
	switch err := e.Err.(type) {
	case *ShapeError:
		if slices.EqualFunc(err.Shapes, e.In, func(s []int, a kernels.Aval) bool { return slices.Equal(s, a.Shape) }) {
			return err.Op + ": " + err.Reason
		}
	case *DTypeError:
		if slices.EqualFunc(err.DTypes, e.In, func(d string, a kernels.Aval) bool { return d == a.DType.String() }) {
			return err.Op + ": " + err.Reason
		}
	}
	return e.Err.Error()
}

// Unwrap returns the typed error.
func (e *OpError) Unwrap() error { return e.Err }

// EscapeError reports the use of a value that a transformation traced, after
// that transformation had ended.
type EscapeError struct{ Transformation string }

func (e *EscapeError) Error() string {
	return fmt.Sprintf("a value traced by %s is used after %s has ended; return it from the function instead of keeping it", e.Transformation, e.Transformation)
}

// ReadError reports that a recorded value was read while a program was being prepared.
type ReadError struct{ Transformation string }

func (e *ReadError) Error() string {
	return fmt.Sprintf("%s calls the function without values, so this one cannot be read (by Item, or a Go if or loop on it): compute with tensors, as Where does, or keep what depends on data outside of %s", e.Transformation, e.Transformation)
}

// DeviceError reports that an operation cannot run where its operands are.
type DeviceError struct {
	Device string
	Reason string
}

func (e *DeviceError) Error() string { return "device " + e.Device + ": " + e.Reason }

// failed returns a tensor that carries err with the caller's place. An OpError is
// kept as it is.
func failed(op string, err error, in ...kernels.Aval) *Tensor {
	var oe *OpError
	if errors.As(err, &oe) {
		return &Tensor{fault: faultOf(err)}
	}
	kept := make([]kernels.Aval, len(in))
	for i, a := range in {
		kept[i] = kernels.Aval{DType: a.DType, Shape: append([]int{}, a.Shape...)}
	}
	return &Tensor{fault: faultOf(&OpError{Op: op, In: kept, Where: Caller(), Err: err})}
}

// as returns y, what operations on xs have made that op is composed of, with an error
// that is not one of xs told as op's: that is what the user has called.
func as(op string, y *Tensor, xs ...*Tensor) *Tensor {
	if !y.bad() {
		return y
	}
	inner, ok := y.Err().(*OpError)
	if !ok {
		return y
	}
	var in []kernels.Aval
	for _, x := range xs {
		if x != nil && x.fault == y.fault {
			return y
		}
		if inner.Err != ErrNil {
			in = append(in, kernels.Aval{DType: x.DType(), Shape: x.Shape()})
		}
	}
	return &Tensor{fault: faultOf(&OpError{Op: op, In: in, Where: inner.Where, Within: inner.Within, Err: ofOp(op, in, inner.Err)})}
}

// ofOp returns a typed error as one of another operation on these operands.
func ofOp(op string, in []kernels.Aval, err error) error {
	switch e := err.(type) {
	case *ShapeError:
		told := &ShapeError{Op: op, Reason: e.Reason}
		for _, a := range in {
			told.Shapes = append(told.Shapes, a.Shape)
		}
		return told
	case *DTypeError:
		told := &DTypeError{Op: op, Reason: e.Reason}
		for _, a := range in {
			told.DTypes = append(told.DTypes, a.DType.String())
		}
		return told
	case *AttrError:
		return &AttrError{Op: op, Reason: e.Reason}
	}
	return err
}

// Placed returns the error of an operation that another goroutine has carried out for its
// caller: with the caller's place where there is none. Other errors are returned as they are.
func Placed(err error) error {
	oe, ok := err.(*OpError)
	if !ok || oe.Where != "" {
		return err
	}
	placed := *oe
	placed.Where = Caller()
	return &placed
}

// Failed returns a tensor that carries err, marked with the operation and the
// caller's place. Interpreters and functions built on tensors return it instead of panicking.
func Failed(op string, err error, in ...kernels.Aval) *Tensor { return failed(op, err, in...) }
