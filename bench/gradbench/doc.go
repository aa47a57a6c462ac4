// Package gradbench speaks the protocol of GradBench
// (github.com/gradbench/gradbench), the field's benchmark of automatic
// differentiation tools: one JSON message a line in, one response a line out.
// The problems themselves are in package bench; modules.go ties them to their
// messages.
package gradbench
