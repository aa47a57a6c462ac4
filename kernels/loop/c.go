// Expressions as C11 functions.

package loop

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
)

// C returns the text of a C11 function void name(const T *a, ..., T *out, ...)
// over dense row-major arrays that do not overlap, with what it needs to
// compile. It calls the functions of libm; with a prefix, transcendental
// functions are instead prefix_exp, prefix_digamma and so on (an f follows for
// float; prefix_polygamma takes the order second), which the caller declares.
// Products are strong and reductions ordered as the expression says; nothing
// is contracted to a fused multiply-add. Gathered indices are not checked.
func (e *Expr) C(name, prefix string) string {
	d := cDialect
	if prefix != "" {
		d.call = func(p *printer, fn Fn, dt device.DType, args ...string) string {
			if fn.Transcendental() {
				return prefix + "_" + fn.String() + suffix(dt) + "(" + strings.Join(args, ", ") + ")"
			}
			return cCall(p, fn, dt, args...)
		}
	}
	p := newPrinter(e, &d)
	p.body()
	var params []string
	for i, a := range e.Ins {
		params = append(params, "const "+d.types[a.DType]+" *restrict "+p.ins[i])
	}
	for i := range e.Outs {
		params = append(params, d.types[e.Outs[i].Aval.DType]+" *restrict "+p.outs[i])
	}
	var b strings.Builder
	b.WriteString("#include <math.h>\n#include <stdint.h>\n#pragma STDC FP_CONTRACT OFF\n")
	for _, fn := range helperOrder {
		if p.helpers[fn] {
			fmt.Fprintf(&b, "#ifndef cotangent_%v\n#define cotangent_%[1]v cotangent_%[1]v\n%s#endif\n", fn, cHelpers[fn])
		}
	}
	fmt.Fprintf(&b, "void %s(%s) {\n%s}\n", name, strings.Join(params, ", "), p.b.String())
	return b.String()
}

func suffix(dt device.DType) string {
	if dt == device.Float32 {
		return "f"
	}
	return ""
}

var cTypes = [device.NumDTypes]string{"_Bool", "int32_t", "int64_t", "float", "double"}

var cDialect = dialect{
	types:   cTypes,
	loop:    "for (int64_t %[1]s = 0; %[1]s < %[2]d; %[1]s++) {",
	repeat:  "for (int64_t %[1]s = 0; %[1]s < %[2]d; %[1]s++) {",
	test:    "if (%s) {",
	end:     ";",
	declare: func(dt, name, value string) string { return dt + " " + name + " = " + value },
	choose: func(dt, name, cond, yes, no string) []string {
		return []string{dt + " " + name + " = " + cond + " ? " + yes + " : " + no + ";"}
	},
	literal: cLiteral,
	iota:    func(axis string) string { return axis },
	index:   func(v string) string { return v },
	cast: func(from, to device.DType, v string) string {
		if to == device.Bool {
			return v + " != 0"
		}
		return "(" + cTypes[to] + ")" + v
	},
	round: func(_ device.DType, product string) string { return product },
	call:  cCall,
}

func cLiteral(v float64, k int64, dt device.DType) string {
	switch {
	case !dt.IsFloat() && k == math.MinInt64:
		return "INT64_MIN"
	case !dt.IsFloat():
		return parenthesize(strconv.FormatInt(k, 10))
	case math.IsNaN(v):
		return "NAN"
	case math.IsInf(v, 0):
		if v < 0 {
			return "(-INFINITY)"
		}
		return "INFINITY"
	}
	return parenthesize(decimal(v, dt) + suffix(dt))
}

// decimal returns a float with a point or an exponent, exact in its type.
func decimal(v float64, dt device.DType) string {
	s := strconv.FormatFloat(v, 'g', -1, 8*dt.Size())
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

func parenthesize(s string) string {
	if strings.HasPrefix(s, "-") {
		return "(" + s + ")"
	}
	return s
}

// cCall calls libm, or a helper where it has no such function.
func cCall(p *printer, fn Fn, dt device.DType, args ...string) string {
	if _, ok := cHelpers[fn]; ok {
		p.needs(fn)
		return "cotangent_" + fn.String() + "(" + strings.Join(args, ", ") + ")"
	}
	name := fn.String()
	if fn == Abs {
		name = "fabs"
	}
	return name + suffix(dt) + "(" + strings.Join(args, ", ") + ")"
}
