// Package loop is the index notation in which operations are declared: a loop
// over named axes whose body is a scalar expression of loads, and whose stores
// may reduce over axes,
//
//	out[i, j] = sum(k) a[i, k] * b[k, j]
//
// Loads are at affine indices of the axes or, through the value of another
// node, at gathered ones. From such an [Expr] the package derives the JVP, the
// VJP and the batched form (each an Expr again, so derivatives of any order
// exist), simplifies, classifies and prints it.
//
// Nothing here runs: kernels/ref interprets an Expr in plain Go, kernels/cpu
// compiles it to tile code. Start reading at expr.go, then derive.go.
package loop
