package direct

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
)

var ctx = context.Background()

// matrix fills a pattern: symmetric if asked for, with diagonals that outweigh their
// rows, of both signs if indefinite.
func matrix(rng *rand.Rand, p *sparse.Pattern, kind Kind, indefinite bool) *sparse.CSR[float64] {
	a := sparse.NewCSR[float64](p)
	sums := make([]float64, p.Rows)
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			j := int(p.Idx[e])
			if kind == Symmetric && j < i {
				a.Val[e] = a.At(j, i)
			} else {
				a.Val[e] = rng.NormFloat64()
			}
			sums[i] += math.Abs(a.Val[e])
			sums[j] += math.Abs(a.Val[e])
		}
	}
	for i := range p.Rows {
		if e := p.Find(i, i); e >= 0 {
			a.Val[e] = 1 + sums[i]
			if indefinite && i%3 == 0 {
				a.Val[e] = -a.Val[e]
			}
		}
	}
	return a
}

// withDiagonal adds the diagonal to a pattern.
func withDiagonal(t testing.TB, p *sparse.Pattern) *sparse.Pattern {
	t.Helper()
	ptr, idx := make([]int, p.Rows+1), make([]int32, p.Rows)
	for i := range p.Rows {
		ptr[i+1], idx[i] = i+1, int32(i)
	}
	d, err := sparse.NewPattern(p.Rows, p.Cols, ptr, idx)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = p.Union(d); err != nil {
		t.Fatal(err)
	}
	return p
}

// solved factors, solves for a right-hand side with the matrix and its transpose, and
// returns how far their products with the solutions are from it.
func solved(t testing.TB, s *Symbolic, f *Factor, a *sparse.CSR[float64]) float64 {
	t.Helper()
	if err := f.Factor(ctx, a.Val); err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	b, x, y := make([]float64, a.Rows), make([]float64, a.Rows), make([]float64, a.Rows)
	for i := range b {
		b[i] = math.Sin(float64(7*i + 1))
	}
	worst := 0.0
	for _, way := range []struct{ solve, product func(y, x []float64) error }{{f.Solve, a.MulVec}, {f.SolveT, a.MulVecT}} {
		if err := way.solve(x, b); err != nil {
			t.Fatal(err)
		}
		if err := way.product(y, x); err != nil {
			t.Fatal(err)
		}
		for i := range b {
			worst = max(worst, math.Abs(y[i]-b[i]))
		}
	}
	return worst
}

// patterns are square ones of many shapes; only the general kind takes those that are
// not symmetric.
func patterns(t testing.TB) map[string]*sparse.Pattern {
	rng := rand.New(rand.NewPCG(1, 2))
	return map[string]*sparse.Pattern{
		"empty":        sparse.EmptyPattern(0, 0),
		"one":          gallery.Laplacian(false, 1),
		"diagonal":     withDiagonal(t, sparse.EmptyPattern(9, 9)),
		"chain":        gallery.Laplacian(false, 50),
		"grid":         gallery.Laplacian(false, 23, 17),
		"torus":        gallery.Laplacian(true, 12, 11),
		"cube":         gallery.Laplacian(false, 7, 8, 6),
		"moore":        gallery.Moore(false, 15, 15),
		"arrow":        gallery.Arrow(400),
		"brusselator":  gallery.Brusselator(8, false),
		"banded":       withDiagonal(t, gallery.Banded(120, 3, []int{5, 60}, []int{5, 60})),
		"random":       withDiagonal(t, gallery.Random(rng, 200, 200, 0.02, true)),
		"dense":        gallery.Random(rng, 40, 40, 1.1, true),
		"parts":        withDiagonal(t, gallery.Random(rng, 150, 150, 0.005, true)),
		"unsymmetric":  withDiagonal(t, gallery.Random(rng, 150, 150, 0.03, false)),
		"dense column": withDiagonal(t, gallery.Banded(90, 2, nil, []int{40})),
	}
}

func TestSolve(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, p := range patterns(t) {
		for _, kind := range []Kind{Symmetric, General} {
			if _, symmetric := p.Mirror(); kind == Symmetric && !symmetric {
				continue
			}
			s, err := Analyze(p, kind)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			f := s.NewFactor()
			for range 2 { // the memory is used again
				if e := solved(t, s, f, matrix(rng, p, kind, false)); e > 1e-12 {
					t.Errorf("%s, %v: off by %g", name, s, e)
				}
				if kind == Symmetric && f.Negative() != 0 || f.Perturbed() != 0 {
					t.Errorf("%s: %d negative pivots, %d perturbed", name, f.Negative(), f.Perturbed())
				}
			}
			if e := solved(t, s, f, matrix(rng, p, kind, true)); e > 1e-12 {
				t.Errorf("%s, %v, indefinite: off by %g", name, s, e)
			}
			if want := (p.Rows + 2) / 3; kind == Symmetric && f.Negative() != want {
				t.Errorf("%s: %d negative pivots, want %d", name, f.Negative(), want)
			}
		}
	}
}

