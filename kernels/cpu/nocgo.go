//go:build !cgo

package cpu

// Without C the machine runs everything.

import (
	"sync/atomic"
	"unsafe"
)

const haveC = false

func runTiles(p *plan, base []unsafe.Pointer, lo, hi int, cancel *atomic.Bool) error {
	return runTilesGo(p, base, lo, hi, cancel)
}

func runFold(p *plan, base []unsafe.Pointer, tile, lo, hi int, partial []uint64, cancel *atomic.Bool) error {
	return runFoldGo(p, base, tile, lo, hi, partial, cancel)
}

// cplan would be the plan in C's memory.
type cplan struct{}

// pins would keep arrays in place for C.
type pins struct{}

func (pins) pin(*plan, []unsafe.Pointer) {}
func (pins) unpin()                      {}
