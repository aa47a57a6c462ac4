// Expressions as LaTeX.

package loop

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// LaTeX returns the expression as equations for display, one line a result,
// with indices as subscripts and operands named a, b, ..., a hat on those that
// are taken to be zero out of range. Values that are used more than once are
// spelt out each time.
func (e *Expr) LaTeX() string {
	t := &tree{e: e, ins: OperandNames(len(e.Ins)), notation: &latex, shared: make([]bool, len(e.Nodes))}
	lines := make([]string, len(e.Outs))
	for i, name := range resultNames(len(e.Outs)) {
		s := &e.Outs[i]
		sign, reduce, prec := "=", "", 0
		if s.Scatter {
			sign = `\mathrel{+}=`
		} else if axes := e.Reduced(s); len(axes) > 0 {
			names := make([]string, len(axes))
			for k, a := range axes {
				names[k] = e.Axes[a].Name
			}
			reduce, prec = fmt.Sprintf(latexReduce[s.Reduce], strings.Join(names, ",")), precMul
		}
		lines[i] = latex.operand(`\mathrm{`+name+"}", t.index(s.Index), false) + " " + sign + " " + reduce + t.node(s.Value, prec)
	}
	return strings.Join(lines, " \\\\\n")
}

var latexReduce = map[Combiner]string{
	Sum: `\sum_{%s} `, Prod: `\prod_{%s} `, Max: `\max_{%s} `, Min: `\min_{%s} `, LSE: `\operatorname{lse}_{%s} `,
}

var latex = notation{
	fn:    latexPattern,
	open:  `\left(`,
	close: `\right)`,
	operand: func(name, index string, guarded bool) string {
		if guarded {
			name = `\hat{` + name + "}"
		}
		if index == "" {
			return name
		}
		return name + "_{" + strings.ReplaceAll(index, "*", "") + "}"
	},
	number: latexNumber,
}

func latexNumber(v float64) string {
	switch {
	case math.IsInf(v, 0):
		return strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64)[:1], "+") + `\infty`
	case math.IsNaN(v):
		return `\mathrm{NaN}`
	}
	s := strconv.FormatFloat(v, 'g', -1, 64)
	mantissa, exponent, ok := strings.Cut(s, "e")
	if !ok {
		return s
	}
	power, _ := strconv.Atoi(exponent)
	if mantissa == "1" {
		return fmt.Sprintf("10^{%d}", power)
	}
	return fmt.Sprintf(`%s \cdot 10^{%d}`, mantissa, power)
}

var latexPatterns = map[Fn]pattern{
	Neg:       {"-%0", precUnary, [3]int{precUnary}},
	Not:       {`\lnot %0`, precUnary, [3]int{precUnary}},
	Abs:       {`\left|%0\right|`, precAtom, [3]int{}},
	Square:    {"%0^2", precPower, [3]int{precAtom}},
	Sqrt:      {`\sqrt{%0}`, precAtom, [3]int{}},
	Recip:     {`\frac{1}{%0}`, precPower, [3]int{}},
	Exp:       {"e^{%0}", precPower, [3]int{}},
	Expm1:     {"e^{%0} - 1", precAdd, [3]int{}},
	Log1p:     {`\log\left(1 + %0\right)`, precUnary, [3]int{precAdd}},
	Sigmoid:   {`\sigma\left(%0\right)`, precAtom, [3]int{}},
	Lgamma:    {`\log\left|\Gamma\left(%0\right)\right|`, precUnary, [3]int{}},
	Digamma:   {`\psi\left(%0\right)`, precAtom, [3]int{}},
	Polygamma: {`\psi^{(%k)}\left(%0\right)`, precAtom, [3]int{}},
	Add:       {"%0 + %1", precAdd, [3]int{precAdd, precAdd}},
	Sub:       {"%0 - %1", precAdd, [3]int{precAdd, precMul}},
	Mul:       {`%0 \, %1`, precMul, [3]int{precMul, precMul}},
	Div:       {`\frac{%0}{%1}`, precPower, [3]int{}},
	Pow:       {"%0^{%1}", precPower, [3]int{precAtom}},
	SMul:      {`%0 \odot %1`, precMul, [3]int{precUnary, precUnary}},
	Maximum:   {`\max\left(%0, %1\right)`, precAtom, [3]int{}},
	Minimum:   {`\min\left(%0, %1\right)`, precAtom, [3]int{}},
	Hypot:     {`\sqrt{%0^2 + %1^2}`, precAtom, [3]int{precAtom, precAtom}},
	Eq:        {"%0 = %1", precCompare, [3]int{precAdd, precAdd}},
	Ne:        {`%0 \ne %1`, precCompare, [3]int{precAdd, precAdd}},
	Lt:        {"%0 < %1", precCompare, [3]int{precAdd, precAdd}},
	Le:        {`%0 \le %1`, precCompare, [3]int{precAdd, precAdd}},
	And:       {`%0 \land %1`, precAnd, [3]int{precAnd, precAnd}},
	Or:        {`%0 \lor %1`, precOr, [3]int{precOr, precOr}},
	Select:    {`\begin{cases} %1 & %0 \\ %2 & \text{otherwise} \end{cases}`, precAdd, [3]int{}},
}

func latexPattern(f Fn) pattern {
	if p, ok := latexPatterns[f]; ok {
		return p
	}
	name := `\operatorname{` + f.String() + "}"
	switch f {
	case Sin, Cos, Tan, Tanh, Log:
		name = `\` + f.String()
	}
	if f.Arity() == 1 {
		return pattern{name + `\left(%0\right)`, precAtom, [3]int{}}
	}
	return pattern{name + `\left(%0, %1\right)`, precAtom, [3]int{}}
}
