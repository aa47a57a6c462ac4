// What preaccumulation is worth in loops.

package grad_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
)

// cell is a network with a memory, the one of Hochreiter and Schmidhuber (Long short-term
// memory, Neural Computation 9, 1997) with a forget gate: of the hidden values h it makes
// the gates, of these and the memory c the next.
type cell struct{ H, C *T }

func (s cell) next(w [4]*T) cell {
	gate := func(k int) *T { return s.H.MatMul(w[k]) }
	c := gate(0).Sigmoid().Mul(s.C).Add(gate(1).Sigmoid().Mul(gate(2).Tanh()))
	return cell{gate(3).Sigmoid().Mul(c.Tanh()), c}
}

// BenchmarkPreaccumulate measures gradients of loops of 100 steps over n values, with what
// derivatives are made of kept for the sweep (before), and with derivatives (after), run by
// turns: the median of both.
func BenchmarkPreaccumulate(b *testing.B) {
	r := rand.New(rand.NewPCG(61, 62))
	var w [4]*T
	matrices := func(n int) {
		for k := range w {
			w[k] = random(r, n, n).MulScalar(0.1)
		}
	}
	chain := func(y *T) *T {
		for range 10 {
			y = y.Sin().MulScalar(0.9).AddScalar(0.1)
		}
		return y
	}
	programs := []struct {
		name string
		f    func(x *T) *T
	}{
		{"Runge-Kutta of y(1-y)", repeated(rungeKutta(logistic, 0.1), 100)},
		{"Runge-Kutta of sin y", repeated(rungeKutta((*T).Sin, 0.1), 100)},
		{"30 operations", repeated(chain, 100)},
		{"network with gelu", repeated(func(c *T) *T { return geluOf(c.MatMul(w[0])) }, 100)},
		{"network with mish", repeated(func(c *T) *T { a := c.MatMul(w[0]); return a.Mul(a.Softplus().Tanh()) }, 100)},
		{"Runge-Kutta of ay(1-y), by a", func(x *T) *T {
			rate := x.Mean()
			return repeated(rungeKutta(func(y *T) *T { return logistic(y).Mul(rate) }, 0.1), 100)(x)
		}},
		{"LSTM", func(x *T) *T {
			s, _ := grad.Scan(func(s cell, _ struct{}) (cell, struct{}) { return s.next(w), struct{}{} }, cell{x, x}, struct{}{}, grad.Length(100))
			return s.H.Square().Sum()
		}},
	}
	for _, p := range programs {
		for _, shape := range [][]int{{1, 16}, {64, 64}} {
			matrices(shape[1])
			x := random(r, shape...).Sigmoid()
			for _, native := range []bool{false, true} {
				b.Run(fmt.Sprintf("f=%s/n=%d/native=%v", p.name, shape[0]*shape[1], native), func(b *testing.B) {
					var runs [2]*grad.Prepared[*T, *T]
					for k, opts := range [][]grad.Option{nil, preaccumulate} {
						if native {
							opts = append(slices.Clone(opts), grad.WithNative())
						}
						runs[k] = mustPrepare(b, grad.Grad(p.f), x, opts...)
						if native {
							if err := runs[k].Native(b.Context()); err != nil {
								b.Skip(err)
							}
						}
					}
					dst := runs[0].Call(x)
					var times [2][]time.Duration
					for b.Loop() {
						for k, p := range runs {
							begin := time.Now()
							if err := p.RunInto(context.Background(), dst, x); err != nil {
								b.Fatal(err)
							}
							times[k] = append(times[k], time.Since(begin))
						}
					}
					b.ReportMetric(0, "ns/op")
					for k, name := range []string{"before", "after"} {
						slices.Sort(times[k])
						b.ReportMetric(float64(times[k][len(times[k])/2])/1e3, name+"-us")
						b.ReportMetric(float64(runs[k].Explain().Peak)/1024, name+"-KiB")
					}
				})
			}
		}
	}
}
