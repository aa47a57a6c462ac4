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
// JAX's names (mostly torch.func's, too), and ours:
//
//	grad, value_and_grad, has_aux       Grad, ValueAndGrad, ValueGradAux
//	jvp, vjp, linearize, hvp            JVP, VJP, Linearize, HVP
//	jacfwd, jacrev, hessian             Dense of package jacobian, which has sparse ones, too
//	vmap                                Vmap; in_axes: capture what is shared, MoveAxis
//	per-example gradients               Vmap(Grad(f))
//	jit                                 Prepare, or Compiled where shapes vary
//	cond, scan, while_loop              Cond, Scan, While; outside of Prepare, Go's if and for
//	custom_jvp, custom_vjp              Custom
//	stop_gradient                       StopGradient
//	checkpoint, remat                   MemoryBudget of Prepare, Recompute of Scan and While
//	tree_map, ravel_pytree              Map, Flatten and Unflatten
//	check_grads                         package grad/check
//	sparse.BCOO @ x, torch.sparse.mm    Sparse of package tensor
//
// Names of operations in NumPy, JAX and PyTorch, and those of package tensor where they
// are others:
//
//	x == 0, x > 0.5                     EqScalar, GtScalar, ...; of two tensors Eq, Gt, ...
//	&, |, ~                             And, Or, Not
//	all, any, count_nonzero             All, Any, CountNonZero
//	keepdims, keepdim                   SumKeep, MeanKeep, VarKeep, ...
//	var, std                            Var, Std; VarCorrected and StdCorrected for a ddof,
//	                                    or correction, which is 1 where PyTorch is told of none
//	linalg.norm                         Norm
//	logaddexp, xlogy                    LogSumExp of Stack, XLogY
//	clip                                Clamp
//	astype, to                          Cast, To
//	zeros(s, dtype=d), full_like        Full with WithDType, FullLike
//	permute, swapaxes, mT               Transpose, SwapAxes, T
//	expand_dims, x[None]                Unsqueeze, NewAxis
//	expand                              BroadcastTo
//	cat, concatenate                    Concat
//	split, array_split, chunk           Split, Chunk
//	tile, PyTorch's repeat              Tile
//	repeat, repeat_interleave           Repeat
//	meshgrid with indexing="ij"         Meshgrid
//	x[1:3, ..., None]                   Index
//	x.at[i].set, x.at[i].add            IndexPut, IndexAdd
//	take, index_select, embedding       Take
//	take_along_axis, PyTorch's gather   Gather
//	swish, gelu(approximate="tanh")     Silu, GeluTanh
//
// A function of several arguments takes a struct of them; what it captures is
// a constant. Fields that hold tensors are exported ones.
//
// Each transformation is one interpreter (see package tensor, level.go) in one
// file: forward mode in jvp.go, reverse mode in tape.go and sweep.go,
// vectorisation in batch.go, recording in record_interp.go. Values traced by a
// transformation must not be used after it has ended.
//
// On a device with several workers, the sweep of reverse mode propagates through branches
// side by side where that is estimated to gain a quarter at least (beside.go), as when
// members of an ensemble, or heads on a trunk, have kernels of some ten microseconds each.
// Users' functions are called by one goroutine all the same, one after the other.
//
// # Prepared programs
//
// [Prepare] runs a function once under the recording interpreter, optimises what it
// recorded (package tensor/graph), plans memory in one arena by first and last use, and
// keeps everything resolved: kernels, strides, calls. A program gives what eager
// evaluation gives, bit for bit; only [Reassociate] lets results differ by rounding.
// What is active, and what the reverse sweep must keep, is no pass: the tape records
// only what depends on its arguments, and each instruction says what its sweep reads.
// Under [MemoryBudget] the program is run on paper with as much memory as it may have:
// what does not fit is dropped and computed again where it is read next, and control
// flow keeps its carries only. With [WithNative] it is also printed as C and compiled;
// kernels serve until that is ready.
//
// # Control flow
//
// [Cond], [Scan] and [While] are Go's if and for on values, under whatever interpreters
// are at work; where [Vmap] maps over conditions that differ, both branches are computed
// and selected, and a loop goes on while any condition holds, keeping what has ended.
// Where one of the interpreters records, the functions are recorded as graphs of their
// own, bodies, and one instruction holds them; what they capture of values around them
// becomes its operands (body.go). graph.Control tells what such an instruction means:
// constants, carries, rows in; carries, rows and sums out.
//
// A transformation above the recording turns the instruction into one with other bodies,
// by replaying a body under itself and recording that: forward mode a loop of the body's
// derivative, Vmap a loop with one more axis. For reverse mode a body is recorded together
// with the sweep over it, as one graph, of which two parts are taken (Graph.Extract):
// what runs forward, with the values that the sweep reads as rows that the loop keeps,
// and the sweep, a scan the other way over these rows. Which values are kept is a cut
// through that graph (residuals.go): all that the sweep reads, or the carries only,
// whichever is estimated to take less time; with [Reassociate] the graph is one in which
// local derivatives are values of the body where the sweep reads less for it
// (preaccumulate.go). Sums are how cotangents of constants add up
// in place, step by step from the last. A While keeps its rows on stacks that grow, with
// a limit; the sweep is a scan of as many steps as there were.
//
// Values are those of Go loops bit for bit, and so is a prepared derivative, but for one
// thing: where a step contributes to the cotangent of a captured value more than once,
// the contributions of a step are added first, in another order than a tape of the whole
// loop has.
//
// # Sources
//
// Where the mathematics comes from: A. Griewank and A. Walther, Evaluating
// Derivatives, 2nd ed., SIAM 2008; A. G. Baydin, B. A. Pearlmutter, A. A. Radul
// and J. M. Siskind, Automatic Differentiation in Machine Learning: a Survey,
// JMLR 18(153), 2018.
package grad
