// Control flow: instructions that run graphs of their own.
//
// A control instruction is a [kernels.Inst] of an op of kind kernels.Control whose
// attribute is a *Control. Its bodies are graphs: parameters, small constants,
// instructions, outputs. What a body needs from outside of it is an operand of the
// instruction; a body refers to nothing else. Bodies may hold control instructions.

package graph

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Form says how a control instruction runs its bodies.
type Form uint8

// The forms of control.
const (
	Cond  Form = iota // one of two bodies, by a condition
	Scan              // a body as often as is known beforehand
	While             // a body as long as a condition holds
	Call              // a body once: a function with derivative rules of its own
)

func (f Form) String() string { return [...]string{"cond", "scan", "while", "call"}[f] }

// Control is the attribute of a control instruction. It and its bodies are not
// changed any more once they are part of a graph.
//
// Scan, in C (slices along the leading axis; r runs down from n-1 if Reverse):
//
//	carries = operands[Consts:][:Carries];
//	sums = 0;
//	for (r = 0; r < n; r++) {
//		new, row, part = body(consts, carries, xs[r]);
//		carries = new; ys[r] = row; sums += part;
//	}
//
// Its operands are the constants, which are the same in each step, the initial
// carries, the xs, each with n rows, and, if Counted, the number of steps. Its
// results are the final carries, the ys, each with n rows, and the sums. The first
// step sets the sums, so that they are what adding the parts alone, in the order of
// the steps, gives; without steps they are zero.
//
// n is Length. If the scan is Counted, n is the last operand, an int64 of rank 0,
// at most Length; Length is then how many rows the xs and ys could have, and of
// them only the first n exist: others must not be read, nor are they written.
//
// While:
//
//	for (n = 0; bodies[0](consts, carries); n++) {
//		if (n == Bound && Bound > 0) fail;  // a *StepsError
//		if (Ys > 0 && (n == Length || the first n+1 rows of the ys > Limit)) fail;  // a *StackError
//		carries, ys[n] = bodies[1](consts, carries);
//	}
//
// Its operands are the constants and the initial carries; its results the final
// carries, the number of steps n (an int64 of rank 0), and the ys, of whose Length
// rows the first n exist. They are the residuals of a later reverse sweep, a Scan
// that is Counted. Such ys lie in memory that grows by need (see stack.go).
//
// Cond takes a condition, a bool of rank 0, and the operands of both bodies. Its
// results are the outputs of bodies[0] if the condition holds, else of bodies[1].
//
// Call takes its body's operands and gives its outputs.
type Control struct {
	Form   Form
	Bodies []*Graph // Cond: if true, if false; While: the condition, the body; else one

	Consts, Carries, Xs int // of a Scan or While: how many operands are what, in this order
	Ys, Sums            int // how many results after the carries are what, in this order

	Length  int  // Scan: the steps, or the rows if Counted; While: the rows of the ys, if any
	Counted bool // Scan: the last operand is the number of steps
	Reverse bool // Scan: from the last row to the first
	Bound   int  // While: the most steps; 0: any number

	// What derivatives are made by.
	Residuals Residuals // Scan, While: what a step keeps for the reverse sweep
	Limit     int       // While: the bytes of residuals that there may be

	Rules any // Call: what the interpreter that recorded it knows the function by
}

// Residuals says what each step of a loop keeps for a reverse sweep.
type Residuals uint8

// The choices.
const (
	Cheapest   Residuals = iota // what is estimated to take less time
	Stored                      // all that the sweep reads
	Recomputed                  // the carries; the sweep computes the step again
)

// Body returns the body that is repeated, of Scan and While, or called.
func (c *Control) Body() *Graph { return c.Bodies[len(c.Bodies)-1] }

// Dynamic reports whether the number of steps is known only at run time, and so
// the number of rows of the ys.
func (c *Control) Dynamic() bool { return c.Form == While || c.Counted }

// FirstY returns the position of the first of the ys among the results.
func (c *Control) FirstY() int {
	if c.Form == While {
		return c.Carries + 1 // after the number of steps
	}
	return c.Carries
}

// count is the type of numbers of steps.
var count = kernels.Aval{DType: device.Int64}

// condition is the type of conditions.
var condition = kernels.Aval{DType: device.Bool}

