// Package direct solves sparse linear systems by factorization: L D Lᵀ of symmetric
// matrices, L U of others, where the pattern of a matrix is analysed once and matrices
// of that pattern are factored many times.
//
//	s, err := direct.Analyze(pattern, direct.Symmetric)
//	f := s.NewFactor()
//	err = f.Factor(ctx, values)     // as often as values change
//	err = f.Solve(x, b)             // and SolveT with the transpose
//
// Rows and columns are put into an order that keeps factors sparse, by approximate
// minimum degree (order.go). Columns of one structure are factored together
// (supernode.go) as dense matrices, fronts, each of which hands what remains of it to
// its parent, after its columns were eliminated four at a time (factor.go).
//
// There is no search for pivots: that is right for positive definite matrices and for
// those with a heavy diagonal. Elsewhere the factors of a general matrix may be
// inaccurate, and are best used as the preconditioner of an iteration, which tells.
//
// The mathematics: T. A. Davis: Direct Methods for Sparse Linear Systems, SIAM 2006;
// P. R. Amestoy, T. A. Davis, I. S. Duff: An approximate minimum degree ordering
// algorithm, SIAM J. Matrix Anal. Appl. 17, 1996; J. W. H. Liu: The multifrontal method
// for sparse matrix solution, SIAM Review 34, 1992.
package direct
