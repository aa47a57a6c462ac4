// Package cuda is the backend of the device "cuda": loops printed as CUDA C and
// compiled by NVRTC. It is in a program built with -tags cuda and with cgo.
//
// A loop is split into nests, results that are computed together (nest.go). For
// the layout of its operands a nest gets a plan: the kernels' source and what
// they are launched with (plan.go). The source depends on the expression and on
// which strides are 0, 1 or other numbers, but on no size, so that other shapes
// find it compiled; print.go writes it: elements.go the body, map.go where nothing is reduced,
// tile.go where such a loop reads across, as a transpose does, reduce.go, and scatter.go where
// results are added to at any place. Products of matrices go to cuBLAS, or to a kernel of our
// own (contract.go), products with sparse matrices to sparse.go, other operations that
// are no loops to library.go, and what is left to the
// host (host.go). Machine code is kept in memory and on disk. An index out of range sets a flag; the operation is then
// repeated on the host, for its error. Where the host reads or copies what it cannot reach
// (control flow, outputs of programs), the backend does it (kernels.Mover).
//
// Where a loop's body has many strong products, roots or sines, its kernel has it twice
// (kernels/loop, quick.go): a short way without branches, right for all numbers that are nothing
// special, and the long way for the others, taken again from the beginning where one of
// a few tests fails. Interval arithmetic (span.go) decides most tests beforehand.
// Both ways give the same, bit for bit.
//
// Results do not depend on the number of threads or their order: reductions
// follow trees that the sizes alone decide, and scattered sums are made of
// integers (scatter.go). They differ from those of the CPU by rounding:
// elementary functions are those of CUDA's library, but for some of prelude.cuh.
package cuda
