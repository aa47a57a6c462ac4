// Package grad transforms functions of tensors: gradients, Jacobian products,
// Hessian products, vectorised maps and custom rules, composed in any order and
// to any depth, and programs prepared from any composition of them.
//
//	loss := func(p Params) *tensor.Tensor { ... }
//	value, g := grad.ValueAndGrad(loss)(params)   // g is a Params
//	if err := value.Err(); err != nil { ... }
//
// A function's argument P and result Q are a *tensor.Tensor, or a struct,
// array, slice, map or pointer of such (nested at will); what is not a tensor
// in them is carried along. Errors stick to the tensors that are returned.
//
// Each transformation is one interpreter (see package tensor, level.go) in one
// file: forward mode in jvp.go, reverse mode in tape.go, vectorisation in
// batch.go, recording in record_interp.go. Values traced by a transformation
// must not be used after it has ended.
//
// Where the mathematics comes from: A. Griewank and A. Walther, Evaluating
// Derivatives, 2nd ed., SIAM 2008; A. G. Baydin, B. A. Pearlmutter, A. A. Radul
// and J. M. Siskind, Automatic Differentiation in Machine Learning: a Survey,
// JMLR 18(153), 2018.
package grad
