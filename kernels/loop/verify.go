// The invariants of an expression.

package loop

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
)

// InvalidError reports an expression that breaks an invariant.
type InvalidError struct {
	Where  string // "node 3", "load 0", ...
	Reason string
}

func (e *InvalidError) Error() string { return "loop: " + e.Where + ": " + e.Reason }

// Verify checks the invariants that everything here relies on, and returns an
// *InvalidError for the first that does not hold.
func (e *Expr) Verify() error {
	for _, check := range []func(*Expr) error{verifyAxes, verifyNodes, verifyLoads, verifyOuts} {
		if err := check(e); err != nil {
			return err
		}
	}
	return nil
}

func invalid(where string, i int, format string, args ...any) error {
	return &InvalidError{fmt.Sprintf("%s %d", where, i), fmt.Sprintf(format, args...)}
}

func verifyAxes(e *Expr) error {
	if len(e.Axes) > 64 {
		return invalid("axis", 64, "one too many: sets of axes are of 64 bits")
	}
	names := map[string]bool{}
	for i, a := range e.Axes {
		if a.Size < 0 || a.Name == "" || names[a.Name] {
			return invalid("axis", i, "size %d, name %q", a.Size, a.Name)
		}
		names[a.Name] = true
	}
	for i, a := range e.Ins {
		if err := verifyAval(a); err != "" {
			return invalid("operand", i, "%s", err)
		}
	}
	return nil
}

func verifyAval(a Aval) string {
	for _, n := range a.Shape {
		if n < 0 {
			return fmt.Sprintf("shape %v", a.Shape)
		}
	}
	if int(a.DType) >= device.NumDTypes {
		return a.DType.String()
	}
	return ""
}

func verifyNodes(e *Expr) error {
	fresh := &Expr{Axes: e.Axes, Ins: e.Ins, Loads: e.Loads}
	for n := range e.Nodes {
		x := &e.Nodes[n]
		if int(x.Fn) >= NumFn || int(x.DType) >= device.NumDTypes {
			return invalid("node", n, "no function or type")
		}
		for i, a := range x.Arg {
			if used := i < x.Fn.Arity(); used != (a != None) || a >= Node(n) || a < None {
				return invalid("node", n, "%v: argument %d is node %d", x.Fn, i, a)
			}
		}
		if err := e.verifyNode(x); err != "" {
			return invalid("node", n, "%v: %s", x.Fn, err)
		}
		if fresh.put(*x) != Node(n) {
			return invalid("node", n, "equal to another")
		}
	}
	return nil
}

// verifyNode checks the types and the parameter of a node.
func (e *Expr) verifyNode(x *Inst) string {
	f := facts[x.Fn]
	want := x.DType
	switch {
	case x.Fn == LoadFn && (x.K < 0 || int(x.K) >= len(e.Loads)):
		return fmt.Sprintf("no load %d", x.K)
	case x.Fn == Iota && (x.K < 0 || int(x.K) >= len(e.Axes) || x.DType != device.Int64):
		return fmt.Sprintf("axis %d as %v", x.K, x.DType)
	case x.Fn == Polygamma && x.K < 1:
		return fmt.Sprintf("order %d", x.K)
	case f.arity == 0 || x.Fn == Cast:
		return ""
	case x.Fn == Select && e.DType(x.Arg[0]) != device.Bool:
		return "condition is no bool"
	case f.boolean:
		if x.DType != device.Bool {
			return "result is no bool"
		}
		want = e.DType(x.Arg[0])
	}
	for i := range f.arity {
		dt := e.DType(x.Arg[i])
		if !(x.Fn == Select && i == 0) && (dt != want || !f.domain.has(dt)) {
			return fmt.Sprintf("argument %d is a %v", i, dt)
		}
	}
	return ""
}

