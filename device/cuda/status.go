//go:build cuda && cgo

package cuda

// What the machine has: driver, libraries, cards.

// #include "loader.h"
import "C"

import (
	"cmp"
	"fmt"

	"gorgonia.org/cu"
)

// oldestDriver is the CUDA version that a driver must serve: 11.8.
const oldestDriver = 11080

// Status returns nil where the device can be opened, else a *StatusError.
func Status() error {
	text := C.GoString(&C.cotangent_driver_text[0])
	switch C.cotangent_driver_state {
	case C.COTANGENT_READY:
	case C.COTANGENT_REFUSED:
		code := int(C.cotangent_driver_code)
		if code == noDevice {
			return noGPU
		}
		return &StatusError{
			Reason: fmt.Sprintf("the driver does not start: %s (error %d)", cmp.Or(startErrors[code], "it does not say why"), code),
			Remedy: "see whether nvidia-smi works, and whether the driver's version fits the kernel module",
		}
	default:
		return &StatusError{
			Reason: "there is no NVIDIA driver (" + text + ")",
			Remedy: "install one, or name its libcuda.so.1 in COTANGENT_LIBCUDA; the device cpu needs none",
		}
	}
	if v := cu.Version(); v < oldestDriver {
		return &StatusError{
			Reason: fmt.Sprintf("the driver serves CUDA %s only", version(v)),
			Remedy: "install one that serves " + version(oldestDriver) + " or newer",
		}
	}
	n, err := cu.NumDevices()
	if err != nil {
		return wrap("", "cuDeviceGetCount", err)
	}
	if n == 0 {
		return noGPU
	}
	return nil
}

// noGPU is the status where there are none: most drivers do not start then.
var noGPU = &StatusError{
	Reason: "the driver sees no GPU",
	Remedy: "see whether CUDA_VISIBLE_DEVICES hides it, and whether a container was given one",
}

const noDevice = 100 // CUDA_ERROR_NO_DEVICE

// startErrors are the refusals of cuInit that have a known cause.
var startErrors = map[int]string{
	34: "it is a toolkit's stub and no driver's library", 101: "an invalid device", 500: "a function is missing from it", 802: "the system is not ready yet",
	803: "its version does not fit the kernel module's", 804: "forward compatibility is not for this card", 999: "an unknown error",
}

func version(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

// Describe tells what a GPU's driver, libraries and cards are, one line each.
func Describe() []string {
	if err := Status(); err != nil {
		return []string{err.Error()}
	}
	lines := []string{"driver for CUDA " + version(cu.Version())}
	n, _ := cu.NumDevices() // Status counted them
	for i := range n {
		if d, err := cu.GetDevice(i); err == nil {
			name, _ := d.Name()
			bytes, _ := d.TotalMem()
			lines = append(lines, fmt.Sprintf("cuda:%d is %s, sm_%d, %d MiB", i, name, architecture(d), bytes>>20))
		}
	}
	compiler, err := openCompiler()
	if err != nil {
		lines = append(lines, err.Error())
	} else {
		lines = append(lines, fmt.Sprintf("NVRTC %d.%d", compiler.major, compiler.minor))
	}
	if kept, err := openCache(); err != nil {
		lines = append(lines, "compiled kernels are not kept: "+err.Error())
	} else if kept != nil {
		kept.Close()
	}
	if _, err := openBLAS(); err != nil {
		lines = append(lines, "no cuBLAS, matrix products by kernels of our own ("+err.Error()+")")
	} else {
		lines = append(lines, "matrix products by cuBLAS")
	}
	return lines
}
