// Command logistic fits a logistic regression by Newton's method: gradients by
// reverse mode, Hessian-vector products by forward over reverse, the system
// solved by conjugate gradients without ever forming the Hessian.
package main
