//go:build !(cgo && unix)

package device

// Host memory from Go's heap. The collector counts it, and frees what nothing
// points to any more.

import (
	"syscall"
	"unsafe"
)

// onHeap tells whether what pools have is part of Go's heap.
const onHeap = true

func (hostMemory) Take(bytes int) (unsafe.Pointer, error) {
	// Go ends the process where the system refuses, so what cannot be there
	// is not asked for.
	if total := physicalMemory(); total > 0 && int64(bytes) > total {
		return nil, syscall.ENOMEM
	}
	p := unsafe.Pointer(unsafe.SliceData(make([]byte, bytes+align)))
	return unsafe.Add(p, -uintptr(p)&(align-1)), nil
}

// Give drops the block: nobody points to it then.
func (hostMemory) Give(unsafe.Pointer, int) {}
