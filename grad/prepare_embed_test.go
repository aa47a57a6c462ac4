// Programs written as C, embedded in programs of C and C++: on two threads at once they
// give what Run gives, bit for bit.

package grad_test

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

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// embedded are functions to be written as C, and their arguments.
func embedded() map[string]struct {
	f func(x []*T) []*T
	x []*T
} {
	type program = struct {
		f func(x []*T) []*T
		x []*T
	}
	r := rand.New(rand.NewPCG(41, 42))
	withGradient := func(f func(x []*T) *T) func(x []*T) []*T {
		return func(x []*T) []*T {
			v, g := grad.ValueAndGrad(f)(x)
			return append(g, v)
		}
	}
	list := map[string]program{
		// A x = b by elimination without a loop, with the gradient by A and b.
		"elimination": {withGradient(func(x []*T) *T {
			a, b := x[0], x[1]
			for k := range 4 {
				row, at := a.Index(tensor.At(k)), a.Index(tensor.At(k), tensor.At(k))
				factor := a.Index(tensor.Range(0, 4), tensor.At(k)).Sub(tensor.Eye(4).Index(tensor.At(k))).Div(at)
				a = a.Sub(factor.Unsqueeze(1).Mul(row))
				b = b.Sub(factor.Mul(b.Index(tensor.At(k))))
			}
			return b.Mul(x[0].MatMul(b)).Sum()
		}), []*T{random(r, 4, 4).Add(tensor.Eye(4).MulScalar(5)), random(r, 4)}},
		// Gathers and scatters by indices, reductions over all kinds of axes, all dtypes.
		"kinds": {func(x []*T) []*T {
			f, index, words, mask := x[0], x[1], x[2], x[3]
			loss := func(p []*T) *T {
				rows := p[0].Take(0, index)
				return rows.Softmax(1).Square().Sum(0).Mul(p[0].Max(0)).LogSumExp().Add(p[1].Exp().Sum().Cast(tensor.Float64))
			}
			g := grad.Grad(loss)([]*T{f, x[4]})
			return append(g,
				f.ScatterAdd(0, index.Unsqueeze(1).BroadcastTo(4, 3), f.Take(0, index).Neg()), f.ArgMax(1), f.Gt(tensor.Scalar(0)).And(mask),
				words.Mul(words).Add(index.Sum().Cast(tensor.Int32)), tensor.Where(mask, f, f.Lgamma()), x[4].Tanh().Mean(1),
				f, tensor.New([]float64{1, math.Inf(-1), math.Copysign(0, -1)}), f.Sum().Sqrt().Neg().Log(), f.Index(tensor.Range(0, 0)),
			)
		}, []*T{
			random(r, 5, 3), tensor.New([]int64{4, 0, -1, 2}), tensor.New([]int32{-3, 5, 1 << 20}),
			tensor.New([][]bool{{true, false, true}, {false, false, true}, {true, true, true}, {false, true, false}, {true, false, false}}),
			random(r, 2, 70).Cast(tensor.Float32),
		}},
		// Products with a sparse matrix, by its entries and by the vector.
		"sparse": {withGradient(func(x []*T) *T {
			a, err := tensor.NewSparse(4, 3, []int{0, 2, 2, 5, 6}, []int{1, 0, 2, 1, 2, 0})
			if err != nil {
				return tensor.Failed("sparse", err)
			}
			return a.T().MatMul(x[0].Exp(), a.MatMul(x[0], x[1]).Tanh()).Square().Sum().Add(a.MatMul(x[0], x[2]).Prod())
		}), []*T{random(r, 6), random(r, 3, 2), random(r, 3)}},
		"nothing": {func(x []*T) []*T { return []*T{x[0].Sum()} }, []*T{tensor.Zeros(0)}},
	}
	fs := map[string]func(x *T) *T{}
	for _, c := range controls {
		for name, f := range of(c.f) {
			if name == "value" || name == "grad" {
				fs[c.name+", "+name] = f
			}
		}
	}
	_, all := together(fs)
	list["control"] = program{func(x []*T) []*T { return all(x[0]) }, points()[:1]}
	return list
}

// cTypes are C's names of the dtypes, and how to print their elements.
var cTypes = map[tensor.DType][2]string{
	tensor.Float64: {"double", "%a"}, tensor.Float32: {"float", "%a"},
	tensor.Int64: {"int64_t", "%lld"}, tensor.Int32: {"int32_t", "%lld"}, tensor.Bool: {"uint8_t", "%lld"},
}

