package cpu

// Kernels of operations that are no loops, and of one that is, but gathers so much that
// tiles are slow (sampled.go). Where they only move elements they are made of loops all the
// same; the rest, but for products with sparse matrices, runs in Go, for it waits for one
// addition or comparison after the other anyway.

import (
	"sync"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

func init() {
	for op, factory := range map[*kernels.Op]func(*kernels.Inst) kernels.Kernel{
		kernels.Reshape: newReshape, kernels.Join: newJoin, kernels.CumSum: newCumSum,
		kernels.ArgMax: newArg(false), kernels.ArgMin: newArg(true), kernels.IndexSet: newIndexSet,
		kernels.SparseMatmul: newSparse, kernels.SampledMatmul: newSampled,
	} {
		for _, kind := range kinds {
			kernels.Bind(op, kind, factory)
		}
	}
}

// copier copies an operand of any layout to a dense array of its shape, or to
// the part of an array that begins at start along an axis, and converts it.
func copier(name string, in, out kernels.Aval, axis, start int) *kernel {
	e := loop.New(loop.Axes(in.Shape), []loop.Aval{in})
	index := loop.Ats(len(in.Shape))
	if axis >= 0 {
		index[axis] = index[axis].Plus(start)
	}
	e.Store(loop.Store{Value: e.Cast(out.DType, e.Load(0, loop.Ats(len(in.Shape))...)), Index: index, Aval: out})
	gs := groups(e)
	if gs == nil {
		return nil
	}
	for _, g := range gs {
		g.prepares = false // what is elsewhere is others' to write
	}
	return &kernel{name: name, groups: gs}
}

// copy calls a copier; out is dense.
func (k *kernel) copy(c *kernels.Call, in, out *kernels.Array) error {
	x := copyCalls.Get().(*copyCall)
	x.in[0], x.out[0] = in, out
	x.call = kernels.Call{In: x.in[:], Out: x.out[:], Add: c.Add, Workers: c.Workers, Cancel: c.Cancel}
	err := k.Run(&x.call)
	*x = copyCall{}
	copyCalls.Put(x)
	return err
}

// copyCall is the call of a copier, kept for the next.
type copyCall struct {
	call    kernels.Call
	in, out [1]*kernels.Array
}

var copyCalls = sync.Pool{New: func() any { return new(copyCall) }}

// dense is a kernel that makes a dense array: run gets a call that adds nothing.
type dense func(c *kernels.Call) error

// Run makes the result, apart where it is to be added.
func (run dense) Run(c *kernels.Call) error {
	if !c.Add {
		return run(c)
	}
	apart := *c
	apart.Add = false
	apart.Out = []*kernels.Array{newDense(c.Out[0].Aval)}
	if err := run(&apart); err != nil {
		return err
	}
	addTo(c.Out[0], apart.Out[0])
	return nil
}

// reshape copies its operand in row-major order.
type reshape struct {
	copier *kernel
	shape  []int
}

func newReshape(inst *kernels.Inst) kernels.Kernel {
	in := inst.In[0]
	k := copier(inst.Name, in, in, -1, 0)
	if k == nil {
		return nil
	}
	return &reshape{k, in.Shape}
}

// Run writes to the result as if it had the operand's shape.
func (k *reshape) Run(c *kernels.Call) error {
	out := *c.Out[0]
	out.Shape, out.Strides = k.shape, nil
	return k.copier.copy(c, c.In[0], &out)
}

// joining copies each operand to its place in the result.
type joining struct{ parts []*kernel }

func newJoin(inst *kernels.Inst) kernels.Kernel {
	out := inst.Out[0]
	axis, _, _ := out.Along(inst.Attr.(kernels.Axes).List()[0])
	k := &joining{}
	start := 0
	for _, in := range inst.In {
		part := copier(inst.Name, in, out, axis, start)
		if part == nil {
			return nil
		}
		k.parts = append(k.parts, part)
		start += in.Shape[axis]
	}
	return k
}

// Run copies the operands.
func (k *joining) Run(c *kernels.Call) error {
	for i, part := range k.parts {
		if err := part.copy(c, c.In[i], c.Out[0]); err != nil {
			return err
		}
	}
	return nil
}

// newCumSum copies the operand to the result, and adds there: one element after
// the other, from the first, or from the last for a reverse sum.
func newCumSum(inst *kernels.Inst) kernels.Kernel {
	out := inst.Out[0]
	k := copier(inst.Name, inst.In[0], out, -1, 0)
	add := map[device.DType]func(*kernels.Array, int, int, bool){
		device.Float64: cumSum[float64], device.Float32: cumSum[float32], device.Int64: cumSum[int64], device.Int32: cumSum[int32],
	}[out.DType]
	if k == nil || add == nil {
		return nil
	}
	s := inst.Attr.(kernels.Scan)
	_, n, inner := out.Along(int(s.Axis))
	return dense(func(c *kernels.Call) error {
		if err := k.copy(c, c.In[0], c.Out[0]); err != nil {
			return err
		}
		add(c.Out[0], n, inner, s.Reverse)
		return nil
	})
}

// cumSum adds up n elements, inner apart, for all of them.
func cumSum[T number](a *kernels.Array, n, inner int, reverse bool) {
	x := elements[T](a)
	for ; len(x) > 0; x = x[n*inner:] {
		if inner == 1 && !reverse { // the sum stays in a register
			sum := x[0]
			for i, v := range x[1:n] {
				sum += v
				x[1+i] = sum
			}
			continue
		}
		for k := 1; k < n; k++ {
			from, to := (k-1)*inner, k*inner
			if reverse {
				from, to = (n-k)*inner, (n-k-1)*inner
			}
			d := x[to : to+inner]
			for i, v := range x[from : from+inner] {
				d[i] += v
			}
		}
	}
}

// newArg returns the factory of argmax or argmin: the first of the best
// elements, and NaN is better than all.
func newArg(least bool) func(inst *kernels.Inst) kernels.Kernel {
	return func(inst *kernels.Inst) kernels.Kernel {
		in, axes := inst.In[0], inst.Attr.(kernels.Axes)
		n, inner := in.Size(), 1
		if axes.N > 0 {
			_, n, inner = in.Along(axes.List()[0])
		}
		find := map[device.DType]func(a, out *kernels.Array, n, inner int, least bool){
			device.Float64: arg[float64], device.Float32: arg[float32], device.Int64: arg[int64], device.Int32: arg[int32], device.Bool: arg[uint8],
		}[in.DType]
		k := copier(inst.Name, in, in, -1, 0)
		if k == nil || inst.Out[0].DType != device.Int64 {
			return nil
		}
		return dense(func(c *kernels.Call) error {
			a, err := k.densely(c, c.In[0])
			if err == nil {
				find(a, c.Out[0], n, inner, least)
			}
			return err
		})
	}
}

// densely returns an operand, copied if it is not dense.
func (k *kernel) densely(c *kernels.Call, a *kernels.Array) (*kernels.Array, error) {
	if a.Dense() && a.DType == k.groups[0].e.Outs[0].Aval.DType {
		return a, nil
	}
	b := newDense(k.groups[0].e.Outs[0].Aval)
	return b, k.copy(c, a, b)
}

// newDense returns an array in memory of its own.
func newDense(a kernels.Aval) *kernels.Array {
	mem := make([]uint64, (a.Size()*a.DType.Size()+7)/8+1)
	return &kernels.Array{Aval: a, Ptr: unsafe.Pointer(unsafe.SliceData(mem))}
}

// arg sets each element of out to the place of the best of n elements of a,
// which lie inner apart.
func arg[T scalar](a, out *kernels.Array, n, inner int, least bool) {
	x, places := elements[T](a), elements[int64](out)
	better := func(v, best T) bool {
		if least {
			return v < best || v != v && best == best
		}
		return v > best || v != v && best == best
	}
	for ; len(places) > 0; x, places = x[n*inner:], places[inner:] {
		if inner == 1 {
			best, at := x[0], 0
			for i, v := range x[:n] {
				if better(v, best) {
					best, at = v, i
				}
			}
			places[0] = int64(at)
			continue
		}
		best := places[:inner]
		clear(best)
		for k := 1; k < n; k++ {
			for i, v := range x[k*inner : (k+1)*inner] {
				if better(v, x[int(best[i])*inner+i]) {
					best[i] = int64(k)
				}
			}
		}
	}
}

// indexSet copies the first operand, then sets the elements at indices (the
// operands from the third on, for the leading dimensions) to the second's.
type indexSet struct {
	name         string
	base, values *kernel // copiers
	over         []int   // the shape of indices and slices
	lead         int     // dimensions of indices in it
	size         int     // bytes of an element
}

func newIndexSet(inst *kernels.Inst) kernels.Kernel {
	in, out := inst.In, inst.Out[0]
	picked, err := kernels.Index.Inst(nil, append([]kernels.Aval{in[0]}, in[2:]...)...)
	if err != nil {
		return nil
	}
	k := &indexSet{name: inst.Name, over: picked.Out[0].Shape, size: out.DType.Size()}
	k.lead = len(k.over) - (len(out.Shape) - len(in[2:]))
	k.base = copier(inst.Name, in[0], out, -1, 0)
	k.values = copier(inst.Name, in[1], kernels.Aval{DType: out.DType, Shape: in[1].Shape}, -1, 0)
	if k.base == nil || k.values == nil {
		return nil
	}
	return dense(k.run)
}

func (k *indexSet) run(c *kernels.Call) error {
	if err := k.base.copy(c, c.In[0], c.Out[0]); err != nil {
		return err
	}
	values, err := k.values.densely(c, c.In[1])
	if err != nil || (kernels.Aval{Shape: k.over}).Size() == 0 {
		return err
	}
	out := c.Out[0]
	index := make([]int, len(k.over))
	for {
		place := 0
		for d, a := range c.In[2:] {
			i := integerAt(a, offsetOf(a, index[:k.lead]))
			if n := out.Shape[d]; i < -int64(n) || i >= int64(n) {
				return &kernels.IndexError{Op: k.name, Index: i, Size: n}
			} else if i < 0 {
				i += int64(n)
			}
			place += int(i) * out.Stride(d)
		}
		for d, i := range index[k.lead:] {
			place += i * out.Stride(len(c.In)-2+d)
		}
		setElement(out.Ptr, place, values.Ptr, offsetOf(values, index), k.size)
		if !nextIndex(index, k.over) {
			return nil
		}
	}
}

// offsetOf returns the offset in a of the element at an index of what a
// broadcasts to.
func offsetOf(a *kernels.Array, index []int) int {
	off := 0
	for d, i := range index[len(index)-len(a.Shape):] {
		if a.Shape[d] != 1 {
			off += i * a.Stride(d)
		}
	}
	return off
}

func integerAt(a *kernels.Array, at int) int64 {
	if a.DType == device.Int32 {
		return int64(*(*int32)(unsafe.Add(a.Ptr, 4*at)))
	}
	return *(*int64)(unsafe.Add(a.Ptr, 8*at))
}

func setElement(d unsafe.Pointer, to int, s unsafe.Pointer, from, size int) {
	copy(unsafe.Slice((*byte)(unsafe.Add(d, to*size)), size), unsafe.Slice((*byte)(unsafe.Add(s, from*size)), size))
}

// nextIndex goes to the next index of a shape, and returns false behind the last.
func nextIndex(index, shape []int) bool {
	for d := len(index) - 1; d >= 0; d-- {
		if index[d]++; index[d] < shape[d] {
			return true
		}
		index[d] = 0
	}
	return false
}
