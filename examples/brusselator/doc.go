// Command brusselator finds a pattern: a steady state of two substances that react and
// spread on a square,
//
//	u' = 2 Δu + A - (B+1) u + u² v,   v' = 16 Δv + B u - u² v,   A = 4.5,
//
// nothing passing its sides (I. Prigogine, R. Lefever, J. Chem. Phys. 48, 1968). The even
// state u = A, v = B/A is one; for B above (1 + A √(2/16))² = 6.71 it is unstable, since v
// spreads faster than u, and small noise grows into stripes and spots (A. M. Turing,
// Phil. Trans. B 237, 1952). Newton's method would fall back to the even state or go
// astray; pseudo-transient continuation follows the evolution first.
package main
