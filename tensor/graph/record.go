// The record of operations that the reverse-mode tape and the static graph share.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Ref names a value of a Record. Untracked marks an operand that is no value of
// the record (on a tape: a constant of the transformation).
type Ref = int32

// Untracked is the Ref of operands from outside the record.
const Untracked Ref = -1

// Instr is one operation in single static assignment form: operands by index,
// results numbered one after the other.
type Instr struct {
	Inst *kernels.Inst
	Out  Ref   // the first result
	args int32 // where its operands begin in Record.args
}

// Record is a sequence of instructions over numbered values. Recording appends
// to slabs; an instruction is no heap object of its own.
type Record struct {
	Instrs []Instr
	args   []Ref
	def    []int32 // for each value: the instruction that made it, or -1 - (index in inputs)
	inputs []kernels.Aval
}

// Input adds a value that no instruction makes.
func (r *Record) Input(a kernels.Aval) Ref {
	r.inputs = append(r.inputs, a)
	r.def = append(r.def, int32(-len(r.inputs)))
	return Ref(len(r.def) - 1)
}

// Emit appends an instruction and returns its first result.
func (r *Record) Emit(inst *kernels.Inst, in ...Ref) Ref {
	out := Ref(len(r.def))
	r.Instrs = append(r.Instrs, Instr{Inst: inst, Out: out, args: int32(len(r.args))})
	r.args = append(r.args, in...)
	for range inst.Out {
		r.def = append(r.def, int32(len(r.Instrs)-1))
	}
	return out
}

// Args returns the operands of instruction i.
func (r *Record) Args(i int) []Ref {
	x := &r.Instrs[i]
	return r.args[x.args : int(x.args)+len(x.Inst.In)]
}

// Def returns the instruction that makes v, or -1 for an input.
func (r *Record) Def(v Ref) int { return int(max(r.def[v], -1)) }

// NumValues returns how many values there are.
func (r *Record) NumValues() int { return len(r.def) }

// Aval returns the type of v.
func (r *Record) Aval(v Ref) kernels.Aval {
	if d := r.def[v]; d < 0 {
		return r.inputs[-1-d]
	} else {
		x := &r.Instrs[d]
		return x.Inst.Out[v-x.Out]
	}
}

// Reset empties the record, keeping its memory for the next recording.
func (r *Record) Reset() {
	clear(r.Instrs)
	r.Instrs, r.args, r.def, r.inputs = r.Instrs[:0], r.args[:0], r.def[:0], r.inputs[:0]
}

// Clone returns a record with the same contents that can be added to on its own.
func (r *Record) Clone() *Record {
	return &Record{slices.Clone(r.Instrs), slices.Clone(r.args), slices.Clone(r.def), slices.Clone(r.inputs)}
}

// NumInputs returns how many values are inputs.
func (r *Record) NumInputs() int { return len(r.inputs) }
