// What the type rules of ops share: checks of operands, axes and sizes, and
// broadcasting.

package kernels

import (
	"fmt"
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
)

// maxElements bounds the elements of a value and the steps of a loop, so that
// sizes in bytes and their sums fit an int.
const maxElements = math.MaxInt / 64

// checkAvals refuses types that no kernel could hold: too many dimensions,
// negative sizes, too many elements.
func checkAvals(op string, avals []Aval) error {
	for _, a := range avals {
		if int(a.DType) >= device.NumDTypes {
			return dtypeErr(op, avals, "unknown dtype")
		}
		if len(a.Shape) > MaxRank {
			return shapeErr(op, avals, "more than %d dimensions", MaxRank)
		}
		if _, ok := product(a.Shape); !ok {
			return shapeErr(op, avals, "a size is negative or too large")
		}
	}
	return nil
}

// product multiplies sizes, empty ones counted as 1, and reports whether all
// are valid and the result is at most maxElements.
func product(shape []int) (int, bool) {
	n := 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > maxElements/d {
			return 0, false
		}
		n *= max(d, 1)
	}
	return n, true
}

// checkLoop refuses an iteration space whose steps cannot be counted.
func checkLoop(inst *Inst) error {
	sizes := make([]int, len(inst.Expr.Axes))
	for i, a := range inst.Expr.Axes {
		sizes[i] = a.Size
	}
	if _, ok := product(sizes); !ok {
		return shapeErr(inst.Name, inst.In, "more steps than can be counted")
	}
	return nil
}

func shapeErr(op string, in []Aval, format string, args ...any) error {
	e := &ShapeError{Op: op, Reason: fmt.Sprintf(format, args...)}
	for _, a := range in {
		e.Shapes = append(e.Shapes, a.Shape)
	}
	return e
}

func dtypeErr(op string, in []Aval, reason string) error {
	e := &DTypeError{Op: op, Reason: reason}
	for _, a := range in {
		e.DTypes = append(e.DTypes, a.DType.String())
	}
	return e
}

func attrErr(op, format string, args ...any) error {
	return &AttrError{Op: op, Reason: fmt.Sprintf(format, args...)}
}

// operands checks how many operands an op got.
func operands(op string, in []Aval, n int) error {
	if len(in) != n {
		return shapeErr(op, in, "takes %d operands, got %d", n, len(in))
	}
	return nil
}

// noAttr is attrOf for ops without one.
func noAttr(op string, attr any) error {
	if attr != nil {
		return attrErr(op, "takes no attribute, got a %T", attr)
	}
	return nil
}

// operandsAttr checks how many operands an op got and returns its attribute.
func operandsAttr[T any](op string, in []Aval, n int, attr any) (T, error) {
	a, err := attrOf[T](op, attr)
	if err == nil {
		err = operands(op, in, n)
	}
	return a, err
}

// one is the result of an Infer that gives a single type.
func one(dt device.DType, shape []int) []Aval { return []Aval{{DType: dt, Shape: shape}} }

// promote returns the type of an operation on all operands.
func promote(in []Aval) device.DType {
	dt := in[0].DType
	for _, a := range in[1:] {
		dt = device.Promote(dt, a.DType)
	}
	return dt
}

// asFloat returns dt if it is a float type, else float64.
func asFloat(dt device.DType) device.DType {
	if dt.IsFloat() {
		return dt
	}
	return device.Float64
}

// asSum returns the type of sums and products of elements of type dt: int64
// for integers and bools.
func asSum(dt device.DType) device.DType {
	if dt.IsFloat() {
		return dt
	}
	return device.Int64
}

// numericOperands refuses operands that are all bools.
func numericOperands(op string, in []Aval) error {
	if promote(in) == device.Bool {
		return dtypeErr(op, in, "takes numbers, not bools (cast one, or use a logical op)")
	}
	return nil
}

// broadcastAll returns the shape that all operands broadcast to, by NumPy's rules.
func broadcastAll(op string, in []Aval) ([]int, error) {
	var out []int
	for _, a := range in {
		var ok bool
		if out, ok = broadcast(out, a.Shape); !ok {
			return nil, shapeErr(op, in, "shapes do not broadcast")
		}
	}
	return out, nil
}

// broadcast returns the shape that a and b broadcast to.
func broadcast(a, b []int) ([]int, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, n := range b {
		d := len(a) - len(b) + i
		switch {
		case n == out[d] || n == 1:
		case out[d] == 1:
			out[d] = n
		default:
			return nil, false
		}
	}
	return out, true
}

// axis returns ax counted from the beginning, for an operand of the given shape.
func axis(op string, ax int, shape []int) (int, error) {
	if ax < -len(shape) || ax >= len(shape) {
		return 0, attrErr(op, "axis %d out of range for shape %v", ax, shape)
	}
	if ax < 0 {
		ax += len(shape)
	}
	return ax, nil
}

// axes returns the list counted from the beginning and sorted, or all axes for
// an empty list.
func axes(op string, a Axes, shape []int) ([]int, error) {
	if a.N == 0 {
		return upTo(len(shape)), nil
	}
	list, err := axesInOrder(op, a, shape)
	slices.Sort(list)
	return list, err
}

// axesInOrder returns the list counted from the beginning.
func axesInOrder(op string, a Axes, shape []int) ([]int, error) {
	if err := listFits(op, a.N); err != nil {
		return nil, err
	}
	list := a.List()
	for i, x := range list {
		ax, err := axis(op, x, shape)
		if err != nil {
			return nil, err
		}
		if slices.Contains(list[:i], ax) {
			return nil, attrErr(op, "axis %d given twice", ax)
		}
		list[i] = ax
	}
	return list, nil
}

// oneAxis returns the single axis that a must hold.
func oneAxis(op string, a Axes, shape []int) (int, error) {
	if a.N != 1 {
		return 0, attrErr(op, "takes one axis, got %d", a.N)
	}
	return axis(op, int(a.Axis[0]), shape)
}

// listFits checks the length of a list in an attribute.
func listFits(op string, n int8) error {
	switch {
	case n < 0:
		return attrErr(op, "its two lists have different lengths")
	case n > MaxRank:
		return attrErr(op, "more than %d dimensions", MaxRank)
	}
	return nil
}

// upTo returns the numbers from 0 to n-1.
func upTo(n int) []int {
	list := make([]int, max(n, 0))
	for i := range list {
		list[i] = i
	}
	return list
}

// dims returns the numbers of a list that fits.
func dims(op string, d Dims) ([]int, error) {
	if err := listFits(op, d.N); err != nil {
		return nil, err
	}
	return d.List(), nil
}

// reduced returns the shape without the axes, or with size 1 there.
func reduced(shape, axes []int, keep bool) []int {
	out := make([]int, 0, len(shape))
	for d, n := range shape {
		switch {
		case !slices.Contains(axes, d):
			out = append(out, n)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}
