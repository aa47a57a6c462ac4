// Command hvp shows second derivatives three ways: a Hessian-vector product
// by forward over reverse, by reverse over forward, and the whole Hessian by a
// vectorised map over unit vectors.
package main
