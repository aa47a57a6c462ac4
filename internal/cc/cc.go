package cc

// What callers see: sources, options, errors.

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

// EnvCache names the directory of the cache.
const EnvCache = "COTANGENT_CACHE"

// DefaultLimit is how many bytes the cache may hold where Options do not say.
const DefaultLimit = 512 << 20

// Source is C. It is compiled as C11 and linked with the mathematics library; its
// external functions are what Library.Symbol finds.
type Source struct {
	Name string // for people: in errors, and in the names that debuggers show
	Code string
	// Parts are texts that may follow Code in one translation unit, or in several that
	// are compiled side by side, each with Code before it: what one part uses of others
	// Code declares.
	Parts []string
}

// Options say how to compile.
type Options struct {
	ISA   cpu.ISA  // the instruction set to compile for
	Flags []string // further flags of the compiler, after those of Flags
	Limit int64    // bytes that the cache may hold; 0: DefaultLimit
}

// Flags returns the flags that sources are compiled with for an instruction
// set. Contraction is off and what is fused is fused in the source, and integers
// wrap around, so that results are the same as everywhere else; none of the flags
// changes a value.
func Flags(isa cpu.ISA) []string {
	flags := []string{"-std=c11", "-O3", "-fPIC", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv"}
	return append(flags, isaFlags[isa]...)
}

// isaFlags are the flags of the instruction sets that need any.
var isaFlags = map[cpu.ISA][]string{
	cpu.AVX2:   {"-mavx2", "-mfma"},
	cpu.AVX512: {"-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"},
}

// valueChanging are flags that break the contract of numbers. A shared object
// linked with the first four also makes the thread that loads it flush
// subnormal numbers to zero.
var valueChanging = []string{"-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-mdaz-ftz",
	"-ffinite-math-only", "-fassociative-math", "-freciprocal-math", "-fno-signed-zeros"}

// Step is what Compile was doing when it failed.
type Step string

// The steps of Compile.
const (
	Find  Step = "find a compiler"
	Cache Step = "use the cache"
	Build Step = "compile"
	Load  Step = "load"
)

// The causes that an *Error wraps besides those of the system.
var (
	ErrUnsupported = errors.New("this build cannot load code (it needs cgo and Linux)")
	ErrFlag        = errors.New("the flag changes values")
	ErrClosed      = errors.New("the library is closed")
	ErrNoSymbol    = errors.New("no such symbol")
)

// Error tells why there is no native code.
type Error struct {
	Step   Step
	Name   string // Source.Name, or the symbol's
	Output string // what the compiler said, cut to 16 KiB
	Err    error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("cc: %s: cannot %s: %v", e.Name, e.Step, e.Err)
	if out := strings.TrimSpace(e.Output); out != "" {
		s += "\n" + out
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Library is loaded code. It is unloaded by Close, or when the Library has
// become unreachable, but never while another Library of the same code is in
// use: hold on to it for as long as its functions may run. Unloading, rather
// than keeping code for ever, lets a process that compiles programs without end
// run in bounded memory.
type Library struct {
	// Took is what the compiler took; zero where the code was in the cache or
	// loaded already.
	Took time.Duration

	loaded
}
