// Package solve finds roots, steady states and minima with prepared sparse derivatives:
// Newton's method for systems of equations and for minima, pseudo-transient
// continuation for steady states, Gauss-Newton and Levenberg-Marquardt for sums of
// squares.
//
//	x, report, err := solve.LeastSquares(ctx, residuals, x0, solve.Options{})
//
// Derivatives come from package jacobian, prepared once. Linear systems are solved
// by iteration: conjugate gradients with block Jacobi preconditioning where the
// matrix is positive definite, BiCGSTAB with an incomplete factorization (ILU(0))
// where it is not symmetric. (gonum has no sparse factorization; who
// has a direct solver gives it as Options.Linear.)
//
// Start reading in run.go, which the methods share, then newton.go and least.go; cg.go
// and ilu.go are the linear solvers.
//
// The mathematics: J. Nocedal, S. J. Wright: Numerical Optimization, 2nd ed.,
// Springer 2006; H. B. Nielsen: Damping parameter in Marquardt's method, IMM 1999;
// Y. Saad: Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM 2003.
package solve
