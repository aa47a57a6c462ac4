package gemm

// What the tests share: products with their data, and what they ought to be.

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
)

type float interface{ float32 | float64 }

// random returns n elements from -1 to 1.
func random[T float](n int, seed uint64) []T {
	r := rand.New(rand.NewPCG(seed, 7))
	v := make([]T, n)
	for i := range v {
		v[i] = T(2*r.Float64() - 1)
	}
	return v
}

// fixture is a batch of products with matrices of its own; pad is what the
// rows are longer than they need be.
type fixture[T float] struct {
	product
	a, b, c []T
	x, y    []T // terms'
}

func newFixture[T float](ta, tb bool, count, m, n, k, pad int, alpha, beta T) *fixture[T] {
	f := &fixture[T]{product: product{
		size: int(unsafe.Sizeof(alpha)), count: count, ta: ta, tb: tb, m: m, n: n, k: k,
		alpha: float64(alpha), beta: float64(beta),
		lda: k + pad, ldb: n + 2*pad, ldc: n + pad,
	}}
	ra, rb := m, k
	if ta {
		f.lda, ra = m+pad, k
	}
	if tb {
		f.ldb, rb = k+2*pad, n
	}
	f.sa, f.sb, f.sc = ra*f.lda+pad, rb*f.ldb+pad, m*f.ldc+pad
	seed := uint64(m)<<40 | uint64(n)<<20 | uint64(k)
	f.a, f.b, f.c = random[T](count*f.sa+1, seed), random[T](count*f.sb+1, seed+1), random[T](count*f.sc+1, seed+2)
	return f
}

func (f *fixture[T]) String() string {
	return fmt.Sprintf("%T %s %d x %dx%dx%d lda=%d ldb=%d ldc=%d alpha=%v beta=%v",
		T(0), layout(f.ta, f.tb), f.count, f.m, f.n, f.k, f.lda, f.ldb, f.ldc, f.alpha, f.beta)
}

// run returns C as e computes it, padding included.
func (f *fixture[T]) run(e *Engine) []T {
	c := slices.Clone(f.c)
	p := f.product
	p.a, p.b, p.c = unsafe.Pointer(&f.a[0]), unsafe.Pointer(&f.b[0]), unsafe.Pointer(&c[0])
	if p.size == 8 {
		e.Batch64(p.count, p.sa, p.sb, p.sc, p.ta, p.tb, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc)
	} else {
		e.Batch32(p.count, p.sa, p.sb, p.sc, p.ta, p.tb, p.m, p.n, p.k, float32(p.alpha), p.a, p.lda, p.b, p.ldb, float32(p.beta), p.c, p.ldc)
	}
	return c
}

// terms returns row i of op(A) and column j of op(B) of product q, until it is
// called again.
func (f *fixture[T]) terms(q, i, j int) (x, y []T) {
	ai, ap := f.stepsA()
	bp, bj := f.stepsB()
	if len(f.x) < f.k {
		f.x, f.y = make([]T, f.k), make([]T, f.k)
	}
	x, y = f.x[:f.k], f.y[:f.k]
	for p := range f.k {
		x[p], y[p] = f.a[q*f.sa+i*ai+p*ap], f.b[q*f.sb+p*bp+j*bj]
	}
	return x, y
}

// each calls do for the elements of C: all of them, or of a large product the
// corners and some hundreds more.
func (f *fixture[T]) each(do func(q, i, j, at int)) {
	const enough = 1 << 17 // multiplications
	all := f.count * f.m * f.n
	step := max(1, all*f.k/enough)
	for e := 0; e < all; e++ {
		q, i, j := e/(f.m*f.n), e/f.n%f.m, e%f.n
		corner := (i == 0 || i == f.m-1) && (j == 0 || j == f.n-1)
		if e%step == 0 || corner {
			do(q, i, j, q*f.sc+i*f.ldc+j)
		}
	}
}

