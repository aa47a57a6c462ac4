package device

// Where a pool's blocks come from.

import "unsafe"

// Memory is the source of a pool's blocks. Its methods are called from several
// goroutines at once.
type Memory interface {
	// Take returns memory of so many bytes, aligned to 64, with undefined
	// contents.
	Take(bytes int) (unsafe.Pointer, error)
	// Give returns what Take returned, with the same size.
	Give(p unsafe.Pointer, bytes int)
}

// Trimmer is a Memory that may keep what it was given. Trim has it give that back
// to the system.
type Trimmer interface{ Trim() }

// HostMemory returns the source of the machine's own memory: C memory where
// the program is built with cgo, which the garbage collector neither sees nor
// scans, else memory of Go's heap.
func HostMemory() Memory { return hostMemory{} }

type hostMemory struct{}
