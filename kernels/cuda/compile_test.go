//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
)

var mode = flag.String("mode", "quick", "how many of the kernels TestKernelsCompile compiles: quick or all")

// allowed is local memory that kernels may have, in bytes, by a word in their
// source: what nvcc 13.0 needs at most, found by compiling all that the conformance
// suite makes. Functions of CUDA's library that are called, and not expanded, save
// some registers; sine and its kin keep what reduces large arguments.
var allowed = []struct {
	word  string
	bytes int
}{
	{"cotangent_polygamma", 128}, {"cotangent_digamma", 128},
	{"sin(", 64}, {"cos(", 64}, {"tan(", 64}, {"sinf(", 64}, {"cosf(", 64}, {"tanf(", 64},
	{"sincos(", 64}, {"sincosf(", 64},
	{" / ", 16}, {"pow(", 16}, {"hypot", 16}, {"together<", 16},
}

var memoryUse = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)

// TestKernelsCompile compiles the kernels whose sources earlier tests left in the
// folder of COTANGENT_CUDA_SOURCES by NVIDIA's compiler, for two generations of
// cards, and sees that none spills registers.
func TestKernelsCompile(t *testing.T) {
	dir := os.Getenv(devcuda.EnvSources)
	if dir == "" || !strings.Contains(os.Getenv("COTANGENT_LIBNVRTC"), "libnvrtc.so.1") {
		t.Skip("needs NVIDIA's compiler, and a folder of sources")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.cu"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources in %s: %v", dir, err)
	}
	step := 1
	if *mode == "quick" {
		const some = 40
		step = max(1, len(files)/some)
	}
	compiled := 0
	for i := 0; i < len(files); i += step {
		source, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, arch := range []int{80, 90} {
			log, err := devcuda.Inspect(string(source), arch)
			var status *devcuda.StatusError
			if errors.As(err, &status) {
				t.Fatal(err)
			} else if err != nil {
				t.Errorf("%s for sm_%d: %v", files[i], arch, err)
				continue
			}
			found := memoryUse.FindAllStringSubmatch(log, -1)
			if len(found) == 0 {
				t.Fatalf("the assembler says nothing of its memory: %q", log)
			}
			for _, m := range found {
				stack, _ := strconv.Atoi(m[1])
				spills, _ := strconv.Atoi(m[2])
				if limit := allowance(string(source)); spills > 0 && limit == 0 || stack > limit {
					t.Errorf("%s for sm_%d: %s, allowed are %d bytes", files[i], arch, m[0], limit)
				}
			}
		}
		compiled++
	}
	t.Logf("%d of %d kernels compiled for sm_80 and sm_90", compiled, len(files))
}

func allowance(source string) int {
	limit := 0
	// What is defined but not called does not count.
	_, body, _ := strings.Cut(source, "struct P {")
	for _, a := range allowed {
		if strings.Contains(body, a.word) {
			limit = max(limit, a.bytes)
		}
	}
	return limit
}
