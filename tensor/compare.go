// Comparisons, logic and choice. Comparisons and logic give bools, which have
// no derivative.

package tensor

import "github.com/cotangent-ad/cotangent/kernels"

// Eq reports where t = x; false with NaN. What this and the other comparisons find
// is counted by [Tensor.CountNonZero], and asked by [Tensor.All] and [Tensor.Any];
// [Tensor.Mean] of the bools is their share. Numbers have comparisons of their own,
// as [Tensor.EqScalar].
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

// EqScalar reports where t = v; false with NaN. The number of this and the other
// comparisons with one is that of [Tensor.AddScalar]: of t's dtype if that is float.
func (t *Tensor) EqScalar(v float64) *Tensor { return t.Eq(t.number(v)) }

// NeScalar reports where t ≠ v; true with NaN.
func (t *Tensor) NeScalar(v float64) *Tensor { return t.Ne(t.number(v)) }

// LtScalar reports where t < v.
func (t *Tensor) LtScalar(v float64) *Tensor { return t.Lt(t.number(v)) }

// LeScalar reports where t ≤ v.
func (t *Tensor) LeScalar(v float64) *Tensor { return t.Le(t.number(v)) }

// GtScalar reports where t > v.
func (t *Tensor) GtScalar(v float64) *Tensor { return t.Gt(t.number(v)) }

// GeScalar reports where t ≥ v.
func (t *Tensor) GeScalar(v float64) *Tensor { return t.Ge(t.number(v)) }

// And reports where both are true; numbers are true where not 0.
func (t *Tensor) And(x *Tensor) *Tensor { return apply2(kernels.LogicalAnd, nil, t, x) }

// Or reports where either is true; numbers are true where not 0.
func (t *Tensor) Or(x *Tensor) *Tensor { return apply2(kernels.LogicalOr, nil, t, x) }

// Not reports where t is false; numbers are true where not 0.
func (t *Tensor) Not() *Tensor { return apply1(kernels.LogicalNot, nil, t) }

// Where returns a where cond, a tensor of bools, is true, else b; all three
// broadcast. The one not chosen has slope 0 there, whatever it is.
func Where(cond, a, b *Tensor) *Tensor { return apply3(kernels.Where, nil, cond, a, b) }
