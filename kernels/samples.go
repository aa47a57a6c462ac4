// Short names for the samples and cases that many ops share.

package kernels

import (
	"math"

	"github.com/cotangent-ad/cotangent/device"
)

// random is an operand of the given shape with random elements.
func random(shape ...int) Sample { return Sample{Shape: append([]int{}, shape...)} }

// within is an operand with random elements between lo and hi.
func within(lo, hi float64, shape ...int) Sample {
	return Sample{Shape: append([]int{}, shape...), Lo: lo, Hi: hi}
}

// values is a vector of the given elements, bools and ints likewise.
func values(v ...float64) Sample { return Sample{Shape: []int{len(v)}, Values: v} }
func bools(v ...float64) Sample  { return Sample{Shape: []int{len(v)}, DType: "bool", Values: v} }
func ints(v ...float64) Sample   { return Sample{Shape: []int{len(v)}, DType: "int64", Values: v} }

// shaped gives a sample another shape.
func (s Sample) shaped(shape ...int) Sample {
	s.Shape = append([]int{}, shape...)
	return s
}

// at says that a function of one operand is y at x.
func at(x, y float64) Case {
	return Case{Name: "value", In: []Sample{values(x)}, Want: []float64{y}, Kink: true}
}

// at2 says that a function of two operands is z at x, y.
func at2(x, y, z float64) Case {
	return Case{Name: "value", In: []Sample{values(x), values(y)}, Want: []float64{z}, Kink: true}
}

// kink says that a function has the given slope at x.
func kink(x, slope float64) Case {
	return Case{Name: "kink", In: []Sample{values(x)}, Kink: true, Slopes: []float64{slope}}
}

// kink2 says that a function has the slopes dx, dy at x, y.
func kink2(x, y, dx, dy float64) Case {
	return Case{Name: "kink", In: []Sample{values(x), values(y)}, Kink: true, Slopes: []float64{dx, dy}}
}

// float64 keeps a case from being run in float32.
func (c Case) float64() Case {
	c.Only64 = true
	return c
}

// extremes are arguments at which functions go wrong.
var extremes = []float64{
	0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 0x1p-1074, -0x1p-149, 0x1p-1022, -0x1p-126,
	0x1p-30, -1, 1, 710, -746, 89, -104, 0x1p53, -0x1p100, 0x1p1000, math.MaxFloat64, -math.MaxFloat32,
}

// unaryCases are the cases of a function of one operand that is smooth on [lo, hi].
func unaryCases(lo, hi float64) []Case {
	return []Case{
		{Name: "random", In: []Sample{within(lo, hi, 2, 3)}},
		{Name: "scalar", In: []Sample{within(lo, hi)}},
		{Name: "single", In: []Sample{within(lo, hi, 1, 1)}},
		{Name: "empty", In: []Sample{within(lo, hi, 0, 3)}},
		{Name: "integers", In: []Sample{ints(1, 2, 3)}},
		{Name: "large", In: []Sample{within(lo, hi, 11, 101)}},
		{Name: "extremes", In: []Sample{values(extremes...)}, Kink: true},
		{Name: "two operands", In: []Sample{random(2), random(2)}, Bad: "takes 1"},
		{Name: "negative size", In: []Sample{random(-1)}, Bad: "negative"},
		{Name: "attribute", Attr: 1, In: []Sample{random(2)}, Bad: "no attribute"},
	}
}

// binaryCases are the cases of a function of two operands that is smooth on [lo, hi]².
func binaryCases(lo, hi float64) []Case {
	return []Case{
		{Name: "same shape", In: []Sample{within(lo, hi, 2, 3), within(lo, hi, 2, 3)}},
		{Name: "row", In: []Sample{within(lo, hi, 2, 3), within(lo, hi, 3)}},
		{Name: "both broadcast", In: []Sample{within(lo, hi, 2, 1), within(lo, hi, 1, 3)}},
		{Name: "scalar and tensor", In: []Sample{within(lo, hi), within(lo, hi, 2, 2)}},
		{Name: "scalars", In: []Sample{within(lo, hi), within(lo, hi)}},
		{Name: "empty", In: []Sample{within(lo, hi, 0, 3), within(lo, hi, 1, 3)}},
		{Name: "float and integer", In: []Sample{within(lo, hi, 3), ints(1, 2, 3)}},
		{Name: "integers", In: []Sample{ints(3, 4, 5), ints(1, 2, 3)}},
		{Name: "large", In: []Sample{within(lo, hi, 11, 101), within(lo, hi, 101)}},
		{Name: "large columns", In: []Sample{within(lo, hi, 101, 11), within(lo, hi, 101, 1)}},
		{Name: "extremes", In: []Sample{values(extremes...).shaped(len(extremes), 1), values(extremes...)}, Kink: true},
		{Name: "shapes", In: []Sample{random(2, 3), random(4)}, Bad: "broadcast (shapes [2 3], [4])"},
		{Name: "one operand", In: []Sample{random(2)}, Bad: "takes 2"},
	}
}

// refusesBool and refusesBools are cases of arithmetic on bools alone.
var (
	refusesBool  = Case{Name: "bools", In: []Sample{bools(0, 1)}, Bad: "not bools"}
	refusesBools = Case{Name: "bools", In: []Sample{bools(0, 1), bools(0, 1)}, Bad: "not bools"}
)

// compareCases are the cases of a comparison that yields the given results on
// less, equal and greater.
func compareCases(less, equal, greater float64) []Case {
	return append(binaryCases(-2, 2), Case{
		Name: "value", In: []Sample{values(1, 2, 3), values(2)}, Want: []float64{less, equal, greater},
	})
}

// logicCases are the cases of a function of two bools with the given table.
func logicCases(table ...float64) []Case {
	return []Case{
		{Name: "bools", In: []Sample{bools(0, 0, 1, 1), bools(0, 1, 0, 1)}, Want: table},
		{Name: "numbers", In: []Sample{values(0, 0, math.NaN(), -2), ints(0, 1, 0, 3)}, Want: table},
		{Name: "broadcast", In: []Sample{bools(0, 1).shaped(2, 1), bools(0, 1)}},
		{Name: "empty", In: []Sample{bools(), random(1)}},
		{Name: "shapes", In: []Sample{bools(0, 1), bools(0, 1, 1)}, Bad: "broadcast"},
	}
}

func isBool(a Aval) bool { return a.DType == device.Bool }
