package ref

import (
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/internal/oracle"
)

// TestOracle holds every function against its table, in float64 and, rounded,
// in float32. The gamma functions are allowed an absolute error near roots.
func TestOracle(t *testing.T) {
	one := func(f func(float64) float64) func(a []float64) float64 {
		return func(a []float64) float64 { return f(a[0]) }
	}
	two := func(f func(x, y float64) float64) func(a []float64) float64 {
		return func(a []float64) float64 { return f(a[0], a[1]) }
	}
	const nearRoot = 1e-28
	for _, test := range []struct {
		name     string
		f        func(a []float64) float64
		ulp      float64
		absolute float64
	}{
		{"exp", one(exp), 1, 0},
		{"expm1", one(expm1), 1, 0},
		{"log", one(log), 0.51, 0},
		{"log1p", one(math.Log1p), 2, 0},
		{"sin", one(sin), 0.51, 0},
		{"cos", one(cos), 0.51, 0},
		{"tan", one(tan), 0.51, 0},
		{"tanh", one(math.Tanh), 2, 0},
		{"sigmoid", one(sigmoid), 1, 0},
		{"softplus", one(softplus), 1, 0},
		{"erf", one(math.Erf), 2, 0},
		{"sqrt", one(math.Sqrt), 0.5, 0},
		{"lgamma", one(lgamma), 2, nearRoot},
		{"digamma", one(digamma), 2, nearRoot},
		{"polygamma", func(a []float64) float64 { return polygamma(int(a[0]), a[1]) }, 1, 0},
		{"pow", two(pow), 1, 0},
		{"atan2", two(atan2), 1, 0},
		{"hypot", two(hypot), 0.51, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			rows := oracle.Table(test.name)
			if len(rows) < 1000 {
				t.Fatalf("%d rows", len(rows))
			}
			worst, worst32 := 0.0, 0.0
			for i := range rows {
				r := &rows[i]
				got := test.f(r.Args)
				if math.Abs(got-r.Hi) < test.absolute && math.Abs(got) < 1 {
					continue
				}
				if e := r.ULP64(got); e > test.ulp {
					t.Errorf("%s%v is %v, want %v: %.3g ULP", test.name, r.Args, got, r.Hi, e)
				} else {
					worst = max(worst, e)
				}
				if r.Single() {
					if e := r.ULP32(float32(got)); e > 0.501 {
						t.Errorf("%s%v in float32 is %v, want %v: %.3g ULP", test.name, r.Args, float32(got), r.Hi, e)
					} else {
						worst32 = max(worst32, e)
					}
				}
			}
			t.Logf("%d rows, at most %.3f ULP, in float32 %.4f", len(rows), worst, worst32)
		})
	}
}
