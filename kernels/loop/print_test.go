// Printed code must compile and compute what the evaluator does.

package loop

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

type printCase struct {
	name string
	e    *Expr
	in   [][]float64
}

// printCases are all cases of the derivative tests with their derivatives, and
// what those do not have: other types, reductions and special values.
func printCases(t *testing.T) []printCase {
	rng := rand.New(rand.NewPCG(4, 5))
	var list []printCase
	add := func(name string, e *Expr, x [][]float64) {
		list = append(list, printCase{name, e, x})
		y := eval(t, e, x...)
		w := random(rng, -1, 1, outAvals(e)...)
		for i, d := range VJP(e, all, false) {
			list = append(list, printCase{fmt.Sprintf("%s, derived %d", name, i), d.Expr, inputs(&d, x, y, w)})
		}
	}
	for _, c := range fnCases {
		e := fnExpr(c.fn, f64)
		add(c.fn.String(), e, random(rng, c.lo, c.hi, e.Ins...))
	}
	for _, c := range shapeCases() {
		x := random(rng, 0.5, 2, c.e.Ins...)
		for i, v := range c.ints {
			x[i] = v
		}
		add(c.name, c.e, x)
	}
	nan := math.NaN()
	special := []float64{2, -3, 0, inf, -inf, nan, 0.5, -1}
	back := []float64{nan, -3, 0, 1, 2, -1, inf, -inf}
	for _, fn := range []Fn{Abs, Sign, Sqrt, Recip, Sigmoid, Softplus, Add, SMul, Maximum, Minimum} {
		e := fnExpr(fn, f64)
		e = Elementwise([]Aval{floats64(8), floats64(8)}[:fn.Arity()], floats64(8), func(g *Expr, x []Node) Node {
			return g.apply(&e.Nodes[e.Outs[0].Value], [3]Node{x[0], x[len(x)-1], None})
		})
		list = append(list, printCase{"special " + fn.String(), e, [][]float64{special, back}[:fn.Arity()]})
	}
	for _, c := range []Combiner{Sum, Prod, Max, Min, LSE} {
		e := build(Axes([]int{3, 4}), ins(3, 4), func(e *Expr) {
			e.Store(Store{Value: e.Load(0, Ats(2)...), Index: Ats(1), Reduce: c, Aval: floats64(3)})
			e.Store(Store{Value: e.Load(0, Ats(2)...), Reduce: c, Aval: floats64()})
			e.Store(Store{Value: e.Const(f64, 1.5), Index: Ats(1), Reduce: c, Aval: floats64(3)})
		})
		list = append(list, printCase{"reduction " + c.String(), e, [][]float64{{1, -2, 3, 0.5, -inf, -inf, -inf, -inf, 2, inf, inf, 1}}})
	}
	return append(list, typed()...)
}

// typed are loops over other types.
func typed() []printCase {
	f32 := fnExpr(Hypot, device.Float32)
	mixed := Elementwise([]Aval{{device.Int32, []int{4}}, {device.Bool, []int{4}}, {device.Float32, []int{4}}}, floats64(4), func(e *Expr, x []Node) Node {
		wide := e.Cast(device.Int64, e.Maximum(e.Abs(x[0]), e.Sign(x[0])))
		on := e.Or(x[1], e.Not(e.And(e.Cast(device.Bool, x[0]), e.Lt(wide, e.Iota(0)))))
		v := e.Mul(e.Cast(f64, e.Exp(x[2])), e.Cast(f64, e.Cast(device.Int32, x[2])))
		return e.Select(on, e.Add(v, e.Cast(f64, e.Mul(wide, wide))), e.Cast(f64, e.Ne(x[1], e.Bool(true))))
	})
	return []printCase{
		{"float32", f32, [][]float64{{3, 5, 8}, {4, 12, 15}}},
		{"mixed types", mixed, [][]float64{{-3, 0, 2, 7}, {1, 0, 0, 0}, {0.5, 1.5, -2.5, 3}}},
		{"logs in float32", fnExpr(Digamma, device.Float32), [][]float64{{-0.5, 1, 3}}},
		{"mirrored", fnExpr(Polygamma, f64), [][]float64{{-0.5, -2.25, 0.125}}},
	}
}

