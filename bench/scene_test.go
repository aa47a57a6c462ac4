package bench

import (
	"math"
	"testing"
)

// A scene's truth has the errors of its noise, wrong observations larger ones, and the
// start is worse than the truth.
func TestScene(t *testing.T) {
	s, err := NewScene(SceneOptions{Cameras: 10, Points: 300, Views: 5, Noise: 0.7, Wrong: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	rms := func(p BundleParams, wrong bool) (float64, int) {
		e, err := s.Residuals(p).Projection.Float64s()
		if err != nil {
			t.Fatal(err)
		}
		sum, n := 0.0, 0
		for i, is := range s.Wrong {
			if is == wrong {
				sum += (e[2*i]*e[2*i] + e[2*i+1]*e[2*i+1]) / 2
				n++
			}
		}
		return math.Sqrt(sum / float64(n)), n
	}
	right, n := rms(s.Truth, false)
	wrong, m := rms(s.Truth, true)
	start, _ := rms(s.Start, false)
	if n+m != 1500 || m < 100 || m > 200 || math.Abs(right-0.7) > 0.05 || wrong < 30 || start < 3 {
		t.Errorf("%d right ones of %g, %d wrong ones of %g, %g at the start", n, right, m, wrong, start)
	}
	for _, o := range []SceneOptions{{}, {Cameras: 1, Points: 5, Views: 1}, {Cameras: 3, Points: 5, Views: 4}, {Cameras: 3, Views: 2}, {Cameras: 3, Points: math.MaxInt, Views: 2}} {
		if _, err := NewScene(o); err == nil {
			t.Errorf("%+v is no error", o)
		}
	}
}
