// Package kernels is the registry of operations: one declaration an op (its
// name, types, loop or rules, and test cases), from which shapes, forward,
// JVP, VJP, batching and structure follow, and the backends that run them.
//
// An [Op] applied to operands of known types is an [Inst]; what a record
// (package tensor/graph) holds, what an interpreter (package grad) transforms
// and what a [Backend] compiles are Insts. Derivatives of a Loop op are Insts
// made from derived loops; those of other ops are rules that emit ops through
// a [Builder], so that a rule is written once for all interpreters.
//
// Where to start: op.go, inst.go, then any ops_*.go file. Kernels live in
// kernels/ref (plain Go, the oracle) and kernels/cpu. Nothing here knows of
// tensors.
package kernels
