//go:build cgo && linux

package cc

// What Compile promises when all is well: right code, compiled once, shared,
// unloaded.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

// useCache makes a fresh cache the one that is used, and returns its path.
func useCache(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	t.Setenv(EnvCache, dir)
	return dir
}

// useCompiler makes a shell script the compiler. It finds the real one in $REAL.
func useCompiler(t *testing.T, script string) {
	t.Helper()
	real, err := findCompiler(context.Background())
	if err != nil {
		t.Skip("no C compiler: ", err)
	}
	path := filepath.Join(t.TempDir(), "cc")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nREAL='"+real.path+"'\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CC", path)
}

// countCompiler makes a compiler the one that is used that counts its runs.
func countCompiler(t *testing.T) (count func() int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	useCompiler(t, `case "$*" in *--version) ;; *) echo run >> '`+log+`';; esac; exec "$REAL" "$@"`)
	return func() int {
		data, _ := os.ReadFile(log)
		return strings.Count(string(data), "run")
	}
}

// constant is a source whose code, when it runs, sets a variable.
func constant(value float64) Source {
	return Source{Name: "constant", Code: fmt.Sprintf(`
		#include <math.h>
		volatile double in = %v * %[1]v;
		double answer;
		__attribute__((constructor)) static void set(void) { answer = sqrt(in); }`, value)}
}

func mustCompile(t *testing.T, src Source, opts Options) *Library {
	t.Helper()
	lib, err := Compile(context.Background(), src, opts)
	if e := (*Error)(nil); errors.As(err, &e) && e.Step == Find {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lib.Close() })
	return lib
}

// answer returns the value of a library's variable.
func answer(t *testing.T, lib *Library) float64 {
	t.Helper()
	p, err := lib.Symbol("answer")
	if err != nil {
		t.Fatal(err)
	}
	return *(*float64)(p)
}

func TestCompileOnce(t *testing.T) {
	useCache(t)
	runs := countCompiler(t)
	first := mustCompile(t, constant(3), Options{})
	if answer(t, first) != 3 || first.Took <= 0 {
		t.Errorf("answer %v, took %v", answer(t, first), first.Took)
	}
	again := mustCompile(t, constant(3), Options{})
	if again.image != first.image || again.Took != 0 {
		t.Error("the image is not shared")
	}
	first.Close()
	first.Close()
	if answer(t, again) != 3 {
		t.Error("closed for one, closed for the other")
	}
	if _, err := first.Symbol("answer"); !errors.Is(err, ErrClosed) {
		t.Errorf("symbol of a closed library: %v", err)
	}
	if _, err := again.Symbol("question"); !errors.Is(err, ErrNoSymbol) {
		t.Errorf("symbol that is not there: %v", err)
	}
	again.Close()
	if len(images.by) != 0 {
		t.Errorf("%d images are left", len(images.by))
	}
	if cached := mustCompile(t, constant(3), Options{}); answer(t, cached) != 3 || cached.Took != 0 {
		t.Errorf("from the cache: answer %v, took %v", answer(t, cached), cached.Took)
	}
	if runs() != 1 {
		t.Errorf("the compiler ran %d times", runs())
	}
}

// What code depends on is in the key.
func TestKey(t *testing.T) {
	useCache(t)
	runs := countCompiler(t)
	want := 0
	step := func(what string, src Source, opts Options) {
		t.Helper()
		want++
		if answer(t, mustCompile(t, src, opts)); runs() != want {
			t.Errorf("%s: the compiler ran %d times, not %d", what, runs(), want)
		}
	}
	step("first", constant(1), Options{})
	step("source", constant(2), Options{})
	step("flags", constant(1), Options{Flags: []string{"-O1"}})
	if best := cpu.Available()[0]; best != cpu.Baseline {
		step("instruction set", constant(1), Options{ISA: best})
	}
	renamed := constant(1)
	renamed.Name = "another name"
	mustCompile(t, renamed, Options{})
	if runs() != want {
		t.Error("a name is not what code depends on")
	}
	// The same command of another version.
	old := os.Getenv("CC")
	script, _ := os.ReadFile(old)
	script = []byte(strings.Replace(string(script), "exec", `[ "$1" = --version ] && echo 99; exec`, 1))
	if err := os.WriteFile(old, script, 0o755); err != nil {
		t.Fatal(err)
	}
	step("version", constant(1), Options{})
	os.Setenv("CC", old+" -g0") // useCompiler restores it
	step("arguments in CC", constant(1), Options{})
}

