package jacobian_test

// The functions that derivatives are tested on.

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/tensor"
)

// problem is a function with its argument. Scalar ones have a Hessian.
type problem struct {
	name   string
	f      fn
	x      *T
	scalar bool
	nnz    int // entries known beforehand, 0 if not
}

func ints(v ...int64) *T { return tensor.FromSlice(v, len(v)) }

// stencil is a nonlinear function of the cells around each on a grid.
func stencil(offsets [][]int, periodic bool) fn {
	return func(u *T) *T {
		y := u.Square()
		for k, o := range offsets {
			s := u
			if periodic {
				for a, d := range o {
					s = s.Roll([]int{-d}, []int{a})
				}
			} else {
				lo, hi := make([]int, len(o)), make([]int, len(o))
				for a, d := range o {
					lo[a], hi[a] = -d, d
				}
				s = s.Pad(lo, hi)
			}
			y = y.Add(s.MulScalar(float64(k + 1)).Sin())
		}
		return y
	}
}

func star(d int) (o [][]int) {
	for a := range d {
		for _, s := range []int{-1, 1} {
			v := make([]int, d)
			v[a] = s
			o = append(o, v)
		}
	}
	return o
}

func box(d int) (o [][]int) {
	n := 1
	for range d {
		n *= 3
	}
	for k := range n {
		v, zero := make([]int, d), true
		for a := range v {
			v[a] = k%3 - 1
			k /= 3
			zero = zero && v[a] == 0
		}
		if !zero {
			o = append(o, v)
		}
	}
	return o
}

func problems() []problem {
	band := random(12, 12).Triu(-2).Tril(2)
	heavy := tensor.FromSlice([]float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 1, 12)
	list := []problem{
		{"brusselator", bench.Brusselator(6), random(2, 6, 6), false, 2 * 36 * 6},
		{"brusselator of 2", bench.Brusselator(2), random(2, 2, 2), false, 0},
		{"bratu residual", bench.BratuResidual(5, 2), random(5, 5), false, 5*25 - 4*5},
		{"bratu energy", bench.BratuEnergy(5, 2), random(5, 5), true, 5*25 - 4*5},
		{"rosenbrock", bench.ChainedRosenbrock, random(9), true, 25},
		{"arrowhead", bench.Arrowhead, random(9), true, 9 + 2*8},
		{"band", func(x *T) *T { return band.MatMul(x.Sin()) }, random(12), false, 12*5 - 6},
		{"band and dense row", func(x *T) *T {
			return tensor.Concat(0, band.MatMul(x.Square()), heavy.MatMul(x.Exp()))
		}, random(12), false, 12*5 - 6 + 12},
		{"dense column", func(x *T) *T { return x.Mul(x.Index(tensor.Range(0, 1))) }, random(20), false, 39},
		{"arrow both ways", func(x *T) *T {
			first := x.Index(tensor.Range(0, 1))
			return tensor.Concat(0, x.Exp().SumKeep(0), x.Mul(first).Index(tensor.Range(1, 20)))
		}, random(20), false, 20 + 38},
		{"gather and scatter", func(x *T) *T {
			picked := x.Take(0, ints(3, 1, 1, 4, 0, 3))
			return tensor.Zeros(6).ScatterAdd(0, ints(0, 2, 2, 5, 5, 1), picked.Square())
		}, random(5), false, 5},
		{"from one row to rows", func(x *T) *T { // the index of the former does not move where that of the latter does
			rows, cols := ints(1, 1), ints(0, 2)
			return x.IndexAdd(x.Index(rows, cols).Sin(), cols, rows)
		}, random(3, 3), false, 11},
		{"from rows to one row", func(x *T) *T {
			rows, cols := ints(1, 1), ints(0, 2)
			return x.IndexAdd(x.Index(cols, rows).Sin(), rows, cols)
		}, random(3, 3), false, 11},
		{"index put", func(x *T) *T {
			return x.IndexPut(x.Index(tensor.Range(0, 2)).Square(), tensor.Range(3, 5))
		}, random(6), false, 6},
		{"masked", func(x *T) *T {
			keep := tensor.New([]bool{true, false, true, false})
			return tensor.Where(keep, x.Square(), tensor.Zeros(4)).Add(x.CumSum(0))
		}, random(4), false, 10},
		{"one element", (*T).Square, random(1), false, 1},
		{"diagonal", (*T).Square, random(7), false, 7},
		{"constant", func(x *T) *T { return tensor.Ones(3) }, random(4), false, 0},
		{"no elements", (*T).Square, random(0), false, 0},
		{"no results", func(x *T) *T { return x.Index(tensor.Range(0, 0)) }, random(3), false, 0},
		{"softmax rows", func(x *T) *T { return x.Softmax(1) }, random(4, 3), false, 36},
		{"float32", func(x *T) *T { return x.Cast(tensor.Float32).Sin().Mul(x.Cast(tensor.Float32)) }, random(5), false, 5},
	}
	for _, periodic := range []bool{false, true} {
		for name, g := range map[string]struct {
			shape   []int
			offsets [][]int
		}{
			"5 points": {[]int{5, 5}, star(2)}, "7 points": {[]int{4, 4, 4}, star(3)},
			"9 points": {[]int{5, 4}, box(2)}, "27 points": {[]int{4, 3, 4}, box(3)},
		} {
			list = append(list, problem{fmt.Sprintf("%s, periodic %v", name, periodic), stencil(g.offsets, periodic), random(g.shape...), false, 0})
		}
	}
	return list
}
