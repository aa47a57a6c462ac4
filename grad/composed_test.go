// Operations that package tensor composes of others: their values and derivatives are
// those known from elsewhere, also at kinks, infinities and where numbers are extreme,
// and they are differentiated, mapped and prepared as any other.

package grad_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/grad/check"
	"github.com/cotangent-ad/cotangent/tensor"
)

// composedElementwise are functions at points, with values, slopes and second derivatives to 60
// digits (Python's decimal), those of gelu by math.erfc, of elu and leaky relu by
// PyTorch 1.13.
var composedElementwise = []struct {
	name                 string
	f                    func(x *T) *T
	value, slope, second []float64
	abs                  float64 // error in units of x's last place, where values are much smaller
}{
	{"LogSigmoid", (*T).LogSigmoid,
		[]float64{-30.000000000000092, -6.00247568513773, -2.5788897342925496, -0.9740769841801067, -0.6931471805599453, -0.5759394198788436, -0.3132616875182228, -0.04858735157374206, -2.061153620314381e-09},
		[]float64{0.9999999999999064, 0.9975273768433652, 0.9241418199787564, 0.6224593312018546, 0.5, 0.4378234991142019, 0.2689414213699951, 0.04742587317756678, 2.0611536181902037e-09},
		[]float64{-9.357622968838423e-14, -0.0024665092913600476, -0.07010371654510816, -0.2350037122015945, -0.25, -0.24613408273759835, -0.19661193324148185, -0.04517665973091213, -2.061153613941849e-09}, 0},
	{"Silu", (*T).Silu,
		[]float64{-2.8072868906517896e-12, -0.014835738939808645, -0.18964545005310887, -0.18877033439907273, 0, 0.14054412522144952, 0.7310585786300049, 2.8577223804672998, 19.99999995877693},
		[]float64{-2.713710660963134e-12, -0.012326432591525513, -0.09940111134152683, 0.2600388126973482, 0.5, 0.6237100215701977, 0.9276705118714867, 1.0881041060151697, 1.0000000391619186},
		[]float64{-2.620134431274233e-12, -0.00979285218956173, -0.008462156523368855, 0.4412290269770286, 0.5, 0.484616287468517, 0.3023661188100153, -0.032321404521006174, -3.710076488101912e-08}, 0},
	{"Gelu", (*T).Gelu,
		[]float64{-1.4720141781446293e-196, -5.919525870226207e-09, -0.015524163314440348, -0.15426876936299344, 0, 0.14967658142073093, 0.8413447460685429, 2.99595030590511, 20},
		[]float64{-4.416031690708494e-195, -3.5468709453902015e-08, -0.037611085908145214, 0.13250487534383712, 0.5, 0.695373354883636, 1.0833154705876864, 1.011945647204184, 1},
		[]float64{-1.3233342291209357e-193, -2.0658001689399173e-07, -0.07449527709766629, 0.6161143218375241, 0.7978845608028654, 0.7491694763055206, 0.24197072451914337, -0.031022938883566054, -2.197337448139586e-85}, 0.5},
	{"GeluTanh", (*T).GeluTanh,
		[]float64{0, -8.439646700762297e-11, -0.015084266089998582, -0.15428599017485609, 0, 0.149675350701685, 0.8411919906082767, 2.996362607918227, 20},
		[]float64{0, -7.709973930953696e-10, -0.037951576212666184, 0.1326300964653577, 0.5, 0.6953540951510604, 1.0829640838457826, 1.0115841666309697, 1},
		[]float64{0, -6.824247274157189e-09, -0.07624539207361296, 0.6155068951159849, 0.7978845608028654, 0.7489486142236503, 0.24214819798377296, -0.031767658886074704, -2.5620732028460162e-257}, 0},
	{"Elu", func(x *T) *T { return x.Elu(1.5) },
		[]float64{-1.4999999999998597, -1.4962818717350004, -1.3768725020641517, -0.5902040104310499, 0, 0.25, 1, 3, 20},
		[]float64{1.4036434453260263e-13, 0.0037181282649995377, 0.1231274979358482, 0.9097959895689501, 1.5, 1, 1, 1, 1},
		[]float64{1.4036434453260263e-13, 0.0037181282649995377, 0.1231274979358482, 0.9097959895689501, 1.5, 0, 0, 0, 0}, 0},
	{"LeakyRelu", func(x *T) *T { return x.LeakyRelu(0.1) },
		[]float64{-3, -0.6000000000000001, -0.25, -0.05, 0, 0.25, 1, 3, 20},
		[]float64{0.1, 0.1, 0.1, 0.1, 0.1, 1, 1, 1, 1},
		make([]float64, 9), 0},
}

