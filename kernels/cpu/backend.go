package cpu

// The backend: what the registry asks for kernels.

import "github.com/cotangent-ad/cotangent/kernels"

// backend makes kernels for devices of a kind whose memory the host sees.
type backend struct{ kind string }

// kinds are the devices' kinds.
var kinds = [...]string{"cpu", "sim"}

func init() {
	for _, kind := range kinds {
		kernels.RegisterBackend(backend{kind})
	}
}

// Name returns the kind of device.
func (b backend) Name() string { return b.kind }

// Compile returns a loop's kernel, or nil for what is no loop.
func (b backend) Compile(inst *kernels.Inst) kernels.Kernel {
	if inst.Expr == nil {
		return nil
	}
	if k := contraction(inst); k != nil {
		return k
	}
	return newKernel(inst)
}
