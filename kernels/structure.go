// What an op's results depend on, for ops that are no loops.

package kernels

import "github.com/cotangent-ad/cotangent/kernels/loop"

// Structure tells on which elements of the operands each element of the results
// depends differentiably: on those that the result of the same number in one of
// Loops does. The loops' operands and results are the op's, as row-major
// sequences: their shapes may be others of the same size.
type Structure struct {
	Loops []*loop.Expr
	// Overwrite: what a later loop stores replaces what is there, and of several
	// elements stored at one place the last one stays. Otherwise they add up.
	Overwrite bool
	// Prefix, where not nil: an element depends on what those before it along an
	// axis of the result do, too (those behind it, with Reverse).
	Prefix *Scan
}

// copyLoop returns the loop that stores operand in, of n elements, in a result
// of the same size.
func copyLoop(ins []Aval, in, n int) *loop.Expr {
	flat := make([]Aval, len(ins))
	copy(flat, ins)
	flat[in].Shape = []int{n}
	e := loop.New(loop.Axes([]int{n}), flat)
	e.Store(loop.Store{Value: e.Load(in, loop.At(0)), Index: loop.Ats(1), Aval: flat[in]})
	return e
}

// sameElements is the structure of an op whose results are its one operand's elements
// in order.
func sameElements(inst *Inst) Structure {
	return Structure{Loops: []*loop.Expr{copyLoop(inst.In, 0, inst.In[0].Size())}}
}
