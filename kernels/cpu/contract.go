package cpu

// Contractions: loops that are matrix products, handed to package gemm.

import (
	"sync"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/cpu/gemm"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// contraction returns the kernel of a loop that is a matrix product worth the
// name, or nil.
func contraction(inst *kernels.Inst) kernels.Kernel {
	c, ok := inst.Expr.AsContraction()
	if !ok || !inst.Out[0].DType.IsFloat() {
		return nil
	}
	for _, a := range inst.In {
		if a.DType != inst.Out[0].DType {
			return nil
		}
	}
	if !c.Large() {
		return nil
	}
	if !follow(c.M, c.N, c.Batch) && !follow(c.N, c.M, c.Batch) {
		return nil // rows and columns alternate in the result
	}
	return &contract{c: c, size: inst.Out[0].DType.Size(), transposed: !follow(c.M, c.N, c.Batch)}
}

// follow reports whether the result's dimensions are batch, then rows, then columns.
func follow(rows, cols, batch []loop.ContractAxis) bool {
	last := -1
	for _, group := range [][]loop.ContractAxis{batch, rows, cols} {
		for _, a := range group {
			if a.Size == 1 {
				continue
			}
			if a.Out < last {
				return false
			}
			last = a.Out
		}
	}
	return true
}

// contract computes a contraction by matrix products. Where the result's columns
// come before its rows, it computes the transpose: transposed tells.
type contract struct {
	c          loop.Contract
	size       int
	transposed bool
}

// factor is an operand as matrix products want it: for each value of the batch
// axes a matrix, row-major with ld elements a row, or its transpose.
type factor struct {
	ptr   unsafe.Pointer
	trans bool
	ld    int
	batch []int // stride of each batch axis
}

// Run does the products.
func (k *contract) Run(c *kernels.Call) error {
	if c.Cancel != nil && c.Cancel.Load() {
		return kernels.ErrCancelled
	}
	e, err := engineFor(c.Workers)
	if err != nil {
		return err
	}
	rows, cols := k.c.M, k.c.N
	left, right := c.In[k.c.A], c.In[k.c.B]
	inLeft, inRight := dimA, dimB
	if k.transposed {
		rows, cols, left, right, inLeft, inRight = cols, rows, right, left, inRight, inLeft
	}
	s := contractScratches.Get().(*contractScratch)
	defer contractScratches.Put(s)
	a := s.a.factor(left, k.c.Batch, rows, k.c.K, inLeft, k.size)
	b := s.b.factor(right, k.c.Batch, k.c.K, cols, inRight, k.size)
	out, size := c.Out[0].Ptr, c.Out[0].Size()
	if c.Add {
		out = s.room(size * k.size)
	}
	m, n, inner := loop.Extent(rows), loop.Extent(cols), loop.Extent(k.c.K)
	k.products(e, a, b, out, m, n, inner, 0, 0, 0, 0)
	if c.Add {
		addDense(c.Out[0], out)
	}
	return nil
}

// products does the products for all values of the batch axes from axis on; the
// last is left to the engine. Offsets are in elements.
func (k *contract) products(e *gemm.Engine, a, b factor, out unsafe.Pointer, m, n, inner, axis, offA, offB, offOut int) {
	axes := k.c.Batch
	if axis < len(axes)-1 {
		stride := m * n * loop.Extent(axes[axis+1:])
		for i := range axes[axis].Size {
			k.products(e, a, b, out, m, n, inner, axis+1, offA+i*a.batch[axis], offB+i*b.batch[axis], offOut+i*stride)
		}
		return
	}
	count, sa, sb := 1, 0, 0
	if len(axes) > 0 {
		count, sa, sb = axes[axis].Size, a.batch[axis], b.batch[axis]
	}
	pa, pb, po := unsafe.Add(a.ptr, offA*k.size), unsafe.Add(b.ptr, offB*k.size), unsafe.Add(out, offOut*k.size)
	if k.size == 8 {
		e.Batch64(count, sa, sb, m*n, a.trans, b.trans, m, n, inner, 1, pa, a.ld, pb, b.ld, 0, po, n)
	} else {
		e.Batch32(count, sa, sb, m*n, a.trans, b.trans, m, n, inner, 1, pa, a.ld, pb, b.ld, 0, po, n)
	}
}

func dimA(a loop.ContractAxis) int { return a.A }
func dimB(a loop.ContractAxis) int { return a.B }

// packed is a factor's matrices when its layout is none that products take.
type packed struct {
	mem   []uint64
	batch []int
}

// factor returns the operand with the given rows and columns, copied where its
// strides are not those of a matrix or of a transposed one.
func (p *packed) factor(a *kernels.Array, batch, rows, cols []loop.ContractAxis, dim func(loop.ContractAxis) int, size int) factor {
	o := factor{ptr: a.Ptr}
	p.batch = p.batch[:0]
	for _, x := range batch {
		p.batch = append(p.batch, stride(a, x, dim))
	}
	o.batch = p.batch
	r, okR := merged(a, rows, dim)
	c, okC := merged(a, cols, dim)
	m, n := loop.Extent(rows), loop.Extent(cols)
	switch {
	case okR && okC && (c == 1 || n == 1) && (r >= n || m == 1):
		o.ld = max(r, n)
		if m == 1 {
			o.ld = n
		}
		return o
	case okR && okC && (r == 1 || m == 1) && (c >= m || n == 1):
		o.trans, o.ld = true, max(c, m)
		if n == 1 {
			o.ld = m
		}
		return o
	}
	p.pack(a, [][]loop.ContractAxis{batch, rows, cols}, dim, size)
	o.ptr, o.ld = unsafe.Pointer(unsafe.SliceData(p.mem)), n
	s := m * n
	for i := len(batch) - 1; i >= 0; i-- {
		o.batch[i] = s
		s *= batch[i].Size
	}
	return o
}

// stride returns the elements between neighbours along the axis; 0 where the array has it not.
func stride(a *kernels.Array, x loop.ContractAxis, dim func(loop.ContractAxis) int) int {
	if d := dim(x); d >= 0 && a.Shape[d] > 1 {
		return a.Stride(d)
	}
	return 0
}

// merged returns the stride of axes that are as good as one.
func merged(a *kernels.Array, axes []loop.ContractAxis, dim func(loop.ContractAxis) int) (int, bool) {
	step, want := 0, 0
	for i := len(axes) - 1; i >= 0; i-- {
		if axes[i].Size == 1 {
			continue
		}
		s := stride(a, axes[i], dim)
		if want != 0 && s != want {
			return 0, false
		}
		if want == 0 {
			step = s
		}
		if s <= 0 {
			return 0, false
		}
		want = s * axes[i].Size
	}
	return step, true
}

// pack copies the array into rows of the axes in the given order.
func (p *packed) pack(a *kernels.Array, groups [][]loop.ContractAxis, dim func(loop.ContractAxis) int, size int) {
	var sizes, strides []int
	n := 1
	for _, g := range groups {
		for _, x := range g {
			sizes, strides = append(sizes, x.Size), append(strides, stride(a, x, dim))
			n *= x.Size
		}
	}
	p.mem = grown(p.mem, (n*size+7)/8)
	if size == 8 {
		packInto(unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(p.mem))), n), a.Ptr, sizes, strides)
	} else {
		packInto(unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(p.mem))), n), a.Ptr, sizes, strides)
	}
}

