//go:build !cgo

package vmath

import "unsafe"

// TablePtr returns nil: this build has no C.
func TablePtr(ISA) unsafe.Pointer { return nil }

// ISAs lists what this build and this machine can run: the Go twins.
func ISAs() []ISA { return []ISA{Go} }

func tableNames() (unary, binary []string) { return nil, nil }

func (f *Unary) map64C(_ ISA, y, x []float64)     { f.map64Go(y, x) }
func (f *Unary) map32C(_ ISA, y, x []float32)     { f.map32Go(y, x) }
func (f *Binary) map64C(_ ISA, z, x, y []float64) { f.map64Go(z, x, y) }
func (f *Binary) map32C(_ ISA, z, x, y []float32) { f.map32Go(z, x, y) }

func polygamma64C(_ ISA, y []float64, n int, x []float64) { PolygammaMap64(Go, y, n, x) }
func polygamma32C(_ ISA, y []float32, n int, x []float32) { PolygammaMap32(Go, y, n, x) }
