// Package gonum carries matrices and vectors between tensors and gonum's
// package mat, without a copy where that is safe.
//
// From gonum: Dense and Vec borrow a mat.Dense's or mat.VecDense's memory (a
// write to the matrix changes the tensor; see tensor.Wrap), Matrix copies any
// mat.Matrix. To gonum: ToDense and ToVec copy, since gonum's matrices may be
// written to and tensors may not. To have results written into a mat.Dense
// without a copy, borrow it and give the tensor to a prepared program as its
// destination.
//
// It is a package of its own so that a program without gonum does not link it.
package gonum
