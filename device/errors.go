package device

// The errors of this package.

import (
	"errors"
	"fmt"
	"strings"
)

// ErrClosed is the error of a device that was closed.
var ErrClosed = errors.New("device is closed")

// ErrLost is what errors of a device that is of no more use are: whatever is asked
// of it fails until the process ends.
var ErrLost = errors.New("device is lost to this process")

// UnknownError is Open's error for a kind of device that nobody registered.
type UnknownError struct {
	Name       string   // what was asked for
	Registered []string // the kinds there are
}

func (e *UnknownError) Error() string {
	have := "none is registered"
	if len(e.Registered) > 0 {
		have = "there are " + strings.Join(e.Registered, ", ")
	}
	kind, _, _ := strings.Cut(e.Name, ":")
	hint := ""
	if path, ok := importOf[kind]; ok {
		hint = fmt.Sprintf(`; import _ %q to have it`, path)
	}
	return fmt.Sprintf("device: no device %q (%s)%s", e.Name, have, hint)
}

// OutOfMemoryError tells that a buffer could not be had: with it, the device's
// limit would be passed, or (Cause is then not nil) the system had no more.
// Free lists had been emptied and the garbage collector run before.
type OutOfMemoryError struct {
	Device      string // the device's name
	Requested   int64  // bytes asked for
	Outstanding int64  // bytes lent at that time
	Limit       int64  // the device's limit, 0 where there is none
	Cause       error  // the system's refusal, or nil
}

func (e *OutOfMemoryError) Error() string {
	s := fmt.Sprintf("device %s: out of memory: %s requested, %s outstanding", e.Device,
		FormatBytes(e.Requested), FormatBytes(e.Outstanding))
	if e.Limit > 0 {
		s += ", limit " + FormatBytes(e.Limit)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *OutOfMemoryError) Unwrap() error { return e.Cause }

// MisuseError tells of a buffer that was used against its contract: released
// more often than held, retained after its last release, or written to
// outside of its bounds or after its release (which only some devices notice).
// It is found in Stats.Err.
type MisuseError struct {
	Device string
	What   string // "released below zero", "retained after release", ...
	Size   int    // bytes of the buffer
	Stack  string // the offender's calls, one a line; "" where not known
}

func (e *MisuseError) Error() string {
	s := fmt.Sprintf("device %s: buffer of %s %s", e.Device, FormatBytes(int64(e.Size)), e.What)
	if e.Stack != "" {
		s += "\n" + e.Stack
	}
	return s
}

// SizeError tells of an allocation of less than no bytes.
type SizeError struct {
	Device string
	Size   int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("device %s: allocation of %d bytes", e.Device, e.Size)
}

// OutstandingError is Close's error where buffers were not given back.
type OutstandingError struct {
	Device         string
	Buffers, Bytes int64
}

func (e *OutstandingError) Error() string {
	return fmt.Sprintf("device %s: closed with %d buffers outstanding (%s)", e.Device, e.Buffers, FormatBytes(e.Bytes))
}

// RangeError tells of a copy that would leave its buffer.
type RangeError struct {
	Device            string
	Offset, Len, Size int // the copy's first byte and length, the buffer's size
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("device %s: copy of %d bytes at offset %d leaves a buffer of %d bytes",
		e.Device, e.Len, e.Offset, e.Size)
}

// ForeignError tells of a buffer that was handed to a device it is not of.
type ForeignError struct {
	Device, Owner string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("device %s: buffer belongs to device %s", e.Device, e.Owner)
}

// PanicError carries a panic out of the goroutine in which it happened: it is
// what Workers.Run panics with, and what a Stream that runs elsewhere returns
// from Sync.
type PanicError struct {
	Value any    // what was panicked with
	Stack []byte // the stack of the goroutine that panicked
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the panic's value if that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