// Against gonum's dense factorizations.
func TestAgainstDense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "n")
		kind := Kind(rapid.IntRange(0, 1).Draw(t, "kind"))
		density := rapid.Float64Range(0, 0.5).Draw(t, "density")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		p := gallery.Random(rng, n, n, density, kind == Symmetric)
		ptr, idx := make([]int, n+1), make([]int32, n)
		for i := range n {
			ptr[i+1], idx[i] = i+1, int32(i)
		}
		d, err := sparse.NewPattern(n, n, ptr, idx)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = p.Union(d); err != nil {
			t.Fatal(err)
		}
		a := matrix(rng, p, kind, true)
		s, err := Analyze(p, kind)
		if err != nil {
			t.Fatal(err)
		}
		f := s.NewFactor()
		if err := f.Factor(ctx, a.Val); err != nil {
			t.Fatal(err)
		}
		b := make([]float64, n)
		for i := range b {
			b[i] = rng.NormFloat64()
		}
		x := slices.Clone(b)
		if err := f.Solve(x, x); err != nil {
			t.Fatal(err)
		}
		dense := mat.NewDense(n, n, nil)
		for i := range n {
			for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
				dense.Set(i, int(p.Idx[e]), a.Val[e])
			}
		}
		var want mat.VecDense
		if err := want.SolveVec(dense, mat.NewVecDense(n, b)); err != nil {
			t.Fatal(err)
		}
		for i := range x {
			if math.Abs(x[i]-want.AtVec(i)) > 1e-11*(1+math.Abs(want.AtVec(i))) {
				t.Fatalf("x[%d] = %g, want %g", i, x[i], want.AtVec(i))
			}
		}
		if kind == Symmetric {
			var eigen mat.EigenSym
			sym := mat.NewSymDense(n, nil)
			for i := range n {
				for j := i; j < n; j++ {
					sym.SetSym(i, j, dense.At(i, j))
				}
			}
			if !eigen.Factorize(sym, false) {
				t.Fatal("no eigenvalues")
			}
			negative := 0
			for _, v := range eigen.Values(nil) {
				if v < 0 {
					negative++
				}
			}
			if f.Negative() != negative {
				t.Fatalf("%d negative pivots, %d eigenvalues", f.Negative(), negative)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	var shape *ShapeError
	if _, err := Analyze(sparse.EmptyPattern(2, 3), General); !errors.As(err, &shape) {
		t.Errorf("%v, want a ShapeError", err)
	}
	var structure *sparse.StructureError
	unsymmetric := patterns(t)["unsymmetric"]
	if _, err := Analyze(unsymmetric, Symmetric); !errors.As(err, &structure) {
		t.Errorf("%v, want a StructureError", err)
	}
	p := gallery.Laplacian(false, 6)
	for _, kind := range []Kind{Symmetric, General} {
		s, err := Analyze(p, kind)
		if err != nil {
			t.Fatal(err)
		}
		f := s.NewFactor()
		var pivot *PivotError
		if err := f.Factor(ctx, make([]float64, p.Nnz())); !errors.As(err, &pivot) {
			t.Errorf("%v: zero: %v, want a PivotError", kind, err)
		}
		a := matrix(rand.New(rand.NewPCG(1, 1)), p, kind, false)
		a.Val[p.Find(3, 3)] = math.NaN()
		if err := f.Factor(ctx, a.Val); !errors.As(err, &pivot) || !math.IsNaN(pivot.Value) {
			t.Errorf("%v: NaN: %v, want a PivotError", kind, err)
		}
		var size *sparse.SizeError
		if err := f.Factor(ctx, a.Val[1:]); !errors.As(err, &size) {
			t.Errorf("%v, want a SizeError", err)
		}
		if err := f.Solve(make([]float64, 5), make([]float64, 6)); !errors.As(err, &size) {
			t.Errorf("%v, want a SizeError", err)
		}
		done, cancel := context.WithCancel(ctx)
		cancel()
		if err := f.Factor(done, a.Val); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want the context's", err)
		}
	}
	// A zero pivot of a general matrix that has an inverse is replaced, and told.
	swap := gallery.Random(rand.New(rand.NewPCG(1, 1)), 2, 2, 1.1, true)
	s, err := Analyze(swap, General)
	if err != nil {
		t.Fatal(err)
	}
	f := s.NewFactor()
	if err := f.Factor(ctx, []float64{0, 1, 1, 0}); err != nil || f.Perturbed() == 0 {
		t.Errorf("%v, %d perturbed", err, f.Perturbed())
	}
}

