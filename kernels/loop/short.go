// Short names for building bodies: the functions of one and two arguments, see [Fn].

package loop

// Neg returns -a.
func (e *Expr) Neg(a Node) Node { return e.Unary(Neg, a) }

// Abs returns |a|.
func (e *Expr) Abs(a Node) Node { return e.Unary(Abs, a) }

// Sign returns -1, 0 or 1 by the sign of a.
func (e *Expr) Sign(a Node) Node { return e.Unary(Sign, a) }

// Square returns a².
func (e *Expr) Square(a Node) Node { return e.Unary(Square, a) }

// Sqrt returns the square root of a.
func (e *Expr) Sqrt(a Node) Node { return e.Unary(Sqrt, a) }

// Recip returns 1 / a.
func (e *Expr) Recip(a Node) Node { return e.Unary(Recip, a) }

// Exp returns exp(a).
func (e *Expr) Exp(a Node) Node { return e.Unary(Exp, a) }

// Expm1 returns exp(a) - 1.
func (e *Expr) Expm1(a Node) Node { return e.Unary(Expm1, a) }

// Log returns the natural logarithm of a.
func (e *Expr) Log(a Node) Node { return e.Unary(Log, a) }

// Log1p returns log(1 + a).
func (e *Expr) Log1p(a Node) Node { return e.Unary(Log1p, a) }

// Sin returns the sine of a.
func (e *Expr) Sin(a Node) Node { return e.Unary(Sin, a) }

// Cos returns the cosine of a.
func (e *Expr) Cos(a Node) Node { return e.Unary(Cos, a) }

// Tan returns the tangent of a.
func (e *Expr) Tan(a Node) Node { return e.Unary(Tan, a) }

// Tanh returns the hyperbolic tangent of a.
func (e *Expr) Tanh(a Node) Node { return e.Unary(Tanh, a) }

// Sigmoid returns 1 / (1 + exp(-a)).
func (e *Expr) Sigmoid(a Node) Node { return e.Unary(Sigmoid, a) }

// Softplus returns log(1 + exp(a)).
func (e *Expr) Softplus(a Node) Node { return e.Unary(Softplus, a) }

// Lgamma returns the logarithm of |Γ(a)|.
func (e *Expr) Lgamma(a Node) Node { return e.Unary(Lgamma, a) }

// Digamma returns the derivative of [Expr.Lgamma] at a.
func (e *Expr) Digamma(a Node) Node { return e.Unary(Digamma, a) }

// Erf returns the error function of a.
func (e *Expr) Erf(a Node) Node { return e.Unary(Erf, a) }

// Not returns whether a is false.
func (e *Expr) Not(a Node) Node { return e.Unary(Not, a) }

// Add returns a + b.
func (e *Expr) Add(a, b Node) Node { return e.Binary(Add, a, b) }

// Sub returns a - b.
func (e *Expr) Sub(a, b Node) Node { return e.Binary(Sub, a, b) }

// Mul returns a * b.
func (e *Expr) Mul(a, b Node) Node { return e.Binary(Mul, a, b) }

// Div returns a / b.
func (e *Expr) Div(a, b Node) Node { return e.Binary(Div, a, b) }

// Pow returns a to the power of b.
func (e *Expr) Pow(a, b Node) Node { return e.Binary(Pow, a, b) }

// Maximum returns the larger of a and b.
func (e *Expr) Maximum(a, b Node) Node { return e.Binary(Maximum, a, b) }

// Minimum returns the smaller of a and b.
func (e *Expr) Minimum(a, b Node) Node { return e.Binary(Minimum, a, b) }

// Atan2 returns the angle of the point (b, a).
func (e *Expr) Atan2(a, b Node) Node { return e.Binary(Atan2, a, b) }

// Hypot returns sqrt(a² + b²).
func (e *Expr) Hypot(a, b Node) Node { return e.Binary(Hypot, a, b) }

// SMul returns a * b, zero where either is exactly zero.
func (e *Expr) SMul(a, b Node) Node { return e.Binary(SMul, a, b) }

// And returns whether a and b are true.
func (e *Expr) And(a, b Node) Node { return e.Binary(And, a, b) }

// Or returns whether a or b is true.
func (e *Expr) Or(a, b Node) Node { return e.Binary(Or, a, b) }

// Eq returns whether a == b.
func (e *Expr) Eq(a, b Node) Node { return e.Binary(Eq, a, b) }

// Ne returns whether a != b.
func (e *Expr) Ne(a, b Node) Node { return e.Binary(Ne, a, b) }

// Lt returns whether a < b.
func (e *Expr) Lt(a, b Node) Node { return e.Binary(Lt, a, b) }

// Le returns whether a <= b.
func (e *Expr) Le(a, b Node) Node { return e.Binary(Le, a, b) }

// Gt returns whether a > b.
func (e *Expr) Gt(a, b Node) Node { return e.Binary(Lt, b, a) }

// Ge returns whether a >= b.
func (e *Expr) Ge(a, b Node) Node { return e.Binary(Le, b, a) }
