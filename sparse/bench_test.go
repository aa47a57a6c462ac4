package sparse_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
)

// perEntry reports nanoseconds an entry, the unit in which colourings are compared.
func perEntry(b *testing.B, p *Pattern) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.Nnz()), "ns/nnz")
}

var benchPatterns = []struct {
	name string
	make func() *Pattern
}{
	{"lap5-300", func() *Pattern { return gallery.Laplacian(false, 300, 300) }},
	{"lap9-300", func() *Pattern { return gallery.Moore(false, 300, 300) }},
	{"lap7-64", func() *Pattern { return gallery.Laplacian(false, 64, 64, 64) }},
	{"brusselator-300", func() *Pattern { return gallery.Brusselator(300, false) }},
	{"banded-5", func() *Pattern { return gallery.Banded(100000, 5, nil, nil) }},
}

func BenchmarkColor(b *testing.B) {
	for _, problem := range []Problem{Columns, Star, Acyclic} {
		for _, pat := range benchPatterns {
			p := pat.make()
			for _, o := range []Order{Natural, LargestFirst, SmallestLast, IncidenceDegree, DynamicLargestFirst} {
				b.Run(fmt.Sprintf("%v/%s/%v", problem, pat.name, o), func(b *testing.B) {
					for b.Loop() {
						if _, err := Color(p, problem, WithOrder(o), WithWorkers(1)); err != nil {
							b.Fatal(err)
						}
					}
					perEntry(b, p)
				})
			}
		}
	}
}

// One row of n, and short ones: the time an entry must not grow with n.
func BenchmarkDenseRow(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		p := gallery.Banded(n, 0, []int{n / 2}, nil)
		for _, problem := range []Problem{Columns, Rows, StarBicoloring} {
			b.Run(fmt.Sprintf("%v/n=%d", problem, n), func(b *testing.B) {
				for b.Loop() {
					if _, err := Color(p, problem); err != nil {
						b.Fatal(err)
					}
				}
				perEntry(b, p)
			})
		}
	}
}

// The default, with one worker and with two.
func BenchmarkPortfolio(b *testing.B) {
	for _, c := range []struct {
		name    string
		problem Problem
		p       *Pattern
		opts    []Option
	}{
		{"column/random", Columns, gallery.Random(rand.New(rand.NewPCG(1, 2)), 20000, 2000, 0.002, false), nil},
		{"star/lap9-150", Star, gallery.Moore(false, 150, 150), []Option{WithoutLattice()}},
		{"acyclic/lap5-200", Acyclic, gallery.Laplacian(true, 200, 201), nil},
	} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", c.name, workers), func(b *testing.B) {
				for b.Loop() {
					if _, err := Color(c.p, c.problem, append(c.opts, WithWorkers(workers))...); err != nil {
						b.Fatal(err)
					}
				}
				perEntry(b, c.p)
			})
		}
	}
}

// The default where a lattice exists, and where there is none: what preparing a derivative on a grid costs.
func BenchmarkLattice(b *testing.B) {
	for _, c := range []struct {
		name    string
		problem Problem
		p       *Pattern
	}{
		{"column/brusselator-300", Columns, gallery.Brusselator(300, false)},
		{"column/brusselator-1000", Columns, gallery.Brusselator(1000, false)},
		{"column/lap7-64", Columns, gallery.Laplacian(false, 64, 64, 64)},
		{"acyclic/lap5-300", Acyclic, gallery.Laplacian(false, 300, 300)},
		{"star/lap5-300", Star, gallery.Laplacian(false, 300, 300)},
		{"none/bundle-31843", Columns, gallery.Bundle(49, 7776, 31843)},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Color(c.p, c.problem); err != nil {
					b.Fatal(err)
				}
			}
			perEntry(b, c.p)
		})
	}
}

func BenchmarkRecover(b *testing.B) {
	for _, c := range []struct {
		problem Problem
		p       *Pattern
	}{
		{Columns, gallery.Brusselator(300, false)}, {Star, gallery.Laplacian(false, 300, 300)},
		{Acyclic, gallery.Laplacian(false, 300, 300)}, {StarBicoloring, gallery.Banded(100000, 2, []int{7}, []int{7})},
	} {
		col, err := Color(c.p, c.problem)
		if err != nil {
			b.Fatal(err)
		}
		pl, err := NewPlan(c.p, col, PlanOptions{})
		if err != nil {
			b.Fatal(err)
		}
		val := make([]float64, c.p.Nnz())
		byCol, byRow := make([]float64, pl.ColProducts()), make([]float64, pl.RowProducts())
		b.Run(c.problem.String()+"/recover", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := Recover(pl, val, byCol, byRow); err != nil {
					b.Fatal(err)
				}
			}
			perEntry(b, c.p)
		})
		b.Run(c.problem.String()+"/plan", func(b *testing.B) {
			for b.Loop() {
				if _, err := NewPlan(c.p, col, PlanOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			perEntry(b, c.p)
		})
		b.Run(c.problem.String()+"/verify", func(b *testing.B) {
			for b.Loop() {
				if err := Verify(c.p, col); err != nil {
					b.Fatal(err)
				}
			}
			perEntry(b, c.p)
		})
	}
}
