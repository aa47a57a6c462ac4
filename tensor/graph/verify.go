// What every graph must satisfy. Graphs that interpreters record do; a pass that
// breaks it is wrong.

package graph

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/kernels"
)

// InvalidError tells what is wrong with a graph.
type InvalidError struct {
	Instr  int // the instruction, or -1
	Reason string
}

func (e *InvalidError) Error() string {
	if e.Instr < 0 {
		return "graph: " + e.Reason
	}
	return fmt.Sprintf("graph: instruction %d: %s", e.Instr, e.Reason)
}

// Verify returns an *InvalidError where the graph is not in single static
// assignment form with operands of the declared types, inputs that are either
// parameters or constants, and outputs that exist.
func (g *Graph) Verify() error {
	if err := g.verifyInstrs(); err != nil {
		return err
	}
	known := make([]bool, len(g.inputs))
	claim := func(v Ref, what string) error {
		switch {
		case v < 0 || int(v) >= g.NumValues() || g.def[v] >= 0:
			return &InvalidError{-1, fmt.Sprintf("%s %%%d is no input", what, v)}
		case known[-1-g.def[v]]:
			return &InvalidError{-1, fmt.Sprintf("input %%%d is bound twice", v)}
		}
		known[-1-g.def[v]] = true
		return nil
	}
	for _, v := range g.Params {
		if err := claim(v, "parameter"); err != nil {
			return err
		}
	}
	for i := range g.Consts {
		c := &g.Consts[i]
		if err := claim(c.Ref, "constant"); err != nil {
			return err
		}
		if !kernels.EqualAval(c.Array.Aval, g.Aval(c.Ref)) {
			return &InvalidError{-1, fmt.Sprintf("constant %%%d is not of its value's type", c.Ref)}
		}
	}
	for i, ok := range known {
		if !ok {
			return &InvalidError{-1, fmt.Sprintf("input number %d is neither parameter nor constant", i)}
		}
	}
	for _, v := range g.Outputs {
		if v < 0 || int(v) >= g.NumValues() {
			return &InvalidError{-1, fmt.Sprintf("output %%%d is no value", v)}
		}
	}
	return nil
}

func (g *Graph) verifyInstrs() error {
	next := Ref(0) // the value that must be defined next
	input := func() {
		for int(next) < len(g.def) && g.def[next] < 0 {
			next++
		}
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		input()
		if x.Out != next {
			return &InvalidError{i, fmt.Sprintf("its first result is %%%d, not %%%d", x.Out, next)}
		}
		for k := range x.Inst.Out {
			if v := int(x.Out) + k; v >= len(g.def) || g.def[v] != int32(i) {
				return &InvalidError{i, fmt.Sprintf("%%%d is not known as its result", v)}
			}
		}
		for k, v := range g.Args(i) {
			switch {
			case v < 0 || v >= x.Out:
				return &InvalidError{i, fmt.Sprintf("operand %d, %%%d, is not defined before it", k, v)}
			case !kernels.EqualAval(g.Aval(v), x.Inst.In[k]):
				return &InvalidError{i, fmt.Sprintf("operand %d, %%%d, is not of the type that %s was made for", k, v, x.Inst.Name)}
			}
		}
		if c := ControlOf(x.Inst); c != nil {
			if reason := c.verify(x.Inst); reason != "" {
				return &InvalidError{i, reason}
			}
		}
		next += Ref(len(x.Inst.Out))
	}
	if input(); int(next) != len(g.def) {
		return &InvalidError{-1, fmt.Sprintf("%%%d is defined by nothing", next)}
	}
	return nil
}
