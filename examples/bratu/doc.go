// Command bratu solves the solid-fuel ignition problem -Δu = λ exp(u) on the unit
// square, u = 0 around it, twice: as equations by Newton's method, and as the minimum
// of its energy. Both use sparse derivatives prepared once, a Jacobian and a Hessian
// of five entries a row. Beyond λ = 6.808 there is no solution, and that is told.
package main
