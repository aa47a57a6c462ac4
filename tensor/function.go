// Functions: calls that bring their own derivative rules.

package tensor

// Function is a computation with derivative rules of its own, on flat lists of
// tensors. Custom derivatives are Functions; to the interpreters they are what
// ops with rules are, but that their results are known only once they have run.
type Function struct {
	Name string
	// Run computes the results.
	Run func(x []*Tensor) []*Tensor
	// VJP returns the cotangents of the operands from those of the results (never
	// nil); nil for zero. JVP returns the results' tangents from the operands'.
	VJP func(x, y, g []*Tensor) []*Tensor
	JVP func(x, y, dx []*Tensor) []*Tensor
}

// Apply calls the function on tensors of any level.
func (fn *Function) Apply(x []*Tensor) []*Tensor {
	top, bad := highest(x)
	switch {
	case bad != nil:
		return []*Tensor{bad}
	case top == nil:
		return fn.Run(x)
	case top.closed.Load():
		return []*Tensor{failed(fn.Name, &EscapeError{Transformation: top.name})}
	}
	return top.interp.Call(top, fn, x)
}
