package tensor_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/tensor"
)

func ExampleEinsum() {
	a := tensor.New([][]float64{{1, 2}, {3, 4}})
	fmt.Println(tensor.Einsum("ij,jk->ik", a, a))
	fmt.Println(tensor.Einsum("ii", a))
	// Output:
	// [[ 7. 10.]
	//  [15. 22.]]
	// 5.0
}

func ExampleWhere() {
	x := tensor.New([]float64{-4, 9})
	fmt.Println(tensor.Where(x.GtScalar(0), x.Sqrt(), tensor.Scalar(0)))
	// Output: [0. 3.]
}

type op struct {
	name  string
	f     func() *tensor.Tensor
	dtype tensor.DType
	shape []int
	want  []float64
}

// Every method and function once, with the result that NumPy has; the numbers
// themselves are held against other sources where the kernels are tested.
func operations(on tensor.Option) []op {
	inf, nan := math.Inf(1), math.NaN()
	f := func(x ...float64) *tensor.Tensor { return tensor.New(x, on) }
	i := func(x ...int) *tensor.Tensor { return tensor.New(x, on) }
	b := func(x ...bool) *tensor.Tensor { return tensor.New(x, on) }
	m := tensor.New([][]float64{{1, 5, 3}, {4, 2, 6}}, on)
	s := tensor.Scalar
	F, I, B, F32, I32 := tensor.Float64, tensor.Int64, tensor.Bool, tensor.Float32, tensor.Int32
	x32 := tensor.New([]float32{1, 2}, on)
	x, y := f(4, -9), f(2, 3)
	type T = *tensor.Tensor
	return []op{
		{"Add", func() T { return x.Add(y) }, F, []int{2}, []float64{6, -6}},
		{"Sub", func() T { return x.Sub(y) }, F, []int{2}, []float64{2, -12}},
		{"Mul", func() T { return x.Mul(y) }, F, []int{2}, []float64{8, -27}},
		{"Div", func() T { return x.Div(y) }, F, []int{2}, []float64{2, -3}},
		{"Div of ints", func() T { return i(1, 3).Div(i(2, 2)) }, F, []int{2}, []float64{0.5, 1.5}},
		{"Pow", func() T { return y.Pow(y) }, F, []int{2}, []float64{4, 27}},
		{"Maximum", func() T { return x.Maximum(f(nan, 0)) }, F, []int{2}, []float64{nan, 0}},
		{"Minimum", func() T { return x.Minimum(y) }, F, []int{2}, []float64{2, -9}},
		{"Atan2", func() T { return f(1, 0).Atan2(f(0, 1)) }, F, []int{2}, []float64{math.Pi / 2, 0}},
		{"Hypot", func() T { return f(3, 0).Hypot(f(4, 2)) }, F, []int{2}, []float64{5, 2}},
		{"promotion", func() T { return x32.Add(i(1, 1)) }, F32, []int{2}, []float64{2, 3}},
		{"bool and int32", func() T { return b(true, false).Add(tensor.New([]int32{1, 1}, on)) }, I32, []int{2}, []float64{2, 1}},
		{"broadcast", func() T { return m.Add(f(10, 20, 30)) }, F, []int{2, 3}, []float64{11, 25, 33, 14, 22, 36}},

		{"AddScalar", func() T { return x32.AddScalar(0.5) }, F32, []int{2}, []float64{1.5, 2.5}},
		{"AddScalar to ints", func() T { return i(1, 2).AddScalar(3) }, I, []int{2}, []float64{4, 5}},
		{"AddScalar to ints, a fraction", func() T { return i(1, 2).AddScalar(0.5) }, F, []int{2}, []float64{1.5, 2.5}},
		{"AddScalar to int32, too large", func() T { return tensor.New([]int32{1}, on).AddScalar(3e9) }, F, []int{1}, []float64{3000000001}},
		{"AddScalar to bools", func() T { return b(true).AddScalar(2) }, I, []int{1}, []float64{3}},
		{"SubScalar", func() T { return x.SubScalar(1) }, F, []int{2}, []float64{3, -10}},
		{"RSubScalar", func() T { return x.RSubScalar(1) }, F, []int{2}, []float64{-3, 10}},
		{"MulScalar", func() T { return x.MulScalar(2) }, F, []int{2}, []float64{8, -18}},
		{"DivScalar", func() T { return x.DivScalar(2) }, F, []int{2}, []float64{2, -4.5}},
		{"RDivScalar", func() T { return y.RDivScalar(6) }, F, []int{2}, []float64{3, 2}},
		{"PowScalar", func() T { return x.PowScalar(2) }, F, []int{2}, []float64{16, 81}},
		{"MaximumScalar", func() T { return x.MaximumScalar(0) }, F, []int{2}, []float64{4, 0}},
		{"MinimumScalar", func() T { return x.MinimumScalar(0) }, F, []int{2}, []float64{0, -9}},

		{"Neg", func() T { return x.Neg() }, F, []int{2}, []float64{-4, 9}},
		{"Abs", func() T { return x.Abs() }, F, []int{2}, []float64{4, 9}},
		{"Sign", func() T { return x.Sign() }, F, []int{2}, []float64{1, -1}},
		{"Square", func() T { return x.Square() }, F, []int{2}, []float64{16, 81}},
		{"Sqrt", func() T { return x.Sqrt() }, F, []int{2}, []float64{2, nan}},
		{"Reciprocal", func() T { return x.Reciprocal() }, F, []int{2}, []float64{0.25, -1.0 / 9}},
		{"Exp", func() T { return f(0, -inf).Exp() }, F, []int{2}, []float64{1, 0}},
		{"Expm1", func() T { return f(0, 1e-300).Expm1() }, F, []int{2}, []float64{0, 1e-300}},
		{"Log", func() T { return f(1, 0).Log() }, F, []int{2}, []float64{0, -inf}},
		{"Log1p", func() T { return f(0, 1e-300).Log1p() }, F, []int{2}, []float64{0, 1e-300}},
		{"Sin", func() T { return f(0, inf).Sin() }, F, []int{2}, []float64{0, nan}},
		{"Cos", func() T { return f(0, inf).Cos() }, F, []int{2}, []float64{1, nan}},
		{"Tan", func() T { return f(0, inf).Tan() }, F, []int{2}, []float64{0, nan}},
		{"Tanh", func() T { return f(0, inf).Tanh() }, F, []int{2}, []float64{0, 1}},
		{"Sigmoid", func() T { return f(0, inf).Sigmoid() }, F, []int{2}, []float64{0.5, 1}},
		{"Softplus", func() T { return f(-inf, 1e3).Softplus() }, F, []int{2}, []float64{0, 1e3}},
		{"Relu", func() T { return x.Relu() }, F, []int{2}, []float64{4, 0}},
		{"Clamp", func() T { return x.Clamp(-1, inf) }, F, []int{2}, []float64{4, -1}},
		{"Lgamma", func() T { return f(1, 2).Lgamma().Abs() }, F, []int{2}, []float64{0, 0}},
		{"Digamma", func() T { return f(1).Digamma().Sub(f(2).Digamma()) }, F, []int{1}, []float64{-1}},
		{"Polygamma", func() T { return f(inf).Polygamma(1) }, F, []int{1}, []float64{0}},
		{"Erf", func() T { return f(0, inf).Erf() }, F, []int{2}, []float64{0, 1}},

		{"Rsqrt", func() T { return f(4, 0, inf).Rsqrt() }, F, []int{3}, []float64{0.5, inf, 0}},
		{"LogSigmoid", func() T { return f(-inf, -1e3).LogSigmoid() }, F, []int{2}, []float64{-inf, -1e3}},
		{"Silu", func() T { return f(-inf, 0, inf).Silu() }, F, []int{3}, []float64{0, 0, inf}},
		{"Gelu", func() T { return f(-inf, 0, inf).Gelu() }, F, []int{3}, []float64{0, 0, inf}},
		{"GeluTanh", func() T { return f(-inf, 0, inf).GeluTanh() }, F, []int{3}, []float64{0, 0, inf}},
		{"LogSigmoid of bools", func() T { return b(false).LogSigmoid() }, F, []int{1}, []float64{-math.Ln2}},
		{"Silu of bools", func() T { return b(false).Silu() }, F, []int{1}, []float64{0}},
		{"Gelu of bools", func() T { return b(false).Gelu() }, F, []int{1}, []float64{0}},
		{"GeluTanh of bools", func() T { return b(false).GeluTanh() }, F, []int{1}, []float64{0}},
		{"Elu", func() T { return f(-inf, 0, 1e3).Elu(0.5) }, F, []int{3}, []float64{-0.5, 0, 1e3}},
		{"LeakyRelu", func() T { return x32.Neg().LeakyRelu(0.25) }, F32, []int{2}, []float64{-0.25, -0.5}},
		{"LeakyRelu of ints", func() T { return i(-1, 2).LeakyRelu(2) }, F, []int{2}, []float64{-2, 2}},
		{"Lerp", func() T { return x.Lerp(y, f(0, 1)) }, F, []int{2}, []float64{4, 3}},
		{"Lerp between", func() T { return x.Lerp(y, f(0.25)) }, F, []int{2}, []float64{3.5, -6}},
		{"Lerp to the end", func() T { return f(1e16).Lerp(f(1), s(1)) }, F, []int{1}, []float64{1}},
		{"LerpScalar", func() T { return x32.LerpScalar(x32.Neg(), 0.75) }, F32, []int{2}, []float64{-0.5, -1}},
		{"LerpScalar of ints", func() T { return i(1, 2).LerpScalar(i(3, 4), 0.25) }, F, []int{2}, []float64{1.5, 2.5}},
		{"LerpScalar to the end", func() T { return f(1e16).LerpScalar(f(1), 1) }, F, []int{1}, []float64{1}},
		{"XLogY", func() T { return f(0, 0, 2).XLogY(f(0, -1, 1)) }, F, []int{3}, []float64{0, 0, 0}},
		{"XLogY of ints", func() T { return i(0, 1).XLogY(i(0, 1)) }, F, []int{2}, []float64{0, 0}},

		{"Eq", func() T { return x.Eq(f(4, nan)) }, B, []int{2}, []float64{1, 0}},
		{"Ne", func() T { return x.Ne(f(4, nan)) }, B, []int{2}, []float64{0, 1}},
		{"Lt", func() T { return x.Lt(s(4)) }, B, []int{2}, []float64{0, 1}},
		{"Le", func() T { return x.Le(s(4)) }, B, []int{2}, []float64{1, 1}},
		{"Gt", func() T { return x.Gt(s(4)) }, B, []int{2}, []float64{0, 0}},
		{"Ge", func() T { return x.Ge(s(4)) }, B, []int{2}, []float64{1, 0}},
		{"EqScalar", func() T { return x.EqScalar(4) }, B, []int{2}, []float64{1, 0}},
		{"EqScalar of float32", func() T { return tensor.New([]float32{0.1}, on).EqScalar(0.1) }, B, []int{1}, []float64{1}},
		{"NeScalar", func() T { return f(4, nan).NeScalar(4) }, B, []int{2}, []float64{0, 1}},
		{"LtScalar", func() T { return x.LtScalar(4) }, B, []int{2}, []float64{0, 1}},
		{"LeScalar", func() T { return x.LeScalar(4) }, B, []int{2}, []float64{1, 1}},
		{"GtScalar", func() T { return x.GtScalar(-9) }, B, []int{2}, []float64{1, 0}},
		{"GeScalar", func() T { return x.GeScalar(4) }, B, []int{2}, []float64{1, 0}},
		{"GeScalar of ints, a fraction", func() T { return i(1, 2).GeScalar(1.5) }, B, []int{2}, []float64{0, 1}},
		{"LtScalar of int32, too large", func() T { return tensor.New([]int32{math.MaxInt32}, on).LtScalar(3e9) }, B, []int{1}, []float64{1}},
		{"And", func() T { return b(true, false).And(i(1, 1)) }, B, []int{2}, []float64{1, 0}},
		{"Or", func() T { return b(true, false).Or(i(0, 0)) }, B, []int{2}, []float64{1, 0}},
		{"Not", func() T { return b(true, false).Not() }, B, []int{2}, []float64{0, 1}},
		{"Where", func() T { return tensor.Where(b(true, false), x, s(0)) }, F, []int{2}, []float64{4, 0}},

		{"Sum", func() T { return m.Sum() }, F, []int{}, []float64{21}},
		{"Sum along", func() T { return m.Sum(-1) }, F, []int{2}, []float64{9, 12}},
		{"Sum of bools", func() T { return b(true, true).Sum() }, I, []int{}, []float64{2}},
		{"SumKeep", func() T { return m.SumKeep(0) }, F, []int{1, 3}, []float64{5, 7, 9}},
		{"SumKeep of all", func() T { return m.SumKeep() }, F, []int{1, 1}, []float64{21}},
		{"Mean", func() T { return m.Mean(0) }, F, []int{3}, []float64{2.5, 3.5, 4.5}},
		{"MeanKeep", func() T { return m.MeanKeep() }, F, []int{1, 1}, []float64{3.5}},
		{"Prod", func() T { return m.Prod(1) }, F, []int{2}, []float64{15, 48}},
		{"ProdKeep", func() T { return m.ProdKeep(1) }, F, []int{2, 1}, []float64{15, 48}},
		{"Max", func() T { return m.Max(0) }, F, []int{3}, []float64{4, 5, 6}},
		{"MaxKeep", func() T { return m.MaxKeep(0) }, F, []int{1, 3}, []float64{4, 5, 6}},
		{"Min", func() T { return m.Min() }, F, []int{}, []float64{1}},
		{"MinKeep", func() T { return m.MinKeep(1) }, F, []int{2, 1}, []float64{1, 2}},
		{"LogSumExp", func() T { return f(-inf, 3).LogSumExp() }, F, []int{}, []float64{3}},
		{"LogSumExpKeep", func() T { return f(-inf, 3).LogSumExpKeep(0) }, F, []int{1}, []float64{3}},
		{"All", func() T { return m.GtScalar(1).All(1) }, B, []int{2}, []float64{0, 1}},
		{"All of all", func() T { return m.All() }, B, []int{}, []float64{1}},
		{"All of numbers", func() T { return f(1, nan, 0).Reshape(3, 1).All(-1) }, B, []int{3}, []float64{1, 1, 0}},
		{"All of nothing", func() T { return tensor.Zeros(0, 2).To(tensor.Scalar(0, on).Device()).All(0) }, B, []int{2}, []float64{1, 1}},
		{"AllKeep", func() T { return i(1, 0).AllKeep(0) }, B, []int{1}, []float64{0}},
		{"Any", func() T { return m.GtScalar(5).Any(0) }, B, []int{3}, []float64{0, 0, 1}},
		{"Any of all", func() T { return i(0, 0).Any() }, B, []int{}, []float64{0}},
		{"Any of numbers", func() T { return f(nan, -0.5).Any() }, B, []int{}, []float64{1}},
		{"Any of nothing", func() T { return tensor.Full(1, []int{2, 0}, on).Any(1) }, B, []int{2}, []float64{0, 0}},
		{"AnyKeep", func() T { return b(false, true).AnyKeep() }, B, []int{1}, []float64{1}},
		{"CountNonZero", func() T { return f(0, 0.5, nan, -1).CountNonZero() }, I, []int{}, []float64{3}},
		{"CountNonZero along", func() T { return m.GeScalar(3).CountNonZero(0) }, I, []int{3}, []float64{1, 1, 2}},
		{"CountNonZeroKeep", func() T { return i(0, 7).CountNonZeroKeep(-1) }, I, []int{1}, []float64{1}},
		{"Var", func() T { return m.Var(0) }, F, []int{3}, []float64{2.25, 2.25, 2.25}},
		{"Var of all", func() T { return m.Var() }, F, []int{}, []float64{17.5 / 6}},
		{"Var of ints", func() T { return i(1, 2, 3, 6).Var() }, F, []int{}, []float64{3.5}},
		{"Var of bools", func() T { return b(true, false).Var() }, F, []int{}, []float64{0.25}},
		{"Var of float32", func() T { return x32.Var() }, F32, []int{}, []float64{0.25}},
		{"Var of nothing", func() T { return tensor.Full(1, []int{2, 0}, on).Var(1) }, F, []int{2}, []float64{nan, nan}},
		{"Var beside nothing", func() T { return tensor.Full(1, []int{2, 0}, on).Var(0) }, F, []int{0}, nil},
		{"Var of one", func() T { return y.Var() }, F, []int{}, []float64{0.25}},
		{"Var along size 1", func() T { return m.Unsqueeze(0).Var(0) }, F, []int{2, 3}, make([]float64, 6)},
		{"VarKeep", func() T { return m.VarKeep(-1, 0) }, F, []int{1, 1}, []float64{17.5 / 6}},
		{"VarCorrected", func() T { return m.VarCorrected(1, 1) }, F, []int{2}, []float64{4, 4}},
		{"VarCorrected beyond", func() T { return y.VarCorrected(3) }, F, []int{}, []float64{inf}},
		{"VarCorrected of one", func() T { return f(7).VarCorrected(1) }, F, []int{}, []float64{nan}},
		{"VarCorrectedKeep", func() T { return m.VarCorrectedKeep(0.5, 0) }, F, []int{1, 3}, []float64{3, 3, 3}},
		{"Std", func() T { return m.Std(0) }, F, []int{3}, []float64{1.5, 1.5, 1.5}},
		{"Std of equals", func() T { return f(3, 3).Std() }, F, []int{}, []float64{0}},
		{"StdKeep", func() T { return i(1, 3).StdKeep(0) }, F, []int{1}, []float64{1}},
		{"StdCorrected", func() T { return m.StdCorrected(1, 1) }, F, []int{2}, []float64{2, 2}},
		{"StdCorrectedKeep", func() T { return m.StdCorrectedKeep(1, -1) }, F, []int{2, 1}, []float64{2, 2}},
		{"Norm", func() T { return f(3, 0, -4).Norm() }, F, []int{}, []float64{5}},
		{"Norm along", func() T { return tensor.New([][]float32{{3, 1}, {4, 0}}, on).Norm(0) }, F32, []int{2}, []float64{5, 1}},
		{"Norm of a number", func() T { return f(-3).At(0).Norm() }, F, []int{}, []float64{3}},
		{"Norm of ints", func() T { return i(3, 4).Norm(-1) }, F, []int{}, []float64{5}},
		{"Norm of bools", func() T { return b(true, false).Norm() }, F, []int{}, []float64{1}},
		{"Norm of nothing", func() T { return tensor.Full(1, []int{2, 0}, on).Norm(1) }, F, []int{2}, []float64{0, 0}},
		{"Norm beside nothing", func() T { return tensor.Full(1, []int{2, 0}, on).Norm(0) }, F, []int{0}, nil},
		{"Norm of large", func() T { return f(0x3p990, -0x4p990).Norm() }, F, []int{}, []float64{0x5p990}},
		{"Norm of small", func() T { return f(0x3p-1000, 0x4p-1000).Norm() }, F, []int{}, []float64{0x5p-1000}},
		{"Norm of smallest", func() T { return f(0x3p-1074, 0x4p-1074).Norm() }, F, []int{}, []float64{0x5p-1074}},
		{"Norm of large float32", func() T { return tensor.New([]float32{0x3p120, 0x4p120}, on).Norm() }, F32, []int{}, []float64{0x5p120}},
		{"Norm of smallest float32", func() T { return tensor.New([]float32{0x3p-149, 0x4p-149}, on).Norm() }, F32, []int{}, []float64{0x5p-149}},
		{"Norm of columns", func() T { return f(0x3p990, 0, inf, nan, 3, 0x4p990, 0, 1, 1, -4).Reshape(2, 5).Norm(0) }, F, []int{5}, []float64{0x5p990, 0, inf, nan, 5}},
		{"NormKeep", func() T { return f(3, 4).NormKeep() }, F, []int{1}, []float64{5}},
		{"ArgMax", func() T { return m.ArgMax(1) }, I, []int{2}, []float64{1, 2}},
		{"ArgMin", func() T { return m.ArgMin() }, I, []int{}, []float64{0}},
		{"Softmax", func() T { return f(2, 2).Softmax(0) }, F, []int{2}, []float64{0.5, 0.5}},
		{"LogSoftmax", func() T { return f(7).LogSoftmax() }, F, []int{1}, []float64{0}},
		{"CumSum", func() T { return m.CumSum(1) }, F, []int{2, 3}, []float64{1, 6, 9, 4, 6, 12}},
		{"CumSumReverse", func() T { return m.CumSumReverse(0) }, F, []int{2, 3}, []float64{5, 7, 9, 4, 2, 6}},

		{"Reshape", func() T { return m.Reshape(3, -1) }, F, []int{3, 2}, []float64{1, 5, 3, 4, 2, 6}},
		{"Flatten", func() T { return m.T().Flatten() }, F, []int{6}, []float64{1, 4, 5, 2, 3, 6}},
		{"Transpose", func() T { return m.Reshape(1, 2, 3).Transpose() }, F, []int{3, 2, 1}, []float64{1, 4, 5, 2, 3, 6}},
		{"Transpose by axes", func() T { return m.Reshape(1, 2, 3).Transpose(2, 0, 1) }, F, []int{3, 1, 2}, []float64{1, 4, 5, 2, 3, 6}},
		{"T", func() T { return m.T() }, F, []int{3, 2}, []float64{1, 4, 5, 2, 3, 6}},
		{"SwapAxes", func() T { return m.SwapAxes(0, -1) }, F, []int{3, 2}, []float64{1, 4, 5, 2, 3, 6}},
		{"MoveAxis", func() T { return m.Reshape(1, 2, 3).MoveAxis(0, -1) }, F, []int{2, 3, 1}, []float64{1, 5, 3, 4, 2, 6}},
		{"BroadcastTo", func() T { return y.BroadcastTo(2, 2) }, F, []int{2, 2}, []float64{2, 3, 2, 3}},
		{"Squeeze", func() T { return y.Reshape(1, 2, 1).Squeeze() }, F, []int{2}, []float64{2, 3}},
		{"Squeeze one", func() T { return y.Reshape(1, 2, 1).Squeeze(-1) }, F, []int{1, 2}, []float64{2, 3}},
		{"Unsqueeze", func() T { return y.Unsqueeze(0, -1) }, F, []int{1, 2, 1}, []float64{2, 3}},
		{"Flip", func() T { return m.Flip(1) }, F, []int{2, 3}, []float64{3, 5, 1, 6, 2, 4}},
		{"Roll", func() T { return m.Roll([]int{1}, []int{1}) }, F, []int{2, 3}, []float64{3, 1, 5, 6, 4, 2}},
		{"Roll flat", func() T { return m.Roll([]int{-1}, nil) }, F, []int{2, 3}, []float64{5, 3, 4, 2, 6, 1}},
		{"Pad", func() T { return y.Pad([]int{1}, []int{-1}) }, F, []int{2}, []float64{0, 2}},
		{"Concat", func() T { return tensor.Concat(0, y, x, i(7)) }, F, []int{5}, []float64{2, 3, 4, -9, 7}},
		{"Stack", func() T { return tensor.Stack(1, y, x) }, F, []int{2, 2}, []float64{2, 4, 3, -9}},
		{"Split", func() T { return tensor.Stack(0, m.Split(1, 1, 1, 1)...) }, F, []int{3, 2, 1}, []float64{1, 4, 5, 2, 3, 6}},
		{"Split unevenly", func() T { return i(1, 2, 3, 4).Split(-1, 0, 3, 1)[1] }, I, []int{3}, []float64{1, 2, 3}},
		{"Split of nothing", func() T { return tensor.Full(1, []int{2, 0}, on).Split(1, 0, 0)[1] }, F, []int{2, 0}, nil},
		{"Chunk", func() T { return m.Chunk(-2, 2)[1] }, F, []int{1, 3}, []float64{4, 2, 6}},
		{"Chunk unevenly", func() T { return f(0, 1, 2, 3, 4, 5, 6).Chunk(0, 3)[1] }, F, []int{2}, []float64{3, 4}},
		{"Chunk of nothing", func() T { return tensor.Full(1, []int{0}, on).Chunk(0, 1)[0] }, F, []int{0}, nil},
		{"Tile", func() T { return m.Tile(2, 1) }, F, []int{4, 3}, []float64{1, 5, 3, 4, 2, 6, 1, 5, 3, 4, 2, 6}},
		{"Tile along the last", func() T { return i(1, 2).Reshape(2, 1).Tile(2) }, I, []int{2, 2}, []float64{1, 1, 2, 2}},
		{"Tile along more", func() T { return i(1, 2).Tile(2, 1, 2) }, I, []int{2, 1, 4}, []float64{1, 2, 1, 2, 1, 2, 1, 2}},
		{"Tile of a number", func() T { return f(7).At(0).Tile(3) }, F, []int{3}, []float64{7, 7, 7}},
		{"Tile no times", func() T { return m.Tile(0, 2) }, F, []int{0, 6}, nil},
		{"Repeat", func() T { return m.Repeat(1, 2) }, F, []int{2, 6}, []float64{1, 1, 5, 5, 3, 3, 4, 4, 2, 2, 6, 6}},
		{"Repeat rows", func() T { return m.T().Repeat(-2, 2).Index(tensor.Range(0, 3)) }, F, []int{3, 2}, []float64{1, 4, 1, 4, 5, 2}},
		{"Repeat no times", func() T { return b(true).Repeat(0, 0) }, B, []int{0}, nil},
		{"Meshgrid", func() T { return tensor.Meshgrid(x, y)[0] }, F, []int{2, 2}, []float64{4, 4, -9, -9}},
		{"Meshgrid of three", func() T { return tensor.Meshgrid(x, i(1, 2, 3), s(0))[1] }, I, []int{2, 3, 1}, []float64{1, 2, 3, 1, 2, 3}},
		{"FullLike", func() T { return tensor.FullLike(7, x32) }, F32, []int{2}, []float64{7, 7}},
		{"FullLike of a type", func() T { return tensor.FullLike(-1.5, x32, tensor.WithDType(I32)) }, I32, []int{2}, []float64{-1, -1}},
		{"FullLike elsewhere", func() T { return tensor.FullLike(2, tensor.Scalar(1), on) }, F, []int{}, []float64{2}},
		{"Clone", func() T { return m.T().Clone() }, F, []int{3, 2}, []float64{1, 4, 5, 2, 3, 6}},
		{"Cast", func() T { return f(1.9, -1.9).Cast(I32) }, I32, []int{2}, []float64{1, -1}},
		{"StopGradient", func() T { return y.StopGradient() }, F, []int{2}, []float64{2, 3}},

		{"Gather", func() T { return m.Gather(1, tensor.New([][]int{{0, -1}, {1, 1}}, on)) }, F, []int{2, 2}, []float64{1, 3, 2, 2}},
		{"Take", func() T { return m.Take(1, i(2, 0)) }, F, []int{2, 2}, []float64{3, 1, 6, 4}},
		{"ScatterAdd", func() T { return y.ScatterAdd(0, i(1, 1), f(10, 20)) }, F, []int{2}, []float64{2, 33}},
		{"OneHot", func() T { return i(1, 5).OneHot(2) }, F, []int{2, 2}, []float64{0, 1, 0, 0}},
		{"OneHot of a type", func() T { return i(0).OneHot(1, tensor.WithDType(B)) }, B, []int{1, 1}, []float64{1}},
		{"Diag", func() T { return m.Diag(1) }, F, []int{2}, []float64{5, 6}},
		{"Tril", func() T { return m.Tril(0) }, F, []int{2, 3}, []float64{1, 0, 0, 4, 2, 0}},
		{"Triu", func() T { return m.Triu(1) }, F, []int{2, 3}, []float64{0, 5, 3, 0, 0, 6}},

		{"MatMul", func() T { return m.MatMul(m.T()) }, F, []int{2, 2}, []float64{35, 32, 32, 56}},
		{"MatMul by a vector", func() T { return m.MatMul(f(1, 0, -1)) }, F, []int{2}, []float64{-2, -2}},
		{"Dot", func() T { return x.Dot(y) }, F, []int{}, []float64{-19}},
		{"Outer", func() T { return x.Outer(y) }, F, []int{2, 2}, []float64{8, 12, -18, -27}},
		{"Einsum", func() T { return tensor.Einsum("ij,j,i->", m, f(1, 1, 1), y) }, F, []int{}, []float64{54}},
	}
}

