package sparse_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"math"
	"reflect"
	"slices"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
	"pgregory.net/rapid"
)

// fatal is what *testing.T and *rapid.T share.
type fatal interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// checkRecovery multiplies a random matrix by the seeds, recovers it in every layout
// and part, and compares.
func checkRecovery(t fatal, p *Pattern, c *Coloring) {
	t.Helper()
	symmetric := c.Problem.Structure == Symmetric
	a := values(p, symmetric, uint64(p.Nnz()))
	parts := []Triangle{Full}
	if symmetric {
		parts = append(parts, Lower, Upper)
	}
	for _, part := range parts {
		for _, layout := range []Layout{Interleaved, Stacked} {
			for _, byColumn := range []bool{false, true} {
				pl, err := NewPlan(p, c, PlanOptions{layout, part, byColumn})
				if err != nil {
					t.Fatal(err)
				}
				byCol, byRow := products(a, c, layout)
				val := make([]float64, pl.Output().Nnz())
				for k := range val {
					val[k] = math.NaN() // nothing may stay as it was
				}
				if err := Recover(pl, val, byCol, byRow); err != nil {
					t.Fatal(err)
				}
				checkValues(t, a, pl, val)
				got, gotRow := make([]float64, len(byCol)), make([]float64, len(byRow))
				if err := Compress(pl, val, got, gotRow); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, byCol) || !slices.Equal(gotRow, byRow) {
					t.Fatalf("compressed: %v and %v, want %v and %v", got, gotRow, byCol, byRow)
				}
			}
		}
	}
}

// products multiplies with the seed matrices, by the textbook.
func products(a *CSR[float64], c *Coloring, layout Layout) (byCol, byRow []float64) {
	d := dense(a)
	byCol, byRow = make([]float64, a.Rows*c.ColColors), make([]float64, a.Cols*c.RowColors)
	seed, seedRow := make([]float64, a.Cols*c.ColColors), make([]float64, a.Rows*c.RowColors)
	if c.ColColors > 0 {
		if err := Seed(seed, c.ColColor, c.ColColors, layout); err != nil {
			panic(err)
		}
	}
	if c.RowColors > 0 {
		if err := Seed(seedRow, c.RowColor, c.RowColors, layout); err != nil {
			panic(err)
		}
	}
	at := func(line, k, lines, colors int) int {
		if layout == Stacked {
			return k*lines + line
		}
		return line*colors + k
	}
	for i := range a.Rows {
		for j := range a.Cols {
			for k := range c.ColColors {
				byCol[at(i, k, a.Rows, c.ColColors)] += d[i][j] * seed[at(j, k, a.Cols, c.ColColors)]
			}
			for k := range c.RowColors {
				byRow[at(j, k, a.Cols, c.RowColors)] += d[i][j] * seedRow[at(i, k, a.Rows, c.RowColors)]
			}
		}
	}
	return byCol, byRow
}

// checkValues compares recovered values with the matrix.
func checkValues(t fatal, a *CSR[float64], pl *Plan, val []float64) {
	t.Helper()
	out := pl.Output()
	if err := out.Check(); err != nil {
		t.Fatal(err)
	}
	want, _ := a.Part(pl.Options().Triangle)
	if out.Nnz() != want.Nnz() {
		t.Fatalf("%d values, want %d", out.Nnz(), want.Nnz())
	}
	for i := range out.Rows {
		for k := out.Ptr[i]; k < out.Ptr[i+1]; k++ {
			row, col := i, int(out.Idx[k])
			if pl.Options().ByColumn {
				row, col = col, row
			}
			if want.Find(row, col) < 0 {
				t.Fatalf("(%d, %d) is not in the part", row, col)
			}
			if val[k] != a.At(row, col) {
				t.Fatalf("%v: (%d, %d) is %v, want %v", pl.Coloring(), row, col, val[k], a.At(row, col))
			}
		}
	}
}

