// Bundle adjustment of a scene that the test makes: cameras and points from where the points are seen.

package solve_test

import (
	"math"
	"math/rand/v2"

	"github.com/cotangent-ad/cotangent/tensor"
)

// bundle are observations of points by cameras. Observation i is of point Point[i] by
// camera Camera[i], at Seen[i] in the picture.
type bundle struct {
	Camera, Point *T // int64 [p]
	Seen          *T // [p 2]
}

// Reprojection is the reprojection errors [p 2]. (F. Srajer, Z. Kukelova, A.
// Fitzgibbon: A benchmark of selected algorithmic differentiation tools on some
// problems in computer vision and machine learning, 2018.)
func (b bundle) Reprojection(p pose) *T {
	return b.project(p).Sub(b.Seen)
}

// pose are the unknowns. A camera is a rotation (axis times angle), a centre, a
// focal length, a principal point and two radial distortions.
type pose struct{ Cameras, Points *T }

func (b bundle) project(p pose) *T {
	n := b.Camera.Dim(0)
	columns := func(t *T, k int) []*T {
		out := make([]*T, k)
		for j := range out {
			out[j] = t.Index(tensor.Range(0, n), tensor.At(j))
		}
		return out
	}
	c, x := columns(p.Cameras.Take(0, b.Camera), 11), columns(p.Points.Take(0, b.Point), 3)
	rotation, centre, focal, principal, radial := c[:3], c[3:6], c[6], c[7:9], c[9:]
	v := rotate(rotation, [3]*T{x[0].Sub(centre[0]), x[1].Sub(centre[1]), x[2].Sub(centre[2])})
	px, py := v[0].Div(v[2]), v[1].Div(v[2])
	r2 := px.Square().Add(py.Square())
	scale := radial[0].Add(radial[1].Mul(r2)).Mul(r2).AddScalar(1).Mul(focal)
	return tensor.Stack(1, px.Mul(scale).Add(principal[0]), py.Mul(scale).Add(principal[1]))
}

// rotate turns vectors by rotations given as axis times angle: Rodrigues' formula,
// and to first order where the angle is zero.
func rotate(r []*T, x [3]*T) [3]*T {
	square := r[0].Square().Add(r[1].Square()).Add(r[2].Square())
	zero := square.Eq(tensor.ZerosLike(square))
	safe := tensor.Where(zero, tensor.OnesLike(square), square)
	angle := safe.Sqrt()
	cos, sin := angle.Cos(), angle.Sin()
	w := [3]*T{r[0].Div(angle), r[1].Div(angle), r[2].Div(angle)}
	along := w[0].Mul(x[0]).Add(w[1].Mul(x[1])).Add(w[2].Mul(x[2])).Mul(cos.RSubScalar(1))
	var out [3]*T
	for i := range out {
		j, k := (i+1)%3, (i+2)%3
		turned := x[i].Mul(cos).Add(w[j].Mul(x[k]).Sub(w[k].Mul(x[j])).Mul(sin)).Add(w[i].Mul(along))
		small := x[i].Add(r[j].Mul(x[k]).Sub(r[k].Mul(x[j])))
		out[i] = tensor.Where(zero, small, turned)
	}
	return out
}

// newScene makes cameras on a circle that look at points in the middle, each point
// seen by some of them. It returns the observations, the truth, and a start that is
// off by noise.
func newScene(cameras, points, views int) (bundle, pose, pose) {
	d := rand.New(rand.NewPCG(11, 0))
	views = min(views, cameras)
	cams := make([]float64, 0, 11*cameras)
	for i := range cameras {
		// Turned about the vertical axis by a, the camera looks along its own +z at
		// the origin from 6 units away.
		a := 2 * math.Pi * float64(i) / float64(cameras)
		if a > math.Pi {
			a -= 2 * math.Pi
		}
		cams = append(cams, 0.01, a, 0.01, 6*math.Sin(a), 0.1, -6*math.Cos(a), 500, 320, 240, 0.01, -0.002)
	}
	var camera, point []int64
	for j := range points {
		for _, i := range d.Perm(cameras)[:views] {
			camera, point = append(camera, int64(i)), append(point, int64(j))
		}
	}
	truth := pose{Cameras: tensor.FromSlice(cams, cameras, 11), Points: draw(d.Float64, points, 3).MulScalar(2).SubScalar(1)}
	b := bundle{Camera: tensor.FromSlice(camera, len(camera)), Point: tensor.FromSlice(point, len(point)), Seen: tensor.Zeros(len(camera), 2)}
	b.Seen = b.Reprojection(truth)
	noise := tensor.New([]float64{5e-3, 5e-3, 5e-3, 0.05, 0.05, 0.05, 5, 2, 2, 1e-3, 1e-4})
	start := pose{
		Cameras: truth.Cameras.Add(draw(d.NormFloat64, cameras, 11).Mul(noise)),
		Points:  truth.Points.Add(draw(d.NormFloat64, points, 3).MulScalar(0.02)),
	}
	return b, truth, start
}

// draw returns n rows of m random numbers.
func draw(next func() float64, n, m int) *T {
	v := make([]float64, n*m)
	for i := range v {
		v[i] = next()
	}
	return tensor.FromSlice(v, n, m)
}
