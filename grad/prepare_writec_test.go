// Programs written as C run outside of Go.

package grad_test

import (
	"bytes"
	"errors"
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
	"github.com/cotangent-ad/cotangent/tensor/graph/native"
)

// A loop with its gradient, constants and a gather, compiled as a program of its
// own, prints the numbers that Run gives.
func TestWriteC(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler: ", err)
	}
	r := rand.New(rand.NewPCG(21, 22))
	w, rows := random(r, 6), tensor.New([]int64{2, 0, 1, 2})
	type point struct{ X, S *T }
	f := func(p point) *T {
		c, y := grad.Scan(func(c, x *T) (*T, *T) {
			c = c.Mul(w).Add(x).Tanh()
			return c, c.Square().Sum()
		}, p.X.Index(tensor.At(0)), p.X.Take(0, rows))
		return c.MulScalar(0.5).Sum().Add(y.Sum()).Mul(p.S)
	}
	type result struct {
		Value *T
		Slope point
	}
	all := func(p point) result { v, g := grad.ValueAndGrad(f)(p); return result{v, g} }
	x := point{random(r, 3, 6), tensor.Scalar(1.5)}
	p := mustPrepare(t, all, x)
	var text bytes.Buffer
	if err := p.WriteC(&text, "slope"); err != nil {
		t.Fatal(err)
	}
	main := `#define SLOPE_IMPLEMENTATION
#include "slope.h"
#include "slope.h"
#include <stdio.h>
#include <stdlib.h>
int main(void) {
	double x[18] = {` + list(t, x.X) + `}, s = 1.5, v, gx[18], gs;
	void *memory = aligned_alloc(64, (SLOPE_MEMORY + 63) / 64 * 64 + 64);
	int end = slope(x, &s, &v, gx, &gs, memory);
	printf("%a\n", v);
	for (int i = 0; i < 18; i++) printf("%a\n", gx[i]);
	printf("%a\n", gs);
	return end;
}
`
	dir := t.TempDir()
	for name, text := range map[string]string{"slope.h": text.String(), "main.c": main} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(compiler, "-std=c11", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wno-unknown-pragmas", "-o", "main", "main.c", "-lm")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(dir, "main")).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := run(t, p, x)
	var numbers []float64
	for _, y := range []*T{want.Value, want.Slope.X, want.Slope.S} {
		numbers = append(numbers, must(y.Float64s())(t)...)
	}
	lines := strings.Fields(string(out))
	if len(lines) != len(numbers) {
		t.Fatalf("%d numbers, want %d", len(lines), len(numbers))
	}
	tol := 0.0
	if kind := want.Value.Device().Kind(); kind != "cpu" && kind != "ref" {
		tol = 1e-13 // sums of another order
	}
	for i, l := range lines {
		if v, err := strconv.ParseFloat(l, 64); err != nil || !(math.Abs(v-numbers[i]) <= tol*math.Abs(numbers[i])) {
			t.Errorf("number %d is %v, want %v", i, l, numbers[i])
		}
	}
}

// A loop of unknown length takes memory for its derivative by itself, up to the limit.
func TestWriteCWhile(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler: ", err)
	}
	f := grad.Grad(growth(grad.ResidualLimit(30_000)))
	x := tensor.New([]float64{0.3, 0.1, 0.2})
	p := mustPrepare(t, f, x)
	var text bytes.Buffer
	if err := p.WriteC(&text, "growth"); err != nil {
		t.Fatal(err)
	}
	main := `#define GROWTH_IMPLEMENTATION
#include "growth.h"
#include <stdio.h>
#include <stdlib.h>
int main(void) {
	double x[3] = {` + list(t, x) + `}, g[3];
	void *memory = aligned_alloc(64, (GROWTH_MEMORY + 63) / 64 * 64 + 64);
	int end = growth(x, g, memory);
	if (end) return 10 + end;
	for (int i = 0; i < 3; i++) printf("%a\n", g[i]);
	for (int i = 0; i < 3; i++) x[i] *= 1e-12;
	end = growth(x, g, memory);
	free(memory);
	return end == 4 ? 0 : 20 + end; /* more rows than the limit allows */
}
`
	dir := t.TempDir()
	for name, text := range map[string]string{"growth.h": text.String(), "main.c": main} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	flags := []string{"-std=c11", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wno-unknown-pragmas", "-o", "main", "main.c", "-lm"}
	build := func(flags ...string) ([]byte, error) {
		cmd := exec.Command(compiler, flags...)
		cmd.Dir = dir
		return cmd.CombinedOutput()
	}
	// Sanitizers, where the compiler has them, see leaks and what is out of range.
	if _, err := build(append(flags, "-fsanitize=address,undefined")...); err != nil {
		if out, err := build(flags...); err != nil || len(out) > 0 {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	out, err := exec.Command(filepath.Join(dir, "main")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := must(run(t, p, x).Float64s())(t)
	for i, l := range strings.Fields(string(out)) {
		if v, err := strconv.ParseFloat(l, 64); err != nil || v != want[i] {
			t.Errorf("number %d is %v, want %v", i, l, want[i])
		}
	}
	if len(strings.Fields(string(out))) != 3 {
		t.Errorf("output %q", out)
	}
}

// list writes the elements as C does.
func list(t *testing.T, x *T) string {
	var parts []string
	for _, v := range must(x.Float64s())(t) {
		parts = append(parts, strconv.FormatFloat(v, 'x', -1, 64))
	}
	return strings.Join(parts, ", ")
}

func TestWriteCErrors(t *testing.T) {
	p := mustPrepare(t, func(x *T) *T { return x.CumSum(0) }, tensor.Zeros(3))
	var none *native.UnsupportedError
	if err := p.WriteC(new(bytes.Buffer), "sums"); !errors.As(err, &none) || none.Op != "cumsum" {
		t.Errorf("error %v", err)
	}
	q := mustPrepare(t, func(x *T) *T { return x.Neg() }, tensor.Zeros(3))
	var name *native.NameError
	if err := q.WriteC(new(bytes.Buffer), "2x"); !errors.As(err, &name) {
		t.Errorf("error %v", err)
	}
	if err := q.WriteC(full{}, "neg"); !errors.Is(err, errFull) {
		t.Errorf("error %v of a full disk", err)
	}
}

var errFull = fmt.Errorf("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
