package vmath

import (
	"fmt"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/internal/oracle"
)

const maxULP = 2.0

// Functions with roots away from which alone the error is counted in ULP: within slack of the value, absolutely, is
// right too. Their logarithms and reflections leave errors of 2^-57 times the terms that cancel.
func slack(fn string, args []float64) float64 {
	x := args[len(args)-1]
	switch {
	case fn == "lgamma" && x < 0:
		return 0x1p-57 * (2 + 2*math.Abs(x)*math.Log1p(math.Abs(x)))
	case fn == "digamma" && x < 0:
		return 0x1p-57 * (2 + math.Log1p(math.Abs(x)) + math.Abs(1/(x-math.RoundToEven(x))))
	case fn == "digamma" && x > 1 && x < 2:
		return 0x1p-57
	case fn == "polygamma" && x < 0 && math.Mod(args[0], 2) == 0:
		return 0x1p-90 * math.Gamma(args[0]+1) * math.Pow(math.Abs(x-math.RoundToEven(x)), -args[0]-1)
	}
	return 0
}

// worst is the largest error met, and where.
type worst struct {
	ulp  float64
	args []float64
	got  float64
}

func (w *worst) see(e float64, r *oracle.Row, got float64) {
	if e > w.ulp || e != e {
		*w = worst{e, r.Args, got}
	}
}

func (w worst) String() string { return fmt.Sprintf("%5.3f", w.ulp) }

// subject is a function under test, over arrays of arguments.
type subject struct {
	name string
	f64  func(isa ISA, rows []oracle.Row, y []float64)
	f32  func(isa ISA, rows []oracle.Row, y []float32)
}

func column(rows []oracle.Row, k int) []float64 {
	x := make([]float64, len(rows))
	for i, r := range rows {
		x[i] = r.Args[k]
	}
	return x
}

func column32(rows []oracle.Row, k int) []float32 {
	x := make([]float32, len(rows))
	for i, r := range rows {
		x[i] = float32(r.Args[k])
	}
	return x
}

func subjects() []subject {
	var s []subject
	for _, f := range Unaries {
		if f.Name == "trigamma" {
			continue // polygamma of order 1
		}
		s = append(s, subject{f.Name,
			func(isa ISA, rows []oracle.Row, y []float64) { f.Map64(isa, y, column(rows, 0)) },
			func(isa ISA, rows []oracle.Row, y []float32) { f.Map32(isa, y, column32(rows, 0)) }})
	}
	for _, f := range Binaries {
		s = append(s, subject{f.Name,
			func(isa ISA, rows []oracle.Row, y []float64) { f.Map64(isa, y, column(rows, 0), column(rows, 1)) },
			func(isa ISA, rows []oracle.Row, y []float32) { f.Map32(isa, y, column32(rows, 0), column32(rows, 1)) }})
	}
	return append(s, subject{"polygamma",
		func(isa ISA, rows []oracle.Row, y []float64) {
			for i, r := range rows {
				PolygammaMap64(isa, y[i:i+1], int(r.Args[0]), r.Args[1:])
			}
		},
		func(isa ISA, rows []oracle.Row, y []float32) {
			for i, r := range rows {
				PolygammaMap32(isa, y[i:i+1], int(r.Args[0]), []float32{float32(r.Args[1])})
			}
		}})
}

func TestAccuracy(t *testing.T) {
	for _, s := range subjects() {
		rows := oracle.Table(s.name)
		if len(rows) == 0 {
			t.Errorf("%s: no table", s.name)
			continue
		}
		var single []oracle.Row
		for _, r := range rows {
			if r.Single() {
				single = append(single, r)
			}
		}
		line := fmt.Sprintf("%-10s", s.name)
		for _, isa := range ISAs() {
			var w64, w32 worst
			y := make([]float64, len(rows))
			s.f64(isa, rows, y)
			for i := range rows {
				r := &rows[i]
				if math.Abs((y[i]-r.Hi)-r.Lo) > slack(s.name, r.Args) || y[i] != y[i] || math.IsInf(y[i], 0) {
					w64.see(r.ULP64(y[i]), r, y[i])
				}
			}
			y32 := make([]float32, len(single))
			s.f32(isa, single, y32)
			for i := range single {
				w32.see(single[i].ULP32(y32[i]), &single[i], float64(y32[i]))
			}
			line += fmt.Sprintf("  %s %v %v", isa, w64, w32)
			if w64.ulp > maxULP {
				t.Errorf("%s/%s float64: %v ULP at %v (got %v)", s.name, isa, w64.ulp, w64.args, w64.got)
			}
			if w32.ulp > maxULP {
				t.Errorf("%s/%s float32: %v ULP at %v (got %v)", s.name, isa, w32.ulp, w32.args, w32.got)
			}
		}
		t.Log(line)
	}
}
