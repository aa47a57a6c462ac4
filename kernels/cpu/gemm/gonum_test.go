package gemm

// gonum's interface, both ways.

import (
	"math"
	"slices"
	"testing"
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/blas/gonum"
	"gonum.org/v1/gonum/blas/testblas"
	"gonum.org/v1/gonum/mat"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

// usersBLAS counts the products it computes.
type usersBLAS struct {
	gonum.Implementation
	products *int
}

func (u usersBLAS) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	*u.products++
	u.Implementation.Dgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

func (u usersBLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	*u.products++
	u.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// use sets an implementation for the time of a test.
func use(t *testing.T, i interface {
	blas.Float64
	blas.Float32
}) {
	before64, before32 := blas64.Implementation(), blas32.Implementation()
	t.Cleanup(func() {
		blas64.Use(before64)
		blas32.Use(before32)
	})
	blas64.Use(i)
	blas32.Use(i)
}

// What a user has set gets every product, whatever its size.
func TestUsersBLAS(t *testing.T) {
	e := engineCase{"gonum", engineCases()[0].isa}.open(t, 2)
	products, want := 0, 0
	use(t, usersBLAS{products: &products})
	for _, s := range sizes {
		for _, count := range []int{1, 3} {
			eachLayout(func(ta, tb bool) {
				f := newFixture(ta, tb, count, s[0], s[1], s[2], 1, 2, 0.5)
				f.check(t, f.run(e), slack(s[2]))
				g := newFixture(ta, tb, count, s[0], s[1], s[2], 1, float32(2), 0.5)
				g.check(t, g.run(e), slack(s[2]))
				want += 2 * count
			})
		}
	}
	if products != want {
		t.Errorf("the user's implementation got %d products of %d", products, want)
	}
}

// An engine set by Use is not taken for the user's, which would never end.
func TestImplementationUsed(t *testing.T) {
	e := engineCases()[0].open(t, 1)
	use(t, Implementation{Engine: e})
	f := newFixture(true, false, 1, 40, 30, 50, 0, 1.0, 0)
	f.check(t, f.run(e), slack(50))

	x, y := mat.NewDense(50, 40, f.a[:2000]), mat.NewDense(50, 30, f.b[:1500])
	var z mat.Dense
	z.Mul(x.T(), y)
	sameBits(t, "mat.Dense.Mul", z.RawMatrix().Data, f.run(e)[:1200])
}

// gonum's own tests of BLAS pass on an engine.
func TestImplementation(t *testing.T) {
	eachEngine(t, 2, func(t *testing.T, _ engineCase, e *Engine) {
		testblas.TestDgemm(t, Implementation{Engine: e})
	})
}

// Sgemm, which those tests leave out, is held against ours, and what does not
// fit panics as gonum's does.
func TestImplementationFloat32(t *testing.T) {
	e := engineCases()[0].open(t, 1)
	i := Implementation{Engine: e}
	f := newFixture(false, true, 1, 20, 30, 40, 0, float32(1), 0.5)
	c := slices.Clone(f.c)
	i.Sgemm(blas.NoTrans, blas.Trans, 20, 30, 40, 1, f.a, f.lda, f.b, f.ldb, 0.5, c, f.ldc)
	sameBits(t, "Sgemm", c, f.run(e))
	i.Sgemm(blas.NoTrans, blas.NoTrans, 0, 0, 0, 1, nil, 1, nil, 1, 0, nil, 1)

	for name, call := range map[string]func(){
		"short A":    func() { i.Sgemm(blas.NoTrans, blas.Trans, 20, 30, 40, 1, f.a[:799], 40, f.b, 40, 0, c, 30) },
		"short B":    func() { i.Sgemm(blas.NoTrans, blas.Trans, 20, 30, 40, 1, f.a, 40, f.b[:1199], 40, 0, c, 30) },
		"short C":    func() { i.Sgemm(blas.NoTrans, blas.Trans, 20, 30, 40, 1, f.a, 40, f.b, 40, 0, c[:599], 30) },
		"small lda":  func() { i.Sgemm(blas.NoTrans, blas.Trans, 20, 30, 40, 1, f.a, 39, f.b, 40, 0, c, 30) },
		"transposed": func() { i.Sgemm(7, blas.Trans, 20, 30, 40, 1, f.a, 40, f.b, 40, 0, c, 30) },
		"negative m": func() { i.Sgemm(blas.NoTrans, blas.Trans, -1, 30, 40, 1, f.a, 40, f.b, 40, 0, c, 30) },
	} {
		if !panics(call) {
			t.Errorf("%s: no panic", name)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// gonum's code hides a NaN behind a zero; the engine that uses it does not.
func TestGonumHides(t *testing.T) {
	a, b, c := []float64{0}, random[float64](100, 1), make([]float64, 100)
	b[7] = math.NaN()
	gonum.Implementation{}.Dgemm(blas.NoTrans, blas.NoTrans, 1, 100, 1, 1, a, 1, b, 100, 0, c, 100)
	if math.IsNaN(c[7]) {
		t.Error("gonum no longer skips zeros: finite is of no use any more")
	}
	p := product{size: 8, count: 1, m: 1, n: 100, k: 1, alpha: 1, lda: 1, ldb: 100, ldc: 100,
		a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&b[0]), c: unsafe.Pointer(&c[0])}
	p.gonums()
	if !math.IsNaN(c[7]) {
		t.Errorf("0 * NaN = %v", c[7])
	}
}

// What gonum's code gives does not depend on how the operands are stored.
func TestGonumStored(t *testing.T) {
	testStored[float64](t)
	testStored[float32](t)
}

func testStored[T float](t *testing.T) {
	e := engineCase{"gonum", cpu.Baseline}.open(t, 1)
	for _, s := range [][3]int{{1, 1, 40}, {9, 9, 9}, {5, 17, 33}, {70, 3, 129}, {1, 50, 70}, {6, few - 1, 20}, {6, few, 20}, {130, 140, 150}} {
		m, n, k := s[0], s[1], s[2]
		rows := newFixture(false, false, 2, m, n, k, 3, T(0.3), T(0.7))
		want := rows.run(e)
		eachLayout(func(ta, tb bool) {
			f := newFixture(ta, tb, 2, m, n, k, 3, T(0.3), T(0.7))
			f.c = rows.c
			ai, ap := f.stepsA()
			bp, bj := f.stepsB()
			for q := range 2 {
				for l := range k {
					for i := range m {
						f.a[q*f.sa+i*ai+l*ap] = rows.a[q*rows.sa+i*rows.lda+l]
					}
					for j := range n {
						f.b[q*f.sb+l*bp+j*bj] = rows.b[q*rows.sb+l*rows.ldb+j]
					}
				}
			}
			sameBits(t, f.String(), f.run(e), want)
		})
	}
}
