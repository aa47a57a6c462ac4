//go:build cuda && cgo

package cuda

// What has no kernel for the GPU, on the host: operands are copied there, and
// results back.

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
	_ "github.com/cotangent-ad/cotangent/kernels/cpu" // the kernels that run there
)

// hostKernel runs an instance on the host.
type hostKernel struct{ inst *kernels.Inst }

// Run copies, runs and copies back.
func (k *hostKernel) Run(c *kernels.Call) error {
	r, err := newRun(c)
	if r == nil {
		return err
	}
	return r.onHost(k.inst)
}

// onHost does a call on the host.
func (r *run) onHost(inst *kernels.Inst) error {
	if r.stream.Recording() {
		return cuda.ErrRecording
	}
	id, _ := kernels.BackendID("cpu")
	h := *r.c
	in := r.in // where a result may have been written over an operand, a copy
	if in == nil {
		in = r.c.In
	}
	h.In, h.Out = make([]*kernels.Array, len(in)), make([]*kernels.Array, len(r.c.Out))
	for i, a := range in {
		var err error
		if h.In[i], err = r.download(a); err != nil {
			return err
		}
	}
	for i, a := range r.c.Out {
		var err error
		if h.Out[i] = hostArray(a); r.c.Add && i == 0 {
			if h.Out[i], err = r.download(a); err != nil {
				return err
			}
		}
	}
	if err := inst.Kernel(id).Run(&h); err != nil {
		return err
	}
	for i, a := range r.c.Out {
		if bytes := a.Size() * a.DType.Size(); bytes > 0 {
			if err := r.stream.Upload(a.Ptr, unsafe.Slice((*byte)(h.Out[i].Ptr), bytes)); err != nil {
				return err
			}
		}
	}
	return nil
}

// hostArray is an array like a in the host's memory, of the same strides.
func hostArray(a *kernels.Array) *kernels.Array {
	b := *a
	b.Buf = nil
	if a.Size() == 0 {
		return &b
	}
	lo, hi := a.Span()
	b.Ptr = unsafe.Add(unsafe.Pointer(unsafe.SliceData(make([]uint64, (hi-lo+7)/8))), -lo)
	return &b
}

func (r *run) download(a *kernels.Array) (*kernels.Array, error) {
	if a.Buf == nil || a.Size() == 0 {
		return a, nil
	}
	b := hostArray(a)
	lo, hi := a.Span()
	err := r.stream.Download(unsafe.Slice((*byte)(unsafe.Add(b.Ptr, lo)), hi-lo), unsafe.Add(a.Ptr, lo))
	return b, err
}
