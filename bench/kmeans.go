// GradBench's kmeans.

package bench

import (
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// KMeans is the sum of the squared distances of points [n d] to the nearest of the centroids.
type KMeans struct{ Points *T }

// Cost takes the centroids [k d]. The derivative of the minimum is that of the
// selected centroid, the lowest one of equally near ones.
func (p KMeans) Cost(centroids *T) *T {
	nearest := p.assign(grad.StopGradient(centroids))
	return p.Points.Sub(centroids.Take(0, nearest)).Square().Sum()
}

// assign returns the index of each point's nearest centroid [n], by
// |p-c|² = |p|² - 2p·c + |c|², of which the first term is the same for all c.
func (p KMeans) assign(centroids *T) *T {
	score := centroids.Square().Sum(1).Sub(p.Points.MatMul(centroids.T()).MulScalar(2))
	return score.ArgMin(1)
}

// Direction returns the quotient [k d] of the cost's gradient and the diagonal
// of its Hessian; the Hessian being diagonal, that is its product with ones.
func (p KMeans) Direction(centroids *T) *T {
	g, diagonal := grad.GradHVP(p.Cost, centroids, tensor.OnesLike(centroids))
	return g.Div(diagonal)
}
