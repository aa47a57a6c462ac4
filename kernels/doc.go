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
// Most ops are loops in index notation (package kernels/loop). Library ops (concatenation,
// prefix scans, products with sparse matrices) have rules of their own; Composite ops are bodies of other
// ops, which dispatch expands; Opaque ops have integer or boolean results and no
// derivative. Each op keeps the Insts it was last used at, so that finding one again
// costs a few comparisons.
//
// # Numbers
//
// Products of partial derivatives with tangents and cotangents are strong (smul: zero if
// either side is exactly zero), at every order, so that masked branches stay finite;
// inside contractions they are ordinary. Reductions follow one tree whatever the layout,
// the instruction set or the number of workers (package kernels/cpu tells which), and
// elementary functions are one algorithm in C and in Go with explicit fused
// multiply-adds: results are bit-equal for any number of workers, and eager equals
// prepared. There is no -ffast-math anywhere.
//
// Where to start: op.go, inst.go, then any ops_*.go file. Kernels live in
// kernels/ref (plain Go, the oracle) and kernels/cpu. Nothing here knows of
// tensors.
package kernels
