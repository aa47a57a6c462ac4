//go:build !cgo

package gemm

// Without cgo there are no kernels of our own, and gonum computes.

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

const (
	workBytes   = 0
	smallWork   = 0
	smallMargin = 0
)

func ownKernels(cpu.ISA) (kernels, bool) { return kernels{}, false }

func runOwn(_ int, p *product, _ unsafe.Pointer) { p.plain() }

func runTiny(p *product) { p.plain() }