// fill counts the entries of L, without zeros, in an order, by elimination.
func fill(p *sparse.Pattern, perm []int32) int {
	n := p.Rows
	at := make([]int, n)
	for k, i := range perm {
		at[i] = k
	}
	rows := make([]map[int]bool, n)
	for k, i := range perm {
		rows[k] = map[int]bool{}
		for _, j := range p.Row(int(i)) {
			if at[j] > k {
				rows[k][at[j]] = true
			}
		}
	}
	total := n
	for k := range n {
		total += len(rows[k])
		first := n
		for j := range rows[k] {
			first = min(first, j)
		}
		for j := range rows[k] {
			if j != first {
				rows[first][j] = true
			}
		}
	}
	return total
}

// exact is minimum degree by its definition.
func exact(p *sparse.Pattern) []int32 {
	n := p.Rows
	next := make([]map[int32]bool, n)
	for i := range n {
		next[i] = map[int32]bool{}
		for _, j := range p.Row(i) {
			if int(j) != i {
				next[i][j] = true
			}
		}
	}
	var perm []int32
	for range n {
		best := int32(-1)
		for i := range int32(n) {
			if next[i] != nil && (best < 0 || len(next[i]) < len(next[best])) {
				best = i
			}
		}
		perm = append(perm, best)
		for i := range next[best] {
			delete(next[i], best)
			for j := range next[best] {
				if i != j {
					next[i][j] = true
				}
			}
		}
		next[best] = nil
	}
	return perm
}

// The order is a permutation, with about the fill of exact minimum degree, and what the
// analysis stores is that fill and the zeros that it says.
func TestOrder(t *testing.T) {
	for name, p := range patterns(t) {
		full, err := p.Symmetrize()
		if err != nil {
			t.Fatal(err)
		}
		s, err := Analyze(full, Symmetric)
		if err != nil {
			t.Fatal(err)
		}
		seen := make([]bool, p.Rows)
		for _, i := range s.perm {
			if seen[i] {
				t.Fatalf("%s: %d comes twice", name, i)
			}
			seen[i] = true
		}
		if len(s.perm) != p.Rows {
			t.Fatalf("%s: %d of %d", name, len(s.perm), p.Rows)
		}
		got, want := fill(full, s.perm), fill(full, exact(full))
		if float64(got) > 1.15*float64(want)+10 {
			t.Errorf("%s: fill %d, by exact minimum degree %d", name, got, want)
		}
		stored := 0
		for _, nd := range s.nodes {
			stored += nd.width*len(nd.rows) - nd.width*(nd.width-1)/2 - nd.zeros
		}
		if stored != got {
			t.Errorf("%s: stored %d, fill %d", name, stored, got)
		}
	}
}

func BenchmarkFactor(b *testing.B) {
	for _, n := range []int{100, 300} {
		p := gallery.Laplacian(false, n, n)
		for _, kind := range []Kind{Symmetric, General} {
			a := matrix(rand.New(rand.NewPCG(1, 1)), p, kind, false)
			b.Run(fmt.Sprintf("analyze/%v/n=%d", kind, n), func(b *testing.B) {
				for b.Loop() {
					if _, err := Analyze(p, kind); err != nil {
						b.Fatal(err)
					}
				}
			})
			s, err := Analyze(p, kind)
			if err != nil {
				b.Fatal(err)
			}
			f := s.NewFactor()
			b.Run(fmt.Sprintf("factor/%v/n=%d", kind, n), func(b *testing.B) {
				for b.Loop() {
					if err := f.Factor(ctx, a.Val); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(s.Flops()/1e9/b.Elapsed().Seconds()*float64(b.N), "GFlop/s")
				b.ReportMetric(float64(s.Nnz()), "entries")
			})
			x := make([]float64, p.Rows)
			b.Run(fmt.Sprintf("solve/%v/n=%d", kind, n), func(b *testing.B) {
				for b.Loop() {
					if err := f.Solve(x, x); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
