// Package native turns graphs into machine code: it prints a program in C, has
// the machine's compiler compile it (package internal/cc), and runs that in place
// of the kernels, with the same results bit for bit but where the order of the
// sums of a matrix product is free.
//
// # From a graph to text
//
//   - expand.go makes loops of what others run by kernels of their own; lower.go
//     makes statements of instructions: loops whose loads name values,
//     with views resolved to indices (views.go) and constants that are one number
//     known (constants.go). What is no loop is called as the kernel that it is.
//   - group.go joins statements into groups: those that have axes in common are
//     computed together, for each value of these shared axes one after the other,
//     so that what passes between them stays in registers or in small local
//     arrays over the other, inner axes. A statement may also reduce over a shared
//     axis: then it has accumulators, which are closed when the axis ends. rank.go keeps
//     groups from waiting for each other.
//   - form.go chooses a group's form: which shared axis the lanes of vectors run
//     along (by cost, which cost.go estimates, not by how arrays lie; without pass
//     VectorAxis the last), which are loops around it, and whether a group is worth
//     it at all.
//   - remat.go has values computed again in the groups that read them, where that
//     costs less than to store and load them.
//   - print.go prints the steps, memory.go lays out what they share, control.go
//     prints loops and branches over whole programs. body.go prints one form,
//     member.go and reduce.go what its members compute, access.go what they read
//     and write, by means of prelude.h and package vmath's functions. Inner axes
//     are unrolled where they are small. needs.go finds which sums of products nothing
//     reads: product.go leaves them out. edges.go finds where reads beyond an array's
//     ends are none: there text without their conditions runs.
//
// # Running
//
// A form has items: a value of its outer axes with a block of 1024 values of the
// vector axis. Workers take ranges of items; the blocks of a reduction are
// combined at the end, by the tree that package kernels/cpu describes, so that
// results do not depend on the number of workers. code.go runs steps, and calls
// kernels in between; host.go is what the bodies of control flow call: kernels, and
// memory for the rows of loops of unknown length. Between items the flag that cancels a run is looked at; an
// index out of range ends the run with the error of the instruction.
package native
