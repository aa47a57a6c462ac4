// Constructors of tensors from Go values.

package tensor

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// New returns a tensor with a copy of data: a number, a bool, or slices and
// arrays of them, nested as deep as the tensor has dimensions,
//
//	tensor.New([][]float64{{1, 2, 3}, {4, 5, 6}})  // shape [2 3]
//
// The dtype is that of the elements, int64 for int. New fails with a
// *ShapeError when the rows have different lengths, and with a *DTypeError for
// elements of another type.
func New(data any, opts ...Option) *Tensor {
	switch x := data.(type) {
	case float64:
		return Scalar(x, opts...)
	case []float64:
		return fromSlice("new", x, []int{len(x)}, opts)
	case []float32:
		return fromSlice("new", x, []int{len(x)}, opts)
	case []int64:
		return fromSlice("new", x, []int{len(x)}, opts)
	case []int32:
		return fromSlice("new", x, []int{len(x)}, opts)
	case []bool:
		return fromSlice("new", x, []int{len(x)}, opts)
	}
	return fromNested(reflect.ValueOf(data), opts)
}

// FromSlice returns a tensor of the given shape with a copy of data, row-major.
// Without a shape the tensor has one dimension, also where an empty list of sizes
// is passed on: [NewShaped] makes that a scalar. It fails with a *ShapeError when
// the shape does not have as many elements.
func FromSlice[T Element](data []T, shape ...int) *Tensor {
	if shape == nil {
		shape = []int{len(data)}
	}
	return fromSlice("from_slice", data, shape, nil)
}

// NewShaped is FromSlice with options: a tensor of the given shape with a copy
// of data, as another dtype or on another device.
func NewShaped[T Element](data []T, shape []int, opts ...Option) *Tensor {
	return fromSlice("new_shaped", data, shape, opts)
}

func fromSlice[T Element](op string, data []T, shape []int, opts []Option) *Tensor {
	from := kernels.Aval{DType: dtypeOf[T](), Shape: slices.Clone(shape)}
	if err := fits(op, from, len(data)); err != nil {
		return failed(op, err)
	}
	o := gather(opts, from.DType)
	return build(op, o, from.Shape, func(dst unsafe.Pointer) {
		convert(dst, o.dtype, unsafe.Pointer(unsafe.SliceData(data)), from.DType, len(data))
	})
}

// fits returns an error unless a tensor of type a has n elements.
func fits(op string, a kernels.Aval, n int) error {
	if err := checkType(op, a); err != nil {
		return err
	}
	if a.Size() != n {
		return &ShapeError{Op: op, Shapes: [][]int{a.Shape}, Reason: fmt.Sprintf("%d elements do not fill the shape", n)}
	}
	return nil
}

// elementKinds are the kinds of Go value that elements are made of.
var elementKinds = map[reflect.Kind]DType{
	reflect.Bool: Bool, reflect.Int32: Int32, reflect.Int64: Int64, reflect.Int: Int64,
	reflect.Float32: Float32, reflect.Float64: Float64,
}

func fromNested(v reflect.Value, opts []Option) *Tensor {
	shape, kind, err := nesting(v)
	if err != nil {
		return failed("new", err)
	}
	d := elementKinds[kind]
	if err := checkType("new", kernels.Aval{DType: d, Shape: shape}); err != nil {
		return failed("new", err)
	}
	// The rows are checked before memory is taken.
	if err := checkRows(v, shape, nil); err != nil {
		return failed("new", err)
	}
	o := gather(opts, d)
	return build("new", o, shape, func(dst unsafe.Pointer) {
		n := 0
		var element [8]byte
		p := unsafe.Pointer(&element)
		var walk func(v reflect.Value, depth int)
		walk = func(v reflect.Value, depth int) {
			if depth < len(shape) {
				for i := range v.Len() {
					walk(v.Index(i), depth+1)
				}
				return
			}
			store(p, d, v)
			convert(unsafe.Add(dst, n*o.dtype.Size()), o.dtype, p, d, 1)
			n++
		}
		walk(v, 0)
	})
}

// nesting returns the shape and the kind of element of nested slices, by the
// first row at each depth.
func nesting(v reflect.Value) ([]int, reflect.Kind, error) {
	refuse := func(what string) error {
		return &DTypeError{Op: "new", DTypes: []string{what}, Reason: "takes bool, int, int32, int64, float32, float64, and nested slices and arrays of one of these"}
	}
	if !v.IsValid() {
		return nil, 0, refuse("nil")
	}
	typ := v.Type()
	shape := []int{}
	for {
		switch typ.Kind() {
		case reflect.Slice, reflect.Array:
			n := 0
			if v.IsValid() {
				n = v.Len()
			}
			shape = append(shape, n)
			typ = typ.Elem()
			if n > 0 {
				v = v.Index(0)
			} else {
				v = reflect.Value{}
			}
		default:
			if _, ok := elementKinds[typ.Kind()]; !ok {
				return nil, 0, refuse(typ.String())
			}
			return shape, typ.Kind(), nil
		}
	}
}

// checkRows returns an error unless v is nested as shape says.
func checkRows(v reflect.Value, shape, at []int) error {
	if len(shape) == 0 {
		return nil
	}
	if v.Len() != shape[0] {
		return &ShapeError{Op: "new", Shapes: [][]int{shape}, Reason: fmt.Sprintf("the row at %v has length %d, the first one %d", at, v.Len(), shape[0])}
	}
	if len(shape) == 1 {
		return nil
	}
	for i := range v.Len() {
		if err := checkRows(v.Index(i), shape[1:], append(at, i)); err != nil {
			return err
		}
	}
	return nil
}

// store writes a Go value as an element of its dtype.
func store(p unsafe.Pointer, d DType, v reflect.Value) {
	switch d {
	case Bool:
		*(*bool)(p) = v.Bool()
	case Int32:
		*(*int32)(p) = int32(v.Int())
	case Int64:
		*(*int64)(p) = v.Int()
	case Float32:
		*(*float32)(p) = float32(v.Float())
	case Float64:
		*(*float64)(p) = v.Float()
	}
}
