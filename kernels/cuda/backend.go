//go:build cuda && cgo

package cuda

// The backend: what the registry asks for kernels.

import "github.com/cotangent-ad/cotangent/kernels"

type backend struct{ mover }

func init() { kernels.RegisterBackend(backend{}) }

// Name is the kind of device.
func (backend) Name() string { return "cuda" }

// Compile returns an instance's kernel; what has none for the GPU runs on the host.
func (backend) Compile(inst *kernels.Inst) kernels.Kernel {
	if k := compile(inst); k != nil {
		return k
	}
	return &hostKernel{inst}
}

func compile(inst *kernels.Inst) kernels.Kernel {
	if inst.Expr == nil {
		if inst.Op == nil {
			return nil
		}
		if f := library[inst.Op]; f != nil {
			return f(inst)
		}
		return nil
	}
	if k := newContract(inst); k != nil {
		return k
	}
	if k := newKernel(inst, inst.Expr); k != nil {
		return k
	}
	return nil
}
