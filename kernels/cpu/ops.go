package cpu

// Arithmetic of the machine: one function an instruction, generic in its type.
// Every one is the twin of a loop in tile/ops.h. Conversions such as T(x*y)
// keep the compiler from fusing a product with a sum.

import (
	"math"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
)

type float interface{ ~float32 | ~float64 }
type integer interface{ ~int32 | ~int64 }
type number interface{ float | integer }

type operation = func(m *machine, in *instr)

// table holds the functions by opcode and type.
var table [numOps][device.NumDTypes]operation

func init() {
	all := func(op opcode, u8, i32, i64, f32, f64 operation) {
		table[op] = [...]operation{device.Bool: u8, device.Int32: i32, device.Int64: i64, device.Float32: f32, device.Float64: f64}
	}
	all(opNeg, nil, neg[int32], neg[int64], neg[float32], neg[float64])
	all(opAbs, nil, absInt[int32], absInt[int64], absFloat[float32], absFloat[float64])
	all(opSign, nil, sign[int32], sign[int64], sign[float32], sign[float64])
	all(opSquare, nil, square[int32], square[int64], square[float32], square[float64])
	all(opSqrt, nil, nil, nil, sqrt[float32], sqrt[float64])
	all(opRecip, nil, nil, nil, recip[float32], recip[float64])
	all(opNot, not, nil, nil, nil, nil)
	all(opAdd, nil, add[int32], add[int64], add[float32], add[float64])
	all(opSub, nil, sub[int32], sub[int64], sub[float32], sub[float64])
	all(opMul, nil, mul[int32], mul[int64], mul[float32], mul[float64])
	all(opDiv, nil, nil, nil, div[float32], div[float64])
	all(opMax, nil, larger[int32], larger[int64], larger[float32], larger[float64])
	all(opMin, nil, smaller[int32], smaller[int64], smaller[float32], smaller[float64])
	all(opSMul, nil, mul[int32], mul[int64], smul[float32], smul[float64])
	all(opEq, equal[uint8], equal[int32], equal[int64], equal[float32], equal[float64])
	all(opNe, differ[uint8], differ[int32], differ[int64], differ[float32], differ[float64])
	all(opLt, nil, less[int32], less[int64], less[float32], less[float64])
	all(opLe, nil, atMost[int32], atMost[int64], atMost[float32], atMost[float64])
	all(opAnd, and, nil, nil, nil, nil)
	all(opOr, or, nil, nil, nil, nil)
	all(opSelect, choose[uint8], choose[int32], choose[int64], choose[float32], choose[float64])
	all(opMulAdd, nil, nil, nil, mulAdd[float32], mulAdd[float64])
	all(opMulSub, nil, nil, nil, mulSub[float32], mulSub[float64])
	all(opSubMul, nil, nil, nil, subMul[float32], subMul[float64])
	all(opSelectLt, nil, nil, nil, chooseLess[float32], chooseLess[float64])
	all(opSelectLe, nil, nil, nil, chooseAtMost[float32], chooseAtMost[float64])
	all(opElementary, nil, nil, nil, elementary32, elementary64)
	all(opElementary2, nil, nil, nil, elementary32of2, elementary64of2)
}

func unary[T, D any](m *machine, in *instr) (d []D, a []T) {
	n := m.lanes(in.cls)
	return slice[D](m, in.d, n), slice[T](m, in.a, n)
}

// operand returns the lanes of an operand and a mask of lane numbers: 0 where it
// is a single number, as its bit of the form tells, else all ones.
func operand[T any](m *machine, in *instr, v uint16, bit uint8) (a []T, mask int) {
	if in.form&bit != 0 {
		return slice[T](m, v, 1), 0
	}
	return slice[T](m, v, m.lanes(in.cls)), -1
}

func binary[T, D any](m *machine, in *instr) (d []D, a, b []T, ma, mb int) {
	a, ma = operand[T](m, in, in.a, 1)
	b, mb = operand[T](m, in, in.b, 2)
	return slice[D](m, in.d, m.lanes(in.cls)), a, b, ma, mb
}

// triple is the operands of a function of three.
type triple[T any] struct {
	a, b, c    []T
	ma, mb, mc int
}

func (t *triple[T]) at(i int) (x, y, z T) { return t.a[i&t.ma], t.b[i&t.mb], t.c[i&t.mc] }

func ternary[T any](m *machine, in *instr) (d []T, t triple[T]) {
	t.a, t.ma = operand[T](m, in, in.a, 1)
	t.b, t.mb = operand[T](m, in, in.b, 2)
	t.c, t.mc = operand[T](m, in, in.c, 4)
	return slice[T](m, in.d, m.lanes(in.cls)), t
}

func neg[T number](m *machine, in *instr) {
	d, a := unary[T, T](m, in)
	for i, x := range a {
		d[i] = -x
	}
}

func absInt[T integer](m *machine, in *instr) {
	d, a := unary[T, T](m, in)
	for i, x := range a {
		d[i] = max(x, -x)
	}
}

func absFloat[T float](m *machine, in *instr) {
	d, a := unary[T, T](m, in)
	for i, x := range a {
		d[i] = T(math.Abs(float64(x)))
	}
}

func signOf[T number](x T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	case x == 0:
		return 0
	}
	return x
}

func sign[T number](m *machine, in *instr) {
	d, a := unary[T, T](m, in)
	for i, x := range a {
		d[i] = signOf(x)
	}
}

func square[T number](m *machine, in *instr) {
	d, a := unary[T, T](m, in)
	for i, x := range a {
		d[i] = x * x
	}
}

func sqrt[T float](m *machine, in *instr) {
	d, a := unary[T, T](m, in)
	for i, x := range a {
		d[i] = T(math.Sqrt(float64(x)))
	}
}

