// One expression for every shape of load and store.

package loop

import (
	"math"

	"github.com/cotangent-ad/cotangent/device"
)

type shapeCase struct {
	name string
	e    *Expr
	ints map[int][]float64 // the integer operands
}

// shapeCases use an operand nonlinearly where they can, so that second
// derivatives are not zero.
func shapeCases() []shapeCase {
	plus := func(a, c int) Lin { return At(a).Plus(c) }
	return []shapeCase{
		{name: "broadcast", e: Elementwise([]Aval{floats64(3, 1), floats64(4)}, floats64(3, 4), func(e *Expr, x []Node) Node {
			return e.Mul(e.Exp(x[0]), e.Sin(x[1]))
		})},
		{name: "scalar", e: Elementwise([]Aval{floats64(), floats64(2, 3)}, floats64(2, 3), func(e *Expr, x []Node) Node {
			return e.Pow(x[1], x[0])
		})},
		{name: "size one", e: Elementwise([]Aval{floats64(1, 1), floats64(1)}, floats64(1, 1), func(e *Expr, x []Node) Node {
			return e.Div(x[0], x[1])
		})},
		{name: "transpose", e: build(Axes([]int{3, 4}), ins(4, 3), func(e *Expr) {
			e.store(e.Square(e.Load(0, At(1), At(0))), 3, 4)
		})},
		{name: "symmetrize", e: build(Axes([]int{3, 3}), ins(3, 3), func(e *Expr) {
			e.store(e.Mul(e.Load(0, At(0), At(1)), e.Load(0, At(1), At(0))), 3, 3)
		})},
		{name: "slice", e: build(Axes([]int{3}), ins(7), func(e *Expr) { e.store(e.Square(e.Load(0, plus(0, 2))), 3) })},
		{name: "strided slice", e: build(Axes([]int{3}), ins(7), func(e *Expr) {
			e.store(e.Square(e.Load(0, Affine(1, Term{0, 2}))), 3)
		})},
		{name: "flip", e: build(Axes([]int{5}), ins(5), func(e *Expr) {
			e.store(e.Square(e.Load(0, Affine(4, Term{0, -1}))), 5)
		})},
		{name: "element", e: build(Axes([]int{3}), ins(5, 3), func(e *Expr) {
			e.store(e.Square(e.Load(0, Fixed(4), At(0))), 3)
		})},
		{name: "diagonal", e: build(Axes([]int{4}), ins(4, 4), func(e *Expr) { e.store(e.Square(e.Load(0, At(0), At(0))), 4) })},
		{name: "diagonal times vector", e: build(Axes([]int{2, 3}), [][]int{{2, 2}, {3}}, func(e *Expr) {
			e.store(e.Mul(e.Exp(e.Load(0, At(0), At(0))), e.Load(1, At(1))), 2, 3)
		})},
		{name: "diagonal store", e: build(Axes([]int{4}), ins(4), func(e *Expr) {
			e.Store(Store{Value: e.Square(e.Load(0, At(0))), Index: []Lin{At(0), At(0)}, Aval: floats64(4, 4)})
		})},
		{name: "strided store with a sum", e: build(Axes([]int{3, 2}), ins(3, 2), func(e *Expr) {
			e.Store(Store{Value: e.Square(e.Load(0, At(0), At(1))), Index: []Lin{Affine(1, Term{0, 2})}, Reduce: Sum, Aval: floats64(7)})
		})},
		{name: "pad", e: build(Axes([]int{6}), ins(3), func(e *Expr) { e.store(e.Square(e.LoadGuarded(0, plus(0, -1))), 6) })},
		{name: "crop and pad", e: build(Axes([]int{5}), ins(5), func(e *Expr) { e.store(e.Square(e.LoadGuarded(0, plus(0, 2))), 5) })},
		{name: "strided pad", e: build(Axes([]int{5}), ins(5), func(e *Expr) {
			e.store(e.Square(e.LoadGuarded(0, Affine(-3, Term{0, 2}))), 5)
		})},
		{name: "flipped strided pad", e: build(Axes([]int{5}), ins(5), func(e *Expr) {
			e.store(e.Square(e.LoadGuarded(0, Affine(6, Term{0, -2}))), 5)
		})},
		{name: "concat", e: build(Axes([]int{5}), [][]int{{2}, {3}}, func(e *Expr) {
			first := e.Lt(e.Iota(0), e.ConstInt(device.Int64, 2))
			e.store(e.Square(e.Select(first, e.LoadGuarded(0, At(0)), e.LoadGuarded(1, plus(0, -2)))), 5)
		})},
		{name: "stencil", e: build(Axes([]int{5}), ins(7), func(e *Expr) {
			u := func(c int) Node { return e.Load(0, plus(0, c)) }
			e.store(e.Add(e.Mul(u(0), u(2)), e.Square(u(1))), 5)
		})},
		{name: "guarded stencil", e: build(Axes([]int{3, 4}), ins(3, 4), func(e *Expr) {
			u := func(a, b int) Node { return e.LoadGuarded(0, plus(0, a), plus(1, b)) }
			sum := e.Add(e.Add(u(1, 0), u(-1, 0)), e.Add(u(0, 1), u(0, -1)))
			e.store(e.Sub(sum, e.Exp(u(0, 0))), 3, 4)
		})},
		{name: "wide shifts", e: build(Axes([]int{2}), ins(40), func(e *Expr) {
			e.store(e.Mul(e.Load(0, At(0)), e.Load(0, plus(0, 30))), 2)
		})},
		{name: "convolution", e: build(Axes([]int{4, 3}), [][]int{{6}, {3}}, func(e *Expr) {
			v := e.Mul(e.Load(0, Affine(0, Term{0, 1}, Term{1, 1})), e.Exp(e.Load(1, At(1))))
			e.Store(Store{Value: v, Index: Ats(1), Reduce: Sum, Aval: floats64(4)})
		})},
		{name: "reversed convolution", e: build(Axes([]int{4, 3}), [][]int{{6}, {3}}, func(e *Expr) {
			v := e.Mul(e.Load(0, Affine(5, Term{0, -1}, Term{1, -1})), e.Exp(e.Load(1, At(1))))
			e.Store(Store{Value: v, Index: Ats(1), Reduce: Sum, Aval: floats64(4)})
		})},
		{name: "strided convolution", e: build(Axes([]int{3, 2}), [][]int{{6}, {2}}, func(e *Expr) {
			v := e.Mul(e.Square(e.Load(0, Affine(0, Term{0, 2}, Term{1, 1}))), e.Load(1, At(1)))
			e.Store(Store{Value: v, Index: Ats(1), Reduce: Sum, Aval: floats64(3)})
		})},
		{name: "long strided convolution", e: build(Axes([]int{9, 3}), [][]int{{19}, {3}}, func(e *Expr) {
			v := e.Mul(e.Square(e.Load(0, Affine(0, Term{0, 2}, Term{1, 1}))), e.Load(1, At(1)))
			e.Store(Store{Value: v, Index: Ats(1), Reduce: Sum, Aval: floats64(9)})
		})},
		{name: "window without the axis in the cotangent", e: build(Axes([]int{2, 5}), ins(6), func(e *Expr) {
			v := e.Square(e.Load(0, Affine(0, Term{0, 1}, Term{1, 1})))
			e.Store(Store{Value: v, Index: Ats(1), Reduce: Sum, Aval: floats64(2)})
		})},
		{name: "guarded convolution", e: build(Axes([]int{5, 3}), [][]int{{5}, {3}}, func(e *Expr) {
			v := e.Mul(e.LoadGuarded(0, Affine(-1, Term{0, 1}, Term{1, 1})), e.Exp(e.Load(1, At(1))))
			e.Store(Store{Value: v, Index: Ats(1), Reduce: Sum, Aval: floats64(5)})
		})},
		{name: "guarded strided convolution", e: build(Axes([]int{9, 3}), [][]int{{9}, {3}}, func(e *Expr) {
			v := e.Mul(e.LoadGuarded(0, Affine(-4, Term{0, 2}, Term{1, 2})), e.Exp(e.Load(1, At(1))))
			e.Store(Store{Value: v, Index: Ats(1), Reduce: Sum, Aval: floats64(9)})
		})},
		{name: "positions", e: build(Axes([]int{4}), ins(6), func(e *Expr) {
			e.store(e.Mul(e.Cast(f64, e.Iota(0)), e.Square(e.Load(0, Affine(4, Term{0, -1})))), 4)
		})},
		{name: "gather", ints: map[int][]float64{1: {2, 0, -1, 2}}, e: func() *Expr {
			e := New(Axes([]int{4, 2}), []Aval{floats64(3, 2), {device.Int64, []int{4}}})
			e.store(e.Square(e.Load(0, Through(e.Load(1, At(0))), At(1))), 4, 2)
			return e
		}()},
		{name: "scatter", ints: map[int][]float64{1: {2, 0, -1, 2}}, e: func() *Expr {
			e := New(Axes([]int{4, 2}), []Aval{floats64(4, 2), {device.Int64, []int{4}}})
			v := e.Square(e.Load(0, At(0), At(1)))
			e.Store(Store{Value: v, Index: []Lin{Through(e.Load(1, At(0))), At(1)}, Aval: floats64(3, 2)})
			return e
		}()},
		{name: "sum by a computed index", e: build(Axes([]int{6}), ins(6), func(e *Expr) {
			i := e.Mul(e.Iota(0), e.Sub(e.ConstInt(device.Int64, 5), e.Iota(0)))
			e.Store(Store{Value: e.Square(e.Load(0, At(0))), Index: []Lin{Through(i)}, Aval: floats64(7)})
		})},
		{name: "matrix product", e: matmul(2, 3, 4)},
		{name: "square of a matrix", e: contraction([]int{3, 3, 3}, []int{3, 3}, 2, func(e *Expr) Node {
			return e.Mul(e.Load(0, At(0), At(2)), e.Load(0, At(2), At(1)))
		})},
		{name: "dot", e: contraction([]int{4}, nil, 0, func(e *Expr) Node {
			return e.Mul(e.Load(0, At(0)), e.Load(1, At(0)))
		}, 4)},
		{name: "sum of squares", e: build(Axes([]int{2, 3}), ins(2, 3), func(e *Expr) {
			e.Store(Store{Value: e.Square(e.Load(0, At(0), At(1))), Index: Ats(1), Reduce: Sum, Aval: floats64(2)})
		})},
		{name: "sum of the first axis", e: build([]Axis{{"j", 3}, {"i", 2}}, ins(2, 3), func(e *Expr) {
			e.Store(Store{Value: e.Exp(e.Load(0, At(1), At(0))), Index: Ats(1), Reduce: Sum, Aval: floats64(3)})
		})},
		{name: "log-sum-exp", e: build(Axes([]int{2, 3}), ins(2, 3), func(e *Expr) {
			e.Store(Store{Value: e.Square(e.Load(0, At(0), At(1))), Index: Ats(1), Reduce: LSE, Aval: floats64(2)})
		})},
		{name: "two results", e: build(Axes([]int{3}), [][]int{{3}, {3}}, func(e *Expr) {
			a, b := e.Load(0, At(0)), e.Load(1, At(0))
			e.store(e.Div(a, b), 3)
			e.store(e.Exp(e.Mul(a, b)), 3)
		})},
		{name: "cast", e: build(Axes([]int{3}), ins(3), func(e *Expr) {
			whole := e.Cast(f64, e.Cast(device.Int64, e.Mul(e.Like(e.Load(0, At(0)), 0.1), e.Load(0, At(0)))))
			e.store(e.Add(whole, e.Square(e.Load(0, At(0)))), 3)
		})},
		{name: "choice", e: build(Axes([]int{4}), [][]int{{4}, {4}}, func(e *Expr) {
			a, b := e.Load(0, At(0)), e.Load(1, At(0))
			e.store(e.Select(e.Lt(a, b), e.Square(a), e.Mul(a, b)), 4)
		})},
	}
}