// derivatives returns f and its first and second derivatives, element by element, by the given mode.
func derivatives(f func(x *T) *T, mode string) [3]func(x *T) *T {
	d := func(f func(x *T) *T) func(x *T) *T {
		return func(x *T) *T {
			if mode == "reverse" {
				return grad.Grad(func(x *T) *T { return f(x).Sum() })(x)
			}
			_, dy := grad.JVP(f, x, tensor.OnesLike(x))
			return dy
		}
	}
	return [3]func(x *T) *T{f, d(f), d(d(f))}
}

func TestComposedElementwise(t *testing.T) {
	x := tensor.New([]float64{-30, -6, -2.5, -0.5, 0, 0.25, 1, 3, 20})
	at, _ := x.Float64s()
	for _, c := range composedElementwise {
		for mode := range modes {
			for _, dtype := range []tensor.DType{tensor.Float64, tensor.Float32} {
				eps := map[tensor.DType]float64{tensor.Float64: 0x1p-52, tensor.Float32: 0x1p-23}[dtype]
				for order, f := range derivatives(c.f, mode) {
					y := f(x.Cast(dtype))
					got, err := y.Float64s()
					if err != nil || y.DType() != dtype {
						t.Fatalf("%s: %v, %v", c.name, y.DType(), err)
					}
					want := [][]float64{c.value, c.slope, c.second}[order]
					for i := range got {
						// Exponentials err as their arguments do; slopes far above 0 are differences from 1,
						// with another factor at each order.
						near := eps * (1 + math.Abs(at[i]))
						tol := 8*near*math.Abs(want[i]) + near*(c.abs+2*float64(order))
						if dtype == tensor.Float32 {
							tol += 0x1p-126
						}
						if !(math.Abs(got[i]-want[i]) <= tol) {
							t.Errorf("%s, %s, order %d, %v: at %v got %.17g, want %.17g", c.name, mode, order, dtype, at[i], got[i], want[i])
						}
					}
				}
			}
		}
	}
}

// At infinities, where a factor is infinite and the other is 0, and beyond where squares
// and cubes overflow: value, slope and second derivative are the limits.
func TestComposedLimits(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	points := []float64{-inf, -1e200, -800, 800, 1e200, inf, nan}
	limits := map[string][3][]float64{
		"LogSigmoid": {{-inf, -1e200, -800, 0, 0, 0, nan}, {1, 1, 1, 0, 0, 0, nan}, {0, 0, 0, 0, 0, 0, nan}},
		"Silu":       {{0, 0, 0, 800, 1e200, inf, nan}, {0, 0, 0, 1, 1, 1, nan}, {0, 0, 0, 0, 0, 0, nan}},
		"Gelu":       {{0, 0, 0, 800, 1e200, inf, nan}, {0, 0, 0, 1, 1, 1, nan}, {0, 0, 0, 0, 0, 0, nan}},
		"GeluTanh":   {{0, 0, 0, 800, 1e200, inf, nan}, {0, 0, 0, 1, 1, 1, nan}, {0, 0, 0, 0, 0, 0, nan}},
		"Elu":        {{-1.5, -1.5, -1.5, 800, 1e200, inf, nan}, {0, 0, 0, 1, 1, 1, nan}, {0, 0, 0, 0, 0, 0, nan}},
		"LeakyRelu":  {{-inf, -1e199, -80, 800, 1e200, inf, nan}, {0.1, 0.1, 0.1, 1, 1, 1, 0.1}, {0, 0, 0, 0, 0, 0, 0}},
	}
	for _, c := range composedElementwise {
		for mode := range modes {
			for order, f := range derivatives(c.f, mode) {
				wantNumbers(t, fmt.Sprintf("%s, %s, order %d", c.name, mode, order), f(tensor.New(points)), limits[c.name][order]...)
			}
		}
	}
	for mode := range modes {
		d := derivatives((*T).Rsqrt, mode)
		wantNumbers(t, "Rsqrt", d[0](tensor.New([]float64{0, inf, -1})), inf, 0, nan)
		wantNumbers(t, "slope of Rsqrt", d[1](tensor.New([]float64{0, inf, -1})), -inf, 0, nan)
	}
}