func TestOperations(t *testing.T) {
	for _, name := range devices {
		dev := open(t, name)
		for _, c := range operations(tensor.On(dev)) {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				y := c.f()
				check(t, y, c.dtype, c.shape, c.want...)
				if got := y.Device(); got != dev {
					t.Errorf("the result is on %s", got.Name())
				}
			})
		}
	}
}

func TestOperationsRefuse(t *testing.T) {
	x, y := tensor.Zeros(2, 3), tensor.Zeros(2)
	fails[*tensor.ShapeError](t, x.Add(y), "add", "shapes do not broadcast")
	fails[*tensor.DTypeError](t, tensor.New(true).Neg(), "neg", "takes numbers, not bools")
	fails[*tensor.AttrError](t, x.Sum(2), "sum", "axis 2 out of range for shape [2 3]")
	fails[*tensor.AttrError](t, x.CumSum(1000), "cumsum", "out of range")
	fails[*tensor.AttrError](t, x.CumSum(-1000), "cumsum", "out of range")
	fails[*tensor.ShapeError](t, x.Reshape(4, -1), "reshape", "6 elements do not fill the shape [4 -1]")
	fails[*tensor.ShapeError](t, y.T(), "t", "axes -2 and -1 are not both dimensions of it")
	fails[*tensor.ShapeError](t, x.SwapAxes(0, 2), "swap_axes", "axes 0 and 2 are not both")
	fails[*tensor.AttrError](t, x.MoveAxis(0, 2), "move_axis", "no axes 0 and 2")
	fails[*tensor.AttrError](t, x.Clamp(2, 1), "clamp", "no interval from 2 to 1")
	fails[*tensor.ShapeError](t, x.MatMul(x), "matmul", "inner sizes 3 and 2 differ")
	fails[*tensor.ShapeError](t, tensor.Concat(0), "concat", "at least one operand")
	fails[*tensor.ShapeError](t, tensor.Stack(0, x, y), "stack", "shapes differ")
	fails[*tensor.ShapeError](t, tensor.Einsum("ij->i", y), "einsum", "2 letters")
	fails[*tensor.AttrError](t, y.Polygamma(-1), "polygamma", "order -1")
	fails[*tensor.ShapeError](t, tensor.Zeros(0).Max(), "max", "is empty")
	fails[*tensor.DTypeError](t, tensor.Where(x, x, x), "where", "the condition is not bool")
}

