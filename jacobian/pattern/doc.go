// Package pattern finds which elements of a program's results depend on which
// elements of its arguments: the structure of its Jacobian, from the recorded
// operations alone, without a derivative being computed.
//
// Structure is pushed through whole tensors. A value of n elements carries, for
// each element, the set of the argument's elements (columns) that it depends on
// differentiably. An operation in index notation gives the sets of its results
// exactly, by its loads: elementwise operations share their operands' sets,
// gathers and views copy references to them, reductions unite them. Library
// operations declare such loops (kernels.Structure).
//
// [Global] holds at every argument: choices by values that are not constant are
// taken both ways. [At] holds near one argument: choices are made as there.
// Zeros of constant factors are used in both.
//
// [Direct] goes further where elements depend on few columns: it returns a program
// of the entries themselves (partial.go).
//
// Start reading at pattern.go (a program), then loop.go and walk.go (an
// operation) and sets.go (what a set is).
//
// The idea of index sets that travel with values is in U. Geitner, J. Utke, A.
// Griewank: Automatic computation of sparse Jacobians by applying the method of
// Newsam and Ramsdell, in Computational Differentiation, SIAM 1996; that of
// global and local patterns in A. Hill, G. Dalle: Sparser, better, faster,
// stronger: Efficient automatic differentiation with sparse Jacobians and Hessians,
// arXiv:2501.17737.
package pattern
