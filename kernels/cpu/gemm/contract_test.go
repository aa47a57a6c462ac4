//go:build cgo

package gemm

// Our kernels' contract, to the bit: the order of the sums that kernel.h states,
// for every layout and every set of instructions.

import (
	"math"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

// fused returns x*y + z rounded once.
func fused[T float](x, y, z T) T {
	if unsafe.Sizeof(x) == 8 {
		return T(math.FMA(float64(x), float64(y), float64(z)))
	}
	// The product is exact in float64. Rounding the sum to odd there makes the
	// second rounding harmless (Boldo and Melquiond 2008).
	s, e := twoSum(float64(x)*float64(y), float64(z))
	if bits := math.Float64bits(s); e != 0 && bits&1 == 0 {
		if (e > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return T(s)
}

func separate[T float](x, y, z T) T { return T(x*y) + z }

// contract holds C as e computes it against what kernel.h says.
func (f *fixture[T]) contract(t *testing.T, e *Engine, fma func(x, y, z T) T) {
	t.Helper()
	const longest, multiple = 256, 16
	c := f.run(e)
	part := roundUp(ceil(f.k, ceil(f.k, longest)), multiple)
	f.each(func(q, i, j, at int) {
		x, y := f.terms(q, i, j)
		var z T
		if f.beta != 0 {
			z = T(T(f.beta) * f.c[at])
		}
		for p := 0; p < f.k; p += part {
			var s T
			for l := p; l < min(p+part, f.k); l++ {
				s = fma(x[l], y[l], s)
			}
			z = fma(T(f.alpha), s, z)
		}
		if c[at] != z {
			t.Fatalf("%v: product %d, element %d, %d: %v, want %v to the bit", f, q, i, j, c[at], z)
		}
	})
}

func testContract[T float](t *testing.T, e *Engine, fma func(x, y, z T) T) {
	for i, s := range sizes {
		sum := fma
		if s[0]*s[1]*s[2] <= tinyWork {
			sum = separate[T]
		}
		eachLayout(func(ta, tb bool) {
			newFixture(ta, tb, 1, s[0], s[1], s[2], i%4, T(0.3), T(i%3)).contract(t, e, sum)
		})
	}
}

func TestContract(t *testing.T) {
	for _, isa := range cpu.Available() {
		t.Run(isa.String(), func(t *testing.T) {
			e := engineCase{"own", isa}.open(t, 1)
			if isa == cpu.Baseline {
				testContract(t, e, separate[float64])
				testContract(t, e, separate[float32])
			} else {
				testContract(t, e, fused[float64])
				testContract(t, e, fused[float32])
			}
		})
	}
}

// A batch of tiny products is computed in C as a few of them are in Go.
func TestTinyTwins(t *testing.T) {
	for m := 1; m <= 8; m++ {
		for n := 1; n <= 8; n++ {
			for k := 1; m*n*k <= tinyWork; k++ {
				f := newFixture(m%2 == 0, k%2 == 0, 5, m, n, k, 1, 1.1, 0.7)
				g := newFixture(m%2 == 1, k%2 == 1, 5, m, n, k, 1, float32(1.1), 0.7)
				twins(t, f)
				twins(t, g)
			}
		}
	}
}

func twins[T float](t *testing.T, f *fixture[T]) {
	inC, inGo := append([]T(nil), f.c...), append([]T(nil), f.c...)
	p := f.product
	p.a, p.b, p.c = unsafe.Pointer(&f.a[0]), unsafe.Pointer(&f.b[0]), unsafe.Pointer(&inC[0])
	runTiny(&p)
	p.c = unsafe.Pointer(&inGo[0])
	p.plain()
	sameBits(t, f.String(), inC, inGo)
}
