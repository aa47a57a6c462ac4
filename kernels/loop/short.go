// Short names for building bodies.

package loop

// Neg and the following methods are functions of one argument, see [Fn].
func (e *Expr) Neg(a Node) Node      { return e.Unary(Neg, a) }
func (e *Expr) Abs(a Node) Node      { return e.Unary(Abs, a) }
func (e *Expr) Sign(a Node) Node     { return e.Unary(Sign, a) }
func (e *Expr) Square(a Node) Node   { return e.Unary(Square, a) }
func (e *Expr) Sqrt(a Node) Node     { return e.Unary(Sqrt, a) }
func (e *Expr) Recip(a Node) Node    { return e.Unary(Recip, a) }
func (e *Expr) Exp(a Node) Node      { return e.Unary(Exp, a) }
func (e *Expr) Expm1(a Node) Node    { return e.Unary(Expm1, a) }
func (e *Expr) Log(a Node) Node      { return e.Unary(Log, a) }
func (e *Expr) Log1p(a Node) Node    { return e.Unary(Log1p, a) }
func (e *Expr) Sin(a Node) Node      { return e.Unary(Sin, a) }
func (e *Expr) Cos(a Node) Node      { return e.Unary(Cos, a) }
func (e *Expr) Tan(a Node) Node      { return e.Unary(Tan, a) }
func (e *Expr) Tanh(a Node) Node     { return e.Unary(Tanh, a) }
func (e *Expr) Sigmoid(a Node) Node  { return e.Unary(Sigmoid, a) }
func (e *Expr) Softplus(a Node) Node { return e.Unary(Softplus, a) }
func (e *Expr) Lgamma(a Node) Node   { return e.Unary(Lgamma, a) }
func (e *Expr) Digamma(a Node) Node  { return e.Unary(Digamma, a) }
func (e *Expr) Erf(a Node) Node      { return e.Unary(Erf, a) }
func (e *Expr) Not(a Node) Node      { return e.Unary(Not, a) }

// Add and the following methods are functions of two arguments, see [Fn].
func (e *Expr) Add(a, b Node) Node     { return e.Binary(Add, a, b) }
func (e *Expr) Sub(a, b Node) Node     { return e.Binary(Sub, a, b) }
func (e *Expr) Mul(a, b Node) Node     { return e.Binary(Mul, a, b) }
func (e *Expr) Div(a, b Node) Node     { return e.Binary(Div, a, b) }
func (e *Expr) Pow(a, b Node) Node     { return e.Binary(Pow, a, b) }
func (e *Expr) Maximum(a, b Node) Node { return e.Binary(Maximum, a, b) }
func (e *Expr) Minimum(a, b Node) Node { return e.Binary(Minimum, a, b) }
func (e *Expr) Atan2(a, b Node) Node   { return e.Binary(Atan2, a, b) }
func (e *Expr) Hypot(a, b Node) Node   { return e.Binary(Hypot, a, b) }
func (e *Expr) SMul(a, b Node) Node    { return e.Binary(SMul, a, b) }
func (e *Expr) And(a, b Node) Node     { return e.Binary(And, a, b) }
func (e *Expr) Or(a, b Node) Node      { return e.Binary(Or, a, b) }

// Eq and the following methods compare: a == b, a != b, a < b, a <= b, a > b, a >= b.
func (e *Expr) Eq(a, b Node) Node { return e.Binary(Eq, a, b) }
func (e *Expr) Ne(a, b Node) Node { return e.Binary(Ne, a, b) }
func (e *Expr) Lt(a, b Node) Node { return e.Binary(Lt, a, b) }
func (e *Expr) Le(a, b Node) Node { return e.Binary(Le, a, b) }
func (e *Expr) Gt(a, b Node) Node { return e.Binary(Lt, b, a) }
func (e *Expr) Ge(a, b Node) Node { return e.Binary(Le, b, a) }
