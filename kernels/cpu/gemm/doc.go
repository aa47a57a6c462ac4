// Package gemm multiplies matrices on the CPU.
//
// What lives here: an Engine, which computes C = alpha op(A) op(B) + beta C for
// row-major matrices of float64 and float32, one or a batch of them, and shares
// the work out among a Runner's workers. Start reading at engine.go. What does
// not live here: shapes, tensors, and the choice of when a contraction is handed
// to a matrix product.
//
// Who computes, in this order:
//
//   - The user's BLAS. An implementation set by blas64.Use (blas32.Use for
//     float32) gets every call, whole and on the caller's goroutine. Nothing here
//     calls Use.
//   - A BLAS library of the machine, loaded at run time: OpenBLAS, BLIS or MKL.
//     It gets the products that make several large tiles, cut into tiles that
//     depend on their sizes only, each on one thread; the others go to the kernels
//     below, which share them out finer. Engine.forLibrary draws the line.
//   - Kernels of our own in C, for AVX-512, AVX2 with FMA, NEON and plain
//     processors. See kernel.h.
//   - gonum's Go code, where there is no cgo.
//
// The environment's COTANGENT_BLAS forces one: "own", "gonum", "openblas",
// "blis", "mkl", or the path of a library.
//
// What holds of the results:
//
//   - They depend on the operands, the sizes and the engine: not on the number of
//     workers nor, except in a library, on how the operands are stored. In a batch
//     each product is what it is alone.
//   - Of our own kernels' sums the order depends on k only; sets of instructions
//     that fuse multiplication and addition (all but the baseline) agree to the bit.
//   - beta == 0 means that C is not read. alpha == 0 or k == 0 means that C is
//     scaled and A and B are not read. Otherwise NaN and Inf spread as
//     multiplication and addition spread them: zeros hide nothing. (Where the rows of a
//     strip of B begin or end with zeros, and A is finite, they are left out: triangular
//     factors cost less, to the same bits.)
//   - Rounding errors are those of sums of at most 256 terms, added up in order:
//     for float64 with unit roundoff u, an element is off by at most about
//     (256 + k/256 + 3)*u*sum|a||b| in our kernels.
//
// A library that is loaded keeps the number of threads that we set, one, for the
// whole process where it knows no other way (OpenBLAS on pthreads, BLIS). MKL's
// results may depend on how memory is aligned.
package gemm
