// Singular points of compositions: where a product with an exact zero must
// stay zero at every order, and where it must not.

package spec

import (
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// compositions are scalar functions of one vector with their slope and second
// derivative (along ones) by each element.
var compositions = []struct {
	name          string
	f             function
	x             []float64
	slope, second []float64
}{
	{
		name: "where(false, sqrt(x), x*x) at 0",
		f: func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			never := kernels.One(b, kernels.Lt, nil, x[0], x[0])
			return b.Apply(kernels.Where, nil, never, kernels.One(b, kernels.Sqrt, nil, x[0]), kernels.One(b, kernels.Mul, nil, x[0], x[0]))
		},
		x: []float64{0}, slope: []float64{0}, second: []float64{2},
	},
	{
		name: "where(x > 0, log(x), 0) around 0",
		f: func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			zero := b.Full(0, x[0].Aval())
			return b.Apply(kernels.Where, nil, kernels.One(b, kernels.Gt, nil, x[0], zero), kernels.One(b, kernels.Log, nil, x[0]), zero)
		},
		x: []float64{-1, 0, 2}, slope: []float64{0, 0, 0.5}, second: []float64{0, 0, -0.25},
	},
	{
		name: "sqrt(x*x) at 0",
		f: func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			return b.Apply(kernels.Sqrt, nil, kernels.One(b, kernels.Mul, nil, x[0], x[0]))
		},
		x: []float64{0, -2}, slope: []float64{0, -1},
	},
	{
		name: "the norm of zeros",
		f: func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			square := kernels.One(b, kernels.Square, nil, x[0])
			return b.Apply(kernels.Sqrt, nil, kernels.One(b, kernels.Sum, kernels.AxesOf(false), square))
		},
		x: []float64{0, 0}, slope: []float64{0, 0},
	},
	{
		name: "x/x at 0",
		f: func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			return b.Apply(kernels.Div, nil, x[0], x[0])
		},
		x: []float64{0}, slope: []float64{math.NaN()},
	},
	{
		name: "sqrt at 0",
		f: func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			return b.Apply(kernels.Sqrt, nil, x[0])
		},
		x: []float64{0}, slope: []float64{math.Inf(1)},
	},
	{
		name: "relu(x)²",
		f: func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			return b.Apply(kernels.Square, nil, kernels.One(b, kernels.Relu, nil, x[0]))
		},
		x: []float64{-1, 0, 3}, slope: []float64{0, 0, 6}, second: []float64{0, 0, 2},
	},
	{
		name: "the product of elements with zeros",
		f: func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			return b.Apply(kernels.Prod, kernels.AxesOf(false), x[0])
		},
		x: []float64{0, 2, 0, 5}, slope: []float64{0, 0, 0, 0}, second: []float64{10, 0, 10, 0},
	},
}

// checkSingular tests the compositions in both modes.
func checkSingular(t *testing.T, b eager) {
	ones := func(n int) []float64 {
		list := make([]float64, n)
		for i := range list {
			list[i] = 1
		}
		return list
	}
	for _, c := range compositions {
		a := kernels.Aval{DType: device.Float64, Shape: []int{len(c.x)}}
		x, v := []kernels.Val{dense.filled(a, c.x)}, []kernels.Val{dense.filled(a, ones(len(c.x)))}
		gradient := func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			dx := vjp(b, c.f, x, 1, func(y []kernels.Val) []kernels.Val { return []kernels.Val{b.Full(1, y[0].Aval())} })
			return dx
		}
		compare := func(what string, got []kernels.Val, want []float64) {
			if err := close(elements(got[0].(*value).array), want, 1e-15, true); err != nil {
				t.Errorf("%s: %s: %v", c.name, what, err)
			}
		}
		compare("VJP", gradient(b, x), c.slope)
		for i := range c.x {
			unit := make([]float64, len(c.x))
			unit[i] = 1
			_, dy := jvp(b, c.f, x, []kernels.Val{dense.filled(a, unit)})
			total := 0.0
			for _, d := range elements(dy[0].(*value).array) {
				total += d
			}
			compare("JVP", []kernels.Val{dense.filled(kernels.Aval{DType: device.Float64}, []float64{total})}, c.slope[i:i+1])
		}
		if c.second != nil {
			_, fr := jvp(b, gradient, x, v)
			compare("second derivative, forward on reverse", fr, c.second)
			rf := vjp(b, func(b kernels.Builder, args []kernels.Val) []kernels.Val {
				_, dy := jvp(b, c.f, args[:1], args[1:])
				return dy
			}, append(x, v...), 1, func(y []kernels.Val) []kernels.Val { return []kernels.Val{b.Full(1, y[0].Aval())} })
			compare("second derivative, reverse on forward", rf[:1], c.second)
		}
	}
}
