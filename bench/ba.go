// GradBench's ba: bundle adjustment.

package bench

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Bundle is a bundle adjustment: p observations of m points by n cameras.
type Bundle struct {
	Cameras, Points int // n and m
	Camera, Point   *T  // [p] int64: of each observation which
	Feature         *T  // [p 2]: where the point was seen
	camera, point   []int64
}

// BundleParams are the variables: of each camera rotation vector, centre, focal
// length, principal point and two radial distortions [n 11]; points [m 3];
// observations' weights [p].
type BundleParams struct{ Cameras, Points, Weights *T }

// BundleResiduals are the weighted errors of projection [p 2] and the errors of
// the weights [p].
type BundleResiduals struct{ Projection, Weight *T }

// Parameters of a camera.
const (
	camRotation = 0
	camCentre   = 3
	camFocal    = 6
	camMiddle   = 7
	camRadial   = 9
	camSize     = 11
)

// NewBundle makes the problem of n cameras and m points of which each observation
// names one.
func NewBundle(n, m int, camera, point []int64, feature *T) (*Bundle, error) {
	p := len(camera)
	if len(point) != p || feature.Rank() != 2 || feature.Dim(0) != p || feature.Dim(1) != 2 {
		return nil, fmt.Errorf("bench: %d cameras, %d points and features %v of observations do not match", p, len(point), feature.Shape())
	}
	for i := range p {
		if camera[i] < 0 || camera[i] >= int64(n) || point[i] < 0 || point[i] >= int64(m) {
			return nil, fmt.Errorf("bench: observation %d is of camera %d among %d and point %d among %d", i, camera[i], n, point[i], m)
		}
	}
	return &Bundle{n, m, tensor.FromSlice(camera, p), tensor.FromSlice(point, p), feature, camera, point}, nil
}

// ReplicatedBundle makes GradBench's problem: of n cameras, m points, p weights and
// p features all are the same, and observation i is of camera i mod n and point i
// mod m.
func ReplicatedBundle(n, m, p int, camera [camSize]float64, point [3]float64, weight float64, feature [2]float64) (*Bundle, BundleParams, error) {
	cameras, points := make([]int64, p), make([]int64, p)
	for i := range p {
		cameras[i], points[i] = int64(i%n), int64(i%m)
	}
	b, err := NewBundle(n, m, cameras, points, tensor.FromSlice(repeated(feature[:], p), p, 2))
	return b, BundleParams{
		Cameras: tensor.FromSlice(repeated(camera[:], n), n, camSize),
		Points:  tensor.FromSlice(repeated(point[:], m), m, 3),
		Weights: tensor.FromSlice(repeated([]float64{weight}, p), p),
	}, err
}

func repeated(v []float64, n int) []float64 {
	out := make([]float64, 0, n*len(v))
	for range n {
		out = append(out, v...)
	}
	return out
}

// Residuals are the objective: all observations at once.
func (b *Bundle) Residuals(v BundleParams) BundleResiduals {
	cam := v.Cameras.Take(0, b.Camera) // [p 11]
	r, centre := vectorOf(cam, camRotation), vectorOf(cam, camCentre)
	y := rotated(r, vectorOf(v.Points.Take(0, b.Point), 0).sub(centre))
	u, w := y.x.Div(y.z), y.y.Div(y.z)
	square := u.Square().Add(w.Square())
	k1, k2 := column(cam, camRadial), column(cam, camRadial+1)
	scale := k2.Mul(square).Add(k1).Mul(square).AddScalar(1).Mul(column(cam, camFocal))
	seen := tensor.Stack(1, scale.Mul(u).Add(column(cam, camMiddle)), scale.Mul(w).Add(column(cam, camMiddle+1)))
	return BundleResiduals{
		Projection: v.Weights.Unsqueeze(1).Mul(seen.Sub(b.Feature)),
		Weight:     v.Weights.Square().RSubScalar(1),
	}
}

// Pattern is the structure of the Jacobian of Residuals as GradBench and ADBench
// have it: the two rows of an observation hold all parameters of its camera, its
// point and its weight, also those that only the other row depends on.
func (b *Bundle) Pattern() (*sparse.Pattern, error) {
	p := len(b.camera)
	ptr, idx := make([]int, 1, 3*p+1), make([]int32, 0, 31*p)
	points := int32(camSize * b.Cameras)
	weights := points + int32(3*b.Points)
	for i := range p {
		for range 2 {
			for k := range int32(camSize) {
				idx = append(idx, int32(b.camera[i])*camSize+k)
			}
			for k := range int32(3) {
				idx = append(idx, points+3*int32(b.point[i])+k)
			}
			idx = append(idx, weights+int32(i))
			ptr = append(ptr, len(idx))
		}
	}
	for i := range p {
		idx = append(idx, weights+int32(i))
		ptr = append(ptr, len(idx))
	}
	return sparse.NewPattern(3*p, int(weights)+p, ptr, idx)
}
