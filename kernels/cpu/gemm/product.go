package gemm

// One call's products, and what Go loops do with them.

import "unsafe"

// product is a batch of products of one shape. See Engine.Batch64 for the
// fields; size is that of an element in bytes, 8 or 4. The scalars of a float32
// product are float32s.
type product struct {
	size              int
	count, sa, sb, sc int
	ta, tb            bool
	m, n, k           int
	alpha, beta       float64
	a, b, c           unsafe.Pointer
	lda, ldb, ldc     int
}

// tinyWork bounds the multiplications of a product that plain loops do as fast
// as a call of C, and tinyBatch those of a batch of them. On both sides of a
// batch's bound the same is computed.
const (
	tinyWork  = 32
	tinyBatch = 64
)

// empty says that no element of C is concerned.
func (p *product) empty() bool { return p.count <= 0 || p.m <= 0 || p.n <= 0 }

// computes says that A and B are read.
func (p *product) computes() bool { return !p.empty() && p.k > 0 && p.alpha != 0 }

// stepsA returns the elements from one row of op(A) to the next and from one
// column to the next; stepsB does so for op(B).
func (p *product) stepsA() (row, col int) {
	if p.ta {
		return 1, p.lda
	}
	return p.lda, 1
}

func (p *product) stepsB() (row, col int) {
	if p.tb {
		return 1, p.ldb
	}
	return p.ldb, 1
}

// block returns the part of p that is count products from q on, m rows from i on
// and n columns from j on.
func (p *product) block(q, count, i, m, j, n int) product {
	r := *p
	r.count, r.m, r.n = count, m, n
	row, _ := p.stepsA()
	_, col := p.stepsB()
	r.a = unsafe.Add(p.a, (q*p.sa+i*row)*p.size)
	r.b = unsafe.Add(p.b, (q*p.sb+j*col)*p.size)
	r.c = unsafe.Add(p.c, (q*p.sc+i*p.ldc+j)*p.size)
	return r
}

// scale lets C be beta*C, and 0 where beta is 0.
func (p *product) scale() {
	if p.size == 8 {
		scale[float64](p)
	} else {
		scale[float32](p)
	}
}

func scale[T float32 | float64](p *product) {
	beta := T(p.beta)
	for q := range p.count {
		for i := range p.m {
			row := unsafe.Slice((*T)(unsafe.Add(p.c, (q*p.sc+i*p.ldc)*p.size)), p.n)
			if beta == 0 {
				clear(row)
				continue
			}
			for j := range row {
				row[j] *= beta
			}
		}
	}
}

// plain computes by plain loops: every sum in order from 0, each product and sum
// rounded by itself.
func (p *product) plain() {
	if p.size == 8 {
		plain[float64](p)
	} else {
		plain[float32](p)
	}
}

func plain[T float32 | float64](p *product) {
	size := int(unsafe.Sizeof(T(0)))
	alpha, beta := T(p.alpha), T(p.beta)
	ai, ap := p.stepsA()
	bp, bj := p.stepsB()
	ai, ap, bp, bj = ai*size, ap*size, bp*size, bj*size
	for q := range p.count {
		a, b, c := unsafe.Add(p.a, q*p.sa*size), unsafe.Add(p.b, q*p.sb*size), unsafe.Add(p.c, q*p.sc*size)
		for i := range p.m {
			for j := range p.n {
				x, y := unsafe.Add(a, i*ai), unsafe.Add(b, j*bj)
				var s, z T
				for l := range p.k {
					s += T(*(*T)(unsafe.Add(x, l*ap)) * *(*T)(unsafe.Add(y, l*bp)))
				}
				to := (*T)(unsafe.Add(c, (i*p.ldc+j)*size))
				if beta != 0 {
					z = T(beta * *to)
				}
				*to = T(alpha*s) + z
			}
		}
	}
}
