package native

import (
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Of a sum of outer products of which a triangle is read, through an index, only that
// triangle is added up, and it is what it is without.
func TestNeeds(t *testing.T) {
	const rows = 1003
	for _, d := range []int{9, 10, 11, 20} {
		t.Run(fmt.Sprint(d), func(t *testing.T) {
			array := func(dt device.DType, shape ...int) kernels.Aval { return kernels.Aval{DType: dt, Shape: shape} }
			few := d * (d + 1) / 2
			p := newProgram(t)
			x := p.param(array(device.Float64, rows, d), func(i int) float64 { return float64(i % 13) })
			y := p.param(array(device.Float64, rows, d), func(i int) float64 { return float64(i%11) - 4 })

			product := loop.New(loop.Axes([]int{d, d, rows}), []kernels.Aval{x.Aval(), y.Aval()})
			at := loop.Ats(3)
			product.Contraction = true
			product.Store(loop.Store{
				Value: product.Mul(product.Load(0, at[2], at[0]), product.Load(1, at[2], at[1])),
				Index: at[:2], Reduce: loop.Sum, Aval: array(device.Float64, d, d),
			})
			sums := p.b.ApplyInst(kernels.NewLoop("product", product), x, y)[0]

			n := -1
			places := p.b.constant(array(device.Int64, d, d), func(i int) float64 {
				if i%d > i/d {
					return float64(few) // what nothing reads
				}
				n++
				return float64((n * 7) % few)
			})
			scatter := loop.New(loop.Axes([]int{d, d}), []kernels.Aval{sums.Aval(), places.Aval()})
			index := loop.Ats(1)[0]
			index.Terms, index.Via = nil, scatter.Load(1, loop.Ats(2)...)
			scatter.Store(loop.Store{Value: scatter.Load(0, loop.Ats(2)...), Index: []loop.Lin{index}, Reduce: loop.Sum, Scatter: true, Aval: array(device.Float64, few+1)})
			packed := p.b.ApplyInst(kernels.NewLoop("pack", scatter), sums, places)[0]

			read := loop.New(loop.Axes([]int{few}), []kernels.Aval{packed.Aval()})
			read.Store(loop.Store{Value: read.Neg(read.Load(0, loop.Ats(1)...)), Index: loop.Ats(1), Aval: array(device.Float64, few)})
			p.output("triangle", p.b.ApplyInst(kernels.NewLoop("read", read), packed)[0], false) // integers: exact in any order

			s := schedule(p.b.g, true)
			m, o := s.of[0].best.makes(sums.(val).ref)
			wanted := s.wanted(m, o)
			for i, want := range wanted {
				if want != (i%d <= i/d) {
					t.Errorf("of sum %d it is not known whether it is read", i)
				}
			}
			if len(wanted) != d*d {
				t.Errorf("it is known of %d sums whether they are read", len(wanted))
			}
			p.check("cpu:1")
			p.check("cpu:2")
		})
	}
}