// caller returns the function in C, and in C++, that calls a program and prints its results.
func caller(t *testing.T, name string, x, y []*T) string {
	var s strings.Builder
	var args []string
	fmt.Fprintf(&s, "static void *call_%s(void *text) {\n\tchar *to = (char *)text;\n", name)
	for i, a := range x {
		var list []string
		for _, v := range must(a.Float64s())(t) {
			if a.DType().IsFloat() {
				list = append(list, strconv.FormatFloat(v, 'x', -1, 64))
			} else {
				list = append(list, strconv.FormatFloat(v, 'f', -1, 64))
			}
		}
		suffix := ""
		if a.DType() == tensor.Float32 {
			suffix = "f"
		}
		fmt.Fprintf(&s, "\tstatic const %s a%d[] = {%s};\n", cTypes[a.DType()][0], i, strings.Join(append(list, "0"), suffix+", "))
		args = append(args, fmt.Sprint("a", i))
	}
	for i, a := range y {
		fmt.Fprintf(&s, "\t%s r%d[%d];\n", cTypes[a.DType()][0], i, max(a.Size(), 1))
		args = append(args, fmt.Sprint("r", i))
	}
	upper := strings.ToUpper(name)
	fmt.Fprintf(&s, "\tvoid *memory = aligned_alloc(64, (%s_MEMORY + 127) / 64 * 64);\n", upper)
	fmt.Fprintf(&s, "\tfor (int i = 0; i < 20; i++) {\n\t\tint end = %s(%s, memory);\n\t\tif (end) exit(end);\n\t}\n", name, strings.Join(args, ", "))
	for i, a := range y {
		format, cast := cTypes[a.DType()][1], "(double)"
		if !a.DType().IsFloat() {
			cast = "(long long)"
		}
		fmt.Fprintf(&s, "\tfor (int i = 0; i < %d; i++) to += sprintf(to, \"%s\\n\", %sr%d[i]);\n", a.Size(), format, cast, i)
	}
	s.WriteString("\tfree(memory);\n\treturn 0;\n}\n")
	return s.String()
}

// callers is what surrounds the functions that call programs: each is called on two threads.
const callers = `
int main(void) {
	void *(*const calls[])(void *) = {%s};
	static char text[2][1 << 20];
	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
		pthread_t other;
		if (pthread_create(&other, 0, calls[i], text[1])) return 100;
		calls[i](text[0]);
		if (pthread_join(other, 0)) return 100;
		if (strcmp(text[0], text[1])) return 101;
		fputs(text[0], stdout);
		text[0][0] = text[1][0] = 0;
	}
	return 0;
}
`

func TestEmbedded(t *testing.T) {
	if kind := tensor.Scalar(0).Clone().Device().Kind(); kind != "cpu" && kind != "ref" {
		t.Skip(kind + " adds up in another order")
	}
	dir := t.TempDir()
	var want []float64
	var files, names []string
	main := "#include <pthread.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
	for name, e := range embedded() {
		p := mustPrepare(t, e.f, e.x)
		var text bytes.Buffer
		if err := p.WriteC(&text, name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		y := run(t, p, e.x)
		for _, y := range y {
			want = append(want, must(y.Float64s())(t)...)
		}
		main += fmt.Sprintf("#include \"%s.h\"\n#include \"%[1]s.h\"\n", name) + caller(t, name, e.x, y)
		names = append(names, "call_"+name)
		files = append(files, name+".c")
		writeFile(t, dir, name+".h", text.String())
		writeFile(t, dir, name+".c", fmt.Sprintf("#define %s_IMPLEMENTATION\n#include \"%s.h\"\n", strings.ToUpper(name), name))
	}
	main += fmt.Sprintf(callers, strings.Join(names, ", "))
	writeFile(t, dir, "main.c", main)
	writeFile(t, dir, "main.cc", main)
	flags := []string{"-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv", "-Wall", "-Wextra", "-Werror", "-pthread"}
	found := 0
	for _, c := range []struct {
		name, c, cc string // compilers of the programs, and of what calls them
		flags       []string
		optional    bool // where the compiler has it
	}{
		{"C++", "cc", "c++", []string{"-O2"}, false},
		{"clang", "clang", "clang++", []string{"-O2"}, false},
		{"this machine's instructions", "cc", "cc", []string{"-O2", "-march=native"}, true},
		{"sanitizers", "cc", "cc", []string{"-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.name != "C++" {
				t.Skip("takes long")
			}
			for _, name := range []string{c.c, c.cc} {
				if _, err := exec.LookPath(name); err != nil {
					t.Skip(err)
				}
			}
			build := func(compiler string, args ...string) {
				cmd := exec.Command(compiler, append(append(flags[:len(flags):len(flags)], c.flags...), args...)...)
				cmd.Dir = dir
				out, err := cmd.CombinedOutput()
				switch {
				case err != nil && c.optional:
					t.Skipf("%v\n%s", err, out)
				case err != nil || len(out) > 0:
					t.Fatalf("%s: %v\n%s", compiler, err, out)
				}
			}
			for _, f := range files {
				build(c.c, "-std=c11", "-c", f)
			}
			source := []string{"-std=c11", "-D_GNU_SOURCE", "main.c"}
			if c.cc != c.c {
				source = []string{"main.cc"}
			}
			for _, f := range files {
				source = append(source, strings.TrimSuffix(f, ".c")+".o")
			}
			build(c.cc, append(source, "-o", "main", "-lm")...)
			out, err := exec.Command(filepath.Join(dir, "main")).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			lines := strings.Fields(string(out))
			if len(lines) != len(want) {
				t.Fatalf("%d numbers, want %d", len(lines), len(want))
			}
			for i, l := range lines {
				v, err := strconv.ParseFloat(strings.TrimPrefix(l, "-nan"), 64)
				if strings.HasPrefix(l, "-nan") {
					v, err = math.NaN(), nil
				}
				if err != nil || math.Float64bits(v) != math.Float64bits(want[i]) && !(math.IsNaN(v) && math.IsNaN(want[i])) {
					t.Errorf("number %d is %v, want %v", i, l, want[i])
				}
			}
			found++
		})
	}
	if found == 0 {
		t.Skip("there is no C compiler")
	}
}

func writeFile(t *testing.T, dir, name, text string) {
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
