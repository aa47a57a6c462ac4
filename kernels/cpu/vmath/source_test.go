package vmath

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A program made of Source and a loop compiles without a warning and its loop vectorises, with whichever of gcc and
// clang there is.
func TestSourceCompiles(t *testing.T) {
	if strings.Contains(Source(), "#include \"") {
		t.Fatal("Source includes a file of ours")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "program.c")
	program := Source() + `
void f(double *y, const double *x) {
    for (int i = 0; i < 1024; i++) y[i] = ct_tanh(ct_log1p(x[i] * x[i])) + ct_pow(x[i], 3.0) * ct_lgamma_main(1.0 + x[i] * x[i]);
}
double g(double x) { return ct_sin(x) + ct_polygamma(2, x) + ct_erfc(x) + ct_digamma(x); }
`
	if err := os.WriteFile(file, []byte(program), 0o666); err != nil {
		t.Fatal(err)
	}
	report := map[string]string{"gcc": "-fopt-info-vec-optimized", "clang": "-Rpass=loop-vectorize"}
	found := false
	for cc, flag := range report {
		if _, err := exec.LookPath(cc); err != nil {
			continue
		}
		found = true
		args := []string{"-std=c11", "-O3", "-fno-trapping-math", "-Wall", "-Wextra", flag, "-c", file, "-o", filepath.Join(dir, "program.o")}
		if runtime.GOARCH == "amd64" {
			args = append(args, "-mavx2", "-mfma") // without fma in hardware nothing vectorises
		}
		out, err := exec.Command(cc, args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", cc, err, out)
			continue
		}
		text := string(out)
		if strings.Contains(text, "warning:") {
			t.Errorf("%s warns:\n%s", cc, text)
		}
		if !strings.Contains(text, "vectorized") {
			t.Errorf("%s did not vectorise:\n%s", cc, text)
		}
	}
	if !found {
		t.Skip("no C compiler")
	}
}
