package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/tensor"
)

func TestMain(m *testing.M) { devicetest.Main(m) }

func elements(t *testing.T, x *tensor.Tensor) []float64 {
	t.Helper()
	v, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func scene(t *testing.T, o bench.SceneOptions) *bench.Scene {
	t.Helper()
	s, err := bench.NewScene(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// apart moves, turns and scales points x onto y as well as it goes (S. Umeyama 1991), and
// returns the largest distance that is left.
func apart(t *testing.T, x, y []float64) float64 {
	t.Helper()
	n := len(x) / 3
	var mx, my [3]float64
	for i := range x {
		mx[i%3] += x[i] / float64(n)
		my[i%3] += y[i] / float64(n)
	}
	cov, spread := mat.NewDense(3, 3, nil), 0.0
	for i := range n {
		for a := range 3 {
			dx := x[3*i+a] - mx[a]
			spread += dx * dx
			for b := range 3 {
				cov.Set(b, a, cov.At(b, a)+(y[3*i+b]-my[b])*dx)
			}
		}
	}
	var svd mat.SVD
	if !svd.Factorize(cov, mat.SVDFull) {
		t.Fatal("no singular values")
	}
	var u, v, turn mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	turn.Mul(&u, v.T())
	values := svd.Values(nil)
	if mat.Det(&turn) < 0 {
		for a := range 3 {
			u.Set(a, 2, -u.At(a, 2))
		}
		turn.Mul(&u, v.T())
		values[2] = -values[2]
	}
	scale := (values[0] + values[1] + values[2]) / spread
	worst := 0.0
	for i := range n {
		d := 0.0
		for b := range 3 {
			p := my[b] - y[3*i+b]
			for a := range 3 {
				p += scale * turn.At(b, a) * (x[3*i+a] - mx[a])
			}
			d += p * p
		}
		worst = max(worst, math.Sqrt(d))
	}
	return worst
}

// Without noise the points are found, but for where the whole is, and how large.
func TestTruth(t *testing.T) {
	s := scene(t, bench.SceneOptions{Cameras: 6, Points: 60, Views: 5})
	truth := elements(t, s.Truth.Points)
	if d := apart(t, elements(t, s.Start.Points), truth); d < 0.02 {
		t.Fatalf("the start is only %g off", d)
	}
	for _, how := range []solve.Systems{solve.Automatic, solve.Direct, solve.Iterative} {
		x, rep, err := adjust(context.Background(), s.Bundle, s.Start, solve.Options{Systems: how, Tolerance: 1e-12})
		if err != nil || !rep.Converged {
			t.Fatalf("%v: %v %s", how, err, rep.Reason)
		}
		if d := apart(t, elements(t, x.Points), truth); d > 1e-5 {
			t.Errorf("%v: points are up to %g off", how, d)
		}
	}
}

// seen is where a camera sees a point, in plain arithmetic: the point is turned by a
// quaternion.
func seen(c, x []float64) [2]float64 {
	angle := math.Sqrt(c[0]*c[0] + c[1]*c[1] + c[2]*c[2])
	s, w := math.Sincos(angle / 2)
	i, j, k := s*c[0]/angle, s*c[1]/angle, s*c[2]/angle
	v := []float64{x[0] - c[3], x[1] - c[4], x[2] - c[5]}
	y := []float64{
		(1-2*(j*j+k*k))*v[0] + 2*(i*j-k*w)*v[1] + 2*(i*k+j*w)*v[2],
		2*(i*j+k*w)*v[0] + (1-2*(i*i+k*k))*v[1] + 2*(j*k-i*w)*v[2],
		2*(i*k-j*w)*v[0] + 2*(j*k+i*w)*v[1] + (1-2*(i*i+j*j))*v[2],
	}
	a, b := y[0]/y[2], y[1]/y[2]
	r := a*a + b*b
	f := c[6] * (1 + c[9]*r + c[10]*r*r)
	return [2]float64{f*a + c[7], f*b + c[8]}
}

// With noise the result is a minimum of a sum of squares computed otherwise: no small
// change of any unknown lowers it.
func TestMinimum(t *testing.T) {
	s := scene(t, bench.SceneOptions{Cameras: 4, Points: 15, Views: 4, Noise: 0.5})
	x, rep, err := adjust(context.Background(), s.Bundle, s.Start, solve.Options{Tolerance: 1e-10, MaxIterations: 500})
	if err != nil {
		t.Fatal(err)
	}
	cams, points, feature := elements(t, x.Cameras), elements(t, x.Points), elements(t, s.Feature)
	camera, point := elements(t, s.Camera), elements(t, s.Point)
	value := func() float64 {
		sum := 0.0
		for i := range camera {
			p := seen(cams[11*int(camera[i]):][:11], points[3*int(point[i]):][:3])
			for k := range p {
				sum += (p[k] - feature[2*i+k]) * (p[k] - feature[2*i+k]) / 2
			}
		}
		return sum
	}
	least := value()
	if math.Abs(least-rep.Last().Value) > 1e-9*least {
		t.Errorf("the value is %g, not %g", least, rep.Last().Value)
	}
	for _, v := range [][]float64{cams, points} {
		for i, at := range v {
			for _, by := range []float64{-1e-3, 1e-3} {
				v[i] = at + by*(1e-3+math.Abs(at))
				if now := value(); now < least-1e-9*least {
					t.Errorf("%g instead of %g changes the value by %g", v[i], at, now-least)
				}
			}
			v[i] = at
		}
	}
}

// Wrong observations are found.
func TestRun(t *testing.T) {
	var out strings.Builder
	picture := filepath.Join(t.TempDir(), "bundle.png")
	o := options{scene: bench.SceneOptions{Cameras: 8, Points: 80, Views: 6, Noise: 0.3, Wrong: 0.05}, iterations: 60, scale: 3, out: picture}
	if err := run(context.Background(), &out, o); err != nil {
		t.Fatal(err)
	}
	var taken, found, wrong int
	_, last, _ := strings.Cut(out.String(), "what they take out: ")
	_, last, _ = strings.Cut(last, "\n")
	if _, err := fmt.Sscanf(last, "%d observations taken out, among them %d of the %d wrong ones", &taken, &found, &wrong); err != nil || wrong < 10 || found < wrong-2 || taken > found+3 {
		t.Errorf("%d taken, %d found of %d: %v: %s", taken, found, wrong, err, out.String())
	}
	if info, err := os.Stat(picture); err != nil || info.Size() < 1000 {
		t.Errorf("%v %v", info, err)
	}
	if err := run(context.Background(), io.Discard, options{scene: bench.SceneOptions{Cameras: 1}}); err == nil {
		t.Error("a scene of one camera is no error")
	}
}

// Files are read, and adjusted.
func TestFiles(t *testing.T) {
	const dir = "../../bench/adbench/testdata/"
	for _, o := range []options{{adbench: dir + "ba_n2_m3_p12.txt"}, {bal: dir + "bal_n3_m8.txt"}} {
		o.iterations, o.scale = 200, 3
		var out strings.Builder
		if err := run(context.Background(), &out, o); err != nil {
			t.Fatal(err)
		}
		if s := out.String(); !strings.Contains(s, "0 observations taken out") || strings.Contains(s, "too many") {
			t.Error(s)
		}
	}
	for _, o := range []options{{adbench: "/nowhere"}, {bal: dir + "ba_n2_m3_p12.txt"}} {
		if err := run(context.Background(), io.Discard, o); err == nil {
			t.Errorf("%+v is no error", o)
		}
	}
}
