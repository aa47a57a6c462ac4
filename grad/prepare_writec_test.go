// Programs written as C run outside of Go.

package grad_test

import (
	"bytes"
	"errors"
	"fmt"
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
	flags := []string{"-std=c11", "-O1", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv", "-Wall", "-Wno-unknown-pragmas", "-o", "main", "main.c", "-lm"}
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
	for _, bad := range []string{"", "2x", "a b", "größe", "_x", "ct_x", "double", "while", "class", "xor_eq", "alignas", "main"} {
		if err := q.WriteC(new(bytes.Buffer), bad); !errors.As(err, &name) || name.Name != bad {
			t.Errorf("%q: error %v", bad, err)
		}
	}
	if err := q.WriteC(full{}, "neg"); !errors.Is(err, errFull) {
		t.Errorf("error %v of a full disk", err)
	}
}

var errFull = fmt.Errorf("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