func TestRecoveryAllocatesNothing(t *testing.T) {
	p := gallery.Banded(60, 2, []int{7}, []int{7})
	for _, problem := range problems {
		c := color(t, p, problem)
		pl := must(NewPlan(p, c, PlanOptions{}))
		val := make([]float32, p.Nnz())
		byCol, byRow := make([]float32, pl.ColProducts()), make([]float32, pl.RowProducts())
		if n := testing.AllocsPerRun(20, func() {
			if err := Compress(pl, val, byCol, byRow); err != nil {
				t.Fatal(err)
			}
			if err := Recover(pl, val, byCol, byRow); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations", problem, n)
		}
	}
}

func TestRecoverySizes(t *testing.T) {
	p := gallery.Arrow(6)
	pl := must(NewPlan(p, color(t, p, StarBicoloring), PlanOptions{}))
	val, byCol, byRow := make([]float64, p.Nnz()), make([]float64, pl.ColProducts()), make([]float64, pl.RowProducts())
	for what, err := range map[string]error{
		"number of values":              Recover(pl, val[1:], byCol, byRow),
		"length of the column products": Recover(pl, val, byCol[1:], byRow),
		"length of the row products":    Compress(pl, val, byCol, byRow[1:]),
		"length of dst":                 Seed(val[:1], make([]int32, 3), 2, Stacked),
	} {
		var s *SizeError
		if !errors.As(err, &s) || s.What != what {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPlanErrors(t *testing.T) {
	p := gallery.Arrow(6)
	c := color(t, p, Columns)
	var e *ProblemError
	if _, err := NewPlan(p, c, PlanOptions{Triangle: Lower}); !errors.As(err, &e) {
		t.Error(err)
	}
	if _, err := NewPlan(p, c, PlanOptions{Layout: 7}); !errors.As(err, &e) {
		t.Error(err)
	}
	c.ColColor[0] = c.ColColor[1]
	var conflict *ConflictError
	if _, err := NewPlan(p, c, PlanOptions{}); !errors.As(err, &conflict) {
		t.Error(err)
	}
}

func TestSources(t *testing.T) {
	p := gallery.Banded(20, 1, []int{3}, []int{3})
	c := color(t, p, StarBicoloring)
	pl := must(NewPlan(p, c, PlanOptions{}))
	for i := range p.Rows {
		for k := p.Ptr[i]; k < p.Ptr[i+1]; k++ {
			j := int(p.Idx[k])
			s := pl.Sources()[k]
			if s >= 0 && (int(s)/c.ColColors != i || int32(s)%int32(c.ColColors) != c.ColColor[j]) {
				t.Errorf("(%d, %d) from column product %d", i, j, s)
			}
			if s < 0 && (int(^s)/c.RowColors != j || ^s%int32(c.RowColors) != c.RowColor[i]) {
				t.Errorf("(%d, %d) from row product %d", i, j, ^s)
			}
		}
	}
	if values, less, depth := pl.Substitutions(); values != 0 || less != 0 || depth != 0 {
		t.Error("a direct plan substitutes")
	}
}

// On a grid of 3 x 3 cells with the lattice i + j mod 3, the zigzags of two colours
// are paths: their ends are read off, and each edge further in takes one subtraction.
func TestSubstitutions(t *testing.T) {
	p := gallery.Laplacian(false, 3, 3)
	c := color(t, p, Acyclic, WithGrid(3, 3))
	pl := must(NewPlan(p, c, PlanOptions{Triangle: Lower}))
	if pl.Sources() != nil || c.Lattice == nil {
		t.Fatal(c)
	}
	if values, less, depth := pl.Substitutions(); values != 4 || less != 4 || depth != 1 {
		t.Errorf("%d values by %d subtractions, at most %d one after the other", values, less, depth)
	}
}

func TestPlansSurviveEncoding(t *testing.T) {
	for _, problem := range problems {
		rapid.Check(t, func(t *rapid.T) {
			p := drawPattern(t, problem, 14)
			pl := must(NewPlan(p, must(Color(p, problem)), PlanOptions{Layout: Stacked, ByColumn: true}))
			b := must(pl.MarshalBinary())
			var back Plan
			if err := back.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			c := *pl.Coloring()
			c.Tried = nil
			if !reflect.DeepEqual(&c, back.Coloring()) || !back.Pattern().Equal(p) || back.Options() != pl.Options() {
				t.Fatalf("%+v came back as %+v", c, back.Coloring())
			}
			checkRecovery(t, back.Pattern(), back.Coloring())
			if again := must(back.MarshalBinary()); !bytes.Equal(again, b) {
				t.Fatal("encoded differently")
			}
		})
	}
}

func TestColoringIsJSON(t *testing.T) {
	c := color(t, gallery.Laplacian(false, 10, 10), Columns)
	var back Coloring
	if err := json.Unmarshal(must(json.Marshal(c)), &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*c, back) || back.Lattice == nil {
		t.Errorf("%+v came back as %+v", c, back)
	}
}

// seal puts the checksum right, so that spoiled bytes get past it.
func seal(b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	return binary.LittleEndian.AppendUint32(b[:len(b)-4], crc32.ChecksumIEEE(b[:len(b)-4]))
}

func TestSpoiledPlans(t *testing.T) {
	p := gallery.Laplacian(false, 4, 4)
	b := must(must(NewPlan(p, color(t, p, Star), PlanOptions{})).MarshalBinary())
	var pl Plan
	for k := range b {
		s := slices.Clone(b)
		s[k] ^= 0x55
		if pl.UnmarshalBinary(s) == nil {
			t.Errorf("byte %d changed, and no error", k)
		}
		if pl.UnmarshalBinary(b[:k]) == nil {
			t.Errorf("cut to %d bytes, and no error", k)
		}
	}
	huge := bytes.Replace(b, []byte(`"Rows":16`), []byte(`"Rows":99`), 1)
	var d *DecodeError
	if err := pl.UnmarshalBinary(seal(huge)); !errors.As(err, &d) {
		t.Error(err)
	}
}

func FuzzUnmarshalPlan(f *testing.F) {
	for _, problem := range problems {
		p := gallery.Arrow(4)
		pl := must(NewPlan(p, must(Color(p, problem)), PlanOptions{}))
		f.Add(must(pl.MarshalBinary()))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var pl Plan
		if pl.UnmarshalBinary(seal(slices.Clone(b))) != nil {
			return
		}
		val := make([]float64, pl.Output().Nnz())
		byCol, byRow := make([]float64, pl.ColProducts()), make([]float64, pl.RowProducts())
		if err := Recover(&pl, val, byCol, byRow); err != nil {
			t.Fatal(err)
		}
		_ = pl.Coloring().String()
	})
}
