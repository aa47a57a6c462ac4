package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// mutant is ref with a fault, to see that the suite finds it.
type mutant struct {
	name  string
	fault func(inst *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error
}

// fault is the one at work; nil gives ref itself under another name.
var fault *mutant

func init() { kernels.RegisterBackend(mutantBackend{}) }

type mutantBackend struct{}

func (mutantBackend) Name() string { return "mutant" }

func (mutantBackend) Compile(inst *kernels.Inst) kernels.Kernel { return mutantKernel{inst} }

type mutantKernel struct{ inst *kernels.Inst }

func (k mutantKernel) Run(c *kernels.Call) error {
	id, _ := kernels.BackendID("ref")
	run := k.inst.Kernel(id).Run
	if fault == nil {
		return run(c)
	}
	return fault.fault(k.inst, c, run)
}

// scaled is a fault that makes the last element of what a matching Inst
// computes a little too large.
func scaled(by float64, match func(inst *kernels.Inst) bool) func(inst *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error {
	return func(inst *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error {
		err := run(c)
		if out := c.Out[0]; match(inst) && out.DType.IsFloat() && out.Size() > 0 {
			write(out, out.Size()-1, read(out, out.Size()-1)*by)
		}
		return err
	}
}

func derived(name string) func(inst *kernels.Inst) bool {
	return func(inst *kernels.Inst) bool { return strings.Contains(inst.Name, name) }
}

var mutants = []mutant{
	{"value", scaled(1+1e-12, func(inst *kernels.Inst) bool { return inst.Op == kernels.Mul })},
	{"float32 value", scaled(1+1e-4, func(inst *kernels.Inst) bool { return inst.Op == kernels.Mul && inst.Out[0].DType == device.Float32 })},
	{"JVP", scaled(1+1e-9, derived("mul.jvp"))},
	{"VJP", scaled(1+1e-9, derived("mul.vjp"))},
	{"JVP of the VJP", scaled(1+1e-9, func(inst *kernels.Inst) bool {
		return strings.HasPrefix(inst.Name, "mul.vjp") && strings.Contains(inst.Name, ".jvp")
	})},
	{"VJP of the JVP", scaled(1+1e-9, func(inst *kernels.Inst) bool {
		return strings.HasPrefix(inst.Name, "mul.jvp") && strings.Contains(inst.Name, ".vjp")
	})},
	{"batch", scaled(1+1e-9, derived("mul.batch"))},
	{"strides", func(_ *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error {
		dense := *c
		dense.In = nil
		for _, a := range c.In {
			dense.In = append(dense.In, &kernels.Array{Aval: a.Aval, Ptr: a.Ptr})
		}
		for i, a := range c.In {
			if !a.Dense() && a.Size() > 0 && a.Strides[0] < 0 {
				dense.In[i] = a // backwards, others' memory would be read
			}
		}
		return run(&dense)
	}},
	{"no add", func(_ *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error {
		set := *c
		set.Add = false
		return run(&set)
	}},
	{"index error", func(inst *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error {
		_ = run(c)
		return nil
	}},
	{"not written", func(inst *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error {
		if c.Out[0].Size() == 0 {
			return nil
		}
		last := read(c.Out[0], c.Out[0].Size()-1)
		err := run(c)
		write(c.Out[0], c.Out[0].Size()-1, last)
		return err
	}},
	{"zeros left", func(inst *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error {
		before := elements(c.Out[0])
		err := run(c)
		if inst.Expr != nil && len(inst.Expr.Outs) == 1 && inst.Expr.Outs[0].Partial && !c.Add {
			for i, v := range elements(c.Out[0]) {
				if v == 0 {
					write(c.Out[0], i, before[i])
				}
			}
		}
		return err
	}},
	{"kink", func(inst *kernels.Inst, c *kernels.Call, run func(c *kernels.Call) error) error {
		if inst.Expr != nil && len(inst.Expr.Outs) == 1 && inst.Expr.Outs[0].Reduce == loop.NoReduce && strings.HasPrefix(inst.Name, "abs.vjp") {
			err := run(c)
			for i := range c.Out[0].Size() {
				if read(c.Out[0], i) == 0 {
					write(c.Out[0], i, 1)
				}
			}
			return err
		}
		return run(c)
	}},
}

// TestMutants runs the suite on faulty backends, and on one without a fault.
func TestMutants(t *testing.T) {
	defer func() { fault = nil }()
	ops := []*kernels.Op{kernels.Mul, kernels.Gather, kernels.Diag, kernels.Abs, kernels.Transpose, kernels.Sum}
	if found := failures(ops); len(found) > 0 {
		t.Fatalf("without a fault: %s", found[0])
	}
	for i := range mutants {
		fault = &mutants[i]
		found := failures(ops)
		if len(found) == 0 {
			t.Errorf("the fault %q is not found", fault.name)
			continue
		}
		t.Logf("%s: %d failures, the first: %s", fault.name, len(found), found[0])
	}
}

// failures runs the cases of some ops on the mutant.
func failures(ops []*kernels.Op) (found []string) {
	id, _ := kernels.BackendID("mutant")
	refID, _ := kernels.BackendID("ref")
	for _, op := range ops {
		cases := op.Cases()
		for i := range cases {
			c := &cases[i]
			for _, float := range floats(c) {
				r := &runner{name: op.Name, op: op, c: c, float: float, got: eager{backend: id}, ref: eager{backend: refID}, counts: new(Counts), tol: tolerance(c, float)}
				r.errorf = func(format string, args ...any) {
					found = append(found, fmt.Sprintf("%s (%s) %v: %s", op.Name, c.Name, float, fmt.Sprintf(format, args...)))
				}
				r.run()
			}
		}
	}
	return found
}
