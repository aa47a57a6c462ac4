// Package tensor is the value type of the library: immutable tensors on a
// device, the operations on them as methods and functions, and the dispatch
// through which transformations (package grad) see every operation.
//
//	x := tensor.New([]float64{1, 2, 3})
//	y := x.Square().Sum()          // 14
//	if err := y.Err(); err != nil { ... }
//
// Shapes broadcast and indices count as in NumPy. An operation on two dtypes is
// carried out in the later one of bool, int32, int64, float32, float64. Errors
// stick: an operation on a tensor that carries one returns it, and so does
// every reader.
//
// Programs make tensors with [New], [FromSlice], [Zeros] and the like, compute with
// methods and with [Where], [Concat], [Stack], [Einsum] and [Sparse], and read results with
// [Tensor.Item], [Tensor.Float64s], [Data], and by printing. The Examples go by topic;
// package grad has NumPy's and PyTorch's names beside ours.
// Levels, interpreters, [Dispatch], [Memory], [Free] and what else speaks of what is
// traced, direct, marked or writable is for package grad, which transforms functions;
// programs do without.
//
// Memory is given back by the garbage collector, which is asked in time for a
// device's limit; a [Scope] gives temporaries back at once.
//
// What lives here: the Tensor (tensor.go), levels and dispatch (level.go),
// evaluation (eval.go) with its short cut for single numbers (number.go),
// errors (errors.go); constructors (new.go, make.go, borrow.go), readers
// (read.go) and printing (format.go); operations as methods (arith.go,
// compare.go, special.go, activation.go, reduce.go, moments.go, shape.go, split.go,
// repeat.go, index.go, gather.go, linalg.go); products with sparse matrices (sparse.go),
// scopes (scope.go) and transfers (transfer.go).
//
// What does not: kernels and their rules (package kernels), the transformations
// (package grad), NumPy's files (tensor/npy), gonum's matrices (tensor/gonum),
// recorded programs (tensor/graph). Start reading at tensor.go, then level.go.
package tensor
