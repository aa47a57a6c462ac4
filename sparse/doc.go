// Package sparse holds sparse matrices and finds out how few products determine them.
//
// A Jacobian or Hessian of known structure need not be computed column by column:
// columns that share no row are multiplied together, and the product holds their
// entries side by side (Curtis, Powell and Reid 1974). Which columns, or rows, or
// both, go together is a graph colouring problem, and its colours are the cost of the
// derivative.
//
//	p, _ := sparse.NewPattern(rows, cols, ptr, idx)     // or ReadMatrixMarket
//	c, _ := sparse.Color(p, sparse.Columns)             // c.Colors() products, c.Bound at least
//	plan, _ := sparse.NewPlan(p, c, sparse.PlanOptions{})
//	// B = A S: one product a colour, by automatic differentiation
//	_ = sparse.Recover(plan, values, products, nil)     // into compressed rows
//
// What lives here: structures (Pattern) and matrices (COO, CSR, CSC), conversions,
// products with vectors; MatrixMarket files; pictures of patterns; colourings for
// every kind of derivative matrix (Problem), their verification (Verify), lower
// bounds; the maps from products to entries (Plan), which serialise. What does not:
// tensors (tensor.NewSparse makes a factor of theirs of a pattern), differentiation, linear
// solvers.
//
// Start reading in color.go. The greedy colourings are one file each (greedy_*.go), as
// are the orders (order.go), lattices on grids (lattice*.go), lower bounds (bound.go),
// verification (verify.go) and recovery (plan.go, recover.go). Package gallery, below
// this one, makes patterns to try things on.
//
// The mathematics:
//
//   - A. R. Curtis, M. J. D. Powell, J. K. Reid: On the estimation of sparse Jacobian
//     matrices. J. Inst. Maths Applics 13, 1974.
//   - T. F. Coleman, J. J. Moré: Estimation of sparse Jacobian matrices and graph
//     coloring problems. SIAM J. Numer. Anal. 20, 1983; and, of Hessians, Math.
//     Program. 28, 1984.
//   - A. H. Gebremedhin, F. Manne, A. Pothen: What color is your Jacobian? Graph
//     coloring for computing derivatives. SIAM Review 47, 2005. The definitions of all
//     problems.
//   - A. H. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen: New acyclic and star coloring
//     algorithms with application to computing Hessians. SIAM J. Sci. Comput. 29, 2007.
//   - A. H. Gebremedhin, A. Tarafdar, A. Pothen, A. Walther: Efficient computation of
//     sparse Hessians using coloring and automatic differentiation. INFORMS J. Comput.
//     21, 2009. Recovery by substitution.
//   - A. H. Gebremedhin, D. Nguyen, M. M. A. Patwary, A. Pothen: ColPack: software for
//     graph coloring and related problems in scientific computing. ACM TOMS 40, 2013.
//   - J. C. Culberson: Iterated greedy graph coloring and the difficulty landscape. 1992.
//   - D. Goldfarb, Ph. L. Toint: Optimal estimation of Jacobian and Hessian matrices
//     that arise in finite difference calculations. Math. Comp. 43, 1984.
package sparse