func recip[T float](m *machine, in *instr) {
	d, a := unary[T, T](m, in)
	for i, x := range a {
		d[i] = 1 / x
	}
}

func not(m *machine, in *instr) {
	d, a := unary[uint8, uint8](m, in)
	for i, x := range a {
		d[i] = x ^ 1
	}
}

func add[T number](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, T](m, in)
	for i := range d {
		d[i] = a[i&ma] + b[i&mb]
	}
}

func sub[T number](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, T](m, in)
	for i := range d {
		d[i] = a[i&ma] - b[i&mb]
	}
}

func mul[T number](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, T](m, in)
	for i := range d {
		d[i] = a[i&ma] * b[i&mb]
	}
}

func div[T float](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, T](m, in)
	for i := range d {
		d[i] = a[i&ma] / b[i&mb]
	}
}

// maxOf and minOf return NaN if either is, b where both are equal.
func maxOf[T number | uint8](a, b T) T {
	if a > b || a != a {
		return a
	}
	return b
}

func minOf[T number | uint8](a, b T) T {
	if a < b || a != a {
		return a
	}
	return b
}

func larger[T number | uint8](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, T](m, in)
	for i := range d {
		d[i] = maxOf(a[i&ma], b[i&mb])
	}
}

func smaller[T number | uint8](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, T](m, in)
	for i := range d {
		d[i] = minOf(a[i&ma], b[i&mb])
	}
}

// smulOf is the strong product.
func smulOf[T float](a, b T) T {
	if a == 0 || b == 0 {
		return 0
	}
	return a * b
}

func smul[T float](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, T](m, in)
	for i := range d {
		d[i] = smulOf(a[i&ma], b[i&mb])
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

func equal[T number | uint8](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, uint8](m, in)
	for i := range d {
		d[i] = bit(a[i&ma] == b[i&mb])
	}
}

func differ[T number | uint8](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, uint8](m, in)
	for i := range d {
		d[i] = bit(a[i&ma] != b[i&mb])
	}
}

func less[T number | uint8](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, uint8](m, in)
	for i := range d {
		d[i] = bit(a[i&ma] < b[i&mb])
	}
}

func atMost[T number | uint8](m *machine, in *instr) {
	d, a, b, ma, mb := binary[T, uint8](m, in)
	for i := range d {
		d[i] = bit(a[i&ma] <= b[i&mb])
	}
}

func and(m *machine, in *instr) {
	d, a, b, ma, mb := binary[uint8, uint8](m, in)
	for i := range d {
		d[i] = a[i&ma] & b[i&mb]
	}
}

func or(m *machine, in *instr) {
	d, a, b, ma, mb := binary[uint8, uint8](m, in)
	for i := range d {
		d[i] = a[i&ma] | b[i&mb]
	}
}

func choose[T number | uint8](m *machine, in *instr) {
	c, mc := operand[uint8](m, in, in.a, 1)
	a, ma := operand[T](m, in, in.b, 2)
	b, mb := operand[T](m, in, in.c, 4)
	d := slice[T](m, in.d, m.lanes(in.cls))
	for i := range d {
		if c[i&mc] != 0 {
			d[i] = a[i&ma]
		} else {
			d[i] = b[i&mb]
		}
	}
}

func mulAdd[T float](m *machine, in *instr) {
	d, t := ternary[T](m, in)
	for i := range d {
		x, y, z := t.at(i)
		d[i] = T(x*y) + z
	}
}

func mulSub[T float](m *machine, in *instr) {
	d, t := ternary[T](m, in)
	for i := range d {
		x, y, z := t.at(i)
		d[i] = T(x*y) - z
	}
}

func subMul[T float](m *machine, in *instr) {
	d, t := ternary[T](m, in)
	for i := range d {
		x, y, z := t.at(i)
		d[i] = z - T(x*y)
	}
}

func chooseLess[T float](m *machine, in *instr) {
	d, t := ternary[T](m, in)
	e, me := operand[T](m, in, in.e, 8)
	for i := range d {
		if x, y, z := t.at(i); x < y {
			d[i] = z
		} else {
			d[i] = e[i&me]
		}
	}
}

func chooseAtMost[T float](m *machine, in *instr) {
	d, t := ternary[T](m, in)
	e, me := operand[T](m, in, in.e, 8)
	for i := range d {
		if x, y, z := t.at(i); x <= y {
			d[i] = z
		} else {
			d[i] = e[i&me]
		}
	}
}

func elementary64(m *machine, in *instr) {
	d, a := unary[float64, float64](m, in)
	if f := elementaries[in.e].f64; f != nil {
		for i, x := range a {
			d[i] = f(x)
		}
		return
	}
	for i, x := range a {
		d[i] = vmath.Polygamma(int(in.k), x)
	}
}

func elementary32(m *machine, in *instr) {
	d, a := unary[float32, float32](m, in)
	if f := elementaries[in.e].f32; f != nil {
		for i, x := range a {
			d[i] = f(x)
		}
		return
	}
	for i, x := range a {
		d[i] = vmath.Polygamma32(int(in.k), x)
	}
}

func elementary64of2(m *machine, in *instr) {
	n := m.lanes(in.cls)
	d, a, b := slice[float64](m, in.d, n), slice[float64](m, in.a, n), slice[float64](m, in.b, n)
	f := elementaries[in.e].f64of2
	for i := range d {
		d[i] = f(a[i], b[i])
	}
}

func elementary32of2(m *machine, in *instr) {
	n := m.lanes(in.cls)
	d, a, b := slice[float32](m, in.d, n), slice[float32](m, in.a, n), slice[float32](m, in.b, n)
	f := elementaries[in.e].f32of2
	for i := range d {
		d[i] = f(a[i], b[i])
	}
}
