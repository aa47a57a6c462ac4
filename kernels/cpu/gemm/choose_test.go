package gemm

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device/cpu"
	"pgregory.net/rapid"
)

func TestOpenFails(t *testing.T) {
	best := cpu.Available()[0]
	for _, w := range []struct {
		name, blas string
		isa        cpu.ISA
		reason     string
	}{
		{"no such file", "/nowhere/libnone.so", best, ""},
		{"no such name", "eigen", best, ""},
		{"no such instruction set", "own", cpu.ISA(99), "processor"},
	} {
		e, err := Open(w.blas, w.isa, nil)
		var u *UnavailableError
		if e != nil || !errors.As(err, &u) || u.Name != w.blas || u.Reason == "" || !strings.Contains(err.Error(), w.reason) {
			t.Errorf("%s: %v, %v, want an *UnavailableError", w.name, e, err)
		}
	}
}

func TestNew(t *testing.T) {
	have := cpu.Available()
	for _, name := range []string{"", "auto", "gonum", "nonsense"} {
		t.Setenv(EnvBLAS, name)
		e, err := New(have[0], nil)
		want, wantErr := Open(name, have[0], nil)
		switch {
		case (err != nil) != (wantErr != nil):
			t.Errorf("%s=%s: error %v, Open's is %v", EnvBLAS, name, err, wantErr)
		case err == nil && e.Name() != want.Name():
			t.Errorf("%s=%s: engine %s, Open's is %s", EnvBLAS, name, e.Name(), want.Name())
		}
	}
	t.Setenv(EnvBLAS, "gonum")
	if e, err := New(have[0], nil); err != nil || e.Name() != "gonum" {
		t.Errorf("gonum forced: %v, %v", e, err)
	}

	// A library would not keep to a lesser instruction set.
	t.Setenv(EnvBLAS, "")
	if e, err := New(cpu.Baseline, nil); err != nil || (have[0] != cpu.Baseline && e.library != nil) {
		t.Errorf("for the baseline: %v, %v", e, err)
	}
}

func TestAvailable(t *testing.T) {
	have := Available(cpu.Available()[0])
	if last := have[len(have)-1]; last != (Choice{"gonum", "gonum"}) {
		t.Errorf("the last choice is %v, want gonum", last)
	}
	for _, c := range have {
		e, err := Open(c.BLAS, cpu.Available()[0], nil)
		if err != nil || e.Name() != c.Name {
			t.Errorf("%v: %v, %v", c, e, err)
		}
	}
	best, err := Open("auto", cpu.Available()[0], nil)
	if err != nil || best.Name() != have[0].Name {
		t.Errorf("the best is %v (%v), the first choice %v", best, err, have[0])
	}
}

// A cut covers every element of every C once.
func TestCut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.IntRange(1, 700)
		// Elements of one byte, so that C's address counts them.
		p := &product{size: 1, count: rapid.IntRange(1, 20).Draw(r, "count"), m: size.Draw(r, "m"), n: size.Draw(r, "n"), k: size.Draw(r, "k")}
		p.lda, p.ldb, p.ldc, p.sc = p.k, p.n, p.n, p.m*p.n
		a, b, seen := make([]byte, p.m*p.k), make([]byte, p.k*p.n), make([]byte, p.count*p.sc)
		p.a, p.b, p.c = unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&seen[0])
		c := cutFor(p, rapid.IntRange(1, 80).Draw(r, "parts"))
		if rapid.Bool().Draw(r, "library") {
			c = libraryCut(p)
		}
		for i := range c.parts {
			part := c.part(p, i)
			at := int(uintptr(part.c) - uintptr(p.c))
			for q := range part.count {
				for row := range part.m {
					for col := range part.n {
						seen[at+q*p.sc+row*p.ldc+col]++
					}
				}
			}
		}
		for i, n := range seen {
			if n != 1 {
				r.Fatalf("element %d is in %d parts of %+v", i, n, c)
			}
		}
	})
}
