// Package tensor is the value type of the library: immutable tensors on a
// device, the operations on them as methods and functions, and the dispatch
// through which transformations (package grad) see every operation.
//
//	x := tensor.New([]float64{1, 2, 3})
//	y := x.Square().Sum()          // 14
//	if err := y.Err(); err != nil { ... }
//
// Shapes broadcast and indices count as in NumPy. An operation on two dtypes is
// carried out in the later one of bool, int32, int64, float32, float64.
//
// What lives here: the Tensor (tensor.go), levels and dispatch (level.go),
// evaluation (eval.go), errors (errors.go), constructors, readers, printing and
// file formats. What does not: kernels and their rules (package kernels), the
// transformations (package grad). Start reading at tensor.go, then level.go.
package tensor
