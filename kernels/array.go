// Arrays, calls and backends: what kernels read, write and are found by.

package kernels

import (
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
)

// Array is a strided view of elements in memory.
type Array struct {
	Aval
	Strides []int          // in elements, one a dimension; nil means row-major and dense
	Ptr     unsafe.Pointer // the element at index 0 (may be nil where Size is 0)
	Buf     *device.Buffer // what holds it; nil for small arrays on the Go heap
}

// Stride returns the stride of dimension d in elements.
func (a *Array) Stride(d int) int {
	if a.Strides != nil {
		return a.Strides[d]
	}
	s := 1
	for _, n := range a.Shape[d+1:] {
		s *= n
	}
	return s
}

// Dense reports whether the elements lie in row-major order without gaps.
func (a *Array) Dense() bool {
	if a.Strides == nil {
		return true
	}
	s := 1
	for d := len(a.Shape) - 1; d >= 0; d-- {
		if a.Shape[d] != 1 && a.Strides[d] != s {
			return false
		}
		s *= a.Shape[d]
	}
	return true
}

// Span returns the bytes that the array reaches, counted from its first element:
// from lo, not positive, to hi. An empty array reaches none.
func (a *Array) Span() (lo, hi int) {
	if a.Size() == 0 {
		return 0, 0
	}
	size := a.DType.Size()
	for d, n := range a.Shape {
		if reach := (n - 1) * a.Stride(d) * size; reach < 0 {
			lo += reach
		} else {
			hi += reach
		}
	}
	return lo, hi + size
}

// Call is one execution of a kernel. Out arrays are dense, of the right type,
// uninitialised unless Add is set, and overlap no operand, except that an
// elementwise result may be exactly an operand's own memory.
type Call struct {
	In, Out []*Array
	Add     bool            // add to Out[0] (floats) instead of setting it (but see Inst.LeavesGaps)
	Workers *device.Workers // nil: run on this goroutine
	Stream  device.Stream   // where work is queued that runs later; nil: the device's
	Cancel  *atomic.Bool    // polled by long kernels; nil: never cancelled
}

// Kernel runs one Inst on host-visible arrays of any strides. It is safe for
// concurrent use. An error is an *IndexError or ErrCancelled.
type Kernel interface{ Run(c *Call) error }

// Scalar is the kernel of an Inst whose operands are single floats or bools and whose
// results are single float64. It does without a Call, which would cost more than the
// work.
type Scalar interface {
	Kernel
	// Numbers computes the results from the operands: their values, 1 for true.
	Numbers(in, out []float64)
}

// Backend makes kernels.
type Backend interface {
	Name() string
	// Compile returns the kernel of an Inst, or nil when the backend has none
	// (the caller then turns to ref, or to Compose).
	Compile(inst *Inst) Kernel
}

// Mover is what a backend has beside kernels when the host cannot reach its
// arrays. What it does is in the order of the kernels. An array without a buffer
// is in the host's memory.
type Mover interface {
	// Copy sets dst to src, of the same type.
	Copy(dst, src Array) error
	// Clear sets a dense array to zeros.
	Clear(a Array) error
	// Int returns the only element of an array of integers or bools.
	Int(a Array) (int64, error)
}

// Recorder is a Mover whose device can do recorded work again, at less cost than
// queueing it.
type Recorder interface {
	// Record calls queue, and keeps the work that kernels queue on the given
	// stream instead of having it done. It returns nil where that cannot be.
	Record(dev device.Device, queue func(device.Stream) error) (Recording, error)
	// On returns a Mover that queues its work on a stream.
	On(device.Stream) Mover
	// Fork returns another stream for the recording that a stream belongs to. Its
	// first work waits for some of that recording, and the first stream at the end
	// for its last.
	Fork(device.Stream) (device.Stream, error)
}

// Recording is work that can be done again. It holds what it works on but for
// operands and results, which must be where they were.
type Recording interface {
	Replay() error // queues the work on the device's stream
	// Failed reports, when the work is done, that it has come upon bad operands in some
	// replay: done anew without the recording, it tells which.
	Failed() bool
	Close() error // waits for the work; Failed stays what it is
}