// wantNumbers compares with tolerance 1e-15; zeros are equal whatever their sign.
func wantNumbers(t *testing.T, what string, got *T, want ...float64) {
	t.Helper()
	v, err := got.Float64s()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if !slices.EqualFunc(v, want, func(a, b float64) bool {
		return a == b || a != a && b != b || math.Abs(a-b) <= 1e-15*math.Abs(b)
	}) {
		t.Errorf("%s: got %v, want %v", what, v, want)
	}
}

// Moments and norms of a matrix, and the gradients of their sum weighted by 1, 2, ...,
// as PyTorch 1.13 has them.
func TestComposedMoments(t *testing.T) {
	m := tensor.New([][]float64{{1, 5, 3, -2}, {4, 2, 6, 0.5}, {-1, 7, 2, 2}})
	for _, c := range []struct {
		name        string
		f           func(x *T) *T
		value, grad []float64
	}{
		{"Var(0)", func(x *T) *T { return x.Var(0) },
			[]float64{4.222222222222222, 4.222222222222222, 2.888888888888889, 2.7222222222222228},
			[]float64{-0.22222222222222215, 0.44444444444444403, -1.333333333333333, -5.777777777777777, 1.777777777777778, -3.555555555555556, 4.666666666666667, 0.888888888888889, -1.5555555555555554, 3.1111111111111107, -3.333333333333333, 4.888888888888888}},
		{"VarCorrected(1, 1)", func(x *T) *T { return x.VarCorrected(1, 1) },
			[]float64{8.916666666666666, 5.729166666666667, 11},
			[]float64{-0.5, 2.1666666666666665, 0.8333333333333333, -2.5, 1.1666666666666665, -1.5, 3.833333333333333, -3.5, -7, 9, -1, -1}},
		{"VarKeep()", func(x *T) *T { return x.VarKeep() },
			[]float64{6.7274305555555545},
			[]float64{-0.24305555555555558, 0.42361111111111105, 0.09027777777777775, -0.7430555555555556, 0.2569444444444444, -0.07638888888888891, 0.5902777777777777, -0.3263888888888889, -0.5763888888888888, 0.7569444444444443, -0.07638888888888891, -0.07638888888888891}},
		{"Std(-1)", func(x *T) *T { return x.Std(-1) },
			[]float64{2.5860201081971503, 2.072890493972125, 2.8722813232690143},
			[]float64{-0.07250523667842476, 0.3141893589398406, 0.12084206113070795, -0.36252618339212384, 0.2110579412044345, -0.27136021011998723, 0.6934760925288562, -0.6331738236133035, -0.9139076937674137, 1.1750241777009605, -0.13055824196677338, -0.13055824196677338}},
		{"StdCorrected(1)", func(x *T) *T { return x.StdCorrected(1) },
			[]float64{2.709061673627079},
			[]float64{-0.0489378882977795, 0.08529174817612997, 0.018176929939175236, -0.14961011565321164, 0.05173433905765261, -0.015380479179302133, 0.11884915729460735, -0.06571659285701818, -0.11605270653473425, 0.1524065664130847, -0.015380479179302133, -0.015380479179302133}},
		{"Norm()", func(x *T) *T { return x.Norm() },
			[]float64{12.379418403139947},
			[]float64{0.08077923917220194, 0.40389619586100967, 0.24233771751660582, -0.16155847834440387, 0.32311695668880774, 0.16155847834440387, 0.48467543503321164, 0.04038961958610097, -0.08077923917220194, 0.5654546742054135, 0.16155847834440387, 0.16155847834440387}},
		{"NormKeep(0)", func(x *T) *T { return x.NormKeep(0) },
			[]float64{4.242640687119285, 8.831760866327848, 7, 2.8722813232690143},
			[]float64{0.23570226039551587, 1.1322770341445956, 1.2857142857142856, -2.7852424952911656, 0.9428090415820635, 0.45291081365783825, 2.571428571428571, 0.6963106238227914, -0.23570226039551587, 1.585187847802434, 0.8571428571428571, 2.7852424952911656}},
	} {
		for dtype, tol := range map[tensor.DType]float64{tensor.Float64: 1e-15, tensor.Float32: 1e-6} {
			x := m.Cast(dtype)
			y, g := grad.ValueAndGrad(func(x *T) *T {
				y := c.f(x)
				return y.Mul(tensor.Arange(1, float64(y.Size()+1), 1, tensor.WithDType(dtype)).Reshape(y.Shape()...)).Sum()
			})(x)
			if y.DType() != dtype || g.DType() != dtype {
				t.Errorf("%s: %v and %v of %v", c.name, y.DType(), g.DType(), dtype)
			}
			nearAll(t, c.name, c.f(x).Flatten(), c.value, tol)
			nearAll(t, c.name+"'", g.Flatten(), c.grad, tol)
		}
	}
	// A large mean takes nothing from the variance.
	nearAll(t, "Var beside a large mean", tensor.New([]float64{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}).Var(), []float64{22.5}, 0)
	nearAll(t, "Var beside a large mean of float32", tensor.New([]float32{1e6 + 4, 1e6 + 7, 1e6 + 13, 1e6 + 16}).Var(), []float64{22.5}, 0)
}

