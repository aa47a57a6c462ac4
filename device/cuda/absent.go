//go:build !cuda || !cgo

package cuda

// The device of a program built without CUDA.

import "github.com/cotangent-ad/cotangent/device"

func init() {
	device.Register("cuda", func(string) (device.Choice, error) { return device.Choice{}, Status() })
}

// Status returns nil where the device can be opened, else a *StatusError.
func Status() error {
	return &StatusError{Reason: "this program was built without it", Remedy: "build with -tags cuda and cgo to have it"}
}

// Describe tells what a GPU's driver, libraries and cards are, one line each.
func Describe() []string { return nil }