func packInto[T uint32 | uint64](dst []T, src unsafe.Pointer, sizes, strides []int) []T {
	if len(sizes) == 0 {
		dst[0] = *(*T)(src)
		return dst[1:]
	}
	step := strides[0] * int(unsafe.Sizeof(dst[0]))
	if len(sizes) == 1 {
		for i := range sizes[0] {
			dst[i] = *(*T)(unsafe.Add(src, i*step))
		}
		return dst[sizes[0]:]
	}
	for i := range sizes[0] {
		dst = packInto(dst, unsafe.Add(src, i*step), sizes[1:], strides[1:])
	}
	return dst
}

// contractScratch is what a contraction needs beside its operands.
type contractScratch struct {
	a, b packed
	out  []uint64
}

var contractScratches = sync.Pool{New: func() any { return new(contractScratch) }}

func (s *contractScratch) room(bytes int) unsafe.Pointer {
	s.out = grown(s.out, (bytes+7)/8)
	return unsafe.Pointer(unsafe.SliceData(s.out))
}

// addDense adds dense elements to a.
func addDense(a *kernels.Array, from unsafe.Pointer) {
	n := a.Size()
	if a.DType == device.Float64 {
		addEach(unsafe.Slice((*float64)(a.Ptr), n), unsafe.Slice((*float64)(from), n))
	} else {
		addEach(unsafe.Slice((*float32)(a.Ptr), n), unsafe.Slice((*float32)(from), n))
	}
}

func addEach[T float32 | float64](dst, src []T) {
	for i, v := range src {
		dst[i] += v
	}
}

var engines sync.Map // *device.Workers -> *gemm.Engine

// engineFor returns the engine whose work these workers share.
func engineFor(w *device.Workers) (*gemm.Engine, error) {
	if e, ok := engines.Load(w); ok {
		return e.(*gemm.Engine), nil
	}
	var runner gemm.Runner
	if w != nil {
		runner = w
	}
	e, err := gemm.New(cpu.Detect(), runner)
	if err != nil {
		return nil, err
	}
	kept, _ := engines.LoadOrStore(w, e)
	return kept.(*gemm.Engine), nil
}
