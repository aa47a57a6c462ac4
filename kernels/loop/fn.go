// The scalar functions that loop bodies are made of, and what is known of each.

package loop

import "github.com/cotangent-ad/cotangent/device"

// Fn is a scalar function, or what else a node can be.
type Fn uint8

// The functions. Those of floating-point arguments compute in the node's type.
const (
	Const     Fn = iota
	LoadFn       // a load: K indexes Expr.Loads
	Iota         // the value of axis K, int64
	Cast         // Arg[0] converted to the node's type (float to int truncates)
	Neg          // functions of one argument
	Abs          //
	Sign         // 0 at 0, NaN at NaN
	Square       //
	Sqrt         //
	Recip        // 1/x
	Exp          //
	Expm1        //
	Log          //
	Log1p        //
	Sin          //
	Cos          //
	Tan          //
	Tanh         //
	Sigmoid      //
	Softplus     // log(1+exp(x))
	Lgamma       // log |Γ(x)|
	Digamma      //
	Polygamma    // of order K ≥ 1
	Erf          //
	Not          // of a bool
	Add          // functions of two arguments
	Sub          //
	Mul          //
	Div          // of floats
	Pow          //
	Maximum      // NaN if either is
	Minimum      //
	Atan2        //
	Hypot        //
	SMul         // the strong product: 0 if either side is exactly 0, else the product
	Eq           // comparisons yield bool
	Ne           //
	Lt           //
	Le           //
	And          // of bools
	Or           //
	Select       // Arg[0] ? Arg[1] : Arg[2]
	NumFn     = int(iota)
)

// domain says which types a function takes.
type domain uint8

const (
	anyType domain = iota
	numeric        // integers and floats
	floats
	bools
)

func (d domain) has(t device.DType) bool {
	switch d {
	case numeric:
		return t != device.Bool
	case floats:
		return t.IsFloat()
	case bools:
		return t == device.Bool
	}
	return true
}

// fact is what is known of a function. Order holds, for each argument, whether
// the function's derivative by it is zero (z), constant but for jumps (f) or
// neither (s), and for functions of two arguments whether the mixed second
// derivative is zero (z) or not (c): the letters of Hill and Dalle's
// SparseConnectivityTracer (arXiv:2501.17737).
type fact struct {
	name    string
	arity   int
	domain  domain
	commute bool // f(a, b) = f(b, a)
	boolean bool // the result is a bool
	slow    bool // counts as transcendental in Cost
	order   string
}

var facts = [NumFn]fact{
	Const:     {name: "const"},
	LoadFn:    {name: "load"},
	Iota:      {name: "iota"},
	Cast:      {name: "cast", arity: 1, order: "f"},
	Neg:       {name: "neg", arity: 1, domain: numeric, order: "f"},
	Abs:       {name: "abs", arity: 1, domain: numeric, order: "f"},
	Sign:      {name: "sign", arity: 1, domain: numeric, order: "z"},
	Square:    {name: "square", arity: 1, domain: numeric, order: "s"},
	Sqrt:      {name: "sqrt", arity: 1, domain: floats, order: "s"},
	Recip:     {name: "recip", arity: 1, domain: floats, order: "s"},
	Exp:       {name: "exp", arity: 1, domain: floats, slow: true, order: "s"},
	Expm1:     {name: "expm1", arity: 1, domain: floats, slow: true, order: "s"},
	Log:       {name: "log", arity: 1, domain: floats, slow: true, order: "s"},
	Log1p:     {name: "log1p", arity: 1, domain: floats, slow: true, order: "s"},
	Sin:       {name: "sin", arity: 1, domain: floats, slow: true, order: "s"},
	Cos:       {name: "cos", arity: 1, domain: floats, slow: true, order: "s"},
	Tan:       {name: "tan", arity: 1, domain: floats, slow: true, order: "s"},
	Tanh:      {name: "tanh", arity: 1, domain: floats, slow: true, order: "s"},
	Sigmoid:   {name: "sigmoid", arity: 1, domain: floats, slow: true, order: "s"},
	Softplus:  {name: "softplus", arity: 1, domain: floats, slow: true, order: "s"},
	Lgamma:    {name: "lgamma", arity: 1, domain: floats, slow: true, order: "s"},
	Digamma:   {name: "digamma", arity: 1, domain: floats, slow: true, order: "s"},
	Polygamma: {name: "polygamma", arity: 1, domain: floats, slow: true, order: "s"},
	Erf:       {name: "erf", arity: 1, domain: floats, slow: true, order: "s"},
	Not:       {name: "not", arity: 1, domain: bools, boolean: true, order: "z"},
	Add:       {name: "add", arity: 2, domain: numeric, commute: true, order: "ffz"},
	Sub:       {name: "sub", arity: 2, domain: numeric, order: "ffz"},
	Mul:       {name: "mul", arity: 2, domain: numeric, commute: true, order: "ffc"},
	Div:       {name: "div", arity: 2, domain: floats, order: "fsc"},
	Pow:       {name: "pow", arity: 2, domain: floats, slow: true, order: "ssc"},
	Maximum:   {name: "maximum", arity: 2, domain: numeric, commute: true, order: "ffz"},
	Minimum:   {name: "minimum", arity: 2, domain: numeric, commute: true, order: "ffz"},
	Atan2:     {name: "atan2", arity: 2, domain: floats, slow: true, order: "ssc"},
	Hypot:     {name: "hypot", arity: 2, domain: floats, commute: true, order: "ssc"},
	SMul:      {name: "smul", arity: 2, domain: floats, commute: true, order: "ffc"},
	Eq:        {name: "eq", arity: 2, commute: true, boolean: true, order: "zzz"},
	Ne:        {name: "ne", arity: 2, commute: true, boolean: true, order: "zzz"},
	Lt:        {name: "lt", arity: 2, domain: numeric, boolean: true, order: "zzz"},
	Le:        {name: "le", arity: 2, domain: numeric, boolean: true, order: "zzz"},
	And:       {name: "and", arity: 2, domain: bools, commute: true, boolean: true, order: "zzz"},
	Or:        {name: "or", arity: 2, domain: bools, commute: true, boolean: true, order: "zzz"},
	Select:    {name: "select", arity: 3, order: "zff"},
}

// String returns the function's name in lower case.
func (f Fn) String() string {
	if int(f) >= NumFn {
		return "invalid"
	}
	return facts[f].name
}

// Arity returns the number of arguments; constants, loads and axes have none.
func (f Fn) Arity() int { return facts[f].arity }

// Transcendental reports whether the function costs many flops.
func (f Fn) Transcendental() bool { return facts[f].slow }
