package gemm

// gonum's interface, both ways: products handed to a user's or gonum's
// implementation, and the engine as an implementation.

import (
	"math"
	"slices"
	"sync"
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/blas/gonum"
)

// userHas says whether the user has set an implementation for elements of that
// size: one that is neither gonum's own, the default, nor an engine's.
func userHas(size int) bool {
	if size == 8 {
		return foreign(blas64.Implementation())
	}
	return foreign(blas32.Implementation())
}

func foreign(implementation any) bool {
	switch implementation.(type) {
	case gonum.Implementation, Implementation:
		return false
	}
	return true
}

func transpose(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

// slice returns a stored matrix of rows x cols, ld apart.
func slice[T float32 | float64](at unsafe.Pointer, trans bool, rows, cols, ld int) []T {
	if trans {
		rows, cols = cols, rows
	}
	return unsafe.Slice((*T)(at), (rows-1)*ld+cols)
}

// by64 does p by a gonum implementation, by32 likewise.
func (p *product) by64(dgemm blas.Float64Level3) {
	for q := range p.count {
		r := p.block(q, 1, 0, p.m, 0, p.n)
		dgemm.Dgemm(transpose(p.ta), transpose(p.tb), p.m, p.n, p.k, p.alpha,
			slice[float64](r.a, p.ta, p.m, p.k, p.lda), p.lda, slice[float64](r.b, p.tb, p.k, p.n, p.ldb), p.ldb,
			p.beta, slice[float64](r.c, false, p.m, p.n, p.ldc), p.ldc)
	}
}

func (p *product) by32(sgemm blas.Float32Level3) {
	for q := range p.count {
		r := p.block(q, 1, 0, p.m, 0, p.n)
		sgemm.Sgemm(transpose(p.ta), transpose(p.tb), p.m, p.n, p.k, float32(p.alpha),
			slice[float32](r.a, p.ta, p.m, p.k, p.lda), p.lda, slice[float32](r.b, p.tb, p.k, p.n, p.ldb), p.ldb,
			float32(p.beta), slice[float32](r.c, false, p.m, p.n, p.ldc), p.ldc)
	}
}

// users does p by the implementation that the user has set.
func (p *product) users() {
	if p.size == 8 {
		p.by64(blas64.Implementation())
	} else {
		p.by32(blas32.Implementation())
	}
}

// few is the number of columns of C below which plain loops take less time than
// gonum's for a B that is stored by rows.
const few = 8

// gonums does p by gonum's code. That skips products with zeros of A, and so
// hides a NaN or Inf of B; where B has any, plain loops compute. And for a B that is
// stored by columns it adds up in another order, which for float32 is that of the
// addresses: gonum is given none.
func (p *product) gonums() {
	for q := range p.count {
		r := p.block(q, 1, 0, p.m, 0, p.n)
		switch {
		case r.n < few:
			r.plain()
		case r.size == 8 && finite[float64](&r):
			rows := byRows[float64](&r, &rows64)
			r.by64(gonum.Implementation{})
			rows64.Put(rows)
		case r.size == 4 && finite[float32](&r):
			rows := byRows[float32](&r, &rows32)
			r.by32(gonum.Implementation{})
			rows32.Put(rows)
		default:
			r.plain()
		}
	}
}

// rows64 and rows32 keep the memory that byRows writes to.
var rows64, rows32 sync.Pool

// byRows has p read B by rows, writing it out square by square where it is stored by
// columns; it returns the memory for that, which is p's until it goes to the pool.
func byRows[T float32 | float64](p *product, pool *sync.Pool) *[]T {
	const side = 16
	rows, _ := pool.Get().(*[]T)
	if rows == nil {
		rows = new([]T)
	}
	if !p.tb {
		return rows
	}
	x, y := slice[T](p.b, true, p.k, p.n, p.ldb), slices.Grow((*rows)[:0], p.k*p.n)[:p.k*p.n]
	for j0 := 0; j0 < p.n; j0 += side {
		for l0 := 0; l0 < p.k; l0 += side {
			for j := j0; j < min(j0+side, p.n); j++ {
				for l, v := range x[j*p.ldb+l0 : j*p.ldb+min(l0+side, p.k)] {
					y[(l0+l)*p.n+j] = v
				}
			}
		}
	}
	*rows = y
	p.b, p.tb, p.ldb = unsafe.Pointer(unsafe.SliceData(y)), false, p.n
	return rows
}

// finite says whether all elements of B are finite.
func finite[T float32 | float64](p *product) bool {
	rows, cols := p.k, p.n
	if p.tb {
		rows, cols = cols, rows
	}
	b := slice[T](p.b, false, rows, cols, p.ldb)
	for i := range rows {
		for _, v := range b[i*p.ldb : i*p.ldb+cols] {
			if math.IsInf(float64(v), 0) || v != v {
				return false
			}
		}
	}
	return true
}

// Implementation is gonum's own implementation of BLAS with the matrix products
// done by an engine, for blas64.Use and blas32.Use.
type Implementation struct {
	gonum.Implementation
	Engine *Engine
}

// Dgemm computes C = alpha op(A) op(B) + beta C; it panics like gonum's if
// sizes are wrong.
func (i Implementation) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	if !fits(tA, tB, m, n, k, len(a), lda, len(b), ldb, len(c), ldc) {
		i.Implementation.Dgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	i.Engine.our(&product{
		size: 8, count: 1, ta: tA != blas.NoTrans, tb: tB != blas.NoTrans, m: m, n: n, k: k, alpha: alpha, beta: beta,
		a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&b[0]), c: unsafe.Pointer(&c[0]), lda: lda, ldb: ldb, ldc: ldc,
	})
}

// Sgemm is Dgemm for float32.
func (i Implementation) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if !fits(tA, tB, m, n, k, len(a), lda, len(b), ldb, len(c), ldc) {
		i.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	i.Engine.our(&product{
		size: 4, count: 1, ta: tA != blas.NoTrans, tb: tB != blas.NoTrans, m: m, n: n, k: k,
		alpha: float64(alpha), beta: float64(beta),
		a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&b[0]), c: unsafe.Pointer(&c[0]), lda: lda, ldb: ldb, ldc: ldc,
	})
}

// fits says whether a call is one that computes: no size is 0 and the slices
// hold what they should. What does not fit is left to gonum, to return or panic.
func fits(tA, tB blas.Transpose, m, n, k, a, lda, b, ldb, c, ldc int) bool {
	holds := func(length, rows, cols, ld int) bool { return ld >= cols && length >= (rows-1)*ld+cols }
	known := func(t blas.Transpose) bool { return t == blas.NoTrans || t == blas.Trans || t == blas.ConjTrans }
	if !known(tA) || !known(tB) || min(m, n, k) <= 0 {
		return false
	}
	ar, ac, br, bc := m, k, k, n
	if tA != blas.NoTrans {
		ar, ac = ac, ar
	}
	if tB != blas.NoTrans {
		br, bc = bc, br
	}
	return holds(a, ar, ac, lda) && holds(b, br, bc, ldb) && holds(c, m, n, ldc)
}
