// When two graphs are the same program.

package graph

import (
	"bytes"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Equal reports whether g and h compute the same from the same parameters: the
// same instructions on the same values, constants with the same elements (on a
// device that queues its work, once that work is done), and the same outputs.
// Places are not compared.
func (g *Graph) Equal(h *Graph) bool {
	return slices.Equal(g.def, h.def) && slices.Equal(g.args, h.args) &&
		slices.Equal(g.Params, h.Params) && slices.Equal(g.Outputs, h.Outputs) &&
		slices.EqualFunc(g.inputs, h.inputs, kernels.EqualAval) &&
		slices.EqualFunc(g.Instrs, h.Instrs, func(x, y Instr) bool { return sameInst(x.Inst, y.Inst) }) &&
		slices.EqualFunc(g.Consts, h.Consts, func(x, y Const) bool { return x.Ref == y.Ref && sameElements(&x.Array, &y.Array) })
}

// sameInst compares instances. Those of ops are what their op, attribute and
// operands make them; derived loops are compared as loops.
func sameInst(x, y *kernels.Inst) bool {
	c, d := ControlOf(x), ControlOf(y)
	switch {
	case x == y:
		return true
	case c != nil && d != nil:
		return x.Op == y.Op && c.equal(d)
	case x.Op != y.Op || x.Name != y.Name || x.Attr != y.Attr || !slices.EqualFunc(x.In, y.In, kernels.EqualAval):
		return false
	case x.Op != nil:
		return true
	}
	return x.Expr != nil && y.Expr != nil && x.Expr.Text() == y.Expr.Text()
}

// doesSame is sameInst but for the names of derived loops.
func doesSame(x, y *kernels.Inst) bool {
	if x.Op == nil && y.Op == nil && x.Expr != nil && y.Expr != nil {
		return loop.Same(x.Expr, y.Expr)
	}
	return sameInst(x, y)
}

// sameElements compares arrays bit by bit.
func sameElements(a, b *kernels.Array) bool {
	switch {
	case !kernels.EqualAval(a.Aval, b.Aval):
		return false
	case a.Size() == 0 || a.Ptr == b.Ptr && sameStrides(a, b):
		return true
	}
	x, xerr := Within(a)
	y, yerr := Within(b)
	return xerr == nil && yerr == nil && bytes.Equal(packed(x), packed(y))
}

func sameStrides(a, b *kernels.Array) bool {
	for d := range a.Shape {
		if a.Stride(d) != b.Stride(d) {
			return false
		}
	}
	return true
}

// packed returns the elements of an array, row-major.
func packed(a *kernels.Array) []byte {
	if a.Dense() {
		return unsafe.Slice((*byte)(a.Ptr), bytesOf(a.Aval))
	}
	words := make([]uint64, (bytesOf(a.Aval)+7)/8)
	dense := kernels.Array{Aval: a.Aval, Ptr: unsafe.Pointer(unsafe.SliceData(words))}
	copyArray(&dense, a)
	return unsafe.Slice((*byte)(dense.Ptr), bytesOf(a.Aval))
}
