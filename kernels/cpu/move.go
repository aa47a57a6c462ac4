package cpu

// Memory and lanes in the machine: loads, stores, gathers, scatters, spreads
// and conversions. The twins of tile/move.h.

import (
	"math"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
)

// outOfRange marks the offset of a guarded element that is not there.
const outOfRange = math.MinInt64

func init() {
	// What only moves elements works by their size.
	moves := func(op opcode, b1, b4, b8 operation) {
		table[op] = [...]operation{device.Bool: b1, device.Int32: b4, device.Int64: b8, device.Float32: b4, device.Float64: b8}
	}
	any := func(op opcode, f operation) { moves(op, f, f, f) }
	any(opPtr, point)
	any(opIndex, index)
	any(opWithin, within)
	any(opCast, cast)
	moves(opLoad, load[uint8], load[uint32], load[uint64])
	moves(opGuard, loadGuarded[uint8], loadGuarded[uint32], loadGuarded[uint64])
	moves(opGather, gather[uint8], gather[uint32], gather[uint64])
	moves(opGatherRows, gatherRows[uint8], gatherRows[uint32], gatherRows[uint64])
	moves(opSpread, spread[uint8], spread[uint32], spread[uint64])
	moves(opStore, store[uint8], store[uint32], store[uint64])
	moves(opCopy, copyElements[uint8], copyElements[uint32], copyElements[uint64])
	adds := func(op opcode, i32, i64, f32, f64 operation) {
		table[op] = [...]operation{device.Int32: i32, device.Int64: i64, device.Float32: f32, device.Float64: f64}
	}
	adds(opStoreAdd, storeAdd[int32], storeAdd[int64], storeAdd[float32], storeAdd[float64])
	adds(opScatter, scatter[int32], scatter[int64], scatter[float32], scatter[float64])
	adds(opScatterRows, scatterRows[int32], scatterRows[int64], scatterRows[float32], scatterRows[float64])
	adds(opWrap, wrapIndex[int32], wrapIndex[int64], nil, nil)
}

// atRow and atCol return what an access adds at a row and a column.
func (p *plan) atRow(a *tileAccess, r int) int64 {
	if a.rowTab >= 0 {
		return p.tables[int(a.rowTab)+r]
	}
	return a.row * int64(r)
}

func (p *plan) atCol(a *tileAccess, c int) int64 {
	if a.colTab >= 0 {
		return p.tables[int(a.colTab)+c]
	}
	return a.col * int64(c)
}

// extents returns the rows and columns of a class in this tile.
func (m *machine) extents(c class) (rows, cols int) {
	rows, cols = 1, 1
	if c&row != 0 {
		rows = m.rows
	}
	if c&col != 0 {
		cols = m.cols
	}
	return rows, cols
}

// element returns the element of type T at an offset in bytes behind p.
func element[T any](p unsafe.Pointer, offset int64) *T { return (*T)(unsafe.Add(p, offset)) }

func point(m *machine, in *instr) { m.reg[in.d] = m.pointer(in.k) }

func load[T any](m *machine, in *instr) {
	rows, cols := m.extents(in.cls)
	d := slice[T](m, in.d, rows*cols)
	a, p := &m.plan.access[in.k], m.pointer(in.k)
	for r := range rows {
		at := m.plan.atRow(a, r)
		for c := range cols {
			d[r*cols+c] = *element[T](p, at+m.plan.atCol(a, c))
		}
	}
}

func store[T any](m *machine, in *instr) {
	rows, cols := m.extents(in.cls)
	d := slice[T](m, in.a, rows*cols)
	a, p := &m.plan.access[in.k], m.pointer(in.k)
	for r := range rows {
		at := m.plan.atRow(a, r)
		for c := range cols {
			*element[T](p, at+m.plan.atCol(a, c)) = d[r*cols+c]
		}
	}
}

func copyElements[T any](m *machine, in *instr) {
	rows, cols := m.extents(in.cls)
	from, to := &m.plan.access[in.k], &m.plan.access[in.e]
	s, d := m.pointer(in.k), m.pointer(int32(in.e))
	for r := range rows {
		for c := range cols {
			*element[T](d, to.row*int64(r)+to.col*int64(c)) = *element[T](s, from.row*int64(r)+from.col*int64(c))
		}
	}
}

func storeAdd[T number](m *machine, in *instr) {
	rows, cols := m.extents(in.cls)
	d := slice[T](m, in.a, rows*cols)
	a, p := &m.plan.access[in.k], m.pointer(in.k)
	for r := range rows {
		at := m.plan.atRow(a, r)
		for c := range cols {
			*element[T](p, at+m.plan.atCol(a, c)) += d[r*cols+c]
		}
	}
}

// number returns the value of a virtual access at a lane.
func (m *machine) number(k int32, r, c int) int64 {
	a := &m.plan.access[k]
	return m.at[k] + m.plan.atRow(a, r) + m.plan.atCol(a, c)
}

func (m *machine) inRange(k int32, r, c int) bool {
	v := m.number(k, r, c)
	return v >= 0 && v < m.plan.access[k].size
}

func loadGuarded[T any](m *machine, in *instr) {
	rows, cols := m.extents(in.cls)
	d := slice[T](m, in.d, rows*cols)
	a, base := &m.plan.access[in.k], m.base[m.plan.access[in.k].arg]
	for r := range rows {
		for c := range cols {
			x := &d[r*cols+c]
			*x = *new(T)
			ok := true
			for g := in.k + 1; g <= in.k+int32(in.e); g++ {
				ok = ok && m.inRange(g, r, c)
			}
			if ok {
				*x = *element[T](base, m.at[in.k]+m.plan.atRow(a, r)+m.plan.atCol(a, c))
			}
		}
	}
}

