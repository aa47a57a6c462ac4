// The scalar functions that loop bodies are made of.

package loop

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
