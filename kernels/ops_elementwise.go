// Arithmetic, elementary functions, comparisons and logic, element by element.

package kernels

import (
	"math"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Arithmetic of one operand.
var (
	Neg = elementwise(Op{
		Name: "neg", NumPy: "negative", Torch: "neg",
		Doc:   "The negative of each element. Refuses bools.",
		Cases: func() []Case { return append(unaryCases(-2, 2), at(1.5, -1.5), refusesBool) },
	}, 1, numeric, unary(loop.Neg))

	Abs = elementwise(Op{
		Name: "abs", NumPy: "abs", Torch: "abs",
		Doc:   "The absolute value. Its slope at 0 is 0. Refuses bools.",
		Cases: func() []Case { return append(unaryCases(-2, 2), at(-1.5, 1.5), kink(0, 0), refusesBool) },
	}, 1, numeric, unary(loop.Abs))

	Sign = elementwise(Op{
		Name: "sign", NumPy: "sign", Torch: "sign",
		Doc:   "-1, 0 or 1 by the sign of each element, NaN at NaN. Its slope is 0 everywhere. Refuses bools.",
		Cases: func() []Case { return append(unaryCases(-2, 2), at(-1.5, -1), at(0, 0), kink(0, 0), refusesBool) },
	}, 1, numeric, unary(loop.Sign))

	Square = elementwise(Op{
		Name: "square", NumPy: "square", Torch: "square",
		Doc:   "Each element times itself. Refuses bools.",
		Cases: func() []Case { return append(unaryCases(-2, 2), at(-1.5, 2.25), refusesBool) },
	}, 1, numeric, unary(loop.Square))

	Sqrt = elementwise(Op{
		Name: "sqrt", NumPy: "sqrt", Torch: "sqrt",
		Doc:   "The square root, NaN below 0. Its slope at 0 is +Inf.",
		Cases: func() []Case { return append(unaryCases(0.5, 4), at(2.25, 1.5), kink(0, math.Inf(1))) },
	}, 1, floating, unary(loop.Sqrt))

	Reciprocal = elementwise(Op{
		Name: "reciprocal", NumPy: "reciprocal (of integers NumPy's truncates)", Torch: "reciprocal",
		Doc:   "One divided by each element; of integers it is a float64. Its slope at 0 is -Inf.",
		Cases: func() []Case { return append(unaryCases(0.5, 4), at(-0.5, -2), kink(0, math.Inf(-1))) },
	}, 1, floating, unary(loop.Recip))

	Relu = elementwise(Op{
		Name: "relu", NumPy: "- (maximum(x, 0))", Torch: "relu",
		Doc:   "Zero where an element is negative or zero, else the element; NaN at NaN. Its slope at 0 is 0.",
		Cases: func() []Case { return append(unaryCases(-2, 2), at(-1.5, 0), at(1.5, 1.5), kink(0, 0), refusesBool) },
	}, 1, numeric, func(e *loop.Expr, x []loop.Node) loop.Node {
		zero := e.Like(x[0], 0)
		return e.Select(e.Binary(loop.Le, x[0], zero), zero, x[0]) // in this order NaN passes
	})
)

// Elementary functions. Integers and bools are taken as float64.
var (
	Exp = elementwise(Op{
		Name: "exp", NumPy: "exp", Torch: "exp",
		Doc:   "The exponential function.",
		Cases: func() []Case { return append(unaryCases(-2, 2), at(0, 1)) },
	}, 1, floating, unary(loop.Exp))

	Expm1 = elementwise(Op{
		Name: "expm1", NumPy: "expm1", Torch: "expm1",
		Doc:   "exp(x)-1, accurate near 0.",
		Cases: func() []Case { return append(unaryCases(-2, 2), at(0x1p-60, 0x1p-60)) },
	}, 1, floating, unary(loop.Expm1))

	Log = elementwise(Op{
		Name: "log", NumPy: "log", Torch: "log",
		Doc:   "The natural logarithm, NaN below 0. At 0 it is -Inf with slope +Inf.",
		Cases: func() []Case { return append(unaryCases(0.5, 4), at(1, 0), kink(0, math.Inf(1))) },
	}, 1, floating, unary(loop.Log))

	Log1p = elementwise(Op{
		Name: "log1p", NumPy: "log1p", Torch: "log1p",
		Doc:   "log(1+x), accurate near 0, NaN below -1. At -1 it is -Inf with slope +Inf.",
		Cases: func() []Case { return append(unaryCases(-0.5, 4), at(0x1p-60, 0x1p-60), kink(-1, math.Inf(1))) },
	}, 1, floating, unary(loop.Log1p))

	Sin = elementwise(Op{
		Name: "sin", NumPy: "sin", Torch: "sin",
		Doc:   "The sine of an angle in radians, NaN at infinities.",
		Cases: func() []Case { return append(unaryCases(-7, 7), at(0, 0)) },
	}, 1, floating, unary(loop.Sin))

	Cos = elementwise(Op{
		Name: "cos", NumPy: "cos", Torch: "cos",
		Doc:   "The cosine of an angle in radians, NaN at infinities.",
		Cases: func() []Case { return append(unaryCases(-7, 7), at(0, 1)) },
	}, 1, floating, unary(loop.Cos))

	Tan = elementwise(Op{
		Name: "tan", NumPy: "tan", Torch: "tan",
		Doc:   "The tangent of an angle in radians, NaN at infinities.",
		Cases: func() []Case { return append(unaryCases(-1.2, 1.2), at(0, 0)) },
	}, 1, floating, unary(loop.Tan))

	Tanh = elementwise(Op{
		Name: "tanh", NumPy: "tanh", Torch: "tanh",
		Doc:   "The hyperbolic tangent.",
		Cases: func() []Case { return append(unaryCases(-3, 3), at(0, 0), at(50, 1)) },
	}, 1, floating, unary(loop.Tanh))

	Sigmoid = elementwise(Op{
		Name: "sigmoid", NumPy: "- (scipy.special.expit)", Torch: "sigmoid",
		Doc:   "1/(1+exp(-x)), without overflow.",
		Cases: func() []Case { return append(unaryCases(-3, 3), at(0, 0.5), at(-1000, 0)) },
	}, 1, floating, unary(loop.Sigmoid))

	Softplus = elementwise(Op{
		Name: "softplus", NumPy: "- (logaddexp(x, 0))", Torch: "nn.functional.softplus",
		Doc:   "log(1+exp(x)), without overflow; its slope is sigmoid(x), one half at 0.",
		Cases: func() []Case { return append(unaryCases(-3, 3), at(0, math.Ln2), at(1000, 1000), kink(0, 0.5)) },
	}, 1, floating, unary(loop.Softplus))
)

// Arithmetic of two operands.
var (
	Add = elementwise(Op{
		Name: "add", NumPy: "add", Torch: "add",
		Doc:   "The sum of two operands. Refuses bools alone.",
		Cases: func() []Case { return append(binaryCases(-2, 2), at2(1.5, 2, 3.5), refusesBools) },
	}, 2, numeric, binary(loop.Add))

	Sub = elementwise(Op{
		Name: "sub", NumPy: "subtract", Torch: "sub",
		Doc:   "The difference of two operands. Refuses bools alone.",
		Cases: func() []Case { return append(binaryCases(-2, 2), at2(1.5, 2, -0.5), refusesBools) },
	}, 2, numeric, binary(loop.Sub))

	Mul = elementwise(Op{
		Name: "mul", NumPy: "multiply", Torch: "mul",
		Doc:   "The product of two operands. Refuses bools alone.",
		Cases: func() []Case { return append(binaryCases(-2, 2), at2(1.5, 2, 3), refusesBools) },
	}, 2, numeric, binary(loop.Mul))

	SMul = elementwise(Op{
		Name: "smul", NumPy: "- (a product of derivatives' rules)", Torch: "- (a product of derivatives' rules)",
		Doc: "The strong product: 0 if either operand is exactly 0, even against NaN or Inf, else the product. " +
			"It is bilinear, and its derivatives are strong products again. Of integers and bools it is a float64.",
		Cases: func() []Case {
			return append(binaryCases(-2, 2), at2(1.5, 2, 3), at2(0, math.Inf(1), 0), at2(math.NaN(), 0, 0), kink2(0, 3, 3, 0))
		},
	}, 2, floating, binary(loop.SMul))

	Div = elementwise(Op{
		Name: "div", NumPy: "true_divide", Torch: "true_divide",
		Doc:   "The quotient of two operands; of integers and bools it is a float64. x/x at 0 is NaN, and so is its slope.",
		Cases: func() []Case { return append(binaryCases(0.5, 4), at2(3, 2, 1.5), at2(1, 0, math.Inf(1))) },
	}, 2, floating, binary(loop.Div))

	Pow = elementwise(Op{
		Name: "pow", NumPy: "float_power", Torch: "pow (of integers PyTorch's is an integer)",
		Doc: "The first operand to the power of the second; of integers and bools it is a float64. NaN for a negative base " +
			"and a power that is not whole. A power of 0 has slope 0 by its base, even 0; a base of 0 has slope 0 by a power above 0, " +
			"and -Inf by one of 0 or less.",
		Cases: func() []Case {
			return append(binaryCases(0.5, 3), at2(-2, 3, -8), at2(0, 0, 1), at2(4, -0.5, 0.5),
				kink2(0, 2, 0, 0), kink2(0, 1, 1, 0), kink2(0, 0, 0, math.Inf(-1)))
		},
	}, 2, floating, binary(loop.Pow))

	Maximum = elementwise(Op{
		Name: "maximum", NumPy: "maximum", Torch: "maximum",
		Doc: "The larger of two operands, NaN if either is. Where they are equal, each has slope one half. Refuses bools alone.",
		Cases: func() []Case {
			return append(binaryCases(-2, 2), at2(1.5, 2, 2), at2(math.NaN(), 2, math.NaN()), kink2(1, 1, 0.5, 0.5), refusesBools)
		},
	}, 2, numeric, binary(loop.Maximum))

	Minimum = elementwise(Op{
		Name: "minimum", NumPy: "minimum", Torch: "minimum",
		Doc: "The smaller of two operands, NaN if either is. Where they are equal, each has slope one half. Refuses bools alone.",
		Cases: func() []Case {
			return append(binaryCases(-2, 2), at2(1.5, 2, 1.5), at2(1, math.NaN(), math.NaN()), kink2(1, 1, 0.5, 0.5), refusesBools)
		},
	}, 2, numeric, binary(loop.Minimum))

	Atan2 = elementwise(Op{
		Name: "atan2", NumPy: "arctan2", Torch: "atan2",
		Doc: "The angle of the point (second operand, first operand), from -π to π. Its slopes at the origin are NaN.",
		Cases: func() []Case {
			return append(binaryCases(0.5, 3), at2(0, 1, 0), at2(1, 0, math.Pi/2), kink2(0, 0, math.NaN(), math.NaN()))
		},
	}, 2, floating, binary(loop.Atan2))

	Hypot = elementwise(Op{
		Name: "hypot", NumPy: "hypot", Torch: "hypot",
		Doc: "sqrt(x²+y²), without overflow on the way. Its slopes at the origin are 0.",
		Cases: func() []Case {
			return append(binaryCases(0.5, 3), at2(3, 4, 5), at2(0x1p600, 0, 0x1p600).float64(), kink2(0, 0, 0, 0))
		},
	}, 2, floating, binary(loop.Hypot))
)

// Where chooses between two operands by a bool.
var Where = Register(Op{
	Name: "where", NumPy: "where", Torch: "where",
	Doc: "The second operand where the first, bools, is true, else the third. The one not chosen has slope 0 " +
		"there, whatever it is.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		if err := noAttr("where", attr); err != nil {
			return nil, err
		}
		if err := operands("where", in, 3); err != nil {
			return nil, err
		}
		if !isBool(in[0]) {
			return nil, dtypeErr("where", in, "the condition is not bool")
		}
		shape, err := broadcastAll("where", in)
		return one(promote(in[1:]), shape), err
	},
	Loop: func(_ any, in []Aval) *loop.Expr {
		shape, _ := broadcastAll("where", in)
		dt := promote(in[1:])
		return loop.Elementwise(in, Aval{DType: dt, Shape: shape}, func(e *loop.Expr, x []loop.Node) loop.Node {
			return e.Select(x[0], e.Cast(dt, x[1]), e.Cast(dt, x[2]))
		})
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", In: []Sample{bools(1, 0), values(1, 2), values(3, 4)}, Want: []float64{1, 4}},
			{Name: "broadcast", In: []Sample{bools(1, 0, 1), random(2, 3), random(2, 1)}},
			{Name: "scalar condition", In: []Sample{{Shape: []int{}, DType: "bool", Values: []float64{0}}, random(3), random()}},
			{Name: "masked NaN", In: []Sample{bools(0, 1), values(math.NaN(), 1), values(3, math.Inf(1))}, Kink: true, Slopes: []float64{0, 1, 1, 0}},
			{Name: "integers", In: []Sample{bools(1, 0), ints(1, 2), ints(3, 4)}, Want: []float64{1, 4}},
			{Name: "empty", In: []Sample{{Shape: []int{0}, DType: "bool"}, random(0), random(0)}},
			{Name: "float condition", In: []Sample{random(2), random(2), random(2)}, Bad: "not bool"},
			{Name: "shapes", In: []Sample{bools(1, 0), random(3), random(2)}, Bad: "broadcast"},
		}
	},
})

