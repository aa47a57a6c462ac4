// Package jacobian computes Jacobians and Hessians, dense and sparse.
//
//	J := jacobian.Dense(f, x)                         // a tensor [m n]
//
//	p, err := jacobian.Prepare(f, x)                  // once: structure, colours, programs
//	m := sparse.NewCSR[float64](p.Output())
//	err = p.Run(ctx, x, m.Val)                        // as often as wanted, into the same memory
//
// A function takes and returns tensors, or structs, slices and maps of them, as
// in package grad. Its argument x counts as the vector of the elements of its
// floating-point leaves (see grad.Leaves), one leaf after the other in row-major
// order, and its result likewise: rows are elements of the result, columns
// elements of the argument.
//
// [Prepare] finds the structure of the Jacobian (package pattern, below this one),
// colours it (package sparse), and records one program that computes the products
// of all colours in one batched sweep, forward, reverse or both. Where every element
// depends on few elements of the argument, as with stencils and batches of small
// blocks, a program of the partial derivatives themselves does without colours.
// For these, package pattern carries tangents along with the sets of columns
// (pattern.Direct), one for each way in which a value's elements depend on columns, from
// the partial derivatives of each loop by its loads (loop.Chain); sums over few elements
// are written out, loops over joined arrays split. The program that is left computes only
// what is no constant, and runs of equal steps (move.go) take it to the entries.
//
// What is predicted, or measured, to cost less is taken: [Prepared.Explain] says what was chosen and why.
// [PrepareHessian] does so for the second derivatives of a scalar function.
//
// Start reading in prepare.go; choose.go decides between methods (method.go):
// colors.go with sweep.go computes products of colours, direct.go with move.go
// partial derivatives. dense.go is independent of all that.
package jacobian
