// How long deriving takes.

package loop

import "testing"

func BenchmarkVJP(b *testing.B) {
	for _, fn := range []Fn{Add, Mul, Tanh, Div, Pow, Maximum} {
		benchmarkVJP(b, "op="+fn.String(), fnExpr(fn, f64))
	}
	benchmarkVJP(b, "op=matmul", matmul(2, 3, 4))
	for _, c := range shapeCases() {
		if c.name == "guarded stencil" || c.name == "log-sum-exp" {
			benchmarkVJP(b, "op="+c.name, c.e)
		}
	}
}

func benchmarkVJP(b *testing.B, name string, e *Expr) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			VJP(e, all, false)
		}
	})
}
