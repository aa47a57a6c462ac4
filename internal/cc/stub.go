//go:build !cgo || !linux

package cc

// Builds that cannot load code.

import (
	"context"
	"unsafe"
)

type loaded struct{}

// Compile fails: this build cannot load code.
func Compile(ctx context.Context, src Source, opts Options) (*Library, error) {
	return nil, &Error{Step: Load, Name: src.Name, Err: ErrUnsupported}
}

// Symbol fails: there are no libraries.
func (l *Library) Symbol(name string) (unsafe.Pointer, error) {
	return nil, &Error{Step: Load, Name: name, Err: ErrUnsupported}
}

// Close does nothing.
func (l *Library) Close() error { return nil }
