package adbench

import (
	"io"
	"math"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Large is what a file of "Bundle Adjustment in the Large" holds (S. Agarwal, N. Snavely,
// S. Seitz, R. Szeliski, ECCV 2010), the data that ADBench's sizes of ba come from.
type Large struct {
	N, M          int
	Camera, Point []int64   // [p] of each observation which
	Feature       []float64 // [p 2] where the point was seen
	Cameras       []float64 // [N 9] rotation vector, translation, focal length, two radial distortions
	Points        []float64 // [M 3]
}

// ReadLarge reads such a file: N M p, of each observation camera, point and place, the
// cameras, the points. Errors are *FormatError and *LimitError.
func ReadLarge(r io.Reader, l Limits) (*Large, error) {
	t := newText(r, l.withDefaults())
	b := &Large{N: t.size("the number of cameras", 1), M: t.size("the number of points", 1)}
	p := t.size("the number of observations", 1)
	for range p {
		if t.err != nil {
			break
		}
		b.Camera = append(b.Camera, int64(t.integer("a camera", 0, b.N-1)))
		b.Point = append(b.Point, int64(t.integer("a point", 0, b.M-1)))
		b.Feature = append(b.Feature, t.numbers("a place", 1, 2)...)
	}
	b.Cameras = t.numbers("a camera's parameter", b.N, 9)
	b.Points = t.numbers("a point's coordinate", b.M, 3)
	if err := t.end(); err != nil {
		return nil, err
	}
	return b, nil
}

// Problem returns the objective and its point, with weights of 1. A camera of the file
// sees R x + t along its -z axis; ours sees R (x - c), c = -Rᵀ t, along +z, and so has
// the negative focal length. Its middle is 0.
func (b *Large) Problem() (*bench.Bundle, bench.BundleParams, error) {
	p := len(b.Camera)
	f := tensor.FromSlice(b.Feature, p, 2)
	problem, err := bench.NewBundle(b.N, b.M, b.Camera, b.Point, f)
	cameras := make([]float64, 0, 11*b.N)
	for i := range b.N {
		c := b.Cameras[9*i : 9*i+9]
		centre := turnedBack(c[:3], c[3:6])
		cameras = append(cameras, c[:3]...)
		cameras = append(cameras, -centre[0], -centre[1], -centre[2], -c[6], 0, 0, c[7], c[8])
	}
	return problem, bench.BundleParams{
		Cameras: tensor.FromSlice(cameras, b.N, 11),
		Points:  tensor.FromSlice(b.Points, b.M, 3),
		Weights: tensor.Ones(p),
	}, err
}

// turnedBack returns x turned by the opposite of the rotation vector r.
func turnedBack(r, x []float64) [3]float64 {
	angle := math.Sqrt(r[0]*r[0] + r[1]*r[1] + r[2]*r[2])
	s, c := math.Sincos(-angle)
	a := [3]float64{1, 0, 0}
	if angle > 0 {
		a = [3]float64{r[0] / angle, r[1] / angle, r[2] / angle}
	}
	along := (a[0]*x[0] + a[1]*x[1] + a[2]*x[2]) * (1 - c)
	var y [3]float64
	for i := range y {
		j, k := (i+1)%3, (i+2)%3
		y[i] = x[i]*c + (a[j]*x[k]-a[k]*x[j])*s + a[i]*along
	}
	return y
}
