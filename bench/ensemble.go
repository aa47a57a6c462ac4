// Ensemble: small networks beside each other.

package bench

import "math"

// Ensemble is a regression by several networks of their own with two hidden layers of
// tanh, as for the spread of their predictions. The kernels of one are too small to be
// shared out among workers; the networks are not.
type Ensemble struct{ X, Y *T }

// Member is the weights [in hidden], [hidden hidden] and [hidden out] of a network.
type Member struct{ W1, W2, W3 *T }

// NewEnsemble makes random data and as many random networks as there are to be members.
func NewEnsemble(d data, members, batch, in, hidden int) (Ensemble, []Member) {
	weights := func(m, n int) *T { return d.normal(m, n).MulScalar(1 / math.Sqrt(float64(m))) }
	list := make([]Member, members)
	for i := range list {
		list[i] = Member{weights(in, hidden), weights(hidden, hidden), weights(hidden, 1)}
	}
	return Ensemble{X: d.normal(batch, in), Y: d.normal(batch, 1)}, list
}

// Loss returns the sum of the members' mean square errors.
func (e Ensemble) Loss(members []Member) *T {
	var sum *T
	for _, m := range members {
		y := e.X.MatMul(m.W1).Tanh().MatMul(m.W2).Tanh().MatMul(m.W3)
		if loss := y.Sub(e.Y).Square().Mean(); sum == nil {
			sum = loss
		} else {
			sum = sum.Add(loss)
		}
	}
	return sum
}
