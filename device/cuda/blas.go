//go:build cuda && cgo

package cuda

// Matrix products by cuBLAS, where the machine has it.

// #include "blas.h"
import "C"

import (
	"errors"
	"sync"
	"unsafe"
)

// openBLAS opens cuBLAS once.
var openBLAS = sync.OnceValues(func() (struct{}, error) {
	var text [512]C.char
	if C.cotangent_cublas_open(&text[0], C.uint(len(text))) != 0 {
		return struct{}{}, errors.New(C.GoString(&text[0]))
	}
	return struct{}{}, nil
})

// EnvTF32, set to anything, lets cuBLAS multiply matrices of float32 with the factors
// rounded to 10 bits of fraction (TF32): several times faster, and less exact.
const EnvTF32 = "COTANGENT_CUDA_TF32"

// Product is C = A B + beta C for a batch of row-major matrices, m by k and k by
// n; a transposed one lies as its transpose. Leading dimensions and the strides
// from one of the batch to the next are in elements of Size bytes.
type Product struct {
	A, B, C                   unsafe.Pointer
	M, N, K, Batch            int
	LdA, LdB                  int
	StrideA, StrideB, StrideC int
	TransA, TransB            bool
	Size                      int
	Beta                      float64
}

// workspace is the memory that cuBLAS may use for a product.
const workspace = 32 << 20

// BLAS reports whether cuBLAS can be had.
func (d *Device) BLAS() bool {
	_, err := openBLAS()
	return err == nil
}

// Multiply queues a product by cuBLAS. cuBLAS gives the same bits for the same
// sizes on the same card: it is called on one stream with a workspace of ours.
func (s *Stream) Multiply(p Product) error {
	d := s.d
	d.blas.Lock()
	defer d.blas.Unlock()
	if d.blas.handle == nil {
		if code := C.cotangent_cublas_create(&d.blas.handle); code != 0 {
			return &DriverError{Device: d.name, Call: "cublasCreate", Code: int(code), Text: "cuBLAS does not start"}
		}
	}
	room, err := s.Scratch(workspace)
	if err != nil {
		return err
	}
	defer room.Release()
	g := C.struct_cotangent_gemm{
		a: p.A, b: p.B, c: p.C,
		m: C.longlong(p.M), n: C.longlong(p.N), k: C.longlong(p.K), batch: C.longlong(p.Batch),
		lda: C.longlong(p.LdA), ldb: C.longlong(p.LdB),
		stride_a: C.longlong(p.StrideA), stride_b: C.longlong(p.StrideB), stride_c: C.longlong(p.StrideC),
		trans_a: flag(p.TransA), trans_b: flag(p.TransB), size: C.int(p.Size), tf32: flag(d.tf32), beta: C.double(p.Beta),
	}
	if code := C.cotangent_cublas_gemm(d.blas.handle, handle(&s.cu), room.Ptr(), workspace, &g); code != 0 {
		return &DriverError{Device: d.name, Call: "cublasGemmStridedBatchedEx", Code: int(code), Text: "cuBLAS failed"}
	}
	return nil
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// blasHandle is cuBLAS's, made when it is first needed.
type blasHandle struct {
	sync.Mutex
	handle unsafe.Pointer
}

func (b *blasHandle) close() {
	if b.handle != nil {
		C.cotangent_cublas_destroy(b.handle)
		b.handle = nil
	}
}