// Where the deviation or the norm is 0, slopes are 0 at every order, in every mode, with
// strong zeros or without.
func TestComposedKinks(t *testing.T) {
	flat, zero := tensor.New([]float64{3, 3, 3}), tensor.Zeros(3)
	v := tensor.New([]float64{1, 2, 4})
	for _, opts := range [][]grad.Option{nil, {grad.IEEE()}} {
		for name, c := range map[string]struct {
			f func(x *T) *T
			x *T
		}{"Std": {func(x *T) *T { return x.Std() }, flat}, "StdCorrected": {func(x *T) *T { return x.StdCorrected(1, 0) }, flat}, "Norm": {func(x *T) *T { return x.Norm() }, zero}} {
			y, g := grad.ValueAndGrad(c.f, opts...)(c.x)
			wantNumbers(t, name, y, 0)
			wantNumbers(t, name+"'", g, 0, 0, 0)
			_, dy := grad.JVP(c.f, c.x, v, opts...)
			wantNumbers(t, name+"' v", dy, 0)
			wantNumbers(t, name+"'' v", grad.HVP(c.f, c.x, v, opts...), 0, 0, 0)
			third := func(x *T) *T { return grad.HVP(c.f, x, v, opts...).Sum() }
			wantNumbers(t, name+"''' v", grad.Grad(third, opts...)(c.x), 0, 0, 0)
		}
	}
	// Beside others that are not: each row for itself.
	rows := tensor.New([][]float64{{3, 3}, {1, 3}})
	wantNumbers(t, "Std of rows", grad.Grad(func(x *T) *T { return x.Std(1).Sum() })(rows), 0, 0, -0.5, 0.5)
	wantNumbers(t, "Norm of rows", grad.Grad(func(x *T) *T { return x.Norm(1).Sum() })(rows.Sub(tensor.Scalar(3))), 0, 0, -1, 0)
}

