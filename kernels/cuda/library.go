//go:build cuda && cgo

package cuda

// Operations that are no loops.

import (
	_ "embed"
	"fmt"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

//go:embed library.cuh
var libraryText string

// library has the factories of kernels; each may return nil.
var library = map[*kernels.Op]func(*kernels.Inst) kernels.Kernel{
	kernels.Reshape:      newReshape,
	kernels.Join:         newJoin,
	kernels.CumSum:       newScan,
	kernels.ArgMax:       newBest(0),
	kernels.ArgMin:       newBest(1),
	kernels.IndexSet:     newIndexSet,
	kernels.SparseMatmul: newSparse,
}

// copier copies an operand of any layout to a dense array of its shape, or to the
// part of an array that begins at start along an axis, and converts it.
func copier(inst *kernels.Inst, in, out kernels.Aval, axis, start int) *kernel {
	e := loop.New(loop.Axes(in.Shape), []loop.Aval{in})
	index := loop.Ats(len(in.Shape))
	if axis >= 0 {
		index[axis] = index[axis].Plus(start)
	}
	e.Store(loop.Store{Value: e.Cast(out.DType, e.Load(0, loop.Ats(len(in.Shape))...)), Index: index, Aval: out})
	k := newKernel(inst, e)
	if k == nil {
		return nil
	}
	k.nests[0].bare = true
	return k
}

// copy calls a copier; out is dense.
func (k *kernel) copy(c *kernels.Call, in, out *kernels.Array) error {
	return k.Run(&kernels.Call{In: []*kernels.Array{in}, Out: []*kernels.Array{out}, Add: c.Add, Workers: c.Workers, Stream: c.Stream, Cancel: c.Cancel})
}

// fresh is a kernel that makes a dense array: it gets calls that add nothing.
type fresh func(r *run, out *kernels.Array) error

// Run makes the result, apart where it is to be added.
func (f fresh) Run(c *kernels.Call) error {
	r, err := newRun(c)
	if r == nil {
		return err
	}
	defer r.release()
	out := c.Out[0]
	if !c.Add {
		return f(r, out)
	}
	apart := *c
	apart.Add = false
	r.c = &apart
	sum := *out
	buf, err := r.stream.Scratch(out.Size() * out.DType.Size())
	if err != nil {
		return err
	}
	r.held = append(r.held, buf)
	sum.Ptr, sum.Buf = buf.Ptr(), buf
	apart.Out = []*kernels.Array{&sum}
	if err := f(r, &sum); err != nil {
		return err
	}
	return r.library("add", out.DType, grid(out.Size()), out.Size() > mostNarrow, out.Ptr, sum.Ptr, out.Size())
}

// library queues a kernel of library.cuh: pointers and then numbers.
func (r *run) library(name string, dt device.DType, g geometry, wide bool, args ...any) error {
	return r.launchText(libraryText, name, dt, g, wide, args...)
}

// launchText queues a kernel of a text that is written for any type.
func (r *run) launchText(text, name string, dt device.DType, g geometry, wide bool, args ...any) error {
	ix := "typedef int ix;\n"
	if wide {
		ix = "typedef long long ix;\n"
	}
	source := fmt.Sprintf("%stypedef unsigned%s uix;\ntypedef %s T;\n", ix, map[bool]string{true: " long long"}[wide], loop.CUDAType(dt)) +
		preludeText + loopsText + text + "// " + name + "\n"
	fn, err := r.dev.Function(source, name)
	if err != nil {
		return err
	}
	var b []byte
	for _, a := range args {
		switch v := a.(type) {
		case unsafe.Pointer:
			b = appendInt(b, int64(uintptr(v)))
		case int:
			if wide {
				b = appendInt(b, int64(v))
			} else {
				b = appendInt(b, int32(v))
			}
		}
	}
	return r.stream.Launch(fn, g, b)
}

// newReshape copies its operand in row-major order.
func newReshape(inst *kernels.Inst) kernels.Kernel {
	in := inst.In[0]
	k := copier(inst, in, in, -1, 0)
	if k == nil {
		return nil
	}
	return runner(func(c *kernels.Call) error {
		out := *c.Out[0]
		out.Shape, out.Strides = in.Shape, nil
		return k.copy(c, c.In[0], &out)
	})
}

// runner is a kernel that is a function.
type runner func(c *kernels.Call) error

// Run calls it.
func (f runner) Run(c *kernels.Call) error { return f(c) }

// newJoin copies each operand to its place in the result.
func newJoin(inst *kernels.Inst) kernels.Kernel {
	out := inst.Out[0]
	axis, _, _ := out.Along(inst.Attr.(kernels.Axes).List()[0])
	var parts []*kernel
	start := 0
	for _, in := range inst.In {
		part := copier(inst, in, out, axis, start)
		if part == nil {
			return nil
		}
		parts = append(parts, part)
		start += in.Shape[axis]
	}
	return runner(func(c *kernels.Call) error {
		for i, part := range parts {
			if err := part.copy(c, c.In[i], c.Out[0]); err != nil {
				return err
			}
		}
		return nil
	})
}

// lines is the launch of a kernel with a block a line.
func lines(count, size int) geometry {
	return geometry{Grid: [2]int{size / count, 1}, Block: [2]int{roundUp(count), 1}}
}

// newScan copies the operand to the result and adds up there.
func newScan(inst *kernels.Inst) kernels.Kernel {
	out := inst.Out[0]
	s := inst.Attr.(kernels.Scan)
	k := copier(inst, inst.In[0], out, -1, 0)
	if k == nil || out.DType == device.Bool {
		return nil
	}
	_, count, inner := out.Along(int(s.Axis))
	return fresh(func(r *run, y *kernels.Array) error {
		if y.Size() == 0 {
			return nil
		}
		if err := k.copy(r.c, r.c.In[0], y); err != nil {
			return err
		}
		return r.library("scan", out.DType, lines(count, y.Size()), r.wideCall(), y.Ptr, count, inner, int(bit(s.Reverse)))
	})
}

// wideCall is wide for a run whose operands were not placed.
func (r *run) wideCall() bool {
	placed := *r
	placed.in = r.c.In
	return placed.wide()
}

// newBest returns the factory of argmax or, with least, argmin.
func newBest(least int) func(inst *kernels.Inst) kernels.Kernel {
	return func(inst *kernels.Inst) kernels.Kernel {
		in, axes := inst.In[0], inst.Attr.(kernels.Axes)
		count, inner := in.Size(), 1
		if axes.N > 0 {
			_, count, inner = in.Along(axes.List()[0])
		}
		k := copier(inst, in, in, -1, 0)
		if k == nil || count == 0 || inst.Out[0].DType != device.Int64 {
			return nil
		}
		return fresh(func(r *run, y *kernels.Array) error {
			if y.Size() == 0 {
				return nil
			}
			x, err := r.densely(k, r.c.In[0])
			if err != nil {
				return err
			}
			return r.library("best", in.DType, lines(count, in.Size()), r.wideCall(), y.Ptr, x.Ptr, count, inner, least)
		})
	}
}

// densely returns an operand as a dense array on the device.
func (r *run) densely(k *kernel, a *kernels.Array) (*kernels.Array, error) {
	if a.Buf != nil && a.Dense() {
		return a, nil
	}
	b := *a
	buf, err := r.stream.Scratch(a.Size() * a.DType.Size())
	if err != nil {
		return nil, err
	}
	r.held = append(r.held, buf)
	b.Ptr, b.Buf, b.Strides = buf.Ptr(), buf, nil
	return &b, k.copy(r.c, a, &b)
}

// newIndexSet copies the first operand, then sets the elements at indices (the
// operands from the third on, for the leading dimensions) to the second's.
func newIndexSet(inst *kernels.Inst) kernels.Kernel {
	in, out := inst.In, inst.Out[0]
	picked, err := kernels.Index.Inst(nil, append([]kernels.Aval{in[0]}, in[2:]...)...)
	if err != nil {
		return nil
	}
	over := picked.Out[0].Shape
	lead := len(over) - (len(out.Shape) - len(in[2:]))
	e := loop.New(loop.Axes(over), in)
	// load reads an operand that is broadcast over the leading axes up to end.
	load := func(i, end int) loop.Node {
		shape := in[i].Shape
		index := make([]loop.Lin, len(shape))
		for d := range shape {
			if index[d] = loop.Fixed(0); shape[d] != 1 {
				index[d] = loop.At(end - len(shape) + d)
			}
		}
		return e.Load(i, index...)
	}
	var index []loop.Lin
	for i := range in[2:] {
		index = append(index, loop.Through(load(2+i, lead)))
	}
	for a := lead; a < len(over); a++ {
		index = append(index, loop.At(a))
	}
	e.Store(loop.Store{Value: e.Cast(out.DType, load(1, len(over))), Index: index, Scatter: true, Reduce: loop.Sum, Aval: out})
	base, set := copier(inst, in[0], out, -1, 0), &kernel{inst: inst, plans: map[planKey][]*plan{}}
	n := &nest{e: e, outs: []int{0}, scatter: true, set: true}
	if base == nil || !n.complete() {
		return nil
	}
	set.nests = []*nest{n}
	return fresh(func(r *run, y *kernels.Array) error {
		if err := base.copy(r.c, r.c.In[0], y); err != nil {
			return err
		}
		return set.Run(&kernels.Call{In: r.c.In, Out: []*kernels.Array{y}, Workers: r.c.Workers, Stream: r.c.Stream, Cancel: r.c.Cancel})
	})
}
