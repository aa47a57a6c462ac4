package main

import (
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device/devicetest"
)

func TestMain(m *testing.M) { devicetest.Main(m) }

// rates computes u' and v' cell by cell.
func rates(r reaction, s []float64) []float64 {
	n := r.n
	h := r.side / float64(n)
	out := make([]float64, len(s))
	for i := range n {
		for j := range n {
			k := i*n + j
			for species, spread := range []float64{spreadU, spreadV} {
				x, flow := s[species*n*n:], 0.0
				for _, d := range [][2]int{{-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
					if a, b := i+d[0], j+d[1]; a >= 0 && a < n && b >= 0 && b < n {
						flow += x[a*n+b] - x[k]
					}
				}
				out[species*n*n+k] = spread * flow / (h * h)
			}
			u, v := s[k], s[n*n+k]
			out[k] += r.a - (r.b+1)*u + u*u*v
			out[n*n+k] += r.b*u - u*u*v
		}
	}
	return out
}

// The state is what the system evolves to in small steps of time, and not the even one.
func TestAgainstEvolution(t *testing.T) {
	r := reaction{n: 10, side: 7, a: 4.5, b: 7.5}
	x, rep, err := r.steady(context.Background(), io.Discard, r.noise())
	if err != nil || !rep.Converged {
		t.Fatalf("%v %v", err, rep.Last())
	}
	got, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range rates(r, got) {
		if math.Abs(d) > 1e-8 {
			t.Fatalf("element %d changes by %g", i, d)
		}
	}
	s, err := r.noise().Float64s()
	if err != nil {
		t.Fatal(err)
	}
	dt := 0.2 * (r.side / 10) * (r.side / 10) / spreadV
	for change, steps := 1.0, 0; change > 1e-9; steps++ {
		if steps > 1_000_000 {
			t.Fatal("the evolution does not end")
		}
		change = 0
		for i, d := range rates(r, s) {
			s[i] += dt * d
			change = max(change, math.Abs(d))
		}
	}
	low, high := math.Inf(1), 0.0
	for i, v := range s {
		if math.Abs(got[i]-v) > 1e-6 {
			t.Errorf("element %d is %g, by evolution %g", i, got[i], v)
		}
		if i < r.n*r.n {
			low, high = min(low, v), max(high, v)
		}
	}
	if high-low < 1 {
		t.Errorf("u is from %g to %g: no pattern", low, high)
	}
}

func TestRun(t *testing.T) {
	var out strings.Builder
	picture := filepath.Join(t.TempDir(), "p.svg")
	if err := run(context.Background(), &out, reaction{n: 8, side: 7, a: 4.5, b: 7.5}, picture); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "Jacobian 128 x 128") || !strings.Contains(s, "the residual is small") {
		t.Error(s)
	}
	if info, err := os.Stat(picture); err != nil || info.Size() < 1000 {
		t.Errorf("%v %v", info, err)
	}
	if err := run(context.Background(), io.Discard, reaction{n: 1, side: 7}, ""); err == nil {
		t.Error("one cell is no error")
	}
}
