package oracle

import (
	"math"
	"testing"
)

func TestTables(t *testing.T) {
	names := Functions()
	if len(names) < 30 {
		t.Fatalf("%d tables", len(names))
	}
	for _, fn := range names {
		rows := Table(fn)
		single, finite := 0, 0
		for i := range rows {
			r := &rows[i]
			if r.Single() {
				single++
			}
			if e := r.ULP64(r.Hi); e > 0.5001 {
				t.Errorf("%s%v: nearest float64 %v is %v ULP away", fn, r.Args, r.Hi, e)
			}
			if math.Abs(r.Hi) < 0x1p128 && r.Hi != 0 {
				finite++
				if e := r.ULP32(float32(r.Hi)); e > 0.5001 {
					t.Errorf("%s%v: nearest float32 to %v is %v ULP away", fn, r.Args, r.Hi, e)
				}
			}
		}
		if len(rows) < 2000 || single < 500 || finite < 1000 {
			t.Errorf("%s: %d rows, %d of float32, %d finite", fn, len(rows), single, finite)
		}
	}
}

// Values known otherwise, to see that the columns mean what they say.
func TestKnown(t *testing.T) {
	known := []struct {
		fn   string
		args []float64
		want float64
	}{
		{"exp", []float64{1}, math.E},
		{"log", []float64{2}, math.Ln2},
		{"sqrt", []float64{2}, math.Sqrt2},
		{"hypot", []float64{3, 4}, 5},
		{"atan2", []float64{1, 1}, math.Pi / 4},
		{"polygamma", []float64{1, 0}, math.Inf(1)},
		{"lgamma", []float64{1}, 0},
		{"digamma", []float64{1}, -0.57721566490153286060651209008240243},
	}
	for _, k := range known {
		found := false
		for _, r := range Table(k.fn) {
			same := true
			for i, a := range r.Args {
				same = same && a == k.args[i]
			}
			if same {
				found = true
				if r.Hi != k.want {
					t.Errorf("%s%v = %v, want %v", k.fn, k.args, r.Hi, k.want)
				}
			}
		}
		if !found {
			t.Errorf("%s has no row for %v", k.fn, k.args)
		}
	}
}

func TestULP(t *testing.T) {
	r := Row{Args: []float64{0}, Hi: 1, frac: 0.25, Lo: 0.25 * 0x1p-52}
	cases := []struct {
		got  float64
		want float64
	}{{1, 0.25}, {1 + 0x1p-52, 0.75}, {1 - 0x1p-53, 0.75}, {1 + 0x1p-50, 3.75}, {math.NaN(), math.Inf(1)}}
	for _, c := range cases {
		if e := r.ULP64(c.got); e != c.want {
			t.Errorf("ULP64(%v) = %v, want %v", c.got, e, c.want)
		}
	}
	if e := r.ULP32(1 + 0x1p-23); math.Abs(e-1) > 1e-6 {
		t.Errorf("ULP32 = %v", e)
	}
	zero := Row{Hi: math.Copysign(0, -1)}
	if zero.ULP64(0) != math.Inf(1) || zero.ULP64(math.Copysign(0, -1)) != 0 {
		t.Error("the sign of zero is not looked at")
	}
	top := Row{Hi: math.MaxFloat64}
	if e := top.ULP64(math.Inf(1)); e != 1 {
		t.Errorf("MaxFloat64 to Inf: %v", e)
	}
	if Table("no such function") != nil {
		t.Error("a table for no function")
	}
}
