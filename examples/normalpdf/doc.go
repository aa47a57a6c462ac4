// Command normalpdf differentiates the density of a normal distribution step by
// step, the worked example of most lectures on automatic differentiation. The
// intermediate value v7 is used twice, so its adjoint is the sum of two
// contributions.
package main
