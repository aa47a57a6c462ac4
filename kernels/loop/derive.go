// Derivatives of loops: each is a list of loops again.

package loop

// SourceKind says what a Source's index counts.
type SourceKind uint8

// The kinds of source of a derived loop's operands.
const (
	Operand   SourceKind = iota // an operand of the base loop
	Result                      // a result of the base loop
	Cotangent                   // the cotangent of a result (in a VJP)
	Tangent                     // the tangent of an operand (in a JVP)
)

// Source says where an operand of a derived loop comes from.
type Source struct {
	Kind  SourceKind
	Index int
}

// Derived is a loop derived from another, with its operands' sources and its
// results' targets: in a VJP, the operands of the base whose cotangents they
// are; in a JVP, the results whose tangents they are. Several results for one
// target are to be added.
type Derived struct {
	Expr *Expr
	From []Source
	To   []int
}
