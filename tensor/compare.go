// Comparisons, logic and choice. Comparisons and logic give bools, which have
// no derivative.

package tensor

import "github.com/cotangent-ad/cotangent/kernels"

// Eq reports where t = x; false with NaN. A number is given to this and the other
// comparisons as a tensor: x.Gt(tensor.Scalar(0)). Several of them count by
// [Tensor.Sum] or [Tensor.Mean] of the bools.
func (t *Tensor) Eq(x *Tensor) *Tensor { return apply2(kernels.Eq, nil, t, x) }

// Ne reports where t ≠ x; true with NaN.
func (t *Tensor) Ne(x *Tensor) *Tensor { return apply2(kernels.Ne, nil, t, x) }

// Lt reports where t < x.
func (t *Tensor) Lt(x *Tensor) *Tensor { return apply2(kernels.Lt, nil, t, x) }

// Le reports where t ≤ x.
func (t *Tensor) Le(x *Tensor) *Tensor { return apply2(kernels.Le, nil, t, x) }

// Gt reports where t > x.
func (t *Tensor) Gt(x *Tensor) *Tensor { return apply2(kernels.Gt, nil, t, x) }

// Ge reports where t ≥ x.
func (t *Tensor) Ge(x *Tensor) *Tensor { return apply2(kernels.Ge, nil, t, x) }

// And reports where both are true; numbers are true where not 0.
func (t *Tensor) And(x *Tensor) *Tensor { return apply2(kernels.LogicalAnd, nil, t, x) }

// Or reports where either is true; numbers are true where not 0.
func (t *Tensor) Or(x *Tensor) *Tensor { return apply2(kernels.LogicalOr, nil, t, x) }

// Not reports where t is false; numbers are true where not 0.
func (t *Tensor) Not() *Tensor { return apply1(kernels.LogicalNot, nil, t) }

// Where returns a where cond, a tensor of bools, is true, else b; all three
// broadcast. The one not chosen has slope 0 there, whatever it is.
func Where(cond, a, b *Tensor) *Tensor { return apply3(kernels.Where, nil, cond, a, b) }