// check compares c with what it ought to be, by sums of twice the precision. It
// allows for slack roundings on the sum of absolute values. What is not C must
// be as it was.
func (f *fixture[T]) check(t failer, c []T, slack float64) {
	t.Helper()
	unit := 0x1p-53
	if f.size == 4 {
		unit = 0x1p-24
	}
	f.each(func(q, i, j, at int) {
		x, y := f.terms(q, i, j)
		var sum, low, size float64 // Dot2 of Ogita, Rump and Oishi (SIAM J. Sci. Comput. 26(6), 2005)
		for p := range x {
			h, e := twoProd(float64(x[p]), float64(y[p]))
			var e2 float64
			sum, e2 = twoSum(sum, h)
			low += e + e2
			size += math.Abs(h)
		}
		want, bound := f.alpha*(sum+low), math.Abs(f.alpha)*size
		if f.beta != 0 {
			want += f.beta * float64(f.c[at])
			bound += math.Abs(f.beta * float64(f.c[at]))
		}
		if d := math.Abs(float64(c[at]) - want); !(d <= slack*unit*bound) {
			t.Fatalf("%v: product %d, element %d, %d: %v, want %v: off by %.3g, allowed %.3g", f, q, i, j, c[at], want, d, slack*unit*bound)
		}
	})
	outside := slices.Clone(c)
	for q := range f.count {
		for i := range f.m {
			row := q*f.sc + i*f.ldc
			copy(outside[row:row+f.n], f.c[row:])
		}
	}
	for at, v := range outside {
		if v != f.c[at] {
			t.Fatalf("%v: wrote outside C, at %d", f, at)
		}
	}
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func twoSum(a, b float64) (s, e float64) {
	s = a + b
	z := s - a
	return s, (a - (s - z)) + (b - z)
}

func twoProd(a, b float64) (p, e float64) {
	p = a * b
	return p, math.FMA(a, b, -p)
}

// sameBits fails the test if two results differ in a bit; NaNs are alike.
func sameBits[T float](t testing.TB, what string, got, want []T) {
	t.Helper()
	for i := range got {
		g, w := float64(got[i]), float64(want[i])
		if math.Float64bits(g) != math.Float64bits(w) && !(math.IsNaN(g) && math.IsNaN(w)) {
			t.Fatalf("%s: at %d: %v, want %v to the bit", what, i, got[i], want[i])
		}
	}
}

// slack is the roundings that a product of k terms may suffer.
func slack(k int) float64 { return float64(k + 4) }

// engineCase is an engine to be tested.
type engineCase struct {
	blas string
	isa  cpu.ISA
}

func (c engineCase) String() string { return fmt.Sprintf("%s/%v", c.blas, c.isa) }

// engineCases are the engines of this machine: our kernels for each of its
// instruction sets, gonum's, its libraries, and what COTANGENT_BLAS names.
func engineCases() []engineCase {
	best := cpu.Available()[0]
	var cases []engineCase
	for _, isa := range cpu.Available() {
		if _, ok := ownKernels(isa); ok {
			cases = append(cases, engineCase{"own", isa})
		}
	}
	for _, c := range Available(best) {
		if c.BLAS != "own" {
			cases = append(cases, engineCase{c.BLAS, best})
		}
	}
	if name := os.Getenv(EnvBLAS); name != "" {
		cases = append(cases, engineCase{name, best})
	}
	return cases
}

func (c engineCase) open(t testing.TB, workers int) *Engine {
	t.Helper()
	w := device.NewWorkers(workers)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	e, err := Open(c.blas, c.isa, w)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// eachEngine runs a test for every engine.
func eachEngine(t *testing.T, workers int, test func(t *testing.T, c engineCase, e *Engine)) {
	for _, c := range engineCases() {
		t.Run(c.String(), func(t *testing.T) { test(t, c, c.open(t, workers)) })
	}
}

// eachLayout calls f for all transpositions.
func eachLayout(f func(ta, tb bool)) {
	for _, ta := range []bool{false, true} {
		for _, tb := range []bool{false, true} {
			f(ta, tb)
		}
	}
}
