package vmath

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/internal/oracle"
)

// patterns gives n arguments: any bits at all, bits of ordinary size, values near 0 and 1, and every row of the tables.
func patterns(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := []float64{0, math.Copysign(0, -1), 1, -1, inf, -inf, nan, math.MaxFloat64, -math.MaxFloat64, 5e-324, -5e-324}
	for len(x) < n {
		u := r.Uint64()
		x = append(x, math.Float64frombits(u))
		x = append(x, math.Float64frombits(u&(1<<63|mantissa)|(1023-20+r.Uint64N(36))<<52))
		x = append(x, r.NormFloat64()*4, 1+r.NormFloat64()*math.Exp2(-float64(r.IntN(52))))
		x = append(x, float64(math.Float32frombits(r.Uint32())))
	}
	return x
}

// same reports whether a and b are the same bits, or both NaN.
func same(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b }

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func patternCount() int {
	if testing.Short() {
		return 1 << 13
	}
	return 1 << 18
}

func tableArgs(fn string, k int) []float64 {
	var x []float64
	for _, r := range oracle.Table(fn) {
		x = append(x, r.Args[k])
	}
	return x
}

func TestUnaryBitsEqualTwins(t *testing.T) {
	for i, f := range Unaries {
		x := append(patterns(uint64(i), patternCount()), tableArgs(f.Name, 0)...)
		x32, want, want32 := narrow(x), make([]float64, len(x)), make([]float32, len(x))
		f.Map64(Go, want, x)
		f.Map32(Go, want32, x32)
		got, got32 := make([]float64, len(x)), make([]float32, len(x))
		for _, isa := range ISAs()[1:] {
			f.Map64(isa, got, x)
			f.Map32(isa, got32, x32)
			bad := 0
			for k := range x {
				if !same(got[k], want[k]) && bad < 5 {
					bad++
					t.Errorf("%s/%s(%v = %x): %v, twin %v", f.Name, isa, x[k], math.Float64bits(x[k]), got[k], want[k])
				}
				if !same(float64(got32[k]), float64(want32[k])) && bad < 5 {
					bad++
					t.Errorf("%s32/%s(%v = %x): %v, twin %v", f.Name, isa, x32[k], math.Float32bits(x32[k]), got32[k], want32[k])
				}
			}
		}
	}
}

func TestBinaryBitsEqualTwins(t *testing.T) {
	for i, f := range Binaries {
		x := append(patterns(100+uint64(i), patternCount()), tableArgs(f.Name, 0)...)
		y := append(patterns(200+uint64(i), patternCount()), tableArgs(f.Name, 1)...)
		rand.New(rand.NewPCG(7, 7)).Shuffle(patternCount(), func(a, b int) { y[a], y[b] = y[b], y[a] })
		x32, y32, want, want32 := narrow(x), narrow(y), make([]float64, len(x)), make([]float32, len(x))
		f.Map64(Go, want, x, y)
		f.Map32(Go, want32, x32, y32)
		got, got32 := make([]float64, len(x)), make([]float32, len(x))
		for _, isa := range ISAs()[1:] {
			f.Map64(isa, got, x, y)
			f.Map32(isa, got32, x32, y32)
			bad := 0
			for k := range x {
				if !same(got[k], want[k]) && bad < 5 {
					bad++
					t.Errorf("%s/%s(%v, %v): %v, twin %v", f.Name, isa, x[k], y[k], got[k], want[k])
				}
				if !same(float64(got32[k]), float64(want32[k])) && bad < 5 {
					bad++
					t.Errorf("%s32/%s(%v, %v): %v, twin %v", f.Name, isa, x32[k], y32[k], got32[k], want32[k])
				}
			}
		}
	}
}

func TestPolygammaBitsEqualTwins(t *testing.T) {
	for n := -1; n < 6; n++ {
		x := patterns(300+uint64(n), patternCount()/64)
		x32, want, want32 := narrow(x), make([]float64, len(x)), make([]float32, len(x))
		PolygammaMap64(Go, want, n, x)
		PolygammaMap32(Go, want32, n, x32)
		got, got32 := make([]float64, len(x)), make([]float32, len(x))
		for _, isa := range ISAs()[1:] {
			PolygammaMap64(isa, got, n, x)
			PolygammaMap32(isa, got32, n, x32)
			for k := range x {
				if !same(got[k], want[k]) || !same(float64(got32[k]), float64(want32[k])) {
					t.Fatalf("polygamma(%d, %v)/%s: %v %v, twins %v %v", n, x[k], isa, got[k], got32[k], want[k], want32[k])
				}
			}
		}
	}
}

