// Scalar expressions as trees of text, in a notation: plain or LaTeX.

package loop

import (
	"math"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
)

// Precedences, weakest first.
const (
	precChoice = iota + 1
	precOr
	precAnd
	precCompare
	precAdd
	precMul
	precUnary
	precPower
	precAtom
)

// pattern is how a function is written: text with %0, %1, %2 for its arguments,
// the precedence of the whole, and those that the arguments must have.
type pattern struct {
	text string
	prec int
	args [3]int
}

// notation is a way to write expressions.
type notation struct {
	fn      func(f Fn) pattern
	open    string // parentheses
	close   string
	operand func(name, index string, guarded bool) string
	number  func(v float64) string
}

// tree writes the nodes of an expression.
type tree struct {
	e        *Expr
	ins      []string
	notation *notation
	shared   []bool // nodes written by their names, v3
}

// node returns the text of n as an argument that must bind as tightly as prec.
func (t *tree) node(n Node, prec int) string {
	if t.shared[n] {
		return "v" + strconv.Itoa(int(n))
	}
	return t.inst(n, prec)
}

// inst is node for a node that is spelt out even if it has a name.
func (t *tree) inst(n Node, prec int) string {
	x := &t.e.Nodes[n]
	switch x.Fn {
	case Const:
		v, _ := t.e.value(n)
		s := t.notation.number(v)
		switch {
		case x.DType == device.Bool:
			s = strconv.FormatBool(v != 0)
		case !x.DType.IsFloat():
			s = strconv.FormatInt(x.K, 10)
		}
		if math.Signbit(v) && prec > precAdd {
			s = t.notation.open + s + t.notation.close
		}
		return s
	case LoadFn:
		l := &t.e.Loads[x.K]
		return t.notation.operand(t.ins[l.In], t.index(l.Index), l.Guarded)
	case Iota:
		return t.e.Axes[x.K].Name
	case Cast:
		return x.DType.String() + t.notation.open + t.node(x.Arg[0], 0) + t.notation.close
	}
	p := t.notation.fn(x.Fn)
	s := strings.ReplaceAll(p.text, "%k", strconv.FormatInt(x.K, 10))
	var b strings.Builder
	for rest := s; ; {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(before)
		if !found {
			break
		}
		i := after[0] - '0'
		b.WriteString(t.node(x.Arg[i], p.args[i]))
		rest = after[1:]
	}
	if p.prec < prec {
		return t.notation.open + b.String() + t.notation.close
	}
	return b.String()
}

// index returns the indices, separated by commas.
func (t *tree) index(index []Lin) string {
	parts := make([]string, len(index))
	for d, l := range index {
		if l.Via != None {
			parts[d] = t.node(l.Via, 0)
		} else {
			parts[d] = l.Text(t.e.Axes)
		}
	}
	return strings.Join(parts, ", ")
}

// Text returns an affine index over the axes, such as "2*i - k + 1".
func (l Lin) Text(axes []Axis) string {
	s := ""
	for _, t := range l.Terms {
		s = appendTerm(s, t.Coef, axes[t.Axis].Name)
	}
	if l.Const != 0 || s == "" {
		s = appendTerm(s, l.Const, "")
	}
	return s
}

func appendTerm(s string, coef int, name string) string {
	switch {
	case s == "" && coef < 0:
		s = "-"
	case coef < 0:
		s += " - "
	case s != "":
		s += " + "
	}
	size := max(coef, -coef)
	switch {
	case name == "":
		return s + strconv.Itoa(size)
	case size != 1:
		return s + strconv.Itoa(size) + "*" + name
	}
	return s + name
}

// plainText is the notation of Text.
var plainText = notation{
	fn:      plainPattern,
	open:    "(",
	close:   ")",
	operand: func(name, index string, guarded bool) string { return name + "[" + index + "]" + plainGuard[guarded] },
	number:  func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) },
}

var plainGuard = map[bool]string{true: "?"}

// plainPatterns are the functions that are not written f(x).
var plainPatterns = map[Fn]pattern{
	Neg:    {"-%0", precUnary, [3]int{precUnary}},
	Not:    {"!%0", precUnary, [3]int{precUnary}},
	Square: {"%0^2", precPower, [3]int{precAtom}},
	Recip:  {"1 / %0", precMul, [3]int{precUnary}},
	Pow:    {"%0^%1", precPower, [3]int{precAtom, precAtom}},
	Add:    {"%0 + %1", precAdd, [3]int{precAdd, precAdd}},
	Sub:    {"%0 - %1", precAdd, [3]int{precAdd, precMul}},
	Mul:    {"%0 * %1", precMul, [3]int{precMul, precMul}},
	Div:    {"%0 / %1", precMul, [3]int{precMul, precUnary}},
	SMul:   {"%0 ⊙ %1", precMul, [3]int{precUnary, precUnary}},
	Eq:     {"%0 == %1", precCompare, [3]int{precAdd, precAdd}},
	Ne:     {"%0 != %1", precCompare, [3]int{precAdd, precAdd}},
	Lt:     {"%0 < %1", precCompare, [3]int{precAdd, precAdd}},
	Le:     {"%0 <= %1", precCompare, [3]int{precAdd, precAdd}},
	And:    {"%0 && %1", precAnd, [3]int{precAnd, precAnd}},
	Or:     {"%0 || %1", precOr, [3]int{precOr, precOr}},
	Select: {"%0 ? %1 : %2", precChoice, [3]int{precOr, precOr, precChoice}},

	Polygamma: {"polygamma(%k, %0)", precAtom, [3]int{}},
}

func plainPattern(f Fn) pattern {
	if p, ok := plainPatterns[f]; ok {
		return p
	}
	if f.Arity() == 1 {
		return pattern{f.String() + "(%0)", precAtom, [3]int{}}
	}
	return pattern{f.String() + "(%0, %1)", precAtom, [3]int{}}
}
