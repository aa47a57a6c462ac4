package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
)

// writeGrid makes a file of the five-point pattern on an n x n grid.
func writeGrid(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "grid.mtx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := sparse.WritePattern(f, gallery.Laplacian(false, n, n)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestColor(t *testing.T) {
	path := writeGrid(t, 20)
	for problem, want := range map[string]int{"column": 5, "row": 5, "star": 5, "acyclic": 3, "bicolor": 5, "bicolor-acyclic": 0} {
		out, err := run(t, "", "color", path, "--problem", problem, "--grid", "20x20", "--json")
		var got colored
		if err == nil {
			err = json.Unmarshal([]byte(out), &got)
		}
		if err != nil || strings.Count(out, "\n") != 1 {
			t.Fatalf("%s: %v: %s", problem, err, out)
		}
		if got.Problem != problem || got.Order != "default" || got.Rows != 400 || got.Cols != 400 || got.Nnz != 1920 || got.Seconds <= 0 || got.Bound > got.Colors {
			t.Errorf("%+v", got)
		}
		if want > 0 && got.Colors != want || got.Colors > 6 {
			t.Errorf("%s: %d colours, not %d", problem, got.Colors, want)
		}
	}
	out, err := run(t, "", "color", path, "--order", "natural")
	if err != nil || !strings.Contains(out, "400 x 400, 1920 entries") || !strings.Contains(out, "greedy (natural)") {
		t.Errorf("%v: %s", err, out)
	}
	bad := filepath.Join(t.TempDir(), "bad.mtx")
	if err := os.WriteFile(bad, []byte("%%MatrixMarket matrix coordinate pattern general\n3 3 2\n1 1\n4 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "", "color", bad); err == nil || !strings.Contains(err.Error(), "bad.mtx") || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("an entry outside: %v", err)
	}
	for _, args := range [][]string{{}, {"/nowhere"}, {path, "--problem", "clique"}, {path, "--order", "alphabetical"}, {path, "--grid", "20by20"}, {path, "--grid", "0x4"}} {
		if _, err := run(t, "", append([]string{"color"}, args...)...); err == nil {
			t.Errorf("%v is no error", args)
		}
	}
}
