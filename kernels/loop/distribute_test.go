package loop

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestDistribute holds sums of random contractions against the contractions of sums.
func TestDistribute(t *testing.T) {
	tried, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		product, kinds := drawProduct(t)
		sum, summed := drawSum(t, product)
		d, ok := Distribute(sum, 0, product)
		movable := true // whether all that is summed is an axis of one operand
		for dim := range summed {
			if summed[dim] && (kinds[dim] == 'b' || kinds[dim] == '1') {
				movable = false
			}
		}
		if !ok {
			if movable && fewer(product, summed, kinds) {
				t.Fatalf("not ok for\n%s\nof\n%s", sum.Text(), product.Text())
			}
			refused++
			return
		}
		if tried++; !movable {
			t.Fatalf("ok for\n%s\nof\n%s", sum.Text(), product.Text())
		}
		for _, e := range []*Expr{d.Product, d.Rest, d.A, d.B} {
			if e == nil {
				continue
			}
			if err := e.Verify(); err != nil {
				t.Fatalf("%v in\n%s", err, e.Text())
			}
		}
		if _, ok := d.Product.AsContraction(); !ok {
			t.Fatalf("no contraction any more:\n%s", d.Product.Text())
		}
		x := [][]float64{drawNumbers(t, product.Ins[0]), drawNumbers(t, product.Ins[1])}
		scale := drawNumbers(t, sum.Ins[1])
		want := eval(t, sum, eval(t, product, x...)[0], scale)[0]
		c, _ := product.AsContraction()
		a, b := x[c.A], x[c.B]
		if d.A != nil {
			a = eval(t, d.A, a)[0]
		}
		if d.B != nil {
			b = eval(t, d.B, b)[0]
		}
		got := eval(t, d.Rest, eval(t, d.Product, a, b)[0], scale)[0]
		if !slices.EqualFunc(got, want, func(a, b float64) bool { return near(a, b, 1e-12) }) {
			t.Fatalf("%v, want %v, of\n%s\nof\n%s", got, want, sum.Text(), product.Text())
		}
	})
	if tried == 0 || refused == 0 {
		t.Errorf("%d moved, %d not", tried, refused)
	}
}

// drawProduct draws a sum of products, and of each dimension of its result the kind: in
// both operands (b), in the first (m), the second (n), or in none (1).
func drawProduct(t *rapid.T) (e *Expr, kinds []byte) {
	kinds = append([]byte("mn"), rapid.SliceOfN(rapid.SampledFrom([]byte("bmn1")), 0, 2).Draw(t, "kinds")...)
	all := append(slices.Clone(kinds), []byte("kk")[:rapid.IntRange(1, 2).Draw(t, "summed")]...)
	var sizes []int
	var dims [2][]int // axes of the operands' dimensions
	for a, kind := range all {
		n := rapid.IntRange(1, 4).Draw(t, "size")
		if a < 2 {
			n++ // so that there often is something to gain
		}
		if kind == '1' {
			n = 1
		}
		sizes = append(sizes, n)
		if kind != 'n' && kind != '1' {
			dims[0] = append(dims[0], a)
		}
		if kind != 'm' && kind != '1' {
			dims[1] = append(dims[1], a)
		}
	}
	e = New(Axes(sizes), make([]Aval, 2))
	var factors [2]Node
	swap := rapid.IntRange(0, 1).Draw(t, "swap")
	for k := range dims {
		order := rapid.Permutation(dims[k]).Draw(t, "order")
		index, shape := make([]Lin, len(order)), make([]int, len(order))
		for d, a := range order {
			index[d], shape[d] = At(a), sizes[a]
		}
		e.Ins[k^swap] = floats64(shape...)
		factors[k] = e.Load(k^swap, index...)
	}
	e.Store(Store{Value: e.Mul(factors[0], factors[1]), Index: Ats(len(kinds)), Reduce: Sum, Aval: floats64(sizes[:len(kinds)]...)})
	return e, kinds
}

// drawSum draws a sum over dimensions of a result, which are marked: of the result,
// of the negative, or of multiples.
func drawSum(t *rapid.T, product *Expr) (sum *Expr, summed []bool) {
	shape := product.Outs[0].Aval.Shape
	summed = rapid.SliceOfN(rapid.Bool(), len(shape), len(shape)).Draw(t, "over")
	summed[0] = summed[0] || rapid.IntRange(0, 3).Draw(t, "first") > 0
	var axes []Axis
	index := make([]Lin, len(shape))
	var left []int
	for _, pass := range [2]bool{false, true} {
		for d, n := range shape {
			if summed[d] == pass {
				index[d] = At(len(axes))
				axes = append(axes, Axis{AxisName(len(axes)), n})
				if !pass {
					left = append(left, n)
				}
			}
		}
	}
	sum = New(axes, []Aval{product.Outs[0].Aval, floats64(left...)})
	v := sum.Load(0, index...)
	switch rapid.IntRange(0, 2).Draw(t, "form") {
	case 1:
		v = sum.Neg(v)
	case 2:
		v = sum.SMul(v, sum.Load(1, Ats(len(left))...))
	}
	sum.Store(Store{Value: v, Index: Ats(len(left)), Reduce: Sum, Aval: floats64(left...)})
	return sum, summed
}

// fewer reports whether the sum's contraction takes fewer steps than the contraction.
func fewer(product *Expr, summed []bool, kinds []byte) bool {
	all, after, m, n := 1, 1, 1, 1
	overM, overN := false, false
	for a, x := range product.Axes {
		all *= x.Size
		lost := a < len(summed) && summed[a]
		if !lost {
			after *= x.Size
		}
		kind := byte('k')
		if a < len(kinds) {
			kind = kinds[a]
		}
		overM, overN = overM || lost && kind == 'm', overN || lost && kind == 'n'
		if kind != 'n' {
			m *= x.Size
		}
		if kind != 'm' {
			n *= x.Size
		}
	}
	if overM {
		after += m
	}
	if overN {
		after += n
	}
	return (overM || overN) && after < all
}

func drawNumbers(t *rapid.T, a Aval) []float64 {
	x := make([]float64, a.Size())
	for i := range x {
		x[i] = rapid.Float64Range(-2, 2).Draw(t, "x")
	}
	return x
}
