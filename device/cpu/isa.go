package cpu

// Instruction sets: which the processor has, and which kernels are to use.

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// ISA is an instruction set that kernels are compiled for.
type ISA uint8

// The instruction sets.
const (
	Baseline ISA = iota // what every processor of the architecture has
	AVX2                // AVX2 and FMA
	AVX512              // AVX-512 F, DQ, BW and VL
	NEON                // Advanced SIMD of arm64
)

// EnvISA names the instruction set to use instead of the best one.
const EnvISA = "COTANGENT_ISA"

// sets are the instruction sets, the best first.
var sets = []struct {
	isa  ISA
	name string
	has  func() bool
}{
	{AVX512, "avx512", func() bool {
		return cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512BW, cpuid.AVX512VL)
	}},
	{AVX2, "avx2", func() bool { return cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) }},
	{NEON, "neon", func() bool { return runtime.GOARCH == "arm64" }}, // it is part of arm64
	{Baseline, "baseline", func() bool { return true }},
}

// String returns the name by which COTANGENT_ISA forces the set.
func (i ISA) String() string {
	for _, s := range sets {
		if s.isa == i {
			return s.name
		}
	}
	return fmt.Sprintf("ISA(%d)", uint8(i))
}

// Available returns the instruction sets that this machine has, the best
// first. The last is Baseline.
func Available() []ISA {
	var have []ISA
	for _, s := range sets {
		if s.has() {
			have = append(have, s.isa)
		}
	}
	return have
}

// Select returns the instruction set that kernels are to use: the one that
// COTANGENT_ISA names, else the best. It fails with an *ISAError for a name
// that is unknown, or of a set that the machine lacks.
func Select() (ISA, error) {
	have := Available()
	name := os.Getenv(EnvISA)
	if name == "" {
		return have[0], nil
	}
	for _, i := range have {
		if i.String() == name {
			return i, nil
		}
	}
	e := &ISAError{Name: name, Available: have}
	for _, s := range sets {
		e.Known = e.Known || s.name == name
	}
	return Baseline, e
}

// Detect is Select without the error, which opening a device tells: it then
// returns Baseline.
func Detect() ISA {
	i, _ := Select()
	return i
}

// ISAError tells that COTANGENT_ISA forces what cannot be.
type ISAError struct {
	Name      string
	Known     bool // it is an instruction set, but the machine lacks it
	Available []ISA
}

func (e *ISAError) Error() string {
	var names []string
	for _, i := range e.Available {
		names = append(names, i.String())
	}
	what := "is not known"
	if e.Known {
		what = "is not what this machine has"
	}
	return fmt.Sprintf("%s: instruction set %q %s (there are %s)", EnvISA, e.Name, what, strings.Join(names, ", "))
}
