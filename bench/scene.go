// Scenes: bundle adjustments of which the truth is known.

package bench

import (
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/tensor"
)

// SceneOptions say what a scene is like.
type SceneOptions struct {
	Cameras, Points int
	Views           int     // by how many cameras a point is seen
	Noise           float64 // standard deviation of where it is seen, in pixels
	Wrong           float64 // share of observations that are of something else
}

// Scene is a bundle adjustment with its truth and a start that is off by a few percent.
// All weights are 1.
type Scene struct {
	*Bundle
	Truth, Start BundleParams
	Wrong        []bool // of each observation whether it is
}

// NewScene makes cameras on a circle that look at points in its middle. The same options
// make the same scene.
func NewScene(o SceneOptions) (*Scene, error) {
	if o.Cameras < 2 || o.Points < 1 || o.Views < 2 || o.Views > o.Cameras || o.Points > maxSparse/o.Views {
		return nil, fmt.Errorf("bench: a scene of %d cameras, %d points and %d views of each: at least 2, 1 and 2, and no more views than cameras", o.Cameras, o.Points, o.Views)
	}
	d := newData(11)
	cams := make([]float64, 0, camSize*o.Cameras)
	for i := range o.Cameras {
		// Turned about the vertical axis by a, a camera looks along its own +z at
		// the origin from 6 units away.
		a := 2 * math.Pi * float64(i) / float64(o.Cameras)
		if a > math.Pi {
			a -= 2 * math.Pi
		}
		cams = append(cams, 0.01, a, 0.01, 6*math.Sin(a), 0.1, -6*math.Cos(a), 500, 320, 240, 0.01, -0.002)
	}
	var camera, point []int64
	for j := range o.Points {
		for _, i := range d.Perm(o.Cameras)[:o.Views] {
			camera, point = append(camera, int64(i)), append(point, int64(j))
		}
	}
	p := len(camera)
	s := &Scene{Truth: BundleParams{
		Cameras: tensor.FromSlice(cams, o.Cameras, camSize),
		Points:  d.uniform(o.Points, 3).MulScalar(2).SubScalar(1),
		Weights: tensor.Ones(p),
	}}
	var err error
	if s.Bundle, err = NewBundle(o.Cameras, o.Points, camera, point, tensor.Zeros(p, 2)); err != nil {
		return nil, err
	}
	seen, err := s.Residuals(s.Truth).Projection.Float64s()
	if err != nil {
		return nil, err
	}
	s.Wrong = make([]bool, p)
	for i := range s.Wrong {
		s.Wrong[i] = d.Float64() < o.Wrong
		for k := range 2 {
			seen[2*i+k] += o.Noise * d.NormFloat64()
			if s.Wrong[i] {
				seen[2*i+k] += 40 * d.NormFloat64()
			}
		}
	}
	s.Feature = tensor.FromSlice(seen, p, 2)
	off := tensor.New([]float64{5e-3, 5e-3, 5e-3, 0.05, 0.05, 0.05, 5, 2, 2, 1e-3, 1e-4})
	s.Start = BundleParams{
		Cameras: s.Truth.Cameras.Add(d.normal(o.Cameras, camSize).Mul(off)),
		Points:  s.Truth.Points.Add(d.normal(o.Points, 3).MulScalar(0.02)),
		Weights: s.Truth.Weights,
	}
	return s, nil
}
