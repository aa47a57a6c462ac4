// The backend's registration, and which kernel an Inst gets.

package ref

import "github.com/cotangent-ad/cotangent/kernels"

func init() { kernels.RegisterBackend(backend{}) }

type backend struct{}

func (backend) Name() string { return "ref" }

func (backend) Compile(inst *kernels.Inst) kernels.Kernel {
	if f := library[inst.Op]; f != nil && inst.Op != nil {
		return f(inst)
	}
	if inst.Expr != nil {
		return newProgram(inst)
	}
	return nil
}