// Clamp limits its operand to an interval.
var Clamp = Register(Op{
	Name: "clamp", NumPy: "clip", Torch: "clamp",
	Doc: "Each element, no smaller than the lower and no larger than the upper of its Limits; NaN at NaN. Its slope is 1 inside " +
		"and at the ends, 0 outside. Integers with limits that are not whole become float64. Refuses bools, limits that are NaN, and " +
		"a lower above the upper one.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		l, err := operandsAttr[Limits]("clamp", in, 1, attr)
		if err != nil {
			return nil, err
		}
		if err := numericOperands("clamp", in); err != nil {
			return nil, err
		}
		if !(l.Lo <= l.Hi) {
			return nil, attrErr("clamp", "no interval from %v to %v", l.Lo, l.Hi)
		}
		return one(clampType(l, in[0]), in[0].Shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		l, dt := attr.(Limits), clampType(attr.(Limits), in[0])
		return loop.Elementwise(in, Aval{DType: dt, Shape: in[0].Shape}, func(e *loop.Expr, x []loop.Node) loop.Node {
			v := e.Cast(dt, x[0])
			y := v
			if !math.IsInf(l.Lo, -1) {
				lo := e.Const(dt, l.Lo)
				y = e.Select(e.Binary(loop.Lt, v, lo), lo, y)
			}
			if !math.IsInf(l.Hi, 1) {
				hi := e.Const(dt, l.Hi)
				y = e.Select(e.Binary(loop.Lt, hi, v), hi, y)
			}
			return y
		})
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: Limits{-1, 1}, In: []Sample{values(-3, 0.5, 3, math.NaN())}, Want: []float64{-1, 0.5, 1, math.NaN()}, Kink: true},
			{Name: "random", Attr: Limits{-1, 1}, In: []Sample{random(2, 3)}},
			{Name: "one-sided", Attr: Limits{0, math.Inf(1)}, In: []Sample{random(2, 3)}},
			{Name: "ends", Attr: Limits{-1, 1}, In: []Sample{values(-2, -1, 0, 1, 2)}, Kink: true, Slopes: []float64{0, 1, 1, 1, 0}},
			{Name: "integers", Attr: Limits{-1, 2}, In: []Sample{ints(-3, 0, 3)}, Want: []float64{-1, 0, 2}},
			{Name: "integers and fractions", Attr: Limits{-1.5, 2}, In: []Sample{ints(-3, 0, 3)}, Want: []float64{-1.5, 0, 2}},
			{Name: "empty", Attr: Limits{-1, 1}, In: []Sample{random(0)}},
			{Name: "inverted", Attr: Limits{1, -1}, In: []Sample{random(2)}, Bad: "no interval from 1 to -1"},
			{Name: "NaN limit", Attr: Limits{math.NaN(), 1}, In: []Sample{random(2)}, Bad: "no interval"},
			{Name: "no limits", In: []Sample{random(2)}, Bad: "attribute"},
			{Name: "bools", Attr: Limits{0, 1}, In: []Sample{bools(1)}, Bad: "not bools"},
		}
	},
})

