package device

// DType is the type of one element of a buffer.
type DType uint8

// The element types. Their order is the order of promotion: an operation on
// two of them is carried out in the later one (int64 with float32 gives
// float32, as in JAX and PyTorch).
const (
	Bool DType = iota
	Int32
	Int64
	Float32
	Float64
	NumDTypes = int(iota)
)

var dtypes = [NumDTypes]struct {
	name string
	size int
}{
	Bool:    {"bool", 1},
	Int32:   {"int32", 4},
	Int64:   {"int64", 8},
	Float32: {"float32", 4},
	Float64: {"float64", 8},
}

// String returns NumPy's name of the type.
func (d DType) String() string {
	if int(d) >= len(dtypes) {
		return "invalid dtype"
	}
	return dtypes[d].name
}

// Size returns the bytes of one element.
func (d DType) Size() int { return dtypes[d].size }

// IsFloat reports whether derivatives flow through values of the type.
func (d DType) IsFloat() bool { return d == Float32 || d == Float64 }

// IsInt reports whether the type is an integer other than Bool.
func (d DType) IsInt() bool { return d == Int32 || d == Int64 }

// Promote returns the type in which an operation on a and b is carried out.
func Promote(a, b DType) DType { return max(a, b) }
