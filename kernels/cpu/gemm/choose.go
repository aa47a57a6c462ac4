package gemm

// Which engine: the names, and what the machine has.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

// EnvBLAS names the engine that New returns: "auto", "own", "gonum",
// "openblas", "blis", "mkl", or a library's path or file name.
const EnvBLAS = "COTANGENT_BLAS"

// libraries are the BLAS libraries looked for, the preferred first, and the
// files they may be in.
var libraries = []struct {
	key   string
	files []string
}{
	{"openblas", []string{"libopenblas.so.0", "libopenblas.so"}},
	{"blis", []string{"libblis.so.4", "libblis.so.3", "libblis.so", "libblis-mt.so"}},
	{"mkl", []string{"libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so.1", "libmkl_rt.so"}},
}

// UnavailableError tells that an engine cannot be had.
type UnavailableError struct {
	Name   string // what was asked for
	Reason string
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("gemm: no engine %q: %s", e.Name, e.Reason)
}

// choose makes e the engine of that name.
func (e *Engine) choose(name string, isa cpu.ISA) error {
	have := cpu.Available()
	if !slices.Contains(have, isa) {
		return &UnavailableError{name, fmt.Sprintf("the processor has no %v", isa)}
	}
	e.kernels, e.own = ownKernels(isa)
	switch {
	case name == "own" && !e.own:
		return &UnavailableError{name, "needs cgo"}
	case name == "gonum":
		e.own = false
	case name == "" || name == "auto":
		if isa == have[0] {
			e.library = firstLibrary()
		}
	case name != "own":
		var err error
		if e.library, err = namedLibrary(name); err != nil {
			return err
		}
	}
	switch {
	case e.library != nil:
		e.name = e.library.name()
	case e.own:
		e.name = e.kernels.name
	default:
		e.name = "gonum"
	}
	return nil
}

// firstLibrary returns the preferred library of the machine, nil if it has none.
func firstLibrary() *library {
	for _, l := range libraries {
		if lib, err := namedLibrary(l.key); err == nil {
			return lib
		}
	}
	return nil
}

// namedLibrary returns a library by its key or file.
func namedLibrary(name string) (*library, error) {
	files := []string{name}
	for _, l := range libraries {
		if l.key == name {
			files = l.files
		}
	}
	var reasons []string
	for _, f := range files {
		lib, why := openLibrary(f)
		if lib != nil {
			return lib, nil
		}
		reasons = append(reasons, why)
	}
	return nil, &UnavailableError{name, strings.Join(reasons, "; ")}
}

// Choice is an engine that can be had.
type Choice struct {
	BLAS string // what COTANGENT_BLAS calls it
	Name string // what the engine calls itself
}

// Available returns the engines that can be had with the instruction set isa,
// the preferred first. It loads the libraries to find out.
func Available(isa cpu.ISA) []Choice {
	var have []Choice
	keys := []string{}
	for _, l := range libraries {
		keys = append(keys, l.key)
	}
	for _, key := range append(keys, "own", "gonum") {
		if e, err := Open(key, isa, nil); err == nil {
			have = append(have, Choice{key, e.Name()})
		}
	}
	return have
}
