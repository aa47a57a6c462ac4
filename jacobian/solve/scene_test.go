package solve_test

import (
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
)

// pose are the unknowns of a scene without its weights.
type pose struct{ Cameras, Points *T }

// newScene returns the distances of points from where they were seen, and a start.
func newScene(t testing.TB, cameras, points, views int, noise float64) (func(pose) *T, pose) {
	t.Helper()
	s, err := bench.NewScene(bench.SceneOptions{Cameras: cameras, Points: points, Views: views, Noise: noise})
	if err != nil {
		t.Fatal(err)
	}
	return func(p pose) *T {
		return s.Residuals(bench.BundleParams{Cameras: p.Cameras, Points: p.Points, Weights: s.Start.Weights}).Projection
	}, pose{s.Start.Cameras, s.Start.Points}
}
