// Special functions, element by element. Integers and bools are taken as float64.

package tensor

import "github.com/cotangent-ad/cotangent/kernels"

// Lgamma returns log |Γ(t)|, +Inf at 0, -1, -2, ... Its slope is Digamma.
func (t *Tensor) Lgamma() *Tensor { return apply1(kernels.Lgamma, nil, t) }

// Digamma returns the derivative of Lgamma, NaN at -1, -2, ...
func (t *Tensor) Digamma() *Tensor { return apply1(kernels.Digamma, nil, t) }

// Polygamma returns the n-th derivative of Digamma; n from 0 to 100, else it is
// an *AttrError.
func (t *Tensor) Polygamma(n int) *Tensor { return apply1(kernels.Polygamma, kernels.Order(n), t) }

// Erf returns the error function 2/√π ∫₀ˣ exp(-u²) du.
func (t *Tensor) Erf() *Tensor { return apply1(kernels.Erf, nil, t) }