func verifyLoads(e *Expr) error {
	node := make([]Node, len(e.Loads))
	for n := range e.Nodes {
		if x := &e.Nodes[n]; x.Fn == LoadFn {
			if node[x.K] != 0 {
				return invalid("load", int(x.K), "has two nodes")
			}
			node[x.K] = Node(n + 1)
		}
	}
	for i, l := range e.Loads {
		switch {
		case node[i] == 0:
			return invalid("load", i, "has no node")
		case l.In < 0 || l.In >= len(e.Ins):
			return invalid("load", i, "no operand %d", l.In)
		case e.DType(node[i]-1) != e.Ins[l.In].DType:
			return invalid("load", i, "a %v as a %v", e.Ins[l.In].DType, e.DType(node[i]-1))
		}
		if err := e.verifyIndex(l.Index, e.Ins[l.In].Shape, node[i]-1); err != "" {
			return invalid("load", i, "%s", err)
		}
		if in := e.inRange(l.Index, e.Ins[l.In].Shape); in == l.Guarded {
			return invalid("load", i, "guarded %v, in range %v", l.Guarded, in)
		}
	}
	return nil
}

// verifyIndex checks an index whose nodes must come before a node.
func (e *Expr) verifyIndex(index []Lin, shape []int, before Node) string {
	if len(index) != len(shape) {
		return fmt.Sprintf("%d indices for shape %v", len(index), shape)
	}
	for d, l := range index {
		if l.Via != None {
			if l.Via < 0 || l.Via >= before || !e.DType(l.Via).IsInt() || l.Const != 0 || len(l.Terms) > 0 {
				return fmt.Sprintf("index %d through node %d", d, l.Via)
			}
		}
		last := -1
		for _, t := range l.Terms {
			if t.Axis <= last || t.Axis >= len(e.Axes) || t.Coef == 0 {
				return fmt.Sprintf("index %d has term %v", d, t)
			}
			last = t.Axis
		}
	}
	return ""
}

func verifyOuts(e *Expr) error {
	for i := range e.Outs {
		s := &e.Outs[i]
		if s.Value < 0 || int(s.Value) >= len(e.Nodes) || e.DType(s.Value) != s.Aval.DType {
			return invalid("result", i, "value is node %d, type %v", s.Value, s.Aval.DType)
		}
		err := verifyAval(s.Aval)
		if err == "" {
			err = e.verifyIndex(s.Index, s.Aval.Shape, Node(len(e.Nodes)))
		}
		if err == "" && !e.writesInRange(s) {
			err = "index out of range"
		}
		if err == "" {
			err = e.verifyStore(s)
		}
		if err != "" {
			return invalid("result", i, "%s", err)
		}
	}
	return nil
}

// writesInRange is inRange of a store, which writes an element even where there is
// nothing to reduce.
func (e *Expr) writesInRange(s *Store) bool {
	written := Expr{Axes: slices.Clone(e.Axes)}
	for _, a := range e.Reduced(s) {
		written.Axes[a].Size = 1
	}
	return written.inRange(s.Index, s.Aval.Shape)
}

// verifyStore checks that the flags and the reduction agree with the index.
func (e *Expr) verifyStore(s *Store) string {
	reduces := len(e.Reduced(s)) > 0
	switch {
	case s.Reduce > LSE:
		return "no such reduction"
	case s.Partial && s.Scatter:
		return "both partial and scatter"
	case s.Partial && !e.injective(s.Index):
		return "partial, but not one-to-one"
	case !s.Partial && !s.Scatter && !e.Plain(s):
		return "neither plain nor partial nor scatter"
	case s.Scatter && s.Reduce != Sum:
		return "a scatter that does not sum"
	case !s.Scatter && reduces != (s.Reduce != NoReduce):
		return "reduction and axes disagree"
	case (s.Reduce != NoReduce && s.Aval.DType == device.Bool) || s.Reduce == LSE && !s.Aval.DType.IsFloat():
		return "reduction of a " + s.Aval.DType.String()
	}
	return ""
}