// What is composed of other operations tells of itself, not of them.
func TestCompositionsRefuse(t *testing.T) {
	x, y := tensor.Zeros(2, 3), tensor.Zeros(2)
	fails[*tensor.AttrError](t, x.All(2), "all", "all: axis 2 out of range for shape [2 3] [operands float64[2 3]]")
	fails[*tensor.AttrError](t, x.AnyKeep(-3), "any", "any: axis -3 out of range")
	fails[*tensor.AttrError](t, x.CountNonZero(0, 0), "count_non_zero", "count_non_zero: axis 0 given twice")
	fails[*tensor.AttrError](t, x.Var(5), "var", "var: axis 5 out of range for shape [2 3]")
	fails[*tensor.AttrError](t, x.VarCorrected(math.NaN()), "var_corrected", "var_corrected: a correction of NaN")
	fails[*tensor.AttrError](t, x.StdKeep(5), "std", "std: axis 5 out of range")
	fails[*tensor.AttrError](t, x.StdCorrected(math.Inf(1), 0), "std_corrected", "a correction of +Inf")
	fails[*tensor.AttrError](t, x.Norm(2), "norm", "norm: axis 2 out of range for shape [2 3]")
	fails[*tensor.AttrError](t, tensor.Zeros(0).Norm(1), "norm", "norm: axis 1 out of range for shape [0]")
	fails[*tensor.ShapeError](t, x.Split(1, 1, 1)[1], "split", "the sizes [1 1] do not make up axis 1")
	fails[*tensor.ShapeError](t, x.Split(1, 4, -1)[0], "split", "do not make up")
	fails[*tensor.ShapeError](t, x.Split(1, math.MaxInt, math.MaxInt, 5)[2], "split", "do not make up")
	fails[*tensor.ShapeError](t, x.Split(0)[0], "split", "the sizes [] do not make up axis 0")
	fails[*tensor.AttrError](t, x.Split(2, 1)[0], "split", "axis 2 out of range for shape [2 3]")
	fails[*tensor.AttrError](t, x.Chunk(1, 4)[0], "chunk", "no 4 parts of axis 1, which has size 3")
	fails[*tensor.AttrError](t, x.Chunk(1, 0)[0], "chunk", "no 0 parts")
	fails[*tensor.AttrError](t, x.Chunk(-3, 1)[0], "chunk", "axis -3 out of range")
	fails[*tensor.AttrError](t, x.Tile(1, -1), "tile", "-1 times")
	fails[*tensor.ShapeError](t, x.Tile(math.MaxInt, math.MaxInt), "tile", "too many elements")
	fails[*tensor.ShapeError](t, x.Tile(1<<40, 1<<40), "tile", "too many elements")
	fails[*tensor.ShapeError](t, x.Tile(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), "tile", "more than 16")
	fails[*tensor.AttrError](t, x.Repeat(2, 1), "repeat", "axis 2 out of range for shape [2 3]")
	fails[*tensor.AttrError](t, x.Repeat(0, -2), "repeat", "-2 times")
	fails[*tensor.ShapeError](t, tensor.Meshgrid(y, x)[0], "meshgrid", "takes vectors (shapes [2 3])")
	fails[*tensor.ShapeError](t, x.Lerp(y, y), "lerp", "lerp: shapes do not broadcast")
	fails[*tensor.ShapeError](t, x.LerpScalar(y, 0.5), "lerp_scalar", "lerp_scalar: shapes do not broadcast [operands float64[2 3], float64[2]]")
	fails[*tensor.ShapeError](t, x.XLogY(y), "xlogy", "xlogy: shapes do not broadcast [operands float64[2 3], float64[2]]")
	if n := len(tensor.Meshgrid()); n != 0 {
		t.Errorf("a grid of no vectors: %d", n)
	}
}

