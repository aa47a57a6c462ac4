package gemm

// Engine: the entry points, and who computes a product.

import (
	"os"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
)

// Runner shares out the parts of a task; *device.Workers is one.
type Runner interface {
	// N is the number of workers.
	N() int
	// Run does all parts of the task, up to N of them at a time, and returns
	// when they are done.
	Run(task device.Task, parts int)
}

// Engine multiplies matrices. Its methods may be called from several goroutines
// at once. They allocate nothing once their scratch memory has been taken; only
// gonum's code does.
type Engine struct {
	name    string
	workers Runner
	own     bool     // there are kernels of our own:
	kernels kernels  // these
	library *library // a BLAS for large products, or nil
	scratch scratch
	jobs    jobs
}

// kernels are our own kernels for one instruction set.
type kernels struct {
	set   int    // the number by which C knows it
	name  string // the engine's, where it has no library
	tiles int    // libraryCut's, from which on a library is preferred
}

// New returns the engine that COTANGENT_BLAS names, the best one where it names
// none, with kernels for the instruction set isa (cpu.Detect's as a rule), whose
// work is shared out among workers (nil: none but the caller's goroutine). It
// fails with an *UnavailableError.
//
// Where isa is less than the machine has, the best engine is our own: a library
// chooses its instructions itself.
func New(isa cpu.ISA, workers Runner) (*Engine, error) {
	return Open(os.Getenv(EnvBLAS), isa, workers)
}

// Open is New with the engine's name given: "" or "auto" for the best, or one of
// those that COTANGENT_BLAS takes.
func Open(name string, isa cpu.ISA, workers Runner) (*Engine, error) {
	e := &Engine{workers: workers}
	if err := e.choose(name, isa); err != nil {
		return nil, err
	}
	e.scratch.limit(workers)
	return e, nil
}

// Name tells who computes: "OpenBLAS 0.3.21 Zen (libopenblas.so.0)", "own AVX-512
// kernel" or "gonum". An implementation set by blas64.Use goes before it.
func (e *Engine) Name() string { return e.name }

// Gemm64 computes C = alpha op(A) op(B) + beta C. All matrices are row-major and
// of float64: C is m x n, op(A) m x k and op(B) k x n; A is stored k x m if tA
// is set, B n x k if tB is. lda, ldb and ldc are the elements from one row to the
// next as stored, at least a row's length. C overlaps neither A nor B. Sizes and
// pointers are not checked; where m, n or k is 0, pointers that would not be read
// may be nil.
func (e *Engine) Gemm64(tA, tB bool, m, n, k int, alpha float64, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int, beta float64, c unsafe.Pointer, ldc int) {
	e.Batch64(1, 0, 0, 0, tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// Gemm32 is Gemm64 for float32.
func (e *Engine) Gemm32(tA, tB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int, beta float32, c unsafe.Pointer, ldc int) {
	e.Batch32(1, 0, 0, 0, tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// Batch64 is Gemm64 for batch matrices each: those of the q-th product lie
// q*strideA, q*strideB and q*strideC elements behind the first. A stride of 0
// uses one A or B for all. No two Cs overlap.
//
// Where B is one for all, the As follow each other closely (strideA = m*lda, tA
// not set) and the Cs too, one product with m*batch rows is faster.
func (e *Engine) Batch64(batch, strideA, strideB, strideC int, tA, tB bool, m, n, k int, alpha float64, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int, beta float64, c unsafe.Pointer, ldc int) {
	e.compute(&product{
		size: 8, count: batch, sa: strideA, sb: strideB, sc: strideC, ta: tA, tb: tB, m: m, n: n, k: k,
		alpha: alpha, beta: beta, a: a, b: b, c: c, lda: lda, ldb: ldb, ldc: ldc,
	})
}

// Batch32 is Batch64 for float32.
func (e *Engine) Batch32(batch, strideA, strideB, strideC int, tA, tB bool, m, n, k int, alpha float32, a unsafe.Pointer, lda int, b unsafe.Pointer, ldb int, beta float32, c unsafe.Pointer, ldc int) {
	e.compute(&product{
		size: 4, count: batch, sa: strideA, sb: strideB, sc: strideC, ta: tA, tb: tB, m: m, n: n, k: k,
		alpha: float64(alpha), beta: float64(beta), a: a, b: b, c: c, lda: lda, ldb: ldb, ldc: ldc,
	})
}

// compute does p, by the user's BLAS if there is one.
func (e *Engine) compute(p *product) {
	if userHas(p.size) && p.computes() {
		p.users()
		return
	}
	e.our(p)
}

// our does p by the engine.
func (e *Engine) our(p *product) {
	work := p.m * p.n * p.k
	switch {
	case p.empty():
	case !p.computes():
		p.scale()
	case work <= tinyWork && (!e.own || p.count*work <= tinyBatch):
		p.plain()
	case work <= tinyWork:
		e.share(p, kernelTiny)
	case e.library != nil && e.forLibrary(p):
		e.share(p, kernelLibrary)
	case e.own:
		e.share(p, kernelOwn)
	default:
		p.gonums()
	}
}