// Every instruction set's flags keep the contract of numbers.
func TestFlags(t *testing.T) {
	useCache(t)
	code := `
		#include <math.h>
		volatile double nan_ = NAN, tiny = 1e-310, a = 1 + 0x1p-30, b = 1 - 0x1p-30, c = -1;
		double answer;
		__attribute__((constructor)) static void set(void) {
			double x = nan_;
			answer = (x != x) + 2 * (tiny / 2 > 0) + 4 * (a * b + c == 0) + 8 * (fma(a, b, c) == -0x1p-60);
		}`
	for _, isa := range cpu.Available() {
		if got := answer(t, mustCompile(t, Source{Name: "flags", Code: code}, Options{ISA: isa})); got != 15 {
			t.Errorf("%v: NaN, subnormal, contraction, fma: %04b", isa, int(got))
		}
	}
	_, err := Compile(context.Background(), constant(1), Options{Flags: []string{"-ffast-math"}})
	if !errors.Is(err, ErrFlag) {
		t.Errorf("-ffast-math: %v", err)
	}
	t.Setenv("CC", "cc -Ofast")
	if _, err := Compile(context.Background(), constant(1), Options{}); !errors.Is(err, ErrFlag) {
		t.Errorf("CC='cc -Ofast': %v", err)
	}
}

// Calls that coincide compile once; others do not disturb each other.
func TestConcurrentCalls(t *testing.T) {
	useCache(t)
	runs := countCompiler(t)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			v := float64(i % 3)
			lib, err := Compile(context.Background(), constant(v), Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if p, err := lib.Symbol("answer"); err != nil || *(*float64)(p) != v {
				t.Errorf("answer of %v: %v", v, err)
			}
			runtime.KeepAlive(lib)
			lib.Close()
		})
	}
	wg.Wait()
	// A library may have been closed before the next asked for it, but then it is in the cache.
	if runs() != 3 {
		t.Errorf("the compiler ran %d times for 3 sources", runs())
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestNothingIsLeftOpen(t *testing.T) {
	useCache(t)
	mustCompile(t, constant(0), Options{}).Close()
	before := openFiles(t)
	for range 50 {
		lib := mustCompile(t, constant(0), Options{})
		if answer(t, lib) != 0 {
			t.Fatal("wrong answer")
		}
		lib.Close()
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open, %d before", after, before)
	}
}

// A library that nobody holds is unloaded.
func TestUnreachable(t *testing.T) {
	useCache(t)
	if lib, err := Compile(context.Background(), constant(7), Options{}); err != nil {
		t.Skip(err)
	} else if answer(t, lib) != 7 {
		t.Error("wrong answer")
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		runtime.GC()
		images.Lock()
		n := len(images.by)
		images.Unlock()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d images are still loaded", n)
		}
		time.Sleep(time.Millisecond)
	}
}

// Libraries that are loaded at the same time are each their own.
func TestManyAtOnce(t *testing.T) {
	useCache(t)
	var libs []*Library
	for i := range 5 {
		libs = append(libs, mustCompile(t, constant(float64(i)), Options{}))
	}
	for i, lib := range libs {
		if got := answer(t, lib); got != float64(i) || math.IsNaN(got) {
			t.Errorf("library %d answers %v", i, got)
		}
	}
}

// Parts come to as many units as there may be and are worth it, each to one, in order; the
// library is the same for any number.
func TestParts(t *testing.T) {
	src := Source{Name: "parts", Code: "#define PART __attribute__((visibility(\"hidden\")))\nPART double f0(void), f1(void), f2(void);\nextern double answer;\n"}
	for k, size := range []int{leastUnit, leastUnit / 2, 3 * leastUnit} {
		src.Parts = append(src.Parts, fmt.Sprintf("/*%*s*/ PART double f%d(void) { return %d; }\n", size, "", k, k+1))
	}
	src.Parts = append(src.Parts, "double answer;\n__attribute__((constructor)) static void set(void) { answer = f0() + 10 * f1() + 100 * f2(); }\n")
	for most, want := range []int{1: 1, 2: 2, 3: 3, 4: 4, 9: 4} {
		if want == 0 {
			continue
		}
		units := src.units(most)
		if len(units) != want {
			t.Errorf("%d units where there may be %d", len(units), most)
		}
		for k, p := range src.Parts {
			n := 0
			for _, u := range units {
				n += strings.Count(u, p)
				if !strings.HasPrefix(u, src.Code) {
					t.Errorf("a unit of %d begins with %.40q", most, u)
				}
			}
			if n != 1 {
				t.Errorf("part %d is there %d times", k, n)
			}
		}
		if most == 2 && !strings.Contains(units[0], src.Parts[2]) || most == 2 && strings.Contains(units[0], src.Parts[0]) {
			t.Error("two units are not about as long as each other")
		}
	}
	for _, cores := range []int{1, 2, 4} {
		useCache(t)
		runs := countCompiler(t)
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		lib := mustCompile(t, src, Options{})
		if got := answer(t, lib); got != 321 {
			t.Errorf("%d cores: answer %v", cores, got)
		}
		if want := cores + min(cores-1, 1); runs() != want {
			t.Errorf("%d cores: the compiler ran %d times, not %d", cores, runs(), want)
		}
		lib.Close()
	}
	src.Parts[1] += "#error this will not do\n"
	if e := fails(t, src, Build); !strings.Contains(e.Output, "this will not do") {
		t.Errorf("one part fails: %v", e)
	}
}
