// Products with sparse matrices.

package tensor

import (
	"fmt"
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Sparse is where the entries of a sparse matrix are: its structure, without their
// values. It is made once, on one device, and is then a factor of products with any
// values, in which it never changes:
//
//	a, err := tensor.NewSparse(p.Rows, p.Cols, p.Ptr, p.Idx) // p of package sparse
//	y := a.MatMul(values, x)
//
// Products are differentiable any number of times, by the values and by what they are
// multiplied with. Each result is made by itself, of products that are added in the
// order of the entries: nothing is scattered, on no device and at no order of
// derivative, and results are the same bits for any number of workers.
type Sparse struct {
	rows, cols int
	lists      []*Tensor // as kernels.SparseMatmul takes them
	transposed bool
}

// NewSparse returns the structure of a matrix of compressed rows: the columns of row i's
// entries are columns[offsets[i]:offsets[i+1]], in any order; those at one place add up.
// [On] puts it on another than the default device. The slices are copied; with what
// the transposed matrix needs, it takes 16 bytes an entry, 32 from 2³¹ of them on.
//
// It fails with a *ShapeError for lengths that do not fit, with an *AttrError for
// offsets that do not ascend from 0 to the number of columns given, and with an
// *IndexError for a column that is not there. Where the device has no room for a number a
// column, of which a file may claim any number, it fails with a
// *device.OutOfMemoryError.
func NewSparse[P, C int | int32 | int64](rows, cols int, offsets []P, columns []C, opts ...Option) (*Sparse, error) {
	const op = "new_sparse"
	if err := checkSparse(op, rows, cols, offsets, columns); err != nil {
		return nil, failed(op, err).Err()
	}
	narrow := max(rows, cols, len(columns)) <= math.MaxInt32
	if err := checkRoom(cols+1, narrow, opts); err != nil {
		return nil, failed(op, err).Err()
	}
	s := &Sparse{rows: rows, cols: cols}
	if narrow {
		s.lists = sparseLists[int32](op, rows, cols, offsets, columns, opts)
	} else {
		s.lists = sparseLists[int64](op, rows, cols, offsets, columns, opts)
	}
	for _, t := range s.lists {
		if err := t.Err(); err != nil {
			for _, made := range s.lists {
				Free(made)
			}
			return nil, err
		}
	}
	return s, nil
}

func checkSparse[P, C int | int32 | int64](op string, rows, cols int, offsets []P, columns []C) error {
	if rows < 0 || cols < 0 || cols > maxElements || len(offsets) != rows+1 {
		return &ShapeError{Op: op, Shapes: [][]int{{len(offsets)}, {len(columns)}}, Reason: fmt.Sprintf("a matrix of %d rows and %d columns cannot have so many offsets: it has one a row, and one more", rows, cols)}
	}
	last := P(0)
	for i, at := range offsets {
		if at < last || i == 0 && at != 0 {
			return &AttrError{Op: op, Reason: fmt.Sprintf("offset %d is %d, after %d", i, at, last)}
		}
		last = at
	}
	if int(last) != len(columns) {
		return &AttrError{Op: op, Reason: fmt.Sprintf("the last offset is %d, of %d entries", last, len(columns))}
	}
	for _, j := range columns {
		if j < 0 || int(j) >= cols {
			return &IndexError{Op: op, Index: int64(j), Size: cols}
		}
	}
	return nil
}

// checkRoom sees that there is memory for a list of n integers, before the host takes its
// own: there is no error for what that cannot have.
func checkRoom(n int, narrow bool, opts []Option) error {
	dt := Int64
	if narrow {
		dt = Int32
	}
	o := gather(opts, dt)
	p, err := o.place()
	if err != nil {
		return err
	}
	t, err := newPlain(p, kernels.Aval{DType: dt, Shape: []int{n}})
	if err == nil {
		Free(t)
	}
	return err
}

// sparseLists makes the lists of a structure. Those by columns keep the order of the
// entries of each.
func sparseLists[I int32 | int64, P, C int | int32 | int64](op string, rows, cols int, offsets []P, columns []C, opts []Option) []*Tensor {
	n := len(columns)
	start, col, row := make([]I, rows+1), make([]I, n), make([]I, n)
	colStart, byColRow, byColumns := make([]I, cols+1), make([]I, n), make([]I, n)
	for i, at := range offsets {
		start[i] = I(at)
	}
	for e, j := range columns {
		col[e] = I(j)
		colStart[j+1]++
	}
	for j := range cols {
		colStart[j+1] += colStart[j]
	}
	next := slices.Clone(colStart)
	for i := range rows {
		for e := offsets[i]; e < offsets[i+1]; e++ {
			t := next[columns[e]]
			next[columns[e]]++
			row[e], byColRow[t], byColumns[t] = I(i), I(i), I(e)
		}
	}
	opts = append(slices.Clone(opts), WithDType(dtypeOf[I]()))
	var lists []*Tensor
	for _, list := range [][]I{start, col, row, colStart, byColRow, byColumns} {
		lists = append(lists, fromSlice(op, list, []int{len(list)}, opts))
	}
	return lists
}

// Rows returns the number of rows.
func (s *Sparse) Rows() int { return s.rows }

// Cols returns the number of columns.
func (s *Sparse) Cols() int { return s.cols }

// Entries returns the number of entries.
func (s *Sparse) Entries() int {
	if len(s.lists) == 0 { // nothing has made it
		return 0
	}
	return s.lists[1].Size()
}

// T returns the transposed matrix, whose entries have the same values in the same
// order. It copies nothing.
func (s *Sparse) T() *Sparse {
	return &Sparse{rows: s.cols, cols: s.rows, lists: s.lists, transposed: !s.transposed}
}

// To returns the structure on another device. It fails with a *DeviceError for a
// device that no kernels are linked in for.
func (s *Sparse) To(dev device.Device) (*Sparse, error) {
	moved := *s
	moved.lists = make([]*Tensor, len(s.lists))
	for i, t := range s.lists {
		moved.lists[i] = t.To(dev)
		if err := moved.lists[i].Err(); err != nil {
			return nil, err
		}
	}
	return &moved, nil
}

// MatMul returns the product of the matrix, whose entries have the given values, with x:
// of shape [Cols], it is a vector and the result has shape [Rows]; of [Cols k], the
// result has [Rows k]. Leading dimensions of values and of a matrix x broadcast. Dtypes
// are promoted as by Mul, to float32 or float64.
//
// Sizes that do not fit are a *ShapeError, other dtypes a *DTypeError, and operands
// on another device than the structure's a *DeviceError.
func (s *Sparse) MatMul(values, x *Tensor) *Tensor {
	op := kernels.SparseMatmul
	if s == nil {
		return failed(op.Name, ErrNil)
	}
	t := kernels.Transposed(s.transposed)
	if x.Rank() != 1 || values.bad() {
		return s.apply(op, t, values, x)
	}
	if n := x.Dim(0); n != s.cols {
		err := &ShapeError{Op: op.Name, Shapes: [][]int{values.Shape(), x.Shape()}, Reason: fmt.Sprintf("a matrix of %d columns times a vector of %d", s.cols, n)}
		return failed(op.Name, err, values.Aval(), x.Aval())
	}
	if n := values.Dim(-1); n >= 0 && n != s.Entries() { // told here, where x is still what was given
		err := &ShapeError{Op: op.Name, Shapes: [][]int{values.Shape(), x.Shape()}, Reason: fmt.Sprintf("%d values for %d entries", n, s.Entries())}
		return failed(op.Name, err, values.Aval(), x.Aval())
	}
	return s.apply(op, t, values, x.Unsqueeze(1)).Squeeze(-1)
}

// SampledMatMul returns, for each entry, the inner product of a's row at the entry's row
// with b's row at its column: a MatMul(b transposed) where the matrix has entries, as
// values for it. a has shape [Rows k], b [Cols k]; leading dimensions broadcast. It is
// the derivative of MatMul by the values, and fails as that does.
func (s *Sparse) SampledMatMul(a, b *Tensor) *Tensor {
	op := kernels.SampledMatmul
	if s == nil {
		return failed(op.Name, ErrNil)
	}
	if s.transposed {
		a, b = b, a
	}
	return s.apply(op, nil, a, b)
}

// apply applies an op to two factors and the structure. Errors tell of the factors.
func (s *Sparse) apply(op *kernels.Op, attr any, a, b *Tensor) *Tensor {
	if _, bad := highest([]*Tensor{a, b}); bad != nil {
		return named(op, bad)
	}
	if dt := device.Promote(a.DType(), b.DType()); a.DType() != b.DType() {
		a, b = a.Cast(dt), b.Cast(dt)
	}
	in := append([]*Tensor{a, b}, s.lists...)
	avals := avalsOf(in)
	inst, err := op.Inst(attr, avals...)
	if err != nil {
		return failed(op.Name, err, avals[:2]...)
	}
	var out [1]*Tensor
	Dispatch(inst, in, out[:])
	return out[0]
}