// A value does not depend on its place, on the length, or on the output being the input; nothing beyond is written.
func TestPlaces(t *testing.T) {
	const guard = -12345.5
	x := patterns(9, 400)
	for _, isa := range ISAs() {
		for _, f := range Unaries {
			want := make([]float64, len(x))
			f.Map64(Go, want, x)
			for _, n := range []int{0, 1, 2, 7, 63, 64, 65, 130, 193} {
				for _, at := range []int{0, 1, 3, 50} {
					y := append(slices.Clone(x[:at+n]), guard)
					f.Map64(isa, y[at:at+n], y[at:at+n])
					for i := range n {
						if !same(y[at+i], want[at+i]) {
							t.Fatalf("%s/%s: n %d at %d, element %d: %v, want %v", f.Name, isa, n, at, i, y[at+i], want[at+i])
						}
					}
					if y[at+n] != guard || at > 0 && !same(y[at-1], x[at-1]) {
						t.Fatalf("%s/%s: n %d at %d: wrote outside", f.Name, isa, n, at)
					}
				}
			}
		}
		for _, f := range Binaries {
			want := make([]float64, 200)
			f.Map64(Go, want, x[:200], x[200:400])
			for _, n := range []int{1, 63, 64, 65, 190} {
				a, b := slices.Clone(x[:n]), slices.Clone(x[200:200+n])
				f.Map64(isa, a, a, x[200:])
				f.Map64(isa, b, x[:n], b)
				for i := range n {
					if !same(a[i], want[i]) || !same(b[i], want[i]) {
						t.Fatalf("%s/%s in place, n %d: element %d is %v, %v, want %v", f.Name, isa, n, i, a[i], b[i], want[i])
					}
				}
			}
		}
	}
}

func TestTableOrder(t *testing.T) {
	if len(ISAs()) == 1 {
		t.Skip("built without C")
	}
	var unary, binary []string
	for _, f := range Unaries {
		unary = append(unary, f.Name)
	}
	for _, f := range Binaries {
		binary = append(binary, f.Name)
	}
	u, b := tableNames()
	if !slices.Equal(u, unary) || !slices.Equal(b, binary) {
		t.Errorf("C tables list %v and %v, Go %v and %v", u, b, unary, binary)
	}
	for _, isa := range ISAs()[1:] {
		if TablePtr(isa) == nil {
			t.Errorf("%s is listed and has no table", isa)
		}
	}
	if TablePtr(Go) != nil || TablePtr(200) != nil || ISA(200).String() != "unknown" {
		t.Error("a table for what is no C instruction set")
	}
}

func BenchmarkMap64(b *testing.B) {
	x, y, z := make([]float64, 256), make([]float64, 256), make([]float64, 256)
	for i := range x {
		x[i], y[i] = 0.01+float64(i)/26, 3-float64(i)/50
	}
	for _, isa := range ISAs() {
		for _, f := range Unaries {
			b.Run(fmt.Sprintf("%s/isa=%s", f.Name, isa), func(b *testing.B) {
				for b.Loop() {
					f.Map64(isa, z, x)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/elem")
			})
		}
		for _, f := range Binaries {
			b.Run(fmt.Sprintf("%s/isa=%s", f.Name, isa), func(b *testing.B) {
				for b.Loop() {
					f.Map64(isa, z, x, y)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/elem")
			})
		}
	}
}

func BenchmarkTwins(b *testing.B) {
	s := 0.0
	for _, f := range Unaries {
		b.Run(f.Name, func(b *testing.B) {
			for i := range b.N {
				s += f.F64(0.01 + float64(i&255)/26)
			}
		})
	}
	b.Run("pow", func(b *testing.B) {
		for i := range b.N {
			s += Pow(0.01+float64(i&255)/26, 1.7)
		}
	})
	if s == 0.5 {
		b.Log(s)
	}
}
