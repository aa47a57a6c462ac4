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

// relax solves the same five-point equations by Gauss and Seidel, a Newton step for one
// unknown after the other.
func relax(n int, lambda float64) []float64 {
	h := 1 / float64(n+1)
	u := make([]float64, (n+2)*(n+2))
	for change := 1.0; change > 1e-15; {
		change = 0
		for i := 1; i <= n; i++ {
			for j := 1; j <= n; j++ {
				k := i*(n+2) + j
				e := lambda * h * h * math.Exp(u[k])
				d := (u[k-1] + u[k+1] + u[k-n-2] + u[k+n+2] - 4*u[k] + e) / (4 - e)
				u[k] += d
				change = max(change, math.Abs(d))
			}
		}
	}
	var in []float64
	for i := 1; i <= n; i++ {
		in = append(in, u[i*(n+2)+1:(i+1)*(n+2)-1]...)
	}
	return in
}

func TestAgainstRelaxation(t *testing.T) {
	for _, lambda := range []float64{1, 6.5} {
		s, err := ignite(context.Background(), io.Discard, 21, lambda)
		if err != nil {
			t.Fatal(err)
		}
		if !s.newton.Converged || !s.minimize.Converged || s.apart > 1e-10 {
			t.Errorf("%v %v, %g apart", s.newton.Last(), s.minimize.Last(), s.apart)
		}
		for i, want := range relax(21, lambda) {
			if math.Abs(s.u[i]-want) > 1e-10 {
				t.Fatalf("λ = %g: u[%d] = %.12g, want %.12g", lambda, i, s.u[i], want)
			}
		}
	}
}

func TestRun(t *testing.T) {
	var out strings.Builder
	picture := filepath.Join(t.TempDir(), "bratu.png")
	if err := run(context.Background(), &out, 12, 6, picture); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "Jacobian 144 x 144, 672 entries") || !strings.Contains(s, "largest u 0.786372") {
		t.Error(s)
	}
	if info, err := os.Stat(picture); err != nil || info.Size() < 1000 {
		t.Errorf("%v %v", info, err)
	}
	out.Reset()
	if err := run(context.Background(), &out, 12, 8, ""); err != nil || !strings.Contains(out.String(), "no solution found") {
		t.Errorf("λ = 8: %v: %s", err, out.String())
	}
	if err := run(context.Background(), io.Discard, 1, 1, ""); err == nil {
		t.Error("one point is no error")
	}
}
