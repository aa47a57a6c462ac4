//go:build cuda && cgo

package cuda

// Contractions that are products of matrices: by cuBLAS where there is one and it
// takes the layout, else by a kernel of our own.

import (
	_ "embed"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

//go:embed contract.cuh
var contractText string

// leastSide is the rows and columns from which on a product beats a reduction
// with threads of its own for each element.
const leastSide = 8

// contract is a contraction. Layouts that are no matrices' are left to loop.
type contract struct {
	c    loop.Contract
	out  kernels.Aval
	loop *kernel
}

func newContract(inst *kernels.Inst) kernels.Kernel {
	c, ok := inst.Expr.AsContraction()
	out := inst.Out[0]
	if !ok || !out.DType.IsFloat() {
		return nil
	}
	if slices.ContainsFunc(inst.In, func(a kernels.Aval) bool { return a.DType != out.DType }) {
		return nil
	}
	if min(loop.Extent(c.M), loop.Extent(c.N)) < leastSide || loop.Extent(c.K) < 2 {
		return nil
	}
	k := newKernel(inst, inst.Expr)
	if k == nil {
		return nil
	}
	return &contract{c: c, out: out, loop: k}
}

// Run does the product.
func (k *contract) Run(c *kernels.Call) error {
	a, b := c.In[k.c.A], c.In[k.c.B]
	g, ok := k.matrices(a, b)
	if !ok || a.Buf == nil || b.Buf == nil || k.out.Size() == 0 || loop.Extent(k.c.K) == 0 {
		return k.loop.Run(c)
	}
	r, err := newRun(c)
	if r == nil {
		return err
	}
	defer r.release()
	if r.dev.BLAS() {
		if p, swapped, ok := g.product(); ok {
			p.A, p.B, p.C, p.Size = a.Ptr, b.Ptr, c.Out[0].Ptr, k.out.DType.Size()
			if swapped {
				p.A, p.B = p.B, p.A
			}
			if c.Add {
				p.Beta = 1
			}
			return r.stream.Multiply(p)
		}
	}
	return k.own(r, g)
}

// own launches our kernel.
func (k *contract) own(r *run, g matrices) error {
	wide := r.wideCall()
	source := "typedef int ix;\n"
	if wide {
		source = "typedef long long ix;\n"
	}
	dt, fma := "double", "fma"
	if k.out.DType == device.Float32 {
		dt, fma = "float", "fmaf"
	}
	source += "typedef " + dt + " T;\n#define FMA " + fma + "\n" + contractText
	fn, err := r.dev.Function(source, "product")
	if err != nil {
		return err
	}
	in := [2]int{k.c.A, k.c.B}
	var args []byte
	for _, p := range []uintptr{uintptr(r.c.Out[0].Ptr), uintptr(r.c.In[in[0]].Ptr), uintptr(r.c.In[in[1]].Ptr)} {
		args = appendInt(args, int64(p))
	}
	numbers := []int{g.m, g.n, g.k, g.batch[1], int(bit(r.c.Add))}
	for _, m := range []matrix{g.a, g.b, g.c} {
		numbers = append(numbers, m.row, m.column, m.batch[0], m.batch[1])
	}
	for _, v := range numbers {
		if wide {
			args = appendInt(args, int64(v))
		} else {
			args = appendInt(args, int32(v))
		}
	}
	const tile = 64
	tiles := ((g.m + tile - 1) / tile) * ((g.n + tile - 1) / tile)
	return r.stream.Launch(fn, geometry{Grid: [2]int{tiles, g.batch[0] * g.batch[1]}, Block: [2]int{threads, 1}}, args)
}

// matrix is the strides of an operand or the result, in elements.
type matrix struct {
	row, column int
	batch       [2]int
}

// matrices is a batch of products, m by k times k by n, over two batch axes.
type matrices struct {
	m, n, k int
	batch   [2]int
	a, b, c matrix
}

// mostBatch is the blocks that a grid may have in its second dimension.
const mostBatch = 65535

// matrices finds the strides; not ok where axes cannot be taken as one.
func (k *contract) matrices(a, b *kernels.Array) (g matrices, ok bool) {
	c := &kernels.Array{Aval: k.out}
	strides := func(axes []loop.ContractAxis) (size int, s [3]int, ok bool) {
		size, ok = 1, true
		for i := len(axes) - 1; i >= 0; i-- {
			x := axes[i]
			if x.Size == 1 {
				continue
			}
			t := [3]int{strideIn(a, x.A), strideIn(b, x.B), strideIn(c, x.Out)}
			if size == 1 {
				s = t
			} else {
				for j := range t {
					ok = ok && t[j] == s[j]*size
				}
			}
			size *= x.Size
		}
		return size, s, ok
	}
	m, sm, ok1 := strides(k.c.M)
	n, sn, ok2 := strides(k.c.N)
	kk, sk, ok3 := strides(k.c.K)
	g = matrices{m: m, n: n, k: kk, batch: [2]int{1, 1}}
	g.a.row, g.c.row = sm[0], sm[2]
	g.b.column, g.c.column = sn[1], sn[2]
	g.a.column, g.b.row = sk[0], sk[1]
	batch := slices.DeleteFunc(slices.Clone(k.c.Batch), func(x loop.ContractAxis) bool { return x.Size == 1 })
	// All but the last axis as one, if not all.
	split := max(0, len(batch)-1)
	if size, s, ok := strides(batch); ok {
		g.batch[1] = size
		g.a.batch[1], g.b.batch[1], g.c.batch[1] = s[0], s[1], s[2]
		return g, ok1 && ok2 && ok3 && size <= mostBatch
	}
	outer, so, ok4 := strides(batch[:split])
	inner, si, _ := strides(batch[split:])
	g.batch = [2]int{outer, inner}
	g.a.batch, g.b.batch, g.c.batch = [2]int{so[0], si[0]}, [2]int{so[1], si[1]}, [2]int{so[2], si[2]}
	return g, ok1 && ok2 && ok3 && ok4 && outer*inner <= mostBatch
}

func strideIn(a *kernels.Array, d int) int {
	if d < 0 {
		return 0
	}
	return a.Stride(d)
}

// product is the call of cuBLAS, which wants one dense dimension in each matrix.
// Where the result's columns do, it is C' = B' A', with the operands swapped.
func (g matrices) product() (p cuda.Product, swapped, ok bool) {
	if g.batch[0] != 1 {
		return p, false, false
	}
	if swapped = g.c.column != 1; swapped {
		g = g.transposed()
	}
	la, ta, ok1 := g.a.leading(g.m, g.k)
	lb, tb, ok2 := g.b.leading(g.k, g.n)
	return cuda.Product{
		M: g.m, N: g.n, K: g.k, Batch: g.batch[1], LdA: la, LdB: lb, TransA: ta, TransB: tb,
		StrideA: g.a.batch[1], StrideB: g.b.batch[1], StrideC: g.c.batch[1],
	}, swapped, ok1 && ok2 && g.c.column == 1 && g.c.row == g.n
}

// transposed returns the products of the transposes, C' = B' A'.
func (g matrices) transposed() matrices {
	return matrices{m: g.n, n: g.m, k: g.k, batch: g.batch, a: g.b.transposed(), b: g.a.transposed(), c: g.c.transposed()}
}

func (m matrix) transposed() matrix { return matrix{row: m.column, column: m.row, batch: m.batch} }

// leading returns the leading dimension, and whether the transpose is what lies.
func (m matrix) leading(rows, columns int) (ld int, trans, ok bool) {
	switch {
	case m.column == 1 && m.row >= columns:
		return m.row, false, true
	case m.row == 1 && m.column >= rows:
		return m.column, true, true
	}
	return 0, false, false
}