func index(m *machine, in *instr) {
	rows, cols := m.extents(in.cls)
	d := slice[int64](m, in.d, rows*cols)
	for r := range rows {
		for c := range cols {
			d[r*cols+c] = m.number(in.k, r, c)
		}
	}
}

func within(m *machine, in *instr) {
	rows, cols := m.extents(in.cls)
	d, a := slice[int64](m, in.d, rows*cols), slice[int64](m, in.a, rows*cols)
	for r := range rows {
		for c := range cols {
			i := r*cols + c
			if d[i] = a[i]; !m.inRange(in.k, r, c) {
				d[i] = outOfRange
			}
		}
	}
}

// wrapIndex adds the places of indices that count from the end where they are
// negative. The first one out of range is the run's fault, and nothing is
// gathered or scattered any more.
func wrapIndex[T int32 | int64](m *machine, in *instr) {
	n := m.lanes(in.cls)
	d, a, b := slice[int64](m, in.d, n), slice[int64](m, in.a, n), slice[T](m, in.b, n)
	w := &m.plan.wraps[in.k]
	for i := range d {
		x := int64(b[i])
		if x < 0 {
			x += w.size
		}
		if (x < 0 || x >= w.size) && !m.fault.found {
			m.fault = fault{true, int64(b[i]), w.size}
		}
		d[i] = a[i] + x*w.stride
	}
}

func gather[T any](m *machine, in *instr) {
	n := m.lanes(in.cls)
	d, a, base := slice[T](m, in.d, n), slice[int64](m, in.a, n), m.base[in.k]
	if m.fault.found {
		return
	}
	for i, at := range a {
		if at == outOfRange {
			d[i] = *new(T)
		} else {
			d[i] = *element[T](base, at)
		}
	}
}

func gatherRows[T any](m *machine, in *instr) {
	d, a := slice[T](m, in.d, m.rows*m.cols), slice[int64](m, in.a, m.rows)
	acc := &m.plan.access[in.k]
	base := m.base[acc.arg]
	if m.fault.found {
		return
	}
	for r, at := range a {
		for c := range m.cols {
			d[r*m.cols+c] = *element[T](base, at+m.plan.atCol(acc, c))
		}
	}
}

func scatter[T number](m *machine, in *instr) {
	n := m.lanes(in.cls)
	a, b, base := slice[int64](m, in.a, n), slice[T](m, in.b, n), m.base[in.k]
	if m.fault.found {
		return
	}
	for i, at := range a {
		*element[T](base, at) += b[i]
	}
}

func scatterRows[T number](m *machine, in *instr) {
	a, b := slice[int64](m, in.a, m.rows), slice[T](m, in.b, m.rows*m.cols)
	acc := &m.plan.access[in.k]
	base := m.base[acc.arg]
	if m.fault.found {
		return
	}
	for r, at := range a {
		for c := range m.cols {
			*element[T](base, at+m.plan.atCol(acc, c)) += b[r*m.cols+c]
		}
	}
}

func spread[T any](m *machine, in *instr) {
	rows, cols := m.extents(in.cls)
	d := slice[T](m, in.d, rows*cols)
	if class(in.form) == col {
		a := slice[T](m, in.a, cols)
		for r := range rows {
			copy(d[r*cols:], a)
		}
		return
	}
	each := cols // lanes for an element of a
	if class(in.form) == one {
		each = rows * cols
	}
	a := slice[T](m, in.a, rows*cols/max(1, each))
	for i := range d {
		d[i] = a[i/each]
	}
}

// casts holds the conversions by result and operand type.
var casts = [device.NumDTypes][device.NumDTypes]operation{
	device.Bool:    {device.Int32: truth[int32], device.Int64: truth[int64], device.Float32: truth[float32], device.Float64: truth[float64]},
	device.Int32:   {device.Bool: convert[uint8, int32], device.Int64: convert[int64, int32], device.Float32: truncate[float32, int32], device.Float64: truncate[float64, int32]},
	device.Int64:   {device.Bool: convert[uint8, int64], device.Int32: convert[int32, int64], device.Float32: truncate[float32, int64], device.Float64: truncate[float64, int64]},
	device.Float32: {device.Bool: convert[uint8, float32], device.Int32: convert[int32, float32], device.Int64: convert[int64, float32], device.Float64: convert[float64, float32]},
	device.Float64: {device.Bool: convert[uint8, float64], device.Int32: convert[int32, float64], device.Int64: convert[int64, float64], device.Float32: convert[float32, float64]},
}

func cast(m *machine, in *instr) { casts[in.dt][in.e](m, in) }

func truth[T number](m *machine, in *instr) {
	d, a := unary[T, uint8](m, in)
	for i, x := range a {
		d[i] = bit(x != 0)
	}
}

func convert[T, D number | uint8](m *machine, in *instr) {
	d, a := unary[T, D](m, in)
	for i, x := range a {
		d[i] = D(x)
	}
}

// truncate rounds to zero; what the type cannot hold becomes its nearest value,
// NaN becomes 0.
func truncate[T float, D integer](m *machine, in *instr) {
	d, a := unary[T, D](m, in)
	lo := D(-1) << (8*unsafe.Sizeof(D(0)) - 1)
	for i, x := range a {
		switch {
		case x >= -T(lo):
			d[i] = -(lo + 1)
		case x <= T(lo):
			d[i] = lo
		case x == x:
			d[i] = D(x)
		default:
			d[i] = 0
		}
	}
}