// clampType returns the type of a clamped value.
func clampType(l Limits, x Aval) device.DType {
	fits := func(v float64) bool { return math.IsInf(v, 0) || v == math.Trunc(v) && math.Abs(v) < 1<<31 }
	if x.DType.IsInt() && !(fits(l.Lo) && fits(l.Hi)) {
		return asFloat(x.DType)
	}
	return x.DType
}

// Comparisons. They give bools, and have no derivative.
var (
	Eq = elementwise(Op{
		Name: "eq", NumPy: "equal", Torch: "eq",
		Doc:   "Whether two operands are equal; false with NaN.",
		Cases: func() []Case { return compareCases(0, 1, 0) },
	}, 2, compared, binary(loop.Eq))

	Ne = elementwise(Op{
		Name: "ne", NumPy: "not_equal", Torch: "ne",
		Doc:   "Whether two operands differ; true with NaN.",
		Cases: func() []Case { return append(compareCases(1, 0, 1), at2(math.NaN(), math.NaN(), 1)) },
	}, 2, compared, binary(loop.Ne))

	Lt = elementwise(Op{
		Name: "lt", NumPy: "less", Torch: "lt",
		Doc:   "Whether the first operand is less than the second; false with NaN.",
		Cases: func() []Case { return compareCases(1, 0, 0) },
	}, 2, compared, binary(loop.Lt))

	Le = elementwise(Op{
		Name: "le", NumPy: "less_equal", Torch: "le",
		Doc:   "Whether the first operand is less than the second or equal; false with NaN.",
		Cases: func() []Case { return compareCases(1, 1, 0) },
	}, 2, compared, binary(loop.Le))

	Gt = elementwise(Op{
		Name: "gt", NumPy: "greater", Torch: "gt",
		Doc:   "Whether the first operand is greater than the second; false with NaN.",
		Cases: func() []Case { return compareCases(0, 0, 1) },
	}, 2, compared, swapped(loop.Lt))

	Ge = elementwise(Op{
		Name: "ge", NumPy: "greater_equal", Torch: "ge",
		Doc:   "Whether the first operand is greater than the second or equal; false with NaN.",
		Cases: func() []Case { return compareCases(0, 1, 1) },
	}, 2, compared, swapped(loop.Le))
)

