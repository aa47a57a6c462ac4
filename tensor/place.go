// Places: the line of the user's program that asked for an operation.

package tensor

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// root is the directory of the library's sources, as file names have it.
var root = func() string {
	_, file, _, _ := runtime.Caller(0)
	return path.Dir(path.Dir(file))
}()

var libraryFolders = []string{"tensor", "grad", "kernels", "device", "jacobian", "sparse", "internal"}

// betweenPackages are those of Go that call the library for a caller: fmt prints a tensor.
var betweenPackages = []string{"runtime", "reflect", "fmt", "log"}

// Frames that are looked at: first as many as mostly are enough, then as many as are of use.
const (
	nearFrames = 12
	farFrames  = 64
)

// Caller returns file:line of the nearest caller outside the library's packages.
func Caller() string {
	var near [nearFrames]uintptr
	pcs := near[:runtime.Callers(2, near[:])]
	if where := firstPlace(pcs); where != "" || len(pcs) < nearFrames {
		return where
	}
	var far [farFrames]uintptr
	return firstPlace(far[:runtime.Callers(2+nearFrames, far[:])])
}

// callSites holds the file:line of each program counter that was looked at, "" in the library:
// to find one takes a microsecond, and the program has only so many.
var callSites = struct {
	sync.RWMutex
	of map[uintptr]string
}{of: map[uintptr]string{}}

// firstPlace returns the first place outside of the library.
func firstPlace(pcs []uintptr) string {
	callSites.RLock()
	for i, pc := range pcs {
		where, known := callSites.of[pc]
		if !known {
			callSites.RUnlock()
			return learnPlace(pcs[i:])
		}
		if where != "" {
			callSites.RUnlock()
			return where
		}
	}
	callSites.RUnlock()
	return ""
}

// learnPlace is firstPlace that notes what it finds.
func learnPlace(pcs []uintptr) string {
	callSites.Lock()
	defer callSites.Unlock()
	for i := range pcs { // each stands for one call, inlined or not
		f, _ := runtime.CallersFrames(pcs[i : i+1]).Next()
		where := ""
		if !isLibrary(f) {
			where = fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if callSites.of[pcs[i]] = where; where != "" {
			return where
		}
	}
	return ""
}

// isLibrary decides by the file: a generic function's name tells its caller's package.
func isLibrary(f runtime.Frame) bool {
	rest, ok := strings.CutPrefix(f.File, root+"/")
	if !ok {
		pkg, _, _ := strings.Cut(f.Function, ".")
		return slices.Contains(betweenPackages, pkg)
	}
	if strings.HasSuffix(f.File, "_test.go") {
		return false
	}
	folder, _, _ := strings.Cut(rest, "/")
	return slices.Contains(libraryFolders, folder)
}
