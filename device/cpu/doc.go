// Package cpu registers the devices over the machine's own memory and says
// what its processor can do.
//
// Importing it makes device.Open know "cpu" (with as many workers as
// GOMAXPROCS), "cpu:2" (with two workers) and "ref" (one worker; its kernels
// are the plain reference ones). Detect tells the instruction set that kernels
// are to use.
//
// Memory, pools and workers are in package device; kernels are elsewhere.
package cpu
