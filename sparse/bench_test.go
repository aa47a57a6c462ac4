package sparse_test

import (
	"fmt"
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
