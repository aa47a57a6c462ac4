package layout

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cotangent-ad/cotangent"

// order lists the packages from the highest down: a package may import those
// after it. A prefix stands for all packages below it that are not named
// themselves. sparse imports none of ours.
var order = []string{
	"cmd", "examples", "bench",
	"jacobian/solve", "jacobian", "sparse",
	"grad/check", "grad",
	"tensor/gonum", "tensor/npy", "tensor", "tensor/graph",
	"kernels/spec", "kernels/cuda", "kernels/cpu", "kernels/cpu/gemm", "kernels/cpu/tile", "kernels/cpu/vmath", "kernels/ref", "kernels", "kernels/loop",
	"internal/cc", "device/devicetest", "device/cuda", "device/cpu", "device/sim", "device",
	"internal",
}

// commandsOnly are dependencies that users of the library must not get.
var commandsOnly = []string{"github.com/spf13/", "github.com/schollz/", "github.com/go-echarts/", "gonum.org/v1/plot", "github.com/sbinet/npyio"}

type pkg struct {
	ImportPath, Name, Doc string
	Imports               []string
	GoFiles               []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Doc,Imports,GoFiles", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 10 {
		t.Fatalf("go list names only %d packages", len(list))
	}
	return list
}

// rank returns the place of a package in the order, by its longest prefix there.
func rank(path string) int {
	best, length := -1, -1
	for i, p := range order {
		if (path == p || strings.HasPrefix(path, p+"/")) && len(p) > length {
			best, length = i, len(p)
		}
	}
	return best
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range packages(t) {
		from, ok := strings.CutPrefix(p.ImportPath, module+"/")
		if !ok {
			continue
		}
		if rank(from) < 0 {
			t.Errorf("%s has no place in the order of packages", from)
		}
		for _, imp := range p.Imports {
			to, ours := strings.CutPrefix(imp, module+"/")
			if ours && rank(to) < rank(from) {
				t.Errorf("%s imports %s, which is above it", from, to)
			}
			if ours && from == "sparse" {
				t.Errorf("sparse imports %s", to)
			}
		}
	}
}

func TestLibraryDependencies(t *testing.T) {
	for _, dep := range dependencies(t, "grad", "tensor", "jacobian/solve", "sparse") {
		for _, c := range commandsOnly {
			if strings.HasPrefix(dep, c) {
				t.Errorf("a user of the library gets %s", dep)
			}
		}
	}
	for _, dep := range dependencies(t, "cmd/...", "bench/...") {
		if strings.HasPrefix(dep, "gonum.org/v1/plot") {
			t.Errorf("the command gets %s, which is for examples", dep)
		}
	}
}

// dependencies lists what packages of ours are built from.
func dependencies(t *testing.T, packages ...string) []string {
	t.Helper()
	args := []string{"list", "-deps"}
	for _, p := range packages {
		args = append(args, module+"/"+p)
	}
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

func TestEveryPackageHasDoc(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" || !slices.Contains(p.GoFiles, "doc.go") {
			t.Errorf("%s has no package comment in a doc.go", p.ImportPath)
		}
		switch p.Name {
		case "util", "utils", "common", "helper", "helpers", "types":
			t.Errorf("%s: the name says nothing", p.ImportPath)
		}
	}
}
