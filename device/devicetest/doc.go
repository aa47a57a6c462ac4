// Package devicetest holds what tests of every package assert about devices:
// that all buffers were given back, and none used against its contract.
//
// It is for tests only. A device to test on is device.Open("cpu"), or
// device/sim where a device that works later, poisons what is freed and runs
// out of memory on request shows more.
package devicetest
