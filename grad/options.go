// Options of the transformations.

package grad

import (
	"context"

	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Option changes a transformation.
type Option func(*options)

type options struct {
	places bool // Prepare: note the callers' places
	ieee   bool // derivatives: ordinary products
	native bool // Prepare: machine code

	without graph.Passes // Prepare: the passes left out
	reorder graph.Passes // Prepare: graph.Reorder, if asked for
	budget  int          // Prepare: bytes that a run may need; 0: any number
	keep    int          // Compiled: programs kept

	// Loops:
	length        int
	hasLength     bool
	backwards     bool
	residuals     graph.Residuals
	residualLimit int
	maxSteps      int
	ctx           context.Context
}

// defaultResidualLimit is what the residuals of a While may take unless told otherwise.
const defaultResidualLimit = 256 << 20

// Without, for [Prepare], leaves passes out ([graph.Passes] says which there are), as to
// see what each is worth: Without(graph.AllPasses) runs the operations one by one as they
// were recorded. Only under [MemoryBudget] values lie in the same memory in any case.
func Without(passes graph.Passes) Option { return func(o *options) { o.without |= passes } }

// MemoryBudget, for [Prepare], bounds the bytes that a run in progress needs for
// intermediate values: the arena that [Prepared.Stats] tells of, with what a device's pool
// adds to it ([device.BlockSize]). Arguments, destinations
// and captured constants are the caller's; workspaces of library operations, copies of
// arguments and destinations that are strided or share memory, and the rows of loops of
// unknown length, which have a limit of their own ([ResidualLimit]), come on top.
//
// To stay within the budget a program computes cheap values again instead of keeping
// them, and loops keep their carries only, as with [Recompute]. Results are the same bit
// for bit. Where no plan that fits is found Prepare fails with a *graph.BudgetError,
// which names the smallest that one was found for. A budget below 1 is one of 1 byte.
func MemoryBudget(bytes int) Option { return func(o *options) { o.budget = max(bytes, 1) } }

// Reassociate, for [Prepare], lets products be computed in another order, where that takes
// less time or memory: chains of matrix products in the order of the fewest multiplications,
// (A·B)·v as A·(B·v); sums over the rows of a product as products of sums; and partial
// derivatives multiplied with each other where their operands are computed, to be kept
// instead of these, before a reverse sweep multiplies them with cotangents, in each step of
// a loop as well. Results are then
// close to those of eager evaluation, and not the same bit for bit. [Without] leaves
// graph.Reorder or graph.Preaccumulate out.
func Reassociate() Option {
	return func(o *options) { o.reorder = graph.Reorder | graph.Preaccumulate }
}

func gather(opts []Option) (o options) {
	o.residualLimit = defaultResidualLimit
	o.keep = defaultPrograms
	for _, f := range opts {
		if f != nil {
			f(&o)
		}
	}
	return o
}

// IEEE, for all transformations that differentiate, makes products of partial
// derivatives with tangents and cotangents ordinary ones. Without it such a
// product is zero if either side is exactly zero, whatever the other is, so that
// what a mask shuts out cannot make a derivative infinite or NaN; that hides
// slopes which arise as 0·Inf. It concerns the ops that are loops; contractions
// multiply ordinarily in any case, and the slope of a power b·x^(b-1), which is no such
// product itself, is 0 for b = 0 at any x in either case.
func IEEE() Option { return func(o *options) { o.ieee = true } }

// AsksIEEE reports whether [IEEE] is among the options.
func AsksIEEE(opts ...Option) bool { return gather(opts).ieee }

// Length gives the number of steps of a [Scan], which tensors to scan over tell otherwise.
func Length(n int) Option { return func(o *options) { o.length, o.hasLength = n, true } }

// Backwards makes a [Scan] run from the last row to the first. The ys stay in the
// order of the xs.
func Backwards() Option { return func(o *options) { o.backwards = true } }

// KeepResiduals makes a recorded loop keep, of each step, all values that its reverse
// derivative reads.
func KeepResiduals() Option { return func(o *options) { o.residuals = graph.Stored } }

// Recompute makes a recorded loop keep only the carries of each step; its reverse
// derivative computes the steps again.
func Recompute() Option { return func(o *options) { o.residuals = graph.Recomputed } }

// ResidualLimit bounds the bytes that the steps of a recorded [While] may keep for
// its reverse derivative: 256 MiB unless told otherwise. A loop that needs more ends
// in a *graph.StackError. A limit below 1 is one of 1 byte.
func ResidualLimit(bytes int) Option {
	return func(o *options) { o.residualLimit = max(bytes, 1) }
}

// MaxSteps makes a [While] that has not ended after n steps fail with a
// *graph.StepsError. Below 1 there is no such bound.
func MaxSteps(n int) Option { return func(o *options) { o.maxSteps = n } }

// WithContext makes a loop over values end with ctx's error once ctx ends. Loops
// of a prepared program look at the context of the run instead.
func WithContext(ctx context.Context) Option { return func(o *options) { o.ctx = ctx } }
