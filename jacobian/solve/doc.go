// Package solve finds roots, steady states and minima with prepared sparse derivatives:
// Newton's method for systems of equations and for minima, pseudo-transient
// continuation for steady states, Gauss-Newton and Levenberg-Marquardt for sums of
// squares.
//
//	x, report, err := solve.LeastSquares(ctx, residuals, x0, solve.Options{})
//
// Derivatives come from package jacobian, prepared once for each call; [PrepareEquations]
// prepares once for many systems, as for steps in time. Linear systems are solved by
// factors (package sparse/direct), which a step or two of an iteration improve, or, if
// those would be too large, by iteration alone: conjugate gradients with block Jacobi
// preconditioning where the matrix is positive definite, BiCGSTAB with an incomplete
// factorization (ILU(0)) where it is not symmetric.
//
// The factorization is our own, since no module for Go that can be had has a sparse one
// with an order that keeps fill low; gonum has dense and banded ones. It pays: on
// Bratu's problem on 300 x 300 points, Newton's method takes about a quarter of the
// time that it takes by iteration (BenchmarkBratu), and the steady states that
// examples/brusselator finds are out of reach of ILU(0). Bundle adjustments are the
// exception: their conjugate gradients take some tens of iterations and two thirds of
// the time of factors (BenchmarkBundle), so that least squares begin with those, which
// need no JᵀJ, and go over to factors once they take many iterations.
//
// Start reading in run.go, which the methods share, then newton.go and least.go;
// linear.go chooses between the linear solvers.
//
// The mathematics: J. Nocedal, S. J. Wright: Numerical Optimization, 2nd ed.,
// Springer 2006; H. B. Nielsen: Damping parameter in Marquardt's method, IMM 1999;
// Y. Saad: Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM 2003.
package solve
