//go:build cgo

package cpu

import (
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

// eachISA calls f with every instruction set that the machine has.
func eachISA(f func(name string)) {
	defer func(e engine) { current = e }(current)
	for _, isa := range cpu.Available() {
		current = newEngine(isa)
		f(isa.String())
	}
}

// The numbers of instructions and functions are the same on both sides.
func TestNames(t *testing.T) {
	if n := opNames(); len(n) != numOps || n[opPtr] != "ptr" || n[opSelectLe] != "select_le" || n[opResult] != "result" || n[opCast] != "cast" || n[opOr] != "or" {
		t.Errorf("C has %d instructions %v, Go %d", len(n), n, numOps)
	}
	var names []string
	for _, f := range elementaries {
		names = append(names, f.fn.String())
	}
	if c := elementaryNames(); !slices.Equal(names, c) {
		t.Errorf("C has the functions %v, Go %v", c, names)
	}
}
