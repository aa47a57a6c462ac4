package sparse_test

import (
	"errors"
	"slices"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
	"pgregory.net/rapid"
)

// drawCOO draws entries in any order, some at the same place.
func drawCOO(t *rapid.T) (*COO[float64], [][]float64) {
	m := &COO[float64]{Rows: rapid.IntRange(1, 9).Draw(t, "rows"), Cols: rapid.IntRange(1, 9).Draw(t, "cols")}
	d := make([][]float64, m.Rows)
	for i := range d {
		d[i] = make([]float64, m.Cols)
	}
	for range rapid.IntRange(0, 40).Draw(t, "entries") {
		i, j := rapid.IntRange(0, m.Rows-1).Draw(t, "i"), rapid.IntRange(0, m.Cols-1).Draw(t, "j")
		v := float64(rapid.IntRange(-9, 9).Draw(t, "v"))
		m.Append(i, j, v)
		d[i][j] += v
	}
	return m, d
}

func TestConversions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coo, d := drawCOO(t)
		csr := must(coo.CSR())
		csc := must(coo.CSC())
		for name, m := range map[string]*CSR[float64]{
			"COO to CSR": csr, "CSC to CSR": csc.CSR(), "CSR to CSC to CSR": csr.CSC().CSR(),
			"CSR to COO to CSR": must(csr.COO().CSR()), "CSC to COO to CSR": must(csc.COO().CSR()),
			"transposed twice": csr.Transpose().Transpose(), "CSC transposed twice": csc.Transpose().Transpose().CSR(),
		} {
			if err := m.Check(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i, row := range d {
				for j, v := range row {
					if m.At(i, j) != v {
						t.Fatalf("%s: entry (%d, %d) is %v, want %v", name, i, j, m.At(i, j), v)
					}
				}
			}
		}
		if csc.At(coo.Rows-1, 0) != d[coo.Rows-1][0] {
			t.Fatal("CSC.At")
		}
		if !must(coo.Pattern()).Equal(csr.Pattern) || !csc.Pattern().Equal(csr.Pattern) {
			t.Fatal("patterns differ")
		}
	})
}

func TestProducts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coo, d := drawCOO(t)
		csr := must(coo.CSR())
		csc := csr.CSC()
		x, xt := make([]float64, coo.Cols), make([]float64, coo.Rows)
		for j := range x {
			x[j] = float64(rapid.IntRange(-5, 5).Draw(t, "x"))
		}
		for i := range xt {
			xt[i] = float64(rapid.IntRange(-5, 5).Draw(t, "xt"))
		}
		want, wantT := make([]float64, coo.Rows), make([]float64, coo.Cols)
		for i, row := range d {
			for j, v := range row {
				want[i] += v * x[j]
				wantT[j] += v * xt[i]
			}
		}
		y, yt := make([]float64, coo.Rows), make([]float64, coo.Cols)
		for k, f := range []func() error{
			func() error { return csr.MulVec(y, x) }, func() error { return csc.MulVec(y, x) },
			func() error { return csr.MulVecT(yt, xt) }, func() error { return csc.MulVecT(yt, xt) },
		} {
			y[0], yt[0] = 99, 99 // must be overwritten
			if err := f(); err != nil {
				t.Fatal(err)
			}
			if k < 2 && !slices.Equal(y, want) || k >= 2 && !slices.Equal(yt, wantT) {
				t.Fatalf("product %d: %v and %v, want %v and %v", k, y, yt, want, wantT)
			}
		}
	})
}

func TestProductSizes(t *testing.T) {
	m := NewCSR[float32](Dense(2, 3))
	var s *SizeError
	if err := m.MulVec(make([]float32, 2), make([]float32, 2)); !errors.As(err, &s) || s.What != "length of x" || s.Want != 3 {
		t.Error(err)
	}
	if err := m.MulVecT(make([]float32, 2), make([]float32, 2)); !errors.As(err, &s) || s.What != "length of y" || s.Want != 3 {
		t.Error(err)
	}
	m.Val = m.Val[1:]
	if err := m.MulVec(make([]float32, 2), make([]float32, 3)); !errors.As(err, &s) || s.What != "number of values" {
		t.Error(err)
	}
}

func TestInvalidCOO(t *testing.T) {
	for name, m := range map[string]*COO[float64]{
		"row":        {Rows: 1, Cols: 1, Row: []int32{1}, Col: []int32{0}, Val: []float64{1}},
		"column":     {Rows: 1, Cols: 1, Row: []int32{0}, Col: []int32{-1}, Val: []float64{1}},
		"lengths":    {Rows: 1, Cols: 1, Row: []int32{0}, Col: []int32{0}},
		"shape":      {Rows: -1, Cols: 1},
		"too large":  {Rows: 1 << 40, Cols: 1},
		"wraparound": func() *COO[float64] { m := &COO[float64]{Rows: 1, Cols: 1}; m.Append(1<<32, 0, 1); return m }(),
	} {
		var s *StructureError
		if _, err := m.CSR(); !errors.As(err, &s) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := m.CSC(); err == nil {
			t.Errorf("%s: CSC", name)
		}
		if _, err := m.Pattern(); err == nil {
			t.Errorf("%s: Pattern", name)
		}
	}
}

func TestDropZeros(t *testing.T) {
	m := &COO[float64]{Rows: 2, Cols: 2}
	m.Append(0, 0, 0)
	m.Append(1, 0, 3)
	m.Append(1, 1, 0)
	if d := m.DropZeros(); len(d.Val) != 1 || d.Row[0] != 1 || d.Val[0] != 3 {
		t.Errorf("%+v", d)
	}
	if p := must(m.Pattern()); p.Nnz() != 3 {
		t.Errorf("zeros are entries: %v", p)
	}
}

func TestSymmetricFill(t *testing.T) {
	full := values(gallery.Laplacian(false, 4, 3), true, 7)
	part, from := full.Part(Lower)
	lower := NewCSR[float64](part)
	for k, e := range from {
		lower.Val[k] = full.Val[e]
	}
	filled := must(lower.Symmetric())
	if !filled.Pattern.Equal(full.Pattern) || !slices.Equal(filled.Val, full.Val) {
		t.Error("the filled matrix differs")
	}
	if _, err := NewCSR[float64](Dense(1, 2)).Symmetric(); err == nil {
		t.Error("a rectangle is filled")
	}
}

func BenchmarkMulVec(b *testing.B) {
	m := values(gallery.Laplacian(false, 300, 300), true, 1)
	x, y := make([]float64, m.Cols), make([]float64, m.Rows)
	for name, f := range map[string]func(y, x []float64) error{"gather": m.MulVec, "scatter": m.MulVecT} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(y, x); err != nil {
					b.Fatal(err)
				}
			}
			perEntry(b, m.Pattern)
		})
	}
}
