package cpu

// Reductions of the machine, by the one tree that doc.go describes. The twins of
// tile/reduce.h.

import (
	"math"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

func init() {
	all := func(op opcode, i32, i64, f32, f64 operation) {
		table[op] = [...]operation{device.Int32: i32, device.Int64: i64, device.Float32: f32, device.Float64: f64}
	}
	all(opReduceRows, reduceRows[int32], reduceRows[int64], reduceRows[float32], reduceRows[float64])
	all(opReduceCols, reduceCols[int32], reduceCols[int64], reduceCols[float32], reduceCols[float64])
	all(opAccumulate, accumulate[int32], accumulate[int64], accumulate[float32], accumulate[float64])
	all(opResult, result[int32], result[int64], result[float32], result[float64])
}

// scalar is the types of elements, with bools as bytes.
type scalar interface{ number | uint8 }

// fold is the state of a reducer: the rows of the block that is under way, and
// the blocks that are complete.
type fold struct{ rows, blocks int }

// Parts of a reducer's memory, see reducer.bytes.
func (r *reducer) sums() int  { return 0 }
func (r *reducer) stack() int { return int(lanes * r.cols) }
func (r *reducer) tops() int  { return r.stack() + int(r.levels*r.cols) }
func (r *reducer) kept() int  { return r.tops() + int(r.levels*r.cols) }
func (r *reducer) temps() int { return r.kept() + int(r.keep*r.cols) }

// memoryOf returns n elements of a reducer's memory.
func memoryOf[T any](m *machine, r *reducer, at, n int) []T {
	p := unsafe.Add(m.mem, int(r.at)+at*r.dt.Size())
	return unsafe.Slice((*T)(p), n)
}

// foldInto sets each a to the combination of a and b.
func foldInto[T scalar](kind loop.Combiner, a, b []T) {
	b = b[:len(a)]
	switch kind {
	case loop.Prod:
		for i, x := range b {
			a[i] *= x
		}
	case loop.Max:
		for i, x := range b {
			a[i] = maxOf(a[i], x)
		}
	case loop.Min:
		for i, x := range b {
			a[i] = minOf(a[i], x)
		}
	default:
		for i, x := range b {
			a[i] += x
		}
	}
}

// foldOnto sets each b to the combination of a and b.
func foldOnto[T scalar](kind loop.Combiner, a, b []T) {
	a = a[:len(b)]
	switch kind {
	case loop.Prod:
		for i, x := range a {
			b[i] = x * b[i]
		}
	case loop.Max:
		for i, x := range a {
			b[i] = maxOf(x, b[i])
		}
	case loop.Min:
		for i, x := range a {
			b[i] = minOf(x, b[i])
		}
	default:
		for i, x := range a {
			b[i] = x + b[i]
		}
	}
}

// addRows adds rows of c values to the lanes of a block that holds so many rows.
func addRows[T scalar](kind loop.Combiner, sums []T, c, rows int, x []T) {
	for len(x) > 0 {
		l := rows % lanes
		n := min(len(x), (lanes-l)*c)
		if rows < lanes {
			copy(sums[l*c:], x[:n])
		} else {
			foldInto(kind, sums[l*c:l*c+n], x[:n])
		}
		x = x[n:]
		rows += n / c
	}
}

// foldLanes combines the lanes of a block of so many rows into the first.
func foldLanes[T scalar](kind loop.Combiner, sums []T, c, rows int) {
	rows = min(rows, lanes)
	for w := lanes / 2; w > 0; w /= 2 {
		if rows > w {
			foldInto(kind, sums[:(rows-w)*c], sums[w*c:rows*c])
			rows = w
		}
	}
}

func reduceRows[T scalar](m *machine, in *instr) {
	r := &m.plan.reds[in.k]
	if r.kind == loop.LSE {
		lseRows(m, in)
		return
	}
	d, a := slice[T](m, in.d, m.rows), slice[T](m, in.a, m.rows*m.cols)
	sums := memoryOf[T](m, r, 0, lanes)
	for i := range d {
		addRows(r.kind, sums, 1, 0, a[i*m.cols:(i+1)*m.cols])
		foldLanes(r.kind, sums, 1, m.cols)
		d[i] = sums[0]
	}
}

func reduceCols[T scalar](m *machine, in *instr) {
	r := &m.plan.reds[in.k]
	if r.kind == loop.LSE {
		lseCols(m, in)
		return
	}
	c := m.cols
	w := lanes / 2
	for w >= m.rows {
		w /= 2
	}
	sums := memoryOf[T](m, r, 0, w*c)
	for i := range m.rows {
		x := sourceRow[T](m, in, i)
		if i < w {
			copy(sums[i*c:], x)
		} else {
			foldInto(r.kind, sums[(i-w)*c:(i-w+1)*c], x)
		}
	}
	foldLanes(r.kind, sums, c, w)
	copy(slice[T](m, in.d, c), sums)
}

// sourceRow returns a row that an instruction reads: of value a or, where form is
// set, of the memory at access e.
func sourceRow[T any](m *machine, in *instr, i int) []T {
	if in.form == 0 {
		return slice[T](m, in.a, m.rows*m.cols)[i*m.cols : (i+1)*m.cols]
	}
	at := m.plan.access[in.e].row * int64(i)
	return unsafe.Slice(element[T](m.pointer(int32(in.e)), at), m.cols)
}

// width returns how many columns a reducer takes the values of a tile for: as many as the
// tile has, or one, where the rows of the tile are one row of reduced values.
func (m *machine) width(r *reducer) int { return min(m.cols, int(r.cols)) }

func accumulate[T scalar](m *machine, in *instr) {
	r, f := &m.plan.reds[in.k], &m.folds[in.k]
	c := m.width(r)
	for i, rows := 0, m.rows*m.cols/c; i < rows; {
		n := min(rows-i, blockSize-f.rows)
		var x []T
		if in.form != 0 {
			n = 1
			x = sourceRow[T](m, in, i)
		} else {
			x = slice[T](m, in.a, rows*c)[i*c : (i+n)*c]
		}
		if r.keep > 0 {
			copy(memoryOf[T](m, r, r.kept()+f.rows*c, n*c), x)
		} else {
			addRows(r.kind, memoryOf[T](m, r, r.sums(), lanes*c), c, f.rows, x)
		}
		f.rows += n
		i += n
		if f.rows == blockSize {
			closeBlock[T](m, r, f)
		}
	}
}

// closeBlock completes the block under way.
func closeBlock[T scalar](m *machine, r *reducer, f *fold) {
	c := m.width(r)
	if r.kind == loop.LSE {
		if r.dt == device.Float64 {
			lseBlock[float64](m, r, f.rows)
		} else {
			lseBlock[float32](m, r, f.rows)
		}
	} else {
		foldLanes(r.kind, memoryOf[T](m, r, r.sums(), lanes*c), c, f.rows)
	}
	f.rows = 0
	push[T](m, r, f)
}

// push takes in a block's value, the first lane of the sums (and its maximum,
// the first of the temporaries): blocks are combined in pairs, pairs in pairs.
func push[T scalar](m *machine, r *reducer, f *fold) {
	level := 0
	for ; f.blocks>>level&1 != 0; level++ {
		join[T](m, r, level)
	}
	c := m.width(r)
	copy(memoryOf[T](m, r, r.stack()+level*c, c), memoryOf[T](m, r, r.sums(), c))
	if r.kind == loop.LSE {
		copy(memoryOf[T](m, r, r.tops()+level*c, c), memoryOf[T](m, r, r.temps(), c))
	}
	f.blocks++
}

// join combines what a level of the stack holds with the value at hand.
func join[T scalar](m *machine, r *reducer, level int) {
	if r.kind == loop.LSE {
		if r.dt == device.Float64 {
			lseJoin[float64](m, r, level)
		} else {
			lseJoin[float32](m, r, level)
		}
		return
	}
	c := m.width(r)
	foldOnto(r.kind, memoryOf[T](m, r, r.stack()+level*c, c), memoryOf[T](m, r, r.sums(), c))
}

// gatherBlocks combines all blocks, the last ones first, to the value at hand.
func gatherBlocks[T scalar](m *machine, r *reducer, f *fold) {
	if f.rows > 0 {
		closeBlock[T](m, r, f)
	}
	c := m.width(r)
	first := true
	for level := 0; f.blocks>>level != 0; level++ {
		switch {
		case f.blocks>>level&1 == 0:
		case first:
			first = false
			copy(memoryOf[T](m, r, r.sums(), c), memoryOf[T](m, r, r.stack()+level*c, c))
			if r.kind == loop.LSE {
				copy(memoryOf[T](m, r, r.temps(), c), memoryOf[T](m, r, r.tops()+level*c, c))
			}
		default:
			join[T](m, r, level)
		}
	}
	f.blocks = 0
}

func result[T scalar](m *machine, in *instr) {
	r, f := &m.plan.reds[in.k], &m.folds[in.k]
	gatherBlocks[T](m, r, f)
	if r.kind == loop.LSE {
		if r.dt == device.Float64 {
			lseResult[float64](m, r)
		} else {
			lseResult[float32](m, r)
		}
	}
	c := m.width(r)
	copy(slice[T](m, in.d, c), memoryOf[T](m, r, r.sums(), c))
}

// foldOps are the steps of a reduction that are not instructions, by type.
var foldOps = [device.NumDTypes]struct {
	gather, push func(m *machine, r *reducer, f *fold)
}{
	device.Int32:   {gatherBlocks[int32], push[int32]},
	device.Int64:   {gatherBlocks[int64], push[int64]},
	device.Float32: {gatherBlocks[float32], push[float32]},
	device.Float64: {gatherBlocks[float64], push[float64]},
}

// giveOut writes what the reducers hold to list, takeIn takes it in as a block:
// which it is not, but so many blocks that it is one in the tree above them.
func (m *machine) giveOut(list []uint64) {
	for i := range m.plan.reds {
		r := &m.plan.reds[i]
		foldOps[r.dt].gather(m, r, &m.folds[i])
		list = list[copy(list, memoryOf[uint64](m, r, r.sums(), m.held(r))):]
		list = list[copy(list, memoryOf[uint64](m, r, r.temps(), m.held(r))):]
	}
}

func (m *machine) takeIn(list []uint64) {
	for i := range m.plan.reds {
		r := &m.plan.reds[i]
		list = list[copy(memoryOf[uint64](m, r, r.sums(), m.held(r)), list):]
		list = list[copy(memoryOf[uint64](m, r, r.temps(), m.held(r)), list):]
		foldOps[r.dt].push(m, r, &m.folds[i])
	}
}

// held returns the words that the columns of a tile take.
func (m *machine) held(r *reducer) int { return (m.width(r)*r.dt.Size() + 7) / 8 }

// The log of a sum of exponentials is kept as a maximum and the sum of
// exponentials less it.

func expOf[T float](x T) T {
	if unsafe.Sizeof(x) == 8 {
		return T(vmath.Exp(float64(x)))
	}
	return T(vmath.Exp32(float32(x)))
}

func logOf[T float](x T) T {
	if unsafe.Sizeof(x) == 8 {
		return T(vmath.Log(float64(x)))
	}
	return T(vmath.Log32(float32(x)))
}

// lseOf sets top to the maxima of the columns of x, and sums[:c] to the sums of
// exp(x - top). A maximum that is not finite is not subtracted. It overwrites x.
func lseOf[T float](x, top, sums []T, c int) {
	rows := len(x) / c
	copy(top[:c], x)
	for i := range rows {
		foldInto(loop.Max, top[:c], x[i*c:])
	}
	for i := range x {
		x[i] = expOf(x[i] - finite(top[i%c]))
	}
	addRows(loop.Sum, sums, c, 0, x)
	foldLanes(loop.Sum, sums, c, rows)
}

func finite[T float](x T) T {
	if x-x == 0 {
		return x
	}
	return 0
}

func lseBlock[T float](m *machine, r *reducer, rows int) {
	c := m.width(r)
	x := memoryOf[T](m, r, r.kept(), rows*c)
	lseOf(x, memoryOf[T](m, r, r.temps(), c), memoryOf[T](m, r, r.sums(), lanes*c), c)
}

func lseJoin[T float](m *machine, r *reducer, level int) {
	c := m.width(r)
	s, top := memoryOf[T](m, r, r.sums(), c), memoryOf[T](m, r, r.temps(), c)
	s0, top0 := memoryOf[T](m, r, r.stack()+level*c, c), memoryOf[T](m, r, r.tops()+level*c, c)
	for i := range s {
		t := maxOf(top0[i], top[i])
		s[i] = T(s0[i]*lseScale(top0[i], t)) + T(s[i]*lseScale(top[i], t))
		top[i] = t
	}
}

// lseScale is what a sum less top becomes multiplied with when it is to be less t.
func lseScale[T float](top, t T) T {
	if top == t {
		return 1
	}
	return expOf(top - t)
}

func lseResult[T float](m *machine, r *reducer) {
	c := m.width(r)
	s, top := memoryOf[T](m, r, r.sums(), c), memoryOf[T](m, r, r.temps(), c)
	for i := range s {
		s[i] = logOf(s[i]) + top[i]
	}
}

func lseRows(m *machine, in *instr) {
	if in.dt == device.Float64 {
		lseRowsOf[float64](m, in)
	} else {
		lseRowsOf[float32](m, in)
	}
}

func lseRowsOf[T float](m *machine, in *instr) {
	r := &m.plan.reds[in.k]
	d, a := slice[T](m, in.d, m.rows), slice[T](m, in.a, m.rows*m.cols)
	x, sums, top := memoryOf[T](m, r, 0, m.cols), memoryOf[T](m, r, tileLanes, lanes), memoryOf[T](m, r, tileLanes+lanes, 1)
	for i := range d {
		copy(x, a[i*m.cols:])
		lseOf(x, top, sums, 1)
		d[i] = logOf(sums[0]) + top[0]
	}
}

func lseCols(m *machine, in *instr) {
	if in.dt == device.Float64 {
		lseColsOf[float64](m, in)
	} else {
		lseColsOf[float32](m, in)
	}
}

func lseColsOf[T float](m *machine, in *instr) {
	r := &m.plan.reds[in.k]
	n := m.rows * m.cols
	d, x, top := slice[T](m, in.d, m.cols), memoryOf[T](m, r, 0, n), memoryOf[T](m, r, 2*tileLanes, m.cols)
	sums := memoryOf[T](m, r, tileLanes, n)
	copy(x, slice[T](m, in.a, n))
	lseOf(x, top, sums, m.cols)
	for i := range d {
		d[i] = logOf(sums[i]) + top[i]
	}
}

// identityBits returns the bits of the value of a reduction over nothing.
func identityBits(kind loop.Combiner, dt device.DType) uint64 {
	floats := map[loop.Combiner]float64{loop.Sum: 0, loop.Prod: 1, loop.Max: math.Inf(-1), loop.Min: math.Inf(1), loop.LSE: math.Inf(-1)}
	integers := map[loop.Combiner][device.NumDTypes]int64{
		loop.Prod: {device.Int32: 1, device.Int64: 1},
		loop.Max:  {device.Int32: math.MinInt32, device.Int64: math.MinInt64},
		loop.Min:  {device.Bool: 1, device.Int32: math.MaxInt32, device.Int64: math.MaxInt64},
	}
	switch dt {
	case device.Float64:
		return math.Float64bits(floats[kind])
	case device.Float32:
		return uint64(math.Float32bits(float32(floats[kind])))
	}
	return uint64(integers[kind][dt])
}
