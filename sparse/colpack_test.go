package sparse_test

import (
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
)

// matrixDir names a directory of MatrixMarket files, plain or gzip. If it is set, the
// tests below also colour the matrices there that testdata lacks.
const matrixDir = "SPARSE_MATRICES"

// generated are the matrices of colpack.csv that have a formula.
var generated = map[string]func() *Pattern{
	"lap5_100":                    func() *Pattern { return gallery.Laplacian(false, 100, 100) },
	"lap5_300":                    func() *Pattern { return gallery.Laplacian(false, 300, 300) },
	"lap9_300":                    func() *Pattern { return gallery.Moore(false, 300, 300) },
	"lap7_64":                     func() *Pattern { return gallery.Laplacian(false, 64, 64, 64) },
	"brusselator2d_32":            func() *Pattern { return gallery.Brusselator(32, false) },
	"brusselator2d_100":           func() *Pattern { return gallery.Brusselator(100, false) },
	"brusselator2d_300":           func() *Pattern { return gallery.Brusselator(300, false) },
	"arrow_2000":                  func() *Pattern { return gallery.Arrow(2000) },
	"banded5_1e5":                 func() *Pattern { return gallery.Banded(100000, 5, nil, nil) },
	"rect_dense_2rows_2cols_2000": func() *Pattern { return gallery.Banded(2000, 0, []int{0, 1}, []int{0, 1}) },
}

// matrix returns the structure of the nonzeros of a matrix by name, nil if it is
// nowhere to be found.
func matrix(t *testing.T, name string) *Pattern {
	t.Helper()
	if f, ok := generated[name]; ok {
		return f()
	}
	for _, dir := range []string{"testdata", os.Getenv(matrixDir)} {
		for _, ext := range []string{".mtx.gz", ".mtx"} {
			f, err := os.Open(filepath.Join(dir, name+ext))
			if dir == "" || err != nil {
				continue
			}
			m, err := ReadMatrixMarket(f, Limits{})
			f.Close()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return must(m.DropZeros().Pattern())
		}
	}
	return nil
}

// colpackProblems are the names in colpack.csv.
var colpackProblems = map[string]Problem{
	"COLUMN": Columns, "ROW": Rows, "STAR": Star, "ACYCLIC_FOR_INDIRECT_RECOVERY": Acyclic,
	"IMPLICIT_COVERING__STAR_BICOLORING": StarBicoloring,
}

// For one-sided and symmetric problems, in every order, the numbers of colours are
// ColPack's: first-fit colours are determined by the order, and the orders break ties
// as it does. One count is of something else: its star colourings count four colours
// at least. (Of bicolourings, see TestCoverCountsAreColPacks.)
func TestCountsAreColPacks(t *testing.T) {
	compared := 0
	for _, line := range colpack(t) {
		p := matrix(t, line.name)
		if p == nil {
			t.Logf("%s is not here (set %s)", line.name, matrixDir)
			continue
		}
		if testing.Short() && (p.Nnz() > 50000 || line.order != Natural) ||
			p.Nnz() > 100000 && line.order != Natural && os.Getenv(matrixDir) == "" {
			continue
		}
		got := color(t, p, line.problem, WithOrder(line.order)).Colors()
		switch line.problem {
		case StarBicoloring:
			if got > line.colors {
				t.Errorf("%s, %v: %d colours, ColPack has only %d", line.name, line.order, got, line.colors)
			}
			continue
		case Star:
			got = max(4, got)
		}
		if got != line.colors {
			t.Errorf("%s, %v, %v: %d colours, ColPack has %d", line.name, line.problem, line.order, got, line.colors)
		}
		compared++
	}
	if compared < 15 {
		t.Errorf("only %d counts were compared", compared)
	}
}

// count is a line of colpack.csv.
type count struct {
	name    string
	problem Problem
	order   Order
	colors  int
}

func colpack(t *testing.T) []count {
	t.Helper()
	f, err := os.Open("testdata/colpack.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var counts []count
	for _, line := range must(csv.NewReader(f).ReadAll())[1:] {
		order := must(ParseOrder(strings.ToLower(strings.ReplaceAll(line[2], "_", "-"))))
		counts = append(counts, count{line[0], colpackProblems[line[1]], order, must(strconv.Atoi(line[3]))})
	}
	return counts
}

// The default is never worse than ColPack in any of its orders.
func TestDefaultBeatsColPack(t *testing.T) {
	if testing.Short() {
		t.Skip("colours everything by every method")
	}
	type key struct {
		name    string
		problem Problem
	}
	best := map[key]int{}
	var keys []key
	for _, line := range colpack(t) {
		k := key{line.name, line.problem}
		if old, ok := best[k]; !ok {
			keys = append(keys, k)
			best[k] = line.colors
		} else {
			best[k] = min(old, line.colors)
		}
	}
	for _, k := range keys {
		p := matrix(t, k.name)
		if p == nil || p.Nnz() > 200000 && os.Getenv(matrixDir) == "" {
			continue
		}
		c := color(t, p, k.problem)
		t.Logf("%-28s ColPack's best %4d, here %v", k.name, best[k], c)
		if c.Colors() > best[k] {
			t.Errorf("%s: %v, ColPack has %d", k.name, c, best[k])
		}
	}
}

// Every matrix in the directory is read, coloured for every problem that suits it,
// and recovered.
func TestMatrixDirectory(t *testing.T) {
	dir := os.Getenv(matrixDir)
	if dir == "" {
		dir = "testdata"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.mtx*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no matrices in %s: %v", dir, err)
	}
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), ".mtx")
		p := matrix(t, name)
		for _, problem := range problems {
			if problem.Structure == Symmetric && !p.Symmetric() {
				continue
			}
			c := color(t, p, problem, WithOrder(Natural, SmallestLast))
			a := values(p, problem.Structure == Symmetric, 5)
			pl, err := NewPlan(p, c, PlanOptions{})
			if limit := (*LimitError)(nil); errors.As(err, &limit) {
				continue // a dense line of tens of thousands
			}
			if err != nil {
				t.Fatalf("%s, %v: %v", name, problem, err)
			}
			byCol, byRow := make([]float64, pl.ColProducts()), make([]float64, pl.RowProducts())
			if err := Compress(pl, a.Val, byCol, byRow); err != nil {
				t.Fatal(err)
			}
			val := make([]float64, p.Nnz())
			if err := Recover(pl, val, byCol, byRow); err != nil {
				t.Fatal(err)
			}
			for k, v := range val {
				if v != a.Val[k] {
					t.Fatalf("%s, %v: value %d is %v, want %v", name, problem, k, v, a.Val[k])
				}
			}
		}
	}
}
