package vmath

// Unary is a function of one argument: its twins, and its place in the C tables.
type Unary struct {
	Name string
	F64  func(x float64) float64
	F32  func(x float32) float32
	id   int
}

// Binary is a function of two arguments.
type Binary struct {
	Name string
	F64  func(x, y float64) float64
	F32  func(x, y float32) float32
	id   int
}

// Unaries lists the functions of one argument in the order of CT_VMATH_UNARY.
var Unaries = []*Unary{
	{Name: "exp", F64: Exp, F32: Exp32},
	{Name: "exp2", F64: Exp2, F32: Exp232},
	{Name: "expm1", F64: Expm1, F32: Expm132},
	{Name: "log", F64: Log, F32: Log32},
	{Name: "log2", F64: Log2, F32: Log232},
	{Name: "log10", F64: Log10, F32: Log1032},
	{Name: "log1p", F64: Log1p, F32: Log1p32},
	{Name: "sin", F64: Sin, F32: Sin32},
	{Name: "cos", F64: Cos, F32: Cos32},
	{Name: "tan", F64: Tan, F32: Tan32},
	{Name: "asin", F64: Asin, F32: Asin32},
	{Name: "acos", F64: Acos, F32: Acos32},
	{Name: "atan", F64: Atan, F32: Atan32},
	{Name: "sinh", F64: Sinh, F32: Sinh32},
	{Name: "cosh", F64: Cosh, F32: Cosh32},
	{Name: "tanh", F64: Tanh, F32: Tanh32},
	{Name: "asinh", F64: Asinh, F32: Asinh32},
	{Name: "acosh", F64: Acosh, F32: Acosh32},
	{Name: "atanh", F64: Atanh, F32: Atanh32},
	{Name: "sigmoid", F64: Sigmoid, F32: Sigmoid32},
	{Name: "softplus", F64: Softplus, F32: Softplus32},
	{Name: "sqrt", F64: Sqrt, F32: Sqrt32},
	{Name: "erf", F64: Erf, F32: Erf32},
	{Name: "erfc", F64: Erfc, F32: Erfc32},
	{Name: "lgamma", F64: Lgamma, F32: Lgamma32},
	{Name: "digamma", F64: Digamma, F32: Digamma32},
	{Name: "trigamma", F64: Trigamma, F32: Trigamma32},
}

// Binaries lists the functions of two arguments in the order of CT_VMATH_BINARY.
var Binaries = []*Binary{
	{Name: "pow", F64: Pow, F32: Pow32},
	{Name: "atan2", F64: Atan2, F32: Atan232},
	{Name: "hypot", F64: Hypot, F32: Hypot32},
}

func init() {
	for i, f := range Unaries {
		f.id = i
	}
	for i, f := range Binaries {
		f.id = i
	}
}

// Map64 stores f(x[i]) in y[i]; y may be x. It wants len(y) >= len(x) and an isa that ISAs lists.
func (f *Unary) Map64(isa ISA, y, x []float64) {
	switch {
	case len(x) == 0:
	case isa == Go:
		f.map64Go(y, x)
	default:
		f.map64C(isa, y[:len(x)], x)
	}
}

// Map32 is Map64 for float32.
func (f *Unary) Map32(isa ISA, y, x []float32) {
	switch {
	case len(x) == 0:
	case isa == Go:
		f.map32Go(y, x)
	default:
		f.map32C(isa, y[:len(x)], x)
	}
}

// Map64 stores f(x[i], y[i]) in z[i]; z may be x or y. It wants len(y), len(z) >= len(x) and an isa that ISAs lists.
func (f *Binary) Map64(isa ISA, z, x, y []float64) {
	switch {
	case len(x) == 0:
	case isa == Go:
		f.map64Go(z, x, y)
	default:
		f.map64C(isa, z[:len(x)], x, y[:len(x)])
	}
}

// Map32 is Map64 for float32.
func (f *Binary) Map32(isa ISA, z, x, y []float32) {
	switch {
	case len(x) == 0:
	case isa == Go:
		f.map32Go(z, x, y)
	default:
		f.map32C(isa, z[:len(x)], x, y[:len(x)])
	}
}

// PolygammaMap64 stores the n-th derivative of digamma at x[i] in y[i]; y may be x.
func PolygammaMap64(isa ISA, y []float64, n int, x []float64) {
	switch {
	case len(x) == 0:
	case isa == Go:
		for i, v := range x {
			y[i] = Polygamma(n, v)
		}
	default:
		polygamma64C(isa, y[:len(x)], n, x)
	}
}

// PolygammaMap32 is PolygammaMap64 for float32.
func PolygammaMap32(isa ISA, y []float32, n int, x []float32) {
	switch {
	case len(x) == 0:
	case isa == Go:
		for i, v := range x {
			y[i] = Polygamma32(n, v)
		}
	default:
		polygamma32C(isa, y[:len(x)], n, x)
	}
}

func (f *Unary) map64Go(y, x []float64) {
	for i, v := range x {
		y[i] = f.F64(v)
	}
}

func (f *Unary) map32Go(y, x []float32) {
	for i, v := range x {
		y[i] = f.F32(v)
	}
}

func (f *Binary) map64Go(z, x, y []float64) {
	for i, v := range x {
		z[i] = f.F64(v, y[i])
	}
}

func (f *Binary) map32Go(z, x, y []float32) {
	for i, v := range x {
		z[i] = f.F32(v, y[i])
	}
}
