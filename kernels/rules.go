// What derivative and batching rules share.

package kernels

import (
	"slices"

	"github.com/cotangent-ad/cotangent/device"
)

// castTo converts x where it is of another type.
func castTo(b Builder, dt device.DType, x Val) Val {
	if x.Aval().DType == dt {
		return x
	}
	return One(b, Cast, dt, x)
}

// linear is the JVP of an op that is linear in its one operand: the op of the tangent.
func linear(b Builder, inst *Inst, _, _, dx []Val) []Val {
	if dx[0] == nil {
		return []Val{nil}
	}
	return b.ApplyInst(inst, dx[0])
}

// along selects r of one axis and all of those before it.
func along(ax int, r Range) Ranges {
	var list [MaxRank]Range
	for d := range ax {
		list[d] = All()
	}
	list[ax] = r
	return Ranges{N: int8(ax + 1), Range: list}
}

// reshape gives x another shape.
func reshape(b Builder, x Val, shape ...int) Val {
	if slices.Equal(x.Aval().Shape, shape) {
		return x
	}
	return One(b, Reshape, DimsOf(shape...), x)
}

// batchAll repeats the operands that have no leading axis of size n along one.
func batchAll(b Builder, inst *Inst, x []Val, mask Mask, n int) []Val {
	out := make([]Val, len(x))
	for i, v := range x {
		if out[i] = v; !mask.Has(i) {
			out[i] = One(b, BroadcastTo, DimsOf(append([]int{n}, inst.In[i].Shape...)...), v)
		}
	}
	return out
}
