package cpu

// Tile code: the instructions that a loop becomes, and their table.

import (
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// opcode is an operation of tile code. The numbers are those of tile/tile.h.
type opcode uint8

// Operations on memory and lanes, then arithmetic, then reductions.
const (
	opPtr         opcode = iota // d is the memory at access k itself
	opLoad                      // d = the elements at access k
	opGuard                     // d = the elements at access k, 0 where one of the guards k+... is out of range
	opIndex                     // d = the value of the virtual access k, int64
	opWrap                      // d = a + stride*(index b), index checked and wrapped by wrap k
	opWithin                    // d = a, but -1 where the virtual access of guard k is out of range
	opGather                    // d = the elements at offsets a behind operand k, 0 where an offset is -1
	opGatherRows                // d = the rows at offsets a (one a row) behind access k
	opSpread                    // d = a repeated over the lanes of d's class; form is a's class
	opStore                     // the elements at access k = a
	opCopy                      // the elements at access e = those at access k
	opStoreAdd                  // the elements at access k += a
	opScatter                   // the elements at offsets a behind operand k += b, in order
	opScatterRows               // the rows at offsets a behind access k += b, in order
	opCast                      // d = a converted from type e
	opNeg
	opAbs
	opSign
	opSquare
	opSqrt
	opRecip
	opElementary  // d = elementary function e of a; k is the order of a polygamma
	opElementary2 // d = elementary function e of a and b
	opNot
	opAdd
	opSub
	opMul
	opDiv
	opMax
	opMin
	opSMul
	opEq
	opNe
	opLt
	opLe
	opAnd
	opOr
	opSelect   // d = a ? b : c
	opMulAdd   // d = a*b + c, rounded twice
	opMulSub   // d = a*b - c, rounded twice
	opSubMul   // d = c - a*b, rounded twice
	opSelectLt // d = a < b ? c : e
	opSelectLe
	opReduceRows // d = the rows of a, each reduced by reducer k
	opReduceCols // d = the columns of a (16 rows at most), each reduced by reducer k; form as in opAccumulate
	opAccumulate // reducer k takes the rows of a or, where form is set, those in memory at access e
	opResult     // d = what reducer k holds
	numOps       = int(iota)
)

// class says on which lanes of a tile a value lives. A tile is a matrix of rows
// and columns, lane r*cols+c; a value that is the same in all columns is kept
// once a row, and so on.
type class uint8

const (
	one  class = iota // the same for all lanes
	row               // one value a row
	col               // one value a column
	full              // one value a lane
)

// join is the class of a function of values of classes c and d.
func (c class) join(d class) class { return c | d }

// instr is an instruction; its layout is that of struct ct_instr. Operands are
// numbers of values.
type instr struct {
	op         opcode
	dt         device.DType // of the operation's arguments
	cls        class        // the lanes that it runs over
	form       uint8        // bits 0 to 3: a, b, c, e is of class one, see opForms; opSpread: the class of a
	d, a, b, c uint16
	e          uint16
	k          int32
}

// fnOp says how a function of a loop is computed. Costs are in nanoseconds a
// lane of float64, by C on a recent machine and by Go.
type fnOp struct {
	op   opcode
	c, g float32
}

var fnOps = [loop.NumFn]fnOp{
	loop.Cast:      {opCast, 0.1, 1},
	loop.Neg:       {opNeg, 0.06, 0.7},
	loop.Abs:       {opAbs, 0.06, 0.7},
	loop.Sign:      {opSign, 0.1, 1},
	loop.Square:    {opSquare, 0.06, 0.7},
	loop.Sqrt:      {opSqrt, 0.5, 2},
	loop.Recip:     {opRecip, 0.3, 1.5},
	loop.Exp:       {opElementary, 0.7, 8},
	loop.Expm1:     {opElementary, 1, 10},
	loop.Log:       {opElementary, 0.9, 10},
	loop.Log1p:     {opElementary, 1, 10},
	loop.Sin:       {opElementary, 1, 12},
	loop.Cos:       {opElementary, 1, 12},
	loop.Tan:       {opElementary, 1.5, 15},
	loop.Tanh:      {opElementary, 1, 12},
	loop.Sigmoid:   {opElementary, 1, 12},
	loop.Softplus:  {opElementary, 2, 20},
	loop.Lgamma:    {opElementary, 3, 40},
	loop.Digamma:   {opElementary, 3, 40},
	loop.Polygamma: {opElementary, 6, 80},
	loop.Erf:       {opElementary, 1.5, 15},
	loop.Not:       {opNot, 0.02, 0.7},
	loop.Add:       {opAdd, 0.07, 0.8},
	loop.Sub:       {opSub, 0.07, 0.8},
	loop.Mul:       {opMul, 0.07, 0.8},
	loop.Div:       {opDiv, 0.4, 2},
	loop.Pow:       {opElementary, 3, 30},
	loop.Maximum:   {opMax, 0.08, 1},
	loop.Minimum:   {opMin, 0.08, 1},
	loop.Atan2:     {opElementary, 3, 25},
	loop.Hypot:     {opElementary, 1, 8},
	loop.SMul:      {opSMul, 0.08, 1},
	loop.Eq:        {opEq, 0.1, 1},
	loop.Ne:        {opNe, 0.1, 1},
	loop.Lt:        {opLt, 0.1, 1},
	loop.Le:        {opLe, 0.1, 1},
	loop.And:       {opAnd, 0.02, 0.8},
	loop.Or:        {opOr, 0.02, 0.8},
	loop.Select:    {opSelect, 0.1, 1},
}

// operands tells which operands an instruction reads.
type operands uint8

const (
	readsA operands = 1 << iota
	readsB
	readsC
	readsE
	makesD // and whether it makes a value
)

var opOperands = func() (t [numOps]operands) {
	for i := opPtr; int(i) < numOps; i++ {
		t[i] = readsA | makesD
	}
	for i := opAdd; i <= opOr; i++ {
		t[i] |= readsB
	}
	for i := opSelect; i <= opSubMul; i++ {
		t[i] |= readsB | readsC
	}
	for i := opSelectLt; i <= opSelectLe; i++ {
		t[i] |= readsB | readsC | readsE
	}
	for _, i := range [...]opcode{opPtr, opLoad, opGuard, opIndex, opResult} {
		t[i] = makesD
	}
	t[opWrap] |= readsB
	t[opElementary2] |= readsB
	t[opStore], t[opStoreAdd], t[opAccumulate], t[opCopy] = readsA, readsA, readsA, 0
	t[opScatter], t[opScatterRows] = readsA|readsB, readsA|readsB
	return t
}()

// makes reports whether the instruction makes a value.
func (in *instr) makes() bool { return opOperands[in.op]&makesD != 0 }

// reads appends the values that the instruction reads to list.
func (in *instr) reads(list []uint16) []uint16 {
	r := opOperands[in.op]
	for i, v := range [...]uint16{in.a, in.b, in.c, in.e} {
		if r>>i&1 != 0 {
			list = append(list, v)
		}
	}
	return list
}
