// The parameters of ops beside their operands: comparable values, so that
// equal calls share one Inst. A parameter that does not fit its type (too many
// axes, an axis beyond any rank) is kept as one that Infer refuses.

package kernels

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
)

// MaxRank is the largest number of dimensions of a value.
const MaxRank = 16

// Axes is a list of dimensions of the operand, negative ones counted from the
// end. The empty list means what the op says: all of them, mostly.
type Axes struct {
	N    int8 // how many; more than MaxRank is an error of the op
	Keep bool // reductions: keep the reduced dimensions with size 1
	Axis [MaxRank]int8
}

// AxesOf returns the list of the given axes.
func AxesOf(keep bool, axes ...int) Axes {
	a := Axes{N: listLen(axes), Keep: keep}
	for i, x := range axes[:min(len(axes), MaxRank)] {
		a.Axis[i] = int8(max(math.MinInt8, min(x, math.MaxInt8)))
	}
	return a
}

// List returns the axes as given.
func (a Axes) List() []int {
	list := make([]int, min(max(a.N, 0), MaxRank))
	for i := range list {
		list[i] = int(a.Axis[i])
	}
	return list
}

// Dims is a shape, or a list of as many numbers.
type Dims struct {
	N   int8 // how many; more than MaxRank is an error of the op
	Dim [MaxRank]int
}

// DimsOf returns the list of the given numbers.
func DimsOf(dims ...int) Dims {
	d := Dims{N: listLen(dims)}
	copy(d.Dim[:], dims)
	return d
}

// List returns the numbers.
func (d Dims) List() []int { return slices.Clone(d.Dim[:min(max(d.N, 0), MaxRank)]) }

func listLen(list []int) int8 { return int8(min(len(list), MaxRank+1)) }

// Range selects the indices Start, Start+Step, ... before Stop of one
// dimension, by the rules of Python's slices: negative numbers count from the
// end, what lies outside is cut off. Begin and End are the open ends. With
// Drop, it is the index Start alone and the dimension goes away.
type Range struct {
	Start, Stop, Step int
	Drop              bool
}

// The open ends of a Range, in either direction.
const (
	Begin = math.MinInt
	End   = math.MaxInt
)

// All selects a whole dimension.
func All() Range { return Range{0, End, 1, false} }

// From selects start, start+1, ... before stop.
func From(start, stop int) Range { return Range{start, stop, 1, false} }

// Stepped selects start, start+step, ... before stop.
func Stepped(start, stop, step int) Range { return Range{start, stop, step, false} }

// String writes the range as Python does: 3, 1:9, ::-1.
func (r Range) String() string {
	if r.Drop {
		return strconv.Itoa(r.Start)
	}
	end := func(i, open int) string {
		if i == open {
			return ""
		}
		return strconv.Itoa(i)
	}
	first, last := 0, End
	if r.Step < 0 {
		first, last = End, Begin
	}
	s := end(r.Start, first) + ":" + end(r.Stop, last)
	if r.Step != 1 {
		s += ":" + strconv.Itoa(r.Step)
	}
	return s
}

// Item selects the index i and drops the dimension.
func Item(i int) Range { return Range{i, 0, 1, true} }

// Ranges selects from the leading dimensions; the others are taken whole.
type Ranges struct {
	N     int8 // how many; more than MaxRank is an error of the op
	Range [MaxRank]Range
}

// String writes the ranges as Python does: 3, 1:9.
func (r Ranges) String() string {
	var parts []string
	for _, x := range r.Range[:min(max(r.N, 0), MaxRank)] {
		parts = append(parts, x.String())
	}
	return strings.Join(parts, ", ")
}

// RangesOf returns the list of the given ranges.
func RangesOf(ranges ...Range) Ranges {
	r := Ranges{N: int8(min(len(ranges), MaxRank+1))}
	copy(r.Range[:], ranges)
	return r
}

// Padding holds how many zeros go before and after each dimension; negative
// numbers cut elements off.
type Padding struct {
	N      int8 // the operand's rank
	Lo, Hi [MaxRank]int
}

// PaddingOf returns the padding of each dimension; lo and hi are of the
// operand's rank.
func PaddingOf(lo, hi []int) Padding {
	p := Padding{N: listLen(lo)}
	if len(lo) != len(hi) {
		p.N = -1 // refused by Infer
	}
	copy(p.Lo[:], lo)
	copy(p.Hi[:], hi)
	return p
}

// Shifts holds how far each of the Axes is rolled.
type Shifts struct {
	Axes  Axes
	Shift [MaxRank]int
}

// ShiftsOf rolls each of the axes by the number of the same position, or, with
// one shift and no axes, the elements in row-major order.
func ShiftsOf(shift, axes []int) Shifts {
	s := Shifts{Axes: AxesOf(false, axes...)}
	if len(shift) != max(len(axes), 1) {
		s.Axes.N = -1 // refused by Infer
	}
	copy(s.Shift[:], shift)
	return s
}

// Limits are the bounds of Clamp, infinite where there is none.
type Limits struct{ Lo, Hi float64 }

// Scan tells CumSum its axis and direction.
type Scan struct {
	Axis    int8
	Reverse bool // from the end to the beginning
}

// Equation is the subscripts of an einsum, as in NumPy: "ij,jk->ik".
type Equation string

// Offset is the number of a diagonal: 0 the main one, positive above it.
type Offset int

// Order is the order of a polygamma function.
type Order int

// Target is the axis along which Scatter stores, and the result's size there.
type Target struct {
	Axis int8
	Size int
}

// Put tells IndexPut what happens to the elements that are indexed.
type Put struct{ Accumulate bool }

// Classes are the size of the new last dimension of OneHot and the result's type.
type Classes struct {
	N     int
	DType device.DType
}

// Fill is the type, the shape and the value of Full.
type Fill struct {
	DType device.DType
	Shape Dims
	Value float64
}

// Sequence is the arguments of Arange.
type Sequence struct {
	DType             device.DType
	Start, Stop, Step float64
}

// Spacing is the arguments of Linspace.
type Spacing struct {
	DType       device.DType
	Start, Stop float64
	N           int
}

// Identity is the arguments of Eye.
type Identity struct {
	DType              device.DType
	Rows, Cols, Offset int
}

// attrOf returns attr as a T.
func attrOf[T any](op string, attr any) (T, error) {
	v, ok := attr.(T)
	if !ok {
		return v, &AttrError{Op: op, Reason: fmt.Sprintf("its attribute is a %T, not a %T", attr, v)}
	}
	return v, nil
}
