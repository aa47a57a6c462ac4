//go:build cuda && cgo

package cuda_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
)

var mode = flag.String("mode", "", "how many of the kernels TestKernelsCompile compiles: quick or all, else none")

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
	{" / ", 16}, {"pow(", 16}, {"hypot", 16}, {"together<", 16}, {"exp(", 24}, {"cotangent_sigmoid(", 24},
}

// With so many registers a multiprocessor, which has 65536, holds 8, 6, 5, 4, 3 or 2
// blocks of 256 threads: rather than take one more, and hold a block less, the
// assembler keeps up to packedBytes elsewhere. One may be left, for numbers of 64 bits
// take pairs.
var packedRegisters = []int{32, 40, 48, 64, 80, 128}

const packedBytes = 32

// ofLibrary is the local memory that a function of CUDA's library may have.
const ofLibrary = 64

// TestKernelsCompile compiles the kernels whose sources earlier tests left in the
// folder of COTANGENT_CUDA_SOURCES by NVIDIA's compiler, for two generations of
// cards, and sees that none spills registers.
func TestKernelsCompile(t *testing.T) {
	if *mode == "" {
		t.Skip("-mode says how many")
	}
	dir := os.Getenv(devcuda.EnvSources)
	if dir == "" || !strings.Contains(os.Getenv("COTANGENT_LIBNVRTC"), "libnvrtc.so.1") {
		t.Fatal("needs NVIDIA's compiler, and a folder of sources")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.cu"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources in %s: %v", dir, err)
	}
	t.Run("planted", testPlanted)
	every := 1
	if *mode == "quick" {
		const some = 200
		every = max(1, len(files)/some)
	}
	var chosen []string
	for i := 0; i < len(files); i += every {
		chosen = append(chosen, files[i])
	}
	for batch := range slices.Chunk(chosen, together) {
		sources := make([]string, len(batch))
		for i, file := range batch {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources[i] = string(text)
		}
		for _, arch := range []int{80, 90} {
			t.Run(fmt.Sprintf("%s/sm_%d", filepath.Base(batch[0])[:8], arch), func(t *testing.T) {
				t.Parallel()
				for _, what := range inspect(sources, batch, arch) {
					t.Error(what)
				}
			})
		}
	}
	t.Logf("%d of %d kernels compiled for sm_80 and sm_90", len(chosen), len(files))
}

var ahead = flag.String("ahead", "", "folder of the sources that TestCompileAhead compiles")

// TestCompileAhead compiles sources, for the device at hand, that other tests will need:
// several processes do that side by side, a part of them each, where a test compiles one
// after the other. What there is no time for, tests compile themselves.
func TestCompileAhead(t *testing.T) {
	if *ahead == "" {
		t.Skip("-ahead names no folder")
	}
	d := openDevice(t)
	files, err := filepath.Glob(filepath.Join(*ahead, "*.cu"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources in %s: %v", *ahead, err)
	}
	i, n := parts(t)
	done := 0
	deadline, bounded := t.Deadline()
	for ; i < len(files); i += n {
		if bounded && time.Until(deadline) < 10*time.Second {
			t.Log("time is over")
			break
		}
		text, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := devcuda.Compile(string(text), d.Arch()); err != nil {
			t.Errorf("%s: %v", filepath.Base(files[i]), err)
		}
		done++
	}
	t.Logf("%d of %d kernels", done, len(files))
}

// together is how many sources are compiled as one: the compiler takes longer to
// start than for a kernel.
const together = 64

var (
	kernelName = regexp.MustCompile(`(__global__ void (?:__launch_bounds__\(\d+\) )?)(\w+)\(`)
	memoryUse  = regexp.MustCompile(`Function properties for (\S+)\s+(?:ptxas\s+\.\s+)?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads(?:\s+ptxas info\s+: Used (\d+) registers)?`)
	// Of which source a function is: a kernel's name ends with its number, other
	// functions are in a namespace.
	ofKernel   = regexp.MustCompile(`__of(\d+)$`)
	ofFunction = regexp.MustCompile(`N\d+of(\d+)E?`)
)

// inspect compiles sources, each in a namespace of its own, and tells what the
// assembler says of each that it should not.
func inspect(sources, names []string, arch int) (wrong []string) {
	var all strings.Builder
	for i, source := range sources {
		fmt.Fprintf(&all, "namespace of%d {\n%s\n}\n#undef FMA\n", i, kernelName.ReplaceAllString(source, fmt.Sprintf("${1}${2}__of%d(", i)))
	}
	log, err := devcuda.Inspect(all.String(), arch)
	if err != nil {
		return []string{fmt.Sprintf("%v: %v", names, err)}
	}
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	seen := map[int]bool{}
	for _, m := range memoryUse.FindAllStringSubmatch(log, -1) {
		what, limit := m[1], ofLibrary
		name := ofKernel.FindStringSubmatch(what)
		if name == nil {
			name = ofFunction.FindStringSubmatch(what)
		}
		if name != nil {
			i, _ := strconv.Atoi(name[1])
			seen[i] = true
			what, limit = names[i], allowance(sources[i])
			if registers, _ := strconv.Atoi(m[5]); slices.Contains(packedRegisters, registers) || slices.Contains(packedRegisters, registers+1) {
				limit = max(limit, packedBytes)
			}
		} else if !strings.HasPrefix(what, "__internal_") {
			complain("sm_%d: of which kernel is %s?", arch, what)
		}
		stack, _ := strconv.Atoi(m[2])
		spills, _ := strconv.Atoi(m[3])
		if spills > 0 && limit == 0 || stack > limit {
			complain("%s for sm_%d: %s, allowed are %d bytes", what, arch, m[0], limit)
		}
	}
	if len(seen) != len(names) {
		complain("the assembler tells of %d kernels, compiled were %d: %.2000s", len(seen), len(names), log)
	}
	return wrong
}

// planted are kernels with local memory, with spilled registers, and with neither.
var planted = []struct{ name, source, wrong string }{
	{"local", `extern "C" __global__ void k(float *x, int i) { float a[40] = {}; for (int j = 0; j < i; j++) a[(int)x[j]] += 1; x[i] = a[i]; }`, "160 bytes stack frame, 0 bytes spill stores"},
	{"spilled", `extern "C" __global__ void __launch_bounds__(1024) k(float *x) {
	float a[80];
	#pragma unroll
	for (int j = 0; j < 80; j++) a[j] = x[j];
	__syncthreads();
	#pragma unroll
	for (int j = 0; j < 80; j++) x[j] = a[79 - j];
}`, "bytes spill stores"},
	{"neither", `extern "C" __global__ void k(float *x) { x[threadIdx.x] *= 2; }`, ""},
}

// testPlanted sees that what should not be is found.
func testPlanted(t *testing.T) {
	for _, p := range planted {
		for _, arch := range []int{80, 90} {
			wrong := strings.Join(inspect([]string{p.source}, []string{p.name}, arch), "; ")
			if wrong == "" && p.wrong != "" || wrong != "" && (p.wrong == "" || !strings.Contains(wrong, p.wrong)) {
				t.Errorf("%s for sm_%d: found %q, want %q", p.name, arch, wrong, p.wrong)
			}
		}
	}
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
