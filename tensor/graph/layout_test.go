// The layout: which results may take over an operand's memory.

package graph

import (
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Which operands a result may take the memory of: those read at the very element
// that is written, of its size.
func TestElementwise(t *testing.T) {
	of := func(dt device.DType, shape ...int) kernels.Aval { return kernels.Aval{DType: dt, Shape: shape} }
	v := of(device.Float64, 4)
	op := func(op *kernels.Op, attr any, in ...kernels.Aval) *kernels.Inst {
		inst, err := op.Inst(attr, in...)
		if err != nil {
			t.Fatal(err)
		}
		return inst
	}
	// made returns a loop over i of the sum of what load gives of one operand.
	made := func(index func(e *loop.Expr) []loop.Node, store ...loop.Lin) *kernels.Inst {
		e := loop.New(loop.Axes([]int{4}), []kernels.Aval{v})
		n := index(e)
		sum := n[0]
		for _, m := range n[1:] {
			sum = e.Add(sum, m)
		}
		e.Store(loop.Store{Value: sum, Index: store, Aval: v})
		return kernels.NewLoop("made", e)
	}
	i, reversed := loop.At(0), loop.Affine(3, loop.Term{Axis: 0, Coef: -1})
	for _, c := range []struct {
		name string
		inst *kernels.Inst
		want kernels.Mask
	}{
		{"unary", op(kernels.Neg, nil, v), 1},
		{"binary", op(kernels.Mul, nil, v, v), 3},
		{"broadcast", op(kernels.Mul, nil, of(device.Float64), v), 2},
		{"broadcast along an axis", op(kernels.Mul, nil, of(device.Float64, 4, 1), of(device.Float64, 4, 4)), 2},
		{"smaller elements", op(kernels.Lt, nil, v, v), 0},
		{"select", op(kernels.Where, nil, of(device.Bool, 4), v, v), 6},
		{"other type of the same size", op(kernels.Cast, device.Int64, v), 1},
		{"reduction", op(kernels.Sum, kernels.AxesOf(true, 0), of(device.Float64, 4, 1)), 0},
		{"product of matrices", op(kernels.Einsum, kernels.Equation("ij,jk->ik"), of(device.Float64, 4, 4), of(device.Float64, 4, 4)), 0},
		{"library", op(opTwo, nil, v), 0},
		{"twice the same", made(func(e *loop.Expr) []loop.Node { return []loop.Node{e.Load(0, i), e.Load(0, i)} }, i), 1},
		{"elsewhere too", made(func(e *loop.Expr) []loop.Node { return []loop.Node{e.Load(0, i), e.Load(0, reversed)} }, i), 0},
		{"stored elsewhere", made(func(e *loop.Expr) []loop.Node { return []loop.Node{e.Load(0, i)} }, reversed), 0},
	} {
		if got := overwrites(c.inst); got != c.want {
			t.Errorf("%s: %b, want %b", c.name, got, c.want)
		}
	}
}
