// Package loop is the index notation in which operations are declared: a loop
// over named axes whose body is a scalar expression of loads, and whose stores
// may reduce over axes,
//
//	out[i, j] = sum(k) a[i, k] * b[k, j]
//
// Loads are at affine indices of the axes or, through the value of another
// node, at gathered ones. From such an [Expr] the package derives the JVP, the
// VJP and the batched form (each an Expr again, so derivatives of any order
// exist), simplifies, classifies and prints it as text, LaTeX, Go and C.
//
// Nothing here runs: kernels/ref interprets an Expr in plain Go, kernels/cpu
// compiles it to tile code. Expressions are immutable once built, and then safe
// for concurrent use.
//
// Start reading at expr.go (what an expression is) and fn.go (the functions of
// its nodes); build.go, apply.go and simplify.go make them. partial.go has the
// derivative of every function, vjp.go and jvp.go the two sweeps, transpose.go
// and solve.go what becomes of a load's index in reverse.
package loop
