package cpu

// Elementary functions: what package vmath has of those that loops are made of.

import (
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// elementary is an elementary function, of one argument or of two.
type elementary struct {
	fn     loop.Fn
	f64    func(x float64) float64
	f32    func(x float32) float32
	f64of2 func(x, y float64) float64
	f32of2 func(x, y float32) float32
}

// elementaries are the functions by their code, which is that of tile/tile.h. A
// polygamma takes its order from the instruction.
var elementaries = [...]elementary{
	{fn: loop.Exp, f64: vmath.Exp, f32: vmath.Exp32},
	{fn: loop.Expm1, f64: vmath.Expm1, f32: vmath.Expm132},
	{fn: loop.Log, f64: vmath.Log, f32: vmath.Log32},
	{fn: loop.Log1p, f64: vmath.Log1p, f32: vmath.Log1p32},
	{fn: loop.Sin, f64: vmath.Sin, f32: vmath.Sin32},
	{fn: loop.Cos, f64: vmath.Cos, f32: vmath.Cos32},
	{fn: loop.Tan, f64: vmath.Tan, f32: vmath.Tan32},
	{fn: loop.Tanh, f64: vmath.Tanh, f32: vmath.Tanh32},
	{fn: loop.Sigmoid, f64: vmath.Sigmoid, f32: vmath.Sigmoid32},
	{fn: loop.Softplus, f64: vmath.Softplus, f32: vmath.Softplus32},
	{fn: loop.Lgamma, f64: vmath.Lgamma, f32: vmath.Lgamma32},
	{fn: loop.Digamma, f64: vmath.Digamma, f32: vmath.Digamma32},
	{fn: loop.Erf, f64: vmath.Erf, f32: vmath.Erf32},
	{fn: loop.Polygamma},
	{fn: loop.Pow, f64of2: vmath.Pow, f32of2: vmath.Pow32},
	{fn: loop.Atan2, f64of2: vmath.Atan2, f32of2: vmath.Atan232},
	{fn: loop.Hypot, f64of2: vmath.Hypot, f32of2: vmath.Hypot32},
}

// elementaryCode gives the codes by function.
var elementaryCode = func() (code [loop.NumFn]uint16) {
	for i := range elementaries {
		code[elementaries[i].fn] = uint16(i)
	}
	return code
}()

// elementaryOf returns a function.
func elementaryOf(fn loop.Fn) *elementary { return &elementaries[elementaryCode[fn]] }
