package main

import (
	"encoding/json"
	"image"
	_ "image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
)

func TestSparsity(t *testing.T) {
	out, err := run(t, "", "sparsity", "bratu/n=4")
	// A block tridiagonal matrix of 16 rows, in 4 lines of 8 characters.
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err != nil || len(lines) != 5 || !strings.HasPrefix(lines[0], "bratu/n=4: 16 x 16, 64 entries; ") || len([]rune(lines[1])) != 8 || !strings.HasPrefix(lines[1], "⠻⣦") {
		t.Errorf("%v:\n%s", err, out)
	}
	dir := t.TempDir()
	picture := filepath.Join(dir, "p.png")
	if out, err := run(t, "", "sparsity", "brusselator/n=6", "--out", picture, "--size", "360"); err != nil || !strings.Contains(out, "6 colours") {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil || img.Bounds().Dx() != 360 || img.Bounds().Dy() != 360 {
		t.Fatalf("%v", err)
	}
	// The diagonal has entries, and the middle of the upper right quarter has none.
	if r, g, b, _ := img.At(1, 1).RGBA(); r+g+b > 0x27000 {
		t.Errorf("no entry on the diagonal: %x %x %x", r, g, b)
	}
	if r, g, b, _ := img.At(220, 100).RGBA(); r+g+b != 3*0xffff {
		t.Errorf("an entry outside of the pattern: %x %x %x", r, g, b)
	}
	svg := filepath.Join(dir, "p.svg")
	if _, err := run(t, "", "sparsity", writeGrid(t, 5), "-o", svg); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(svg); err != nil || !strings.Contains(string(data), "25 x 25, 105 entries") {
		t.Errorf("%v: %.300s", err, data)
	}
	for _, args := range [][]string{{}, {"clique/n=3"}, {"bratu/n=4", "--out", "p.gif"}, {"bratu/n=4", "--size", "0"}, {"/nowhere.mtx"}, {"bratu/n=4", "--out", "/nowhere/p.png"}} {
		if _, err := run(t, "", append([]string{"sparsity"}, args...)...); err == nil {
			t.Errorf("%v is no error", args)
		}
	}
}

func TestBenchSparse(t *testing.T) {
	out, err := run(t, "", "bench", "--suite", "sparse", "--filter", "bratu/n=100", "--backends", "cpu:1+tiles", "--time", "1ms", "--json")
	var results []bench.SparseResult
	if err == nil {
		err = json.Unmarshal([]byte(out), &results)
	}
	if err != nil || len(results) != 1 || results[0].Nnz != 49600 || results[0].Colors != 5 || results[0].Repeat <= 0 {
		t.Errorf("%v: %s", err, out)
	}
	table, err := run(t, "", "bench", "--suite", "sparse", "--filter", "bratu/n=100", "--backends", "cpu:1+tiles", "--time", "1ms")
	if err != nil || !strings.Contains(table, "an entry") || !strings.Contains(table, "Hessian 10000 x 10000") {
		t.Errorf("%v:\n%s", err, table)
	}
	list, err := run(t, "", "bench", "--suite", "sparse", "--list")
	if err != nil || strings.Count(list, "\n") != len(bench.SparseScenarios()) {
		t.Errorf("%v:\n%s", err, list)
	}
	for _, args := range [][]string{{"--filter", "nothing like it"}, {"--filter", "bratu/n=100", "--backends", "abacus"}} {
		if _, err := run(t, "", append([]string{"bench", "--suite", "sparse"}, args...)...); err == nil {
			t.Errorf("%v is no error", args)
		}
	}
}
