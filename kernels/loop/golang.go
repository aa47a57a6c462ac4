// Expressions as Go functions.

package loop

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
)

// Go returns the text of a Go function func name(a, ..., out, ... []T) over
// dense row-major slices. It needs package math alone, and is an oracle to be
// read rather than fast code: transcendental functions are computed in float64,
// and an index out of range panics.
func (e *Expr) Go(name string) string {
	p := newPrinter(e, &goDialect)
	p.body()
	var params []string
	for i, a := range e.Ins {
		params = append(params, p.ins[i]+" []"+p.types[a.DType])
	}
	for i := range e.Outs {
		params = append(params, p.outs[i]+" []"+p.types[e.Outs[i].Aval.DType])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "func %s(%s) {\n", name, strings.Join(params, ", "))
	for _, fn := range helperOrder {
		if p.helpers[fn] {
			b.WriteString(goHelpers[fn])
		}
	}
	return b.String() + p.b.String() + "}\n"
}

var goDialect = dialect{
	types:   [device.NumDTypes]string{"bool", "int32", "int64", "float32", "float64"},
	loop:    "for %[1]s := range %[2]d {",
	repeat:  "for range %[2]d {",
	test:    "if %s {",
	declare: func(_, name, value string) string { return name + " := " + value },
	choose: func(_, name, cond, yes, no string) []string {
		return []string{name + " := " + no, "if " + cond + " {", "\t" + name + " = " + yes, "}"}
	},
	literal: goLiteral,
	iota:    func(axis string) string { return "int64(" + axis + ")" },
	index:   func(v string) string { return "int(" + v + ")" },
	cast: func(_, to device.DType, v string) string {
		if to == device.Bool {
			return v + " != 0"
		}
		return to.String() + "(" + v + ")"
	},
	round: func(dt device.DType, product string) string {
		if dt.IsFloat() {
			return dt.String() + "(" + product + ")"
		}
		return product
	},
	call: goCall,
}

func goLiteral(v float64, k int64, dt device.DType) string {
	s := ""
	switch {
	case dt == device.Bool:
		return strconv.FormatBool(k != 0)
	case !dt.IsFloat():
		s = strconv.FormatInt(k, 10)
	case math.IsNaN(v):
		s = "math.NaN()"
	case math.IsInf(v, 0):
		s = map[bool]string{true: "math.Inf(1)", false: "math.Inf(-1)"}[v > 0]
	case v == 0 && math.Signbit(v):
		s = "math.Copysign(0, -1)"
	default:
		s = strconv.FormatFloat(v, 'g', -1, 8*dt.Size())
	}
	return dt.String() + "(" + s + ")"
}

func goCall(p *printer, fn Fn, dt device.DType, args ...string) string {
	name := fn.String()
	if _, ok := goHelpers[fn]; ok {
		p.needs(fn)
	} else {
		name = "math." + strings.ToUpper(name[:1]) + name[1:]
	}
	if dt == device.Float64 {
		return name + "(" + strings.Join(args, ", ") + ")"
	}
	for i := range args {
		if fn != Polygamma || i == 0 {
			args[i] = "float64(" + args[i] + ")"
		}
	}
	return dt.String() + "(" + name + "(" + strings.Join(args, ", ") + "))"
}
