// Special functions, element by element.

package kernels

import (
	"math"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// The functions around Euler's gamma function. Integers are taken as float64.
var (
	Lgamma = elementwise(Op{
		Name: "lgamma", NumPy: "- (scipy.special.gammaln)", Torch: "lgamma",
		Doc: "The logarithm of the absolute value of the gamma function, +Inf at 0, -1, -2, ... Its slope is digamma(x).",
		Cases: func() []Case {
			return append(unaryCases(0.5, 4), negativeAxis, at(1, 0), at(5, math.Log(24)), at(0.5, 0.5723649429247001))
		},
	}, 1, floating, unary(loop.Lgamma))

	Digamma = elementwise(Op{
		Name: "digamma", NumPy: "- (scipy.special.digamma)", Torch: "digamma",
		Doc: "The derivative of lgamma, an Inf of the other sign than the zero's at 0, NaN at -1, -2, ... Its slope is polygamma(1, x).",
		Cases: func() []Case {
			return append(unaryCases(0.5, 4), negativeAxis, at(1, -0.5772156649015329), at(0.5, -1.9635100260214235))
		},
	}, 1, floating, unary(loop.Digamma))

	Erf = elementwise(Op{
		Name: "erf", NumPy: "- (scipy.special.erf)", Torch: "erf",
		Doc: "The error function 2/√π ∫₀ˣ exp(-t²) dt.",
		Cases: func() []Case {
			return append(unaryCases(-3, 3), at(0, 0), at(1, 0.8427007929497149), at(math.Inf(-1), -1))
		},
	}, 1, floating, unary(loop.Erf))
)

var negativeAxis = Case{Name: "negative", In: []Sample{values(-0.3, -1.4, -2.6, -10.25, -30.7)}}

// Polygamma is the n-th derivative of Digamma, n its attribute.
var Polygamma = Register(Op{
	Name: "polygamma", NumPy: "- (scipy.special.polygamma)", Torch: "polygamma",
	Doc: "The derivative of digamma of the Order n ≥ 0, digamma itself for n = 0. At 0, -1, -2, ... it is +Inf for odd n and " +
		"-Inf for even n from 2 on. Its slope is the next one. Refuses orders beyond 100.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		n, err := operandsAttr[Order]("polygamma", in, 1, attr)
		if err != nil {
			return nil, err
		}
		if n < 0 || n > 100 {
			return nil, attrErr("polygamma", "order %d is not between 0 and 100", n)
		}
		return one(asFloat(in[0].DType), in[0].Shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		n := attr.(Order)
		return floating.loop(in, func(e *loop.Expr, x []loop.Node) loop.Node {
			if n == 0 {
				return e.Unary(loop.Digamma, x[0])
			}
			return e.Polygamma(int(n), x[0])
		})
	},
	Cases: func() []Case {
		return []Case{
			{Name: "trigamma", Attr: Order(1), In: []Sample{values(1)}, Want: []float64{math.Pi * math.Pi / 6}, Kink: true},
			{Name: "tetragamma", Attr: Order(2), In: []Sample{values(1)}, Want: []float64{-2.4041138063191886}, Kink: true},
			{Name: "digamma", Attr: Order(0), In: []Sample{within(0.5, 4, 2, 3)}},
			{Name: "first", Attr: Order(1), In: []Sample{within(0.5, 4, 2, 3)}},
			{Name: "third", Attr: Order(3), In: []Sample{within(0.5, 4, 3)}},
			{Name: "negative", Attr: Order(1), In: []Sample{values(-0.3, -1.4, -2.6)}},
			{Name: "extremes", Attr: Order(1), In: []Sample{values(extremes...)}, Kink: true},
			{Name: "integers", Attr: Order(1), In: []Sample{ints(1)}, Want: []float64{math.Pi * math.Pi / 6}},
			{Name: "empty", Attr: Order(2), In: []Sample{random(0)}},
			{Name: "negative order", Attr: Order(-1), In: []Sample{random(1)}, Bad: "order -1"},
			{Name: "large order", Attr: Order(1 << 40), In: []Sample{random(1)}, Bad: "order"},
			{Name: "attribute", Attr: 1, In: []Sample{random(1)}, Bad: "attribute"},
		}
	},
})
