//go:build cuda && cgo

package cuda

// Where the operations of the registry are carried out, found by asking for the kernels
// of their cases.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Place tells where an operation is carried out.
type Place struct {
	Op string
	// Printed: by kernels printed from its loop. Library: by kernels written for it. Host:
	// by the host, at the price of copies there and back. An operation that is made of
	// others has none of these. Several are true where attributes or dtypes decide.
	Printed, Library, Host bool
	Body                   []string // the operations that it is made of
}

// String is what a list of operations says: "add", "mean (sum, mul)".
func (p Place) String() string {
	if len(p.Body) == 0 {
		return p.Op
	}
	return fmt.Sprintf("%s (%s)", p.Op, strings.Join(p.Body, ", "))
}

// Places returns that of every operation, in the registry's order. One without a case
// that it could be found by has no place at all.
func Places() []Place {
	var list []Place
	for _, op := range kernels.Ops() {
		list = append(list, place(op))
	}
	return list
}

func place(op *kernels.Op) Place {
	p := Place{Op: op.Name}
	for _, c := range op.Cases() {
		if c.Bad != "" {
			continue
		}
		for _, float := range []device.DType{device.Float32, device.Float64} {
			in := make([]kernels.Val, len(c.In))
			for i, s := range c.In {
				in[i] = typed{DType: float, Shape: s.Shape}
				for _, dt := range []device.DType{device.Bool, device.Int32, device.Int64, device.Float32, device.Float64} {
					if dt.String() == s.DType {
						in[i] = typed{DType: dt, Shape: s.Shape}
					}
				}
			}
			placer{&p, op}.Apply(op, c.Attr, in...)
		}
	}
	slices.Sort(p.Body)
	return p
}

// typed is a value of which nothing but the type is known.
type typed kernels.Aval

func (t typed) Aval() kernels.Aval { return kernels.Aval(t) }

// placer notes how operations are carried out instead of doing it.
type placer struct {
	*Place
	op *kernels.Op // whose place it is
}

func (b placer) Apply(op *kernels.Op, attr any, in ...kernels.Val) []kernels.Val {
	avals := make([]kernels.Aval, len(in))
	for i, v := range in {
		avals[i] = v.Aval()
	}
	inst, err := op.Inst(attr, avals...)
	if err != nil {
		return nil
	}
	if op.Kind == kernels.Composite {
		return op.Compose(b, attr, in)
	}
	return b.ApplyInst(inst, in...)
}

func (b placer) ApplyInst(inst *kernels.Inst, in ...kernels.Val) []kernels.Val {
	if inst.Op != b.op {
		if name := inst.Name; !slices.Contains(b.Body, name) {
			b.Body = append(b.Body, name)
		}
	} else if compile(inst) == nil {
		b.Host = true
	} else if inst.Expr != nil {
		b.Printed = true
	} else {
		b.Library = true
	}
	out := make([]kernels.Val, len(inst.Out))
	for i, a := range inst.Out {
		out[i] = typed(a)
	}
	return out
}

func (placer) Full(_ float64, a kernels.Aval) kernels.Val { return typed(a) }
func (placer) Fail(error) kernels.Val                     { return typed{} }
