package cuda

// The errors of this package; they exist in every build.

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/device"
)

// StatusError tells why there is no CUDA device, and what would help.
type StatusError struct {
	Reason string // what was found
	Remedy string // what to do about it
}

func (e *StatusError) Error() string { return "cuda: " + e.Reason + "; " + e.Remedy }

// DriverError is a failure that the driver told.
type DriverError struct {
	Device string // "cuda"; "" where none was involved yet
	Call   string // the driver's function
	Code   int    // its CUresult
	Text   string // the driver's words
}

func (e *DriverError) Error() string {
	name := e.Device
	if name == "" {
		name = "cuda"
	}
	return fmt.Sprintf("device %s: %s: %s (error %d)", name, e.Call, e.Text, e.Code)
}

// Is reports whether the error is device.ErrLost: a fault that stays, such as a
// kernel's bad access or a failure of the hardware.
func (e *DriverError) Is(target error) bool { return target == device.ErrLost && lasting[e.Code] }

// lasting are the CUresults after which a context is of no more use.
var lasting = map[int]bool{
	46:  true, // DEVICE_UNAVAILABLE
	214: true, // ECC_UNCORRECTABLE
	700: true, // ILLEGAL_ADDRESS
	702: true, // LAUNCH_TIMEOUT
	709: true, // CONTEXT_IS_DESTROYED
	710: true, // ASSERT
	714: true, // HARDWARE_STACK_ERROR
	715: true, // ILLEGAL_INSTRUCTION
	716: true, // MISALIGNED_ADDRESS
	717: true, // INVALID_ADDRESS_SPACE
	718: true, // INVALID_PC
	719: true, // LAUNCH_FAILED
}

// CompileError is NVRTC's refusal of a kernel's source.
type CompileError struct {
	Log    string // what NVRTC said
	Source string
}

func (e *CompileError) Error() string { return "cuda: a kernel does not compile: " + e.Log }