// Slopes of norms are those of unit vectors also where squares would overflow or vanish.
func TestNormOfExtremes(t *testing.T) {
	for _, c := range []struct {
		scale float64
		dtype tensor.DType
	}{{0x1p1000, tensor.Float64}, {0x1p-1000, tensor.Float64}, {0x1p-1074, tensor.Float64}, {0x1p120, tensor.Float32}, {0x1p-120, tensor.Float32}, {0x1p-149, tensor.Float32}} {
		x := tensor.New([]float64{3 * c.scale, -4 * c.scale}).Cast(c.dtype)
		tol := map[tensor.DType]float64{tensor.Float64: 1e-15, tensor.Float32: 1e-7}[c.dtype]
		nearAll(t, fmt.Sprint("reverse, ", c.scale), grad.Grad(func(x *T) *T { return x.Norm() })(x), []float64{0.6, -0.8}, tol)
		_, dy := grad.JVP(func(x *T) *T { return x.Norm() }, x, tensor.OnesLike(x))
		nearAll(t, fmt.Sprint("forward, ", c.scale), dy, []float64{-0.2}, tol)
	}
}

// x log y: values and slopes at the edges, and second derivatives, at an entropy's end too.
func TestXLogYSlopes(t *testing.T) {
	inf := math.Inf(1)
	type pair struct{ X, Y *T }
	at := pair{tensor.New([]float64{0, 0, 2, 0.5}), tensor.New([]float64{0, 3, 0.5, 2})}
	wantNumbers(t, "x log y", at.X.XLogY(at.Y), 0, 0, -2*math.Ln2, math.Ln2/2)
	g := grad.Grad(func(p pair) *T { return p.X.XLogY(p.Y).Sum() })(at)
	wantNumbers(t, "by x", g.X, -inf, math.Log(3), -math.Ln2, math.Ln2)
	wantNumbers(t, "by y", g.Y, 0, 0, 4, 0.25)
	for mode := range modes {
		d := derivatives(func(x *T) *T { return x.XLogY(x) }, mode)
		p := tensor.New([]float64{0, 0.5, 1})
		wantNumbers(t, "p log p, "+mode, d[0](p), 0, -math.Ln2/2, 0)
		wantNumbers(t, "p log p, slope, "+mode, d[1](p), -inf, 1-math.Ln2, 1)
		wantNumbers(t, "p log p, second, "+mode, d[2](p), inf, 2, 1)
	}
}

// composed are functions of a matrix whose elements lie between 0.5 and 4, all
// different, where they are smooth.
var composed = map[string]func(x *T) *T{
	"Rsqrt": (*T).Rsqrt, "LogSigmoid": (*T).LogSigmoid, "Silu": (*T).Silu, "Gelu": (*T).Gelu, "GeluTanh": (*T).GeluTanh,
	"Elu":        func(x *T) *T { return x.SubScalar(2.3).Elu(0.7) },
	"LeakyRelu":  func(x *T) *T { return x.SubScalar(2.3).LeakyRelu(0.2) },
	"Lerp":       func(x *T) *T { return x.Lerp(x.Square(), x.MulScalar(0.2)) },
	"LerpScalar": func(x *T) *T { return x.LerpScalar(x.Square(), 0.3) },
	"XLogY":      func(x *T) *T { return x.XLogY(x.Square()) },
	"Var":        func(x *T) *T { return x.Var(-1) }, "VarCorrectedKeep": func(x *T) *T { return x.VarCorrectedKeep(1, 0) },
	"Std": func(x *T) *T { return x.Std() }, "StdCorrected": func(x *T) *T { return x.StdCorrected(1, -1) },
	"Norm": func(x *T) *T { return x.Norm() }, "NormKeep": func(x *T) *T { return x.NormKeep(-1) },
	"Split":    func(x *T) *T { p := x.Split(-1, 1, 2); return p[0].Mul(p[1]) },
	"Chunk":    func(x *T) *T { p := x.Chunk(-1, 2); return p[0].Mul(p[1]) },
	"Tile":     func(x *T) *T { return x.Tile(2, 2).Mul(tensor.Arange(0, 6, 1)) },
	"Repeat":   func(x *T) *T { return x.Repeat(0, 2).Square() },
	"Meshgrid": func(x *T) *T { g := tensor.Meshgrid(x.At(0), x.At(1)); return g[0].Pow(g[1]) },
	"masked": func(x *T) *T {
		return tensor.Where(x.GtScalar(1).And(x.Mul(x).LtScalar(9)), x.Square(), x).Mul(x.LeScalar(2).AnyKeep(1).Cast(x.DType()))
	},
	"counted": func(x *T) *T { return x.Sum().Div(x.GeScalar(2).CountNonZero().Cast(x.DType())).Mul(x) },
}

