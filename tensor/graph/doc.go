// Package graph holds operations in static single assignment form: the Record
// that the reverse-mode tape and prepared programs share, and what turns a
// recorded program into one that runs again and again.
//
// A [Record] is instructions over numbered values. A [Graph] is a Record with
// constants and outputs; passes work on it, each in a file of its own (passes.go
// tells which and in what order).
// [Compile] decides where every value lies (layout.go: views, results that take
// over an operand's memory; plan.go: offsets in one arena) and makes a [Program],
// which runs with arrays of the caller's and allocates nothing once it is warm.
//
// Control flow is instructions that hold graphs (control.go says what they mean);
// a body runs as a program in the arena of what it is in (flow.go).
//
// What does not live here: tensors, levels and interpreters (package tensor and
// package grad, which fill Records), operations and their kernels (package
// kernels). Nothing here knows of derivatives.
//
// Start reading at record.go, then graph.go, control.go, layout.go and program.go. Graphs
// print themselves as text, DOT, JSON and pictures (text.go, dot.go, json.go, svg.go),
// with what their instructions take (profile.go).
package graph
