// Package sim is an accelerator that does not exist: a device whose work runs
// later than it is asked for, over host memory, so that tests of programs for
// such devices run on any machine and find what a real one would hide.
//
//   - Copies and operations run on the stream's goroutine after a delay, or
//     not before somebody waits for them: who reads without Sync reads NaN.
//   - Memory is NaN until it is written, and again after its release; released
//     memory waits in a quarantine before it is used again.
//   - Words around every buffer tell of writes outside of it, the quarantine of
//     writes after the release; both are found in Stats.Err and Stats.Misuses.
//   - Allocations fail on request (Device.FailAfter) and beyond the limit.
//
// Importing the package makes device.Open know "sim" (a delay of DefaultDelay),
// "sim:1ms" (a delay of that) and "sim:held" (work waits until it is waited
// for); New gives a test a device of its own.
//
// Start reading at device.go; stream.go is the queue, memory.go the guards and
// the quarantine.
package sim
