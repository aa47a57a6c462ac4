// Package cpu is the backend of devices whose memory the host sees: it compiles
// loops (package kernels/loop) to tile code and runs that, in C with the
// instruction set of the machine, or in Go where a call of C would take longer
// than the work.
//
// # How a loop runs
//
// A [kernels.Inst] becomes groups of results that reduce over the same axes
// (group.go). For a layout of its operands a group becomes a plan (plan.go): a
// nest of loops over tiles of some hundred values, and instructions that are run
// for every tile, each over all its lanes, with values in registers that stay in
// the first cache (code.go, emit.go, scratch.go). Which axes a tile covers is
// chosen by what the run would cost (shape.go, cost.go). A value that does not
// change along the rows or the columns of a tile is computed once for them; for that a
// tile of a reduction may have rows of reduced values, one behind the other (flat).
// Operands that lie in memory as a tile runs through them are read in place, and
// results likewise written; others are copied by rows, squares or tables.
// kernel.go keeps the plans of a loop, run.go shares a run out among workers.
//
// The executor exists twice, with the same results bit for bit: machine.go with
// ops.go, move.go and reduce.go in Go, and the package tile in C, compiled once
// an instruction set. Elementary functions are package vmath's, on both sides;
// matrix products package gemm's.
//
// # The order of reductions
//
// A result does not depend on the layout of operands, the shape of tiles, the
// number of workers, or the executor. The values x[0], x[1], ... that one element
// of a result combines, in row-major order of the reduced axes, are combined
// with an operation * (the sum, product, larger or smaller of two) so:
//
//   - They are cut into blocks of 1024, the last one shorter.
//   - In a block, lane l of 16 combines x[l], x[l+16], x[l+32], ... in this
//     order, from the left. Then for w = 8, 4, 2, 1 and l < w, lane l becomes
//     lane l * lane l+w, if there is a lane l+w (a block of less than 16 values
//     has as many lanes). Lane 0 is the block's value.
//   - Blocks are combined as a binary counter adds ones: as soon as there are
//     two neighbours of 2^k blocks each they become left * right. In the end
//     what is left is combined from the right: the last two first, then what is
//     before them with that. In other words n blocks are the first 2^k, the
//     largest power of two below n, combined with the others.
//
// Numbers are added in the type of the result, so float32 in float32. For n
// values the error of a sum is at most (64 + 4 + log2(n/1024))*u*sum|x| with the
// unit roundoff u. The combination of two equal values by Max or Min is the right
// one (which shows in the sign of a zero), and NaN wins. A reduction over no
// values is 0, 1, the lowest or the highest value (for floats the infinities), or
// -Inf for LSE; over one value it is that value.
//
// LSE, the log of the sum of exponentials, has for each block the maximum m and
// the sum s of exp(x-m), added in the order above, with 0 for m in the difference
// where m is not finite. Blocks (m, s) and (m', s') in the order above become
// (M, s*f + s'*f') with M the larger of m and m', f = 1 where m = M, else
// exp(m-M), and f' likewise. The result is log(s) + m.
//
// Scattered results are added in the order of the loop, without lanes, and products with
// sparse matrices (sparse.go) in the order of the entries.
//
// # What is where
//
// vmath are the elementary functions, gemm matrix products. What an operation is
// lives in kernels and kernels/loop; plain kernels of all operations, those that
// are no loops too, in kernels/ref.
package cpu
