// The declaration of an operation.

package kernels

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Aval is the type of a value: dtype and shape.
type Aval = loop.Aval

// Kind tells how an op is declared and so how everything else about it is found.
type Kind uint8

// The kinds of op.
const (
	Loop      Kind = iota // an expression in index notation; all else is derived from it
	Library               // kernels of its own, rules given
	Composite             // a body in other ops
	Opaque                // integer or bool results: no derivative, no level
	Control               // bodies run by condition or repeatedly (package graph): not registered, one Op a form
)

// Val is a value as rules see it: a tensor of whatever interpreter is at work.
type Val interface{ Aval() Aval }

// Builder emits ops. Errors stick to the values it returns.
type Builder interface {
	// Apply emits op on the operands and returns its results.
	Apply(op *Op, attr any, in ...Val) []Val
	// ApplyInst emits an instance whose operand types are known to match.
	ApplyInst(inst *Inst, in ...Val) []Val
	// Full returns a constant of the given type.
	Full(v float64, a Aval) Val
	// Fail returns a value that carries err.
	Fail(err error) Val
}

// One emits an op that has one result.
func One(b Builder, op *Op, attr any, in ...Val) Val { return b.Apply(op, attr, in...)[0] }

// Op is the declaration of an operation. Attr, the op's parameters beside its
// operands, must be of a comparable type (arrays, not slices), so that equal
// calls share one Inst.
type Op struct {
	Name  string
	Doc   string // one paragraph: what it computes, its derivative at singular points, its errors
	NumPy string // NumPy's name, or "-" and the reason there is none
	Torch string // likewise
	Kind  Kind

	// Infer gives the types of the results, or an error (a *TypeError or *ShapeError).
	Infer func(in []Aval, attr any) ([]Aval, error)

	// Loop gives the expression of a Loop op.
	Loop func(attr any, in []Aval) *loop.Expr

	// Rules of an op that is not a Loop, or whose loop has no derived derivative
	// (reductions by Max, Min, Prod). dx and g hold nil for symbolic zeros; VJP
	// returns a cotangent for each operand in want (nil for zero or not wanted).
	JVP func(b Builder, inst *Inst, x, y, dx []Val) []Val
	VJP func(b Builder, inst *Inst, x, y, g []Val, want Mask) []Val

	// Saves tells which operands and results the VJP rule reads (nil: all).
	Saves func(inst *Inst, want Mask) (in, out Mask)

	// Structure tells what a Library op's results depend on. Of other ops the loop
	// does.
	Structure func(inst *Inst) Structure

	// Batch applies the op to operands of which those in mask have a leading
	// axis of size n; all results have that axis. Nil for Loop ops that batch by
	// their expression.
	Batch func(b Builder, inst *Inst, x []Val, mask Mask, n int) []Val

	// Compose is the body of a Composite op, and what a Library op falls back to.
	Compose func(b Builder, attr any, in []Val) []Val

	// View, where not nil, gives the result as a view of the operand when its
	// layout allows (reshape); Loop ops that only rearrange need none.
	View func(inst *Inst, in *Array) (Array, bool)

	// Cases returns what tests run the op on; a function, since programs have no use for them.
	Cases func() []Case

	id    int
	insts *instCache
}

// Mask is a set of operand or result positions.
type Mask uint64

// Has reports whether i is in the set.
func (m Mask) Has(i int) bool { return m>>i&1 != 0 }

// MaskOf returns the set of positions at which v is not nil.
func MaskOf(v []Val) (m Mask) {
	for i, x := range v {
		if x != nil {
			m |= 1 << i
		}
	}
	return m
}

var (
	registry []*Op
	byName   = map[string]*Op{}
)

// Register adds an op to the registry; it is called from package variables and
// panics on a second op of the same name.
func Register(op Op) *Op {
	if byName[op.Name] != nil {
		panic(fmt.Sprintf("kernels: op %q registered twice", op.Name))
	}
	if op.Cases == nil {
		op.Cases = func() []Case { return nil }
	}
	p := &op
	p.id, p.insts = len(registry), new(instCache)
	registry = append(registry, p)
	byName[op.Name] = p
	return p
}

// Ops returns all registered ops in the order of their declaration.
func Ops() []*Op { return registry }

// Lookup returns the op of that name, or nil.
func Lookup(name string) *Op { return byName[name] }

// ID returns the op's index in [Ops].
func (op *Op) ID() int { return op.id }