// Types returns the types of the operands and results of an instruction with this
// attribute, made from those of the bodies.
func (c *Control) Types() (in, out []kernels.Aval) {
	body := c.Body()
	params, results := body.types(body.Params), body.types(body.Outputs)
	switch c.Form {
	case Cond:
		return append([]kernels.Aval{condition}, params...), results
	case Call:
		return params, results
	}
	in = slices.Clone(params)
	for i := c.Consts + c.Carries; i < len(in); i++ {
		in[i] = c.rows(in[i])
	}
	if c.Counted {
		in = append(in, count)
	}
	out = slices.Clone(results[:c.Carries])
	if c.Form == While {
		out = append(out, count)
	}
	for i, a := range results[c.Carries:] {
		if i < c.Ys {
			a = c.rows(a)
		}
		out = append(out, a)
	}
	return in, out
}

// rows returns the type of as many values of type a as there are steps.
func (c *Control) rows(a kernels.Aval) kernels.Aval {
	return kernels.Aval{DType: a.DType, Shape: append([]int{c.Length}, a.Shape...)}
}

func (g *Graph) types(refs []Ref) []kernels.Aval {
	out := make([]kernels.Aval, len(refs))
	for i, v := range refs {
		out[i] = g.Aval(v)
	}
	return out
}

// Inst returns the instruction with this attribute; op is of kind kernels.Control.
func (c *Control) Inst(op *kernels.Op) *kernels.Inst {
	in, out := c.Types()
	return kernels.NewInst(op, c, in, out)
}

// ControlOf returns the attribute of a control instruction, nil for all others.
func ControlOf(inst *kernels.Inst) *Control {
	if inst.Op == nil || inst.Op.Kind != kernels.Control {
		return nil
	}
	return inst.Attr.(*Control)
}

// String describes the instruction but for its bodies.
func (c *Control) String() string {
	s := ""
	add := func(name string, n int) {
		if n != 0 {
			s += fmt.Sprintf(" %s=%d", name, n)
		}
	}
	add("length", c.Length)
	add("consts", c.Consts)
	add("carries", c.Carries)
	add("xs", c.Xs)
	add("ys", c.Ys)
	add("sums", c.Sums)
	add("bound", c.Bound)
	if c.Counted {
		s += " counted"
	}
	if c.Reverse {
		s += " reverse"
	}
	if s == "" {
		return ""
	}
	return s[1:]
}

// equal reports whether two controls compute the same. Rules are not compared.
func (c *Control) equal(d *Control) bool {
	x, y := *c, *d
	x.Bodies, y.Bodies = nil, nil
	return x.same(&y) && slices.EqualFunc(c.Bodies, d.Bodies, (*Graph).Equal)
}

// same compares all but the bodies.
func (c *Control) same(d *Control) bool {
	return c.Form == d.Form && c.Consts == d.Consts && c.Carries == d.Carries && c.Xs == d.Xs && c.Ys == d.Ys &&
		c.Sums == d.Sums && c.Length == d.Length && c.Counted == d.Counted && c.Reverse == d.Reverse && c.Bound == d.Bound &&
		c.Residuals == d.Residuals && c.Limit == d.Limit
}

// verify returns why the control is not well-formed, or "".
func (c *Control) verify(inst *kernels.Inst) string {
	want := map[Form]int{Cond: 2, Scan: 1, While: 2, Call: 1}
	if n, ok := want[c.Form]; !ok || len(c.Bodies) != n {
		return fmt.Sprintf("a %v with %d bodies", c.Form, len(c.Bodies))
	}
	for _, b := range c.Bodies {
		if err := b.Verify(); err != nil {
			return "in a body: " + err.Error()
		}
	}
	body := c.Body()
	params, outs := body.types(body.Params), body.types(body.Outputs)
	switch c.Form {
	case Cond:
		other := c.Bodies[0]
		if !sameTypes(params, other.types(other.Params)) || !sameTypes(outs, other.types(other.Outputs)) {
			return "its bodies are of different types"
		}
	case Scan, While:
		if len(params) != c.Consts+c.Carries+c.Xs || len(outs) != c.Carries+c.Ys+c.Sums {
			return "its body takes or gives more or less than it says"
		}
		if !sameTypes(params[c.Consts:c.Consts+c.Carries], outs[:c.Carries]) {
			return "its body changes the type of a carry"
		}
	}
	if c.Form == While {
		test := c.Bodies[0]
		if c.Ys > 0 && c.Length == 0 {
			return "it has no room for its rows"
		}
		if c.Xs != 0 || c.Sums != 0 || !sameTypes(test.types(test.Params), params) || !sameTypes(test.types(test.Outputs), []kernels.Aval{condition}) {
			return "its condition is no function of the constants and carries to a bool"
		}
	}
	if in, out := c.Types(); !sameTypes(in, inst.In) || !sameTypes(out, inst.Out) {
		return "its operands or results are not of the types of its bodies"
	}
	return ""
}

func sameTypes(a, b []kernels.Aval) bool { return slices.EqualFunc(a, b, kernels.EqualAval) }
