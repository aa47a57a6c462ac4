// Package graph holds operations in static single assignment form: the Record
// that the reverse-mode tape and prepared programs share, and what turns a
// recorded program into one that runs again and again.
//
// A [Record] is instructions over numbered values. A [Graph] is a Record with
// constants and outputs; passes work on it, each in a file of its own (passes.go
// tells which and in what order).
// [Compile] decides where every value lies (layout.go: views, results that take
// over an operand's memory; plan.go: offsets in one arena) and makes a [Program],
// which runs with arrays of the caller's and allocates nothing once it is warm.
//
// The passes compute what depends on constants only, inline calls and known branches,
// leave out what changes nothing, compute what is there twice once, move what is the
// same in all steps out of loops, and make one loop of several. Only if rounding may
// change ([Reorder], [Preaccumulate]) are chains of matrix products, forward and in
// sweeps, put in the cheapest order, sums over products moved into their factors
// (distribute.go), and local Jacobians preaccumulated (preaccumulate.go): where a sweep
// comes back to elements that were computed one by one, their derivatives are computed
// on the way there and kept, if they take less than what they are made of. A loop and its
// sweep are two loops by the time that passes run; whoever derives the sweep runs the pass
// on a step and the sweep over it ([Graph.PreaccumulateStep]). remat.go bounds a program's
// memory.
//
// On an eager tape nothing is preaccumulated. It pays to multiply factors ahead only where
// many operations are one loop, so that what factors are made of need not leave it, and an
// eager operation is a loop of its own: what its factor is made of has been written already,
// as the operand of the next or as its own result, and is mostly kept for others as well. A
// factor would come on top, in one more pass over memory, and be in vain where no sweep
// follows. An operation of many steps that is one loop (a fused op, a softplus) has one
// derived loop for its sweep, too, which computes the factor where it multiplies with it.
//
// Control flow is instructions that hold graphs (control.go says what they mean);
// a body runs as a program in the arena of what it is in (flow.go): a carry alternates
// between its result and one spare place, and nothing is allocated once a loop has run
// as far as it will. Dead code takes results, carries and operands off control flow
// that nothing needs.
//
// On a CPU, steps that do not need each other are done side by side, in a schedule made
// when the program is compiled, where its estimate says that it pays (stages.go); what
// they work on is kept apart in the arena.
//
// From its second run on the same memory a program on a GPU is a CUDA graph (replay.go),
// loops of known length unrolled in it. With Cond and While the host decides which way it
// goes: what comes before and after them is a CUDA graph by itself, and so is a branch, a
// condition or a step. (A driver's graphs have conditional nodes, but what sets their
// conditions is a function of NVIDIA's device library, which a toolkit's linker adds to a
// kernel, and no toolkit is asked for here.) What does not share memory is recorded on
// streams side by side (branches.go). Gathers in a recording set one flag, which is looked
// at when the work is done: a bad index has the program run again without recordings, for
// its error. A profile makes none: it takes the time of each kernel by events around it,
// on the GPU's clock.
//
// What does not live here: tensors, levels and interpreters (package tensor and
// package grad, which fill Records), operations and their kernels (package
// kernels). Nothing here knows of derivatives.
//
// Start reading at record.go, then graph.go, control.go, layout.go and program.go. Graphs
// print themselves as text, DOT, JSON and pictures (text.go, dot.go, json.go, svg.go),
// with what their instructions take (profile.go).
package graph