func ins(shape ...int) [][]int { return [][]int{shape} }

// build makes an expression over float64 operands.
func build(axes []Axis, shapes [][]int, body func(e *Expr)) *Expr {
	avals := make([]Aval, len(shapes))
	for i, s := range shapes {
		avals[i] = floats64(s...)
	}
	e := New(axes, avals)
	body(e)
	return e
}

// store stores a result at the plain index.
func (e *Expr) store(v Node, shape ...int) {
	e.Store(Store{Value: v, Index: Ats(len(shape)), Aval: floats64(shape...)})
}

func matmul(m, n, k int) *Expr {
	e := build([]Axis{{"i", m}, {"j", n}, {"k", k}}, [][]int{{m, k}, {k, n}}, func(e *Expr) {
		e.Contraction = true
		v := e.Mul(e.Load(0, At(0), At(2)), e.Load(1, At(2), At(1)))
		e.Store(Store{Value: v, Index: Ats(2), Reduce: Sum, Aval: floats64(m, n)})
	})
	return e
}

// contraction sums over the axes after the first rank; its two operands (or its
// one) have the result's shape, or the one given.
func contraction(axes, out []int, rank int, body func(e *Expr) Node, shape ...int) *Expr {
	if len(shape) == 0 {
		shape = out
	}
	return build(Axes(axes), [][]int{shape, shape}, func(e *Expr) {
		e.Contraction = true
		e.Store(Store{Value: body(e), Index: Ats(rank), Reduce: Sum, Aval: floats64(out...)})
	})
}

var inf = math.Inf(1)
