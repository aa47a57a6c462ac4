//go:build !cgo

package cpu

func eachISA(func(name string)) {}