// Logic. Numbers count as true where they are not 0 (NaN is true).
var (
	LogicalAnd = elementwise(Op{
		Name: "logical_and", NumPy: "logical_and", Torch: "logical_and",
		Doc:   "Whether both operands are true; numbers are true where not 0.",
		Cases: func() []Case { return logicCases(0, 0, 0, 1) },
	}, 2, logical, binary(loop.And))

	LogicalOr = elementwise(Op{
		Name: "logical_or", NumPy: "logical_or", Torch: "logical_or",
		Doc:   "Whether either operand is true; numbers are true where not 0.",
		Cases: func() []Case { return logicCases(0, 1, 1, 1) },
	}, 2, logical, binary(loop.Or))

	LogicalNot = elementwise(Op{
		Name: "logical_not", NumPy: "logical_not", Torch: "logical_not",
		Doc: "Whether the operand is false; numbers are true where not 0.",
		Cases: func() []Case {
			return []Case{
				{Name: "bools", In: []Sample{bools(0, 1)}, Want: []float64{1, 0}},
				{Name: "numbers", In: []Sample{values(0, 2, math.NaN())}, Want: []float64{1, 0, 0}},
				{Name: "empty", In: []Sample{random(0, 2)}},
				{Name: "two operands", In: []Sample{bools(0), bools(1)}, Bad: "takes 1"},
			}
		},
	}, 1, logical, unary(loop.Not))
)
