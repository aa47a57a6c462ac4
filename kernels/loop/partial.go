// The partial derivatives of the scalar functions: the one table from which
// tangents and cotangents follow.

package loop

import "math"

// partial returns a partial derivative at arguments a and b (None where there
// is none) and value y; y, a and b are nodes of e.
type partial func(e *Expr, y, a, b Node) Node

// partials holds the derivative of each function by each of its arguments; nil
// where it is zero. Products inside a partial that must vanish with one side
// are strong. Select's condition is argument 0, so its rows are given with the
// condition as a. Cast is apart, for it changes the type.
var partials [NumFn][3]partial

func init() {
	partials = [NumFn][3]partial{
		Neg:       {minusOne},
		Abs:       {func(e *Expr, y, a, b Node) Node { return e.Sign(a) }},
		Square:    {func(e *Expr, y, a, b Node) Node { return e.Mul(e.Like(a, 2), a) }},
		Sqrt:      {func(e *Expr, y, a, b Node) Node { return e.Recip(e.Mul(e.Like(y, 2), y)) }}, // +Inf at 0
		Recip:     {func(e *Expr, y, a, b Node) Node { return e.Neg(e.Square(y)) }},
		Exp:       {func(e *Expr, y, a, b Node) Node { return y }},
		Expm1:     {func(e *Expr, y, a, b Node) Node { return e.Exp(a) }}, // not y+1, which loses digits below 0
		Log:       {func(e *Expr, y, a, b Node) Node { return e.Recip(a) }},
		Log1p:     {func(e *Expr, y, a, b Node) Node { return e.Recip(e.Add(e.Like(a, 1), a)) }},
		Sin:       {func(e *Expr, y, a, b Node) Node { return e.Cos(a) }},
		Cos:       {func(e *Expr, y, a, b Node) Node { return e.Neg(e.Sin(a)) }},
		Tan:       {func(e *Expr, y, a, b Node) Node { return e.Add(e.Like(y, 1), e.Square(y)) }},
		Tanh:      {func(e *Expr, y, a, b Node) Node { return e.Mul(e.Sub(e.Like(y, 1), y), e.Add(e.Like(y, 1), y)) }},
		Sigmoid:   {func(e *Expr, y, a, b Node) Node { return e.Mul(y, e.Sub(e.Like(y, 1), y)) }},
		Softplus:  {func(e *Expr, y, a, b Node) Node { return e.Sigmoid(a) }},
		Lgamma:    {func(e *Expr, y, a, b Node) Node { return e.Digamma(a) }},
		Digamma:   {func(e *Expr, y, a, b Node) Node { return e.Polygamma(1, a) }},
		Polygamma: {func(e *Expr, y, a, b Node) Node { return e.Polygamma(int(e.Nodes[y].K)+1, a) }},
		Erf: {func(e *Expr, y, a, b Node) Node {
			return e.Mul(e.Like(a, 2/math.SqrtPi), e.Exp(e.Neg(e.Square(a))))
		}},
		Add: {one, one},
		Sub: {one, minusOne},
		Mul: {func(e *Expr, y, a, b Node) Node { return b }, func(e *Expr, y, a, b Node) Node { return a }},
		Div: {
			func(e *Expr, y, a, b Node) Node { return e.Recip(b) },
			func(e *Expr, y, a, b Node) Node { return e.Neg(e.Div(y, b)) },
		},
		Pow: { // by the base 0 where the exponent is 0, also at base 0
			func(e *Expr, y, a, b Node) Node { return e.SMul(b, e.Pow(a, e.Sub(b, e.Like(b, 1)))) },
			func(e *Expr, y, a, b Node) Node { return e.SMul(y, e.Log(a)) },
		},
		Maximum: { // ties share half
			func(e *Expr, y, a, b Node) Node { return e.share(e.Lt(a, b), a, b) },
			func(e *Expr, y, a, b Node) Node { return e.share(e.Lt(b, a), a, b) },
		},
		Minimum: {
			func(e *Expr, y, a, b Node) Node { return e.share(e.Lt(b, a), a, b) },
			func(e *Expr, y, a, b Node) Node { return e.share(e.Lt(a, b), a, b) },
		},
		Atan2: { // through hypot, which does not overflow
			func(e *Expr, y, a, b Node) Node { h := e.Hypot(a, b); return e.Div(e.Div(b, h), h) },
			func(e *Expr, y, a, b Node) Node { h := e.Hypot(a, b); return e.Neg(e.Div(e.Div(a, h), h)) },
		},
		Hypot: { // 0 at (0, 0), a subgradient
			func(e *Expr, y, a, b Node) Node { return e.Select(e.Eq(y, e.Like(y, 0)), None, e.Div(a, y)) },
			func(e *Expr, y, a, b Node) Node { return e.Select(e.Eq(y, e.Like(y, 0)), None, e.Div(b, y)) },
		},
		SMul: {func(e *Expr, y, a, b Node) Node { return b }, func(e *Expr, y, a, b Node) Node { return a }},
		Select: {nil,
			func(e *Expr, y, a, b Node) Node { return e.Select(a, e.Like(y, 1), None) },
			func(e *Expr, y, a, b Node) Node { return e.Select(a, None, e.Like(y, 1)) },
		},
	}
}

func one(e *Expr, y, _, _ Node) Node      { return e.Like(y, 1) }
func minusOne(e *Expr, y, _, _ Node) Node { return e.Like(y, -1) }

// share is the slope of a maximum or minimum: 0 where lost, one half where a
// and b are equal, else 1 (so a NaN keeps its derivative).
func (e *Expr) share(lost, a, b Node) Node {
	return e.Select(lost, None, e.Select(e.Eq(a, b), e.Like(a, 0.5), e.Like(a, 1)))
}