func TestC(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler")
	}
	cases := printCases(t)
	var text, main strings.Builder
	for i, c := range cases {
		text.WriteString(c.e.C(fmt.Sprintf("f%d", i), ""))
		args := make([]string, 0, len(c.in)+len(c.e.Outs))
		for k, a := range c.e.Ins {
			fmt.Fprintf(&main, "static const %s a%d_%d[] = {%s};\n", cTypes[a.DType], i, k, numbers(c.in[k], "INFINITY", "NAN"))
			args = append(args, fmt.Sprintf("a%d_%d", i, k))
		}
		for k, a := range outAvals(c.e) {
			fmt.Fprintf(&main, "static %s o%d_%d[%d];\n", cTypes[a.DType], i, k, a.Size())
			args = append(args, fmt.Sprintf("o%d_%d", i, k))
		}
		fmt.Fprintf(&main, "static void t%d(void) {\n\tf%[1]d(%s);\n", i, strings.Join(args, ", "))
		for k, a := range outAvals(c.e) {
			fmt.Fprintf(&main, "\tfor (int i = 0; i < %d; i++) printf(\"%%.17g\\n\", (double)o%d_%d[i]);\n", a.Size(), i, k)
		}
		main.WriteString("}\n")
	}
	main.WriteString("int main(void) {\n")
	for i := range cases {
		fmt.Fprintf(&main, "\tt%d();\n", i)
	}
	main.WriteString("}\n")
	dir := t.TempDir()
	src, bin := filepath.Join(dir, "f.c"), filepath.Join(dir, "f")
	write(t, src, text.String()+"#include <stdio.h>\n"+main.String())
	command(t, dir, cc, "-std=c11", "-O1", "-Wall", "-Wno-unknown-pragmas", "-Wno-unused-variable", "-Werror", "-o", bin, src, "-lm")
	compare(t, cases, command(t, dir, bin))
}

func TestGo(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a program")
	}
	cases := printCases(t)
	var text, main strings.Builder
	for i, c := range cases {
		text.WriteString(c.e.Go(fmt.Sprintf("f%d", i)))
		args := make([]string, 0, len(c.in)+len(c.e.Outs))
		fmt.Fprintf(&main, "func t%d() {\n", i)
		for k, a := range c.e.Ins {
			list := numbers(c.in[k], "inf", "nan")
			if a.DType == device.Bool {
				list = strings.NewReplacer("0", "false", "1", "true").Replace(list)
			}
			args = append(args, fmt.Sprintf("[]%v{%s}", a.DType, list))
		}
		for k, a := range outAvals(c.e) {
			fmt.Fprintf(&main, "\to%d := make([]%v, %d)\n", k, a.DType, a.Size())
			args = append(args, fmt.Sprintf("o%d", k))
		}
		fmt.Fprintf(&main, "\tf%d(%s)\n", i, strings.Join(args, ", "))
		for k := range c.e.Outs {
			fmt.Fprintf(&main, "\tfor _, v := range o%d {\n\t\tfmt.Printf(\"%%.17g\\n\", v)\n\t}\n", k)
		}
		main.WriteString("}\n")
	}
	main.WriteString("func main() {\n")
	for i := range cases {
		fmt.Fprintf(&main, "\tt%d()\n", i)
	}
	main.WriteString("}\nvar inf, nan = math.Inf(1), math.NaN()\n")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module printed\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nimport (\"fmt\"; \"math\")\n"+text.String()+main.String())
	compare(t, cases, command(t, dir, "go", "run", "."))
}

// numbers lists values for a composite literal.
func numbers(v []float64, inf, nan string) string {
	parts := make([]string, len(v))
	for i, x := range v {
		switch {
		case math.IsInf(x, 0):
			parts[i] = strings.TrimPrefix(strconv.FormatFloat(x, 'g', -1, 64)[:1], "+") + inf
		case x != x:
			parts[i] = nan
		default:
			parts[i] = strconv.FormatFloat(x, 'g', -1, 64)
		}
	}
	return strings.Join(parts, ", ")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%.4000s", err, stderr.String())
	}
	return string(out)
}

func compare(t *testing.T, cases []printCase, printed string) {
	lines := strings.Fields(strings.ReplaceAll(printed, "-nan", "nan"))
	for _, c := range cases {
		for _, want := range eval(t, c.e, c.in...) {
			for _, w := range want {
				if len(lines) == 0 {
					t.Fatal("output ends early")
				}
				got, err := strconv.ParseFloat(lines[0], 64)
				lines = lines[1:]
				tol := 1e-12
				if c.e.Outs[0].Aval.DType == device.Float32 || strings.HasPrefix(c.name, "mixed") {
					tol = 1e-6
				}
				if err != nil || got != w && !(got != got && w != w) && !(math.Abs(got-w) <= tol*(1+math.Abs(w))) {
					t.Errorf("%s: %v, want %v, of\n%s", c.name, got, w, c.e.Text())
				}
			}
		}
	}
	if len(lines) > 0 {
		t.Errorf("%d numbers too many", len(lines))
	}
}
