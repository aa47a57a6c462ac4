// What kind of loop an expression is, for choosing how to run it.

package loop

// Class is a kind of loop.
type Class uint8

// The classes, in the order in which they are tried.
const (
	ClassScatter   Class = iota // a result is Scatter or Partial
	ClassContract               // AsContraction holds
	ClassReduce                 // a result reduces over axes
	ClassRearrange              // every result is a load: a view, a pad or a gather
	ClassMap                    // arithmetic, each result element on its own
)

func (c Class) String() string {
	return [...]string{"scatter", "contract", "reduce", "rearrange", "map"}[c]
}

// Class returns the kind of loop e is.
func (e *Expr) Class() Class {
	class := ClassRearrange
	for i := range e.Outs {
		s := &e.Outs[i]
		switch {
		case s.Partial || s.Scatter:
			return ClassScatter
		case s.Reduce != NoReduce:
			class = ClassReduce
		case e.Nodes[s.Value].Fn != LoadFn:
			class = max(class, ClassMap)
		}
	}
	if class == ClassReduce {
		if _, ok := e.AsContraction(); ok {
			return ClassContract
		}
	}
	return class
}
