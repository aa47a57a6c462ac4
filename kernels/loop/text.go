// Expressions as text: out[i, j] = sum(k) a[i, k] * b[k, j]

package loop

import (
	"fmt"
	"strconv"
	"strings"
)

// Text returns the expression in index notation, one line a result, after lines
// for the values that are used more than once. Operands are named a, b, ...; a
// question mark follows a guarded load, and ⊙ is the strong product.
func (e *Expr) Text() string { return e.text(OperandNames(len(e.Ins)), resultNames(len(e.Outs))) }

// Text returns the derived loop with operands named after their sources: a, b,
// ... for those of the base, y for its results, with a d before tangents and
// cotangents.
func (d *Derived) Text() string {
	ins := make([]string, len(d.From))
	outs := make([]string, len(d.To))
	tangent := false
	for i, s := range d.From {
		switch s.Kind {
		case Operand:
			ins[i] = operandName(s.Index)
		case Result:
			ins[i] = "y" + strconv.Itoa(s.Index)
		case Cotangent:
			ins[i] = "dy" + strconv.Itoa(s.Index)
		case Tangent:
			ins[i], tangent = "d"+operandName(s.Index), true
		}
	}
	for i, to := range d.To {
		if outs[i] = "d" + operandName(to); tangent {
			outs[i] = "dy" + strconv.Itoa(to)
		}
	}
	return d.Expr.text(ins, outs)
}

// OperandNames returns the names a, b, ..., that printers give operands.
func OperandNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = operandName(i)
	}
	return names
}

func operandName(i int) string {
	if i < 8 {
		return "abcdefgh"[i : i+1]
	}
	return "x" + strconv.Itoa(i)
}

func resultNames(n int) []string {
	if n == 1 {
		return []string{"out"}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = "out" + strconv.Itoa(i)
	}
	return names
}

func (e *Expr) text(ins, outs []string) string {
	t := &tree{e: e, ins: ins, notation: &plainText, shared: e.shared()}
	var b strings.Builder
	for n, shared := range t.shared {
		if shared {
			fmt.Fprintf(&b, "v%d = %s\n", n, t.inst(Node(n), 0))
		}
	}
	for i := range e.Outs {
		s := &e.Outs[i]
		sign := "="
		if s.Scatter {
			sign = "+="
		}
		prec := 0
		if s.Reduce != NoReduce {
			prec = precAdd // a sum's body is a product or in parentheses
		}
		fmt.Fprintf(&b, "%s[%s] %s %s%s\n", outs[i], t.index(s.Index), sign, e.reduceText(s), t.node(s.Value, prec))
	}
	return b.String()
}

// reduceText returns "sum(k, l) " for a store that reduces.
func (e *Expr) reduceText(s *Store) string {
	axes := e.Reduced(s)
	if s.Scatter || len(axes) == 0 {
		return ""
	}
	names := make([]string, len(axes))
	for i, a := range axes {
		names[i] = e.Axes[a].Name
	}
	return s.Reduce.String() + "(" + strings.Join(names, ", ") + ") "
}

// String returns "sum", "prod", "max", "min", "lse", or "" for none.
func (c Combiner) String() string { return [...]string{"", "sum", "prod", "max", "min", "lse"}[c] }

// shared marks the nodes with arguments that are used more than once.
func (e *Expr) shared() []bool {
	uses := make([]int, len(e.Nodes))
	count := func(index []Lin) {
		for _, l := range index {
			if l.Via != None {
				uses[l.Via]++
			}
		}
	}
	for n, on := range e.live() {
		if x := &e.Nodes[n]; on {
			for i := range x.Fn.Arity() {
				uses[x.Arg[i]]++
			}
			if x.Fn == LoadFn {
				count(e.Loads[x.K].Index)
			}
		}
	}
	for i := range e.Outs {
		uses[e.Outs[i].Value]++
		count(e.Outs[i].Index)
	}
	shared := make([]bool, len(e.Nodes))
	for n := range shared {
		shared[n] = uses[n] > 1 && e.Nodes[n].Fn.Arity() > 0
	}
	return shared
}