func composedAt(dtype tensor.DType) *T {
	return tensor.New([][]float64{{1.3, 0.6, 2.9}, {3.7, 1.9, 0.9}}).Cast(dtype)
}

func TestComposedDerivatives(t *testing.T) {
	for name, f := range composed {
		if err := check.Derivatives(f, composedAt(tensor.Float64), check.Order(3)).Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := check.Derivatives(f, composedAt(tensor.Float32), check.Order(1)).Err(); err != nil {
			t.Errorf("%s of float32: %v", name, err)
		}
		if y := f(composedAt(tensor.Float32)); y.DType() != tensor.Float32 && name != "Tile" { // times float64
			t.Errorf("%s of float32 is %v", name, y.DType())
		}
	}
}

// Prepared and mapped over a batch they give what they give eagerly and one by one.
func TestComposedTransformed(t *testing.T) {
	for name, f := range composed {
		for _, dtype := range []tensor.DType{tensor.Float64, tensor.Float32} {
			x := composedAt(dtype)
			gradient := grad.Grad(func(x *T) *T { return f(x).Square().Sum() })
			two := tensor.Stack(0, x, x.MulScalar(0.75))
			for what, g := range map[string]func(x *T) *T{"value": f, "gradient": gradient} {
				what = fmt.Sprintf("%s of %s of %v", what, name, dtype)
				sameBits(t, what+", prepared", mustPrepare(t, g, x).Call(x), g(x))
				each := tensor.Stack(0, g(two.At(0)), g(two.At(1)))
				want, err := each.Float64s()
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				mapped := grad.Vmap(g)
				nearAll(t, what+", mapped", mapped(two).Flatten(), want, map[tensor.DType]float64{tensor.Float64: 1e-14, tensor.Float32: 1e-5}[dtype])
				sameBits(t, what+", mapped and prepared", mustPrepare(t, mapped, two).Call(two), mapped(two))
			}
		}
	}
}

// In machine code, too, they give what they give eagerly, bit for bit, and so do their
// gradients.
func TestComposedNative(t *testing.T) {
	fs := map[string]func(x *T) *T{}
	for name, f := range composed {
		fs[name] = f
		fs[name+"'"] = grad.Grad(func(x *T) *T { return f(x).Square().Sum() })
	}
	names, all := together(fs)
	for _, dtype := range []tensor.DType{tensor.Float64, tensor.Float32} {
		x := composedAt(dtype)
		got := run(t, compiled(t, all, tensor.ZerosLike(x)), x)
		for i, want := range all(x) {
			sameBits(t, fmt.Sprintf("%s of %v", names[i], dtype), got[i], want)
		}
	}
}

// An error inside a transformation is told by the method and the line that called it.
func TestComposedErrorsInside(t *testing.T) {
	var where string
	f := func(x *T) *T {
		y := x.Norm(3)
		where = y.Err().Error()
		return y
	}
	err := grad.Grad(f)(tensor.Ones(2)).Err()
	if err == nil || err.Error() != where {
		t.Fatalf("got %v, want %v", err, where)
	}
	if _, err := grad.Prepare(f, tensor.Ones(2)); err == nil {
		t.Error("prepared")
	}
}
