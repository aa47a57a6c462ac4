// The errors of prepared programs.

package grad

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// ArgumentError tells of an argument that a program was not prepared for.
type ArgumentError struct {
	Path   string // where in the argument, as in "Layers[2].W"; "" for the argument itself
	Reason string
	Where  string // file:line of the caller
	Err    error  // the typed error, where there is one
}

func (e *ArgumentError) Error() string { return describe("argument", e.Path, e.Reason, e.Where, e.Err) }

// Unwrap returns the typed error.
func (e *ArgumentError) Unwrap() error { return e.Err }

// DestinationError tells of a destination that RunInto cannot write to.
type DestinationError struct {
	Path   string // where in the destination; "" for the destination itself
	Reason string
	Where  string // file:line of the caller
	Err    error  // the typed error, where there is one
}

func (e *DestinationError) Error() string {
	return describe("destination", e.Path, e.Reason, e.Where, e.Err)
}

// Unwrap returns the typed error.
func (e *DestinationError) Unwrap() error { return e.Err }

func describe(what, path, reason, where string, err error) string {
	s := "prepared program: " + what
	if where != "" {
		s = where + ": " + s
	}
	if path != "" {
		s += " " + strings.TrimPrefix(path, ".")
	}
	if err == nil {
		return s + " " + reason
	}
	switch err.(type) {
	case *tensor.ShapeError, *tensor.DTypeError:
		return s + " " + strings.TrimPrefix(err.Error(), preparing+": ")
	}
	return fmt.Sprintf("%s: %v", s, err)
}

// located notes the caller in an error that tells of a wrong use of the program.
func located(err error) error {
	if err == nil {
		return nil
	}
	return locate(err)
}

func locate(err error) error {
	switch e := err.(type) {
	case *ArgumentError:
		e.Where = tensor.Caller()
	case *DestinationError:
		e.Where = tensor.Caller()
	case *ChangedError:
		return tensor.Failed(preparing, e).Err()
	}
	if err == graph.ErrClosed {
		return tensor.Failed(preparing, err).Err()
	}
	return err
}

// ChangedError tells that data borrowed by [tensor.Wrap], which the prepared
// function has captured, has changed since: Retrace, or pass it as an argument.
type ChangedError struct{ Aval kernels.Aval }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("prepared program: a captured tensor (%v) over borrowed data has changed since it was recorded; call Retrace, or pass it as an argument",
		e.Aval)
}

// typeError returns the typed error for a tensor of type got in place of want, nil
// where they are the same.
func typeError(got, want kernels.Aval) error {
	switch {
	case kernels.EqualAval(got, want):
		return nil
	case got.DType != want.DType:
		return &tensor.DTypeError{Op: preparing, DTypes: []string{got.DType.String(), want.DType.String()}, Reason: "has another dtype than the one the program was prepared with"}
	}
	return &tensor.ShapeError{Op: preparing, Shapes: [][]int{got.Shape, want.Shape}, Reason: "has another shape than the one the program was prepared with"}
}

// explain turns the errors of package graph into those of this package.
func (p *program) explain(r *recording, run *graph.Run, err error) error {
	var re *graph.RunError
	var ae *graph.ArgError
	switch {
	case errors.As(err, &re):
		return &tensor.OpError{Op: re.Op, In: re.In, Where: re.Place, Within: re.Within, Err: re.Err}
	case !errors.As(err, &ae):
		return err
	case !ae.Out:
		return &ArgumentError{Path: p.in.paths[ae.Index], Reason: ae.Reason, Err: typeError(run.In[ae.Index].Aval, ae.Want)}
	}
	return &DestinationError{Path: r.out.paths[ae.Index], Reason: ae.Reason, Err: typeError(run.Out[ae.Index].Aval, ae.Want)}
}

// ErrNotNative is the error of [Prepared.Native] without [WithNative].
var ErrNotNative = errors.New("grad: the program was prepared without WithNative")
