package adbench

import (
	"io"

	"github.com/cotangent-ad/cotangent/bench"
)

// Bundle is what a file of ba holds: sizes, and one camera, point, weight and feature,
// of which the problem has many copies.
type Bundle struct {
	N, M, P int // cameras, points, observations
	Camera  [11]float64
	Point   [3]float64
	Weight  float64
	Feature [2]float64
}

// ReadBundle reads a file of ba: n m p, the camera, the point, the weight, the feature.
// Errors are *FormatError and *LimitError.
func ReadBundle(r io.Reader, l Limits) (*Bundle, error) {
	l = l.withDefaults()
	t := newText(r, l)
	b := &Bundle{N: t.size("n", 1), M: t.size("m", 1), P: t.size("p", 1)}
	copy(b.Camera[:], t.numbers("the camera", len(b.Camera), 1))
	copy(b.Point[:], t.numbers("the point", len(b.Point), 1))
	b.Weight = t.number("the weight")
	copy(b.Feature[:], t.numbers("the feature", len(b.Feature), 1))
	if err := t.end(); err != nil {
		return nil, err
	}
	// A Jacobian has 31 entries an observation.
	for _, s := range []struct {
		what string
		n    int
	}{{"cameras", b.N}, {"points", b.M}, {"observations", b.P}} {
		if err := l.elements(s.what, s.n, 32); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Problem returns the objective and its point. Observation i is of camera i mod N and
// point i mod M.
func (b *Bundle) Problem() (*bench.Bundle, bench.BundleParams, error) {
	return bench.ReplicatedBundle(b.N, b.M, b.P, b.Camera, b.Point, b.Weight, b.Feature)
}
