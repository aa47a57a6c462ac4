package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Small ones of every family, whose entries and colours are known, on each backend.
func TestSparse(t *testing.T) {
	want := map[string]struct{ rows, cols, nnz, colors int }{
		"brusselator/n=6": {72, 72, 6 * 72, 6},
		"bratu/n=7":       {49, 49, 5*49 - 4*7, 5},
		"ba/p=12":         {36, 22 + 6 + 12, 29 * 12, 14}, // a row of two does not depend on the other's middle
		"rosenbrock/n=9":  {9, 9, 25, 3},
		"arrowhead/n=9":   {9, 9, 25, 2},
	}
	var list []SparseScenario
	for _, f := range sparseFamilies {
		name := map[string]string{"brusselator/n": "=6", "bratu/n": "=7", "ba/p": "=12", "rosenbrock/n": "=9", "arrowhead/n": "=9"}[f.name]
		s, err := SparseNamed(f.name + name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	back := []Backend{{Device: "cpu:1", How: Tiles}, {Device: "cpu:2", How: Tiles}, {Device: "ref", How: Tiles}}
	last := -1
	results, err := RunSparse(context.Background(), list, back, Options{MinTime: time.Nanosecond, Progress: func(done, _ int, _ string) { last = done }})
	if err != nil || len(results) != len(list)*len(back) || last != len(results) {
		t.Fatalf("%d results, progress %d: %v", len(results), last, err)
	}
	for _, r := range results {
		w := want[r.Scenario]
		if r.Err != "" || r.Rows != w.rows || r.Cols != w.cols || r.Nnz != w.nnz || r.Colors != w.colors || r.Bound > r.Colors {
			t.Errorf("%+v, want %+v", r, w)
		}
		if r.Detect <= 0 || r.Color <= 0 || r.First <= 0 || r.Repeat <= 0 || r.Function <= 0 || r.Explain == "" {
			t.Errorf("%+v", r)
		}
	}
	table, text, _ := strings.Cut(SparseTable(results), "\n\n")
	if n := strings.Count(table, "\n"); n != len(results) || strings.Count(text, "measured") != len(list) {
		t.Errorf("%d lines for %d results:\n%s\n%s", n, len(results), table, text)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := RunSparse(ctx, list, back, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run: %v", err)
	}
	if r, _ := RunSparse(context.Background(), list[:1], []Backend{{Device: "abacus"}}, Options{}); len(r) != 1 || r[0].Err == "" || !strings.Contains(SparseTable(r), "failed") {
		t.Errorf("an unknown device: %+v", r)
	}
	for _, name := range []string{"bratu", "bratu/n=1", "bratu/n=x", "clique/n=3", "bratu/n=1000000000000"} {
		if _, err := SparseNamed(name); err == nil {
			t.Errorf("%q is no error", name)
		}
	}
}