// An error that an operand brings along is returned as it is, and a nil one is told by
// the operation's own name.
func TestCompositionsOfErrors(t *testing.T) {
	bad := tensor.Zeros(2).Add(tensor.Zeros(3))
	good := tensor.Ones(2)
	for name, y := range map[string]*tensor.Tensor{
		"All": bad.All(), "Any": bad.Any(0), "Var": bad.Var(), "Std": bad.StdCorrectedKeep(1), "Norm": bad.Norm(7), "Split": bad.Split(0, 1)[0],
		"Chunk": bad.Chunk(0, 2)[0], "Tile": bad.Tile(2), "Repeat": bad.Repeat(0, 2), "Meshgrid": tensor.Meshgrid(good, bad)[0],
		"Silu": bad.Silu(), "Lerp": good.Lerp(good, bad), "XLogY": good.XLogY(bad), "FullLike": tensor.FullLike(1, bad),
	} {
		if y.Err() != bad.Err() {
			t.Errorf("%s: %v", name, y.Err())
		}
	}
	var none *tensor.Tensor
	var err *tensor.OpError
	for op, y := range map[string]*tensor.Tensor{
		"all": none.All(), "std": none.Std(), "norm": none.Norm(), "split": none.Split(0, 1)[0], "chunk": none.Chunk(0, 1)[0],
		"tile": none.Tile(2), "repeat": none.Repeat(0, 1), "meshgrid": tensor.Meshgrid(none)[0], "elu": none.Elu(1), "lerp": good.Lerp(none, good),
	} {
		if !errors.As(y.Err(), &err) || err.Op != op || err.Err != tensor.ErrNil || !strings.Contains(err.Where, "ops_test.go") {
			t.Errorf("%s: %v", op, y.Err())
		}
	}
}
