package sparse_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
	"pgregory.net/rapid"
)

func read(s string) (*Market, error) {
	return ReadMatrixMarket(strings.NewReader(s), Limits{Dim: 1000, Entries: 100, Bytes: 1 << 20})
}

func TestReadMatrixMarket(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       [][]float64
	}{
		{"real general", "%%MatrixMarket matrix coordinate real general\n% a comment\n\n2 3 3\n1 1 1.5\n 2\t3 -2e1 \n1 1 .5\n",
			[][]float64{{2, 0, 0}, {0, 0, -20}}},
		{"integer symmetric", "%%MatrixMarket matrix coordinate integer symmetric\n2 2 2\n1 1 3\n2 1 4\n",
			[][]float64{{3, 4}, {4, 0}}},
		{"real skew-symmetric", "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 4\n",
			[][]float64{{0, -4}, {4, 0}}},
		{"pattern symmetric", "%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n2 1\n2 2\n",
			[][]float64{{0, 1}, {1, 1}}},
		{"any case, no last newline, carriage returns", "%%MATRIXMARKET Matrix COORDINATE Pattern General\r\n1 1 1\r\n1 1",
			[][]float64{{1}}},
		{"no entries", "%%MatrixMarket matrix coordinate real general\n0 0 0\n", nil},
		{"a long comment", "%%MatrixMarket matrix coordinate real general\n%" + strings.Repeat("x", 9000) + "\n1 1 1\n1 1 7\n",
			[][]float64{{7}}},
	} {
		m, err := read(c.file)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := dense(must(m.CSR()))
		if !slices.EqualFunc(got, c.want, slices.Equal[[]float64]) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMatrixMarketErrors(t *testing.T) {
	const ok = "%%MatrixMarket matrix coordinate real general\n"
	for _, c := range []struct {
		name, file string
		line       int
	}{
		{"empty", "", 1},
		{"no banner", "2 2 1\n", 1},
		{"vector", "%%MatrixMarket vector coordinate real general\n", 1},
		{"array", "%%MatrixMarket matrix array real general\n", 1},
		{"complex", "%%MatrixMarket matrix coordinate complex general\n", 1},
		{"hermitian", "%%MatrixMarket matrix coordinate real hermitian\n", 1},
		{"skew pattern", "%%MatrixMarket matrix coordinate pattern skew-symmetric\n", 1},
		{"no sizes", ok + "% only\n", 3},
		{"two sizes", ok + "2 2\n", 2},
		{"four sizes", ok + "2 2 2 2\n", 2},
		{"negative size", ok + "2 -2 2\n", 2},
		{"word for a size", ok + "2 x 2\n", 2},
		{"symmetric rectangle", "%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n", 2},
		{"too few entries", ok + "2 2 2\n1 1 1\n", 4},
		{"too many entries", ok + "2 2 1\n1 1 1\n2 2 1\n", 4},
		{"row zero", ok + "2 2 1\n0 1 1\n", 3},
		{"row too large", ok + "2 2 1\n3 1 1\n", 3},
		{"column too large", ok + "2 2 1\n\n%\n1 3 1\n", 5},
		{"index overflow", ok + "2 2 1\n1 18446744073709551617 1\n", 3},
		{"no value", ok + "2 2 1\n1 1\n", 3},
		{"bad value", ok + "2 2 1\n1 1 one\n", 3},
		{"two values", ok + "2 2 1\n1 1 1 1\n", 3},
		{"fraction for an integer", "%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1.5\n", 3},
		{"upper triangle", "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n1 2 1\n", 3},
		{"skew diagonal", "%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n", 3},
		{"endless line", ok + "2 2 1\n" + strings.Repeat("1", 1<<17), 3},
		{"broken gzip", "\x1f\x8bnot really", 1},
	} {
		_, err := read(c.file)
		var f *FormatError
		if !errors.As(err, &f) || f.Line != c.line {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestMatrixMarketLimits(t *testing.T) {
	const ok = "%%MatrixMarket matrix coordinate real general\n"
	for _, c := range []struct{ name, file, what string }{
		{"rows", ok + "1000000000000 1 1\n", "number of rows"},
		{"columns", ok + "1 1001 1\n", "number of columns"},
		{"entries", ok + "1 1 101\n", "number of entries"},
		{"entries filled out", "%%MatrixMarket matrix coordinate pattern symmetric\n99 99 60\n" + func() string {
			var b strings.Builder
			for k := range 60 {
				fmt.Fprintf(&b, "%d 1\n", k+2)
			}
			return b.String()
		}(), "number of entries"},
		{"bytes", ok + strings.Repeat("%\n", 1<<20), "file length (at least)"},
	} {
		_, err := read(c.file)
		var l *LimitError
		if !errors.As(err, &l) || l.What != c.what {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A file that announces much and holds little must not take memory.
func TestMatrixMarketTakesNoMemoryInAdvance(t *testing.T) {
	file := "%%MatrixMarket matrix coordinate real general\n16777216 16777216 268435456\n1 1 1\n"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := ReadMatrixMarket(strings.NewReader(file), Limits{}); err == nil {
		t.Error("no error")
	}
	runtime.ReadMemStats(&after)
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 1<<20 {
		t.Errorf("%d bytes allocated", bytes)
	}
}

// A small compressed file that holds very many entries, all the same, must not take
// the memory of all.
func TestMatrixMarketBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 16 MiB")
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintf(z, "%%%%MatrixMarket matrix coordinate pattern general\n1 1 %d\n", 1<<25)
	entries := bytes.Repeat([]byte("1 1\n"), 1<<18)
	for range 1 << 7 {
		if _, err := z.Write(entries); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var l *LimitError
	if _, err := ReadMatrixMarket(&b, Limits{}); !errors.As(err, &l) || !strings.HasPrefix(l.What, "decompressed length") || l.Got > 1<<25 {
		t.Error(err)
	}
}

// A short file must not describe a matrix that takes much memory by itself, unless
// that is asked for.
func TestMatrixMarketOfFewEntries(t *testing.T) {
	for _, c := range []struct {
		dim, entries int
		limits       Limits
		ok           bool
	}{
		{1 << 20, 0, Limits{}, true}, {1<<20 + 1, 0, Limits{}, false}, {1<<20 + 1, 0, Limits{Dim: 1 << 24}, true},
		{1 << 21, 1 << 15, Limits{}, true}, {1<<21 + 1, 1 << 15, Limits{}, false},
	} {
		file := fmt.Sprintf("%%%%MatrixMarket matrix coordinate pattern general\n%d 1 %d\n%s", c.dim, c.entries, strings.Repeat("1 1\n", c.entries))
		var l *LimitError
		if _, err := ReadMatrixMarket(strings.NewReader(file), c.limits); c.ok && err != nil || !c.ok && !errors.As(err, &l) {
			t.Errorf("%d rows, %d entries: %v", c.dim, c.entries, err)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, io.ErrClosedPipe }
func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestMatrixMarketReportsIO(t *testing.T) {
	if _, err := ReadMatrixMarket(failing{}, Limits{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if err := WritePattern(failing{}, Dense(2, 2)); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func TestMatrixMarketRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		symmetry := rapid.SampledFrom([]Symmetry{SymmetryGeneral, SymmetrySymmetric, SymmetrySkew}).Draw(t, "symmetry")
		problem := Columns
		if symmetry != SymmetryGeneral {
			problem = Star
		}
		m := NewCSR[float64](drawPattern(t, problem, 14))
		for k := range m.Val {
			m.Val[k] = rapid.Float64().Draw(t, "v")
		}
		if mirror, ok := m.Mirror(); ok && symmetry != SymmetryGeneral {
			for k, at := range mirror {
				m.Val[k] = m.Val[min(k, int(at))]
				if symmetry == SymmetrySkew && k > int(at) {
					m.Val[k] = -m.Val[at]
				} else if symmetry == SymmetrySkew && k == int(at) {
					m.Val[k] = 0
				}
			}
		}
		var b bytes.Buffer
		if err := WriteMatrixMarket(&b, m, FieldReal, symmetry); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "gzip") {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, _ = w.Write(b.Bytes())
			_ = w.Close()
			b = z
		}
		back, err := ReadMatrixMarket(&b, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if back.Symmetry != symmetry || back.Field != FieldReal {
			t.Fatalf("%v %v", back.Field, back.Symmetry)
		}
		got, want := dense(must(back.CSR())), dense(m)
		for i := range want {
			for j := range want[i] {
				if math.Float64bits(got[i][j]+0) != math.Float64bits(want[i][j]+0) {
					t.Fatalf("(%d, %d): %v, want %v", i, j, got[i][j], want[i][j])
				}
			}
		}
	})
}

func TestWritePattern(t *testing.T) {
	for _, p := range []*Pattern{gallery.Arrow(5), gallery.Banded(4, 1, []int{2}, nil), EmptyPattern(0, 3)} {
		var b bytes.Buffer
		if err := WritePattern(&b, p); err != nil {
			t.Fatal(err)
		}
		if p.Rows > 0 && p.Symmetric() != strings.Contains(b.String(), "symmetric") {
			t.Error(b.String())
		}
		m, err := ReadMatrixMarket(&b, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if !must(m.Pattern()).Equal(p) {
			t.Errorf("%v came back as %v", p, m)
		}
	}
}

func TestWriteChecksSymmetry(t *testing.T) {
	general := values(Dense(2, 2), false, 3)
	general.Val = []float64{1, 2, 3, 0.5}
	for _, c := range []struct {
		field    Field
		symmetry Symmetry
	}{{FieldReal, SymmetrySymmetric}, {FieldReal, SymmetrySkew}, {FieldInteger, SymmetryGeneral}, {FieldPattern, SymmetrySkew}} {
		var s *StructureError
		if err := WriteMatrixMarket(io.Discard, general, c.field, c.symmetry); !errors.As(err, &s) {
			t.Errorf("%v %v: %v", c.field, c.symmetry, err)
		}
	}
	if err := WriteMatrixMarket(io.Discard, NewCSR[float64](Dense(1, 2)), FieldReal, SymmetrySymmetric); err == nil {
		t.Error("a symmetric rectangle is written")
	}
}

func FuzzReadMatrixMarket(f *testing.F) {
	f.Add([]byte("%%MatrixMarket matrix coordinate real general\n2 3 2\n1 1 1.5\n2 3 -2\n"))
	f.Add([]byte("%%MatrixMarket matrix coordinate pattern symmetric\n2 2 1\n2 1\n"))
	f.Add([]byte("%%MatrixMarket matrix coordinate integer skew-symmetric\n3 3 1\n3 1 7\n"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := ReadMatrixMarket(bytes.NewReader(file), Limits{Dim: 1 << 12, Entries: 1 << 12, Bytes: 1 << 20})
		if err != nil {
			return
		}
		a, err := m.CSR()
		if err != nil {
			t.Fatalf("what was read is invalid: %v", err)
		}
		if err := a.Check(); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := WriteMatrixMarket(&b, a, FieldReal, SymmetryGeneral); err != nil {
			t.Fatal(err)
		}
		again, err := ReadMatrixMarket(&b, Limits{})
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if !must(again.Pattern()).Equal(a.Pattern) {
			t.Fatal("the structure changes")
		}
	})
}
