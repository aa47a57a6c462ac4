// Control flow: what Cond, Scan and While have in common.
//
// On values it is what a Go if or for would do, under whatever interpreter is at
// work. Where a program is being recorded, at whatever level, the bodies are
// recorded as graphs and an instruction that holds them is emitted (package graph
// tells what it means); transformations above the recording turn it into
// instructions with other bodies: control_jvp.go, control_vjp.go, control_batch.go.

package grad

import (
	"context"
	"errors"
	"fmt"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// CarryError tells that the body of a loop returns a carry of another type than it
// is given: it could not be given what it has returned.
type CarryError struct {
	Op        string
	Path      string // where in the carry; "" for the carry itself
	Got, Want kernels.Aval
}

func (e *CarryError) Error() string {
	return fmt.Sprintf("%s: the body returns %v for %s, which is %v before it: a step must not change a carry's shape or dtype",
		e.Op, e.Got, leafName("carry", e.Path), e.Want)
}

// BranchError tells that the branches of a Cond return results of different types.
type BranchError struct {
	Path        string // where in the result; "" for the result itself
	True, False kernels.Aval
}

func (e *BranchError) Error() string {
	return fmt.Sprintf("grad.Cond: %s is %v if true and %v if false: the branches' results must have the same shapes and dtypes",
		leafName("result", e.Path), e.True, e.False)
}

func leafName(what, path string) string {
	if path == "" {
		return "the " + what
	}
	return what + " " + orRoot(path)
}

// function is a Go function on flat lists of tensors.
type function func(in []*tensor.Tensor) ([]*tensor.Tensor, error)

// The ops of control instructions.
var (
	condOp  = controlOp("cond", "One of two bodies, by a condition.")
	scanOp  = controlOp("scan", "A body repeated over rows.")
	whileOp = controlOp("while", "A body repeated while a condition holds.")
	callOp  = controlOp("call", "A function with derivative rules of its own.")
)

func controlOp(name, doc string) *kernels.Op {
	return &kernels.Op{Name: name, Doc: doc, Kind: kernels.Control}
}

func init() { // the ops' evaluation dispatches them again for nested control
	for _, op := range []*kernels.Op{condOp, scanOp, whileOp, callOp} {
		op.Compose = func(_ kernels.Builder, attr any, in []kernels.Val) []kernels.Val {
			c := attr.(*graph.Control)
			out, err := evaluate(c, unvals(in))
			if err != nil {
				_, types := c.Types()
				out = failures(op.Name, err, len(types))
			}
			return vals(out)
		}
	}
}

func failures(op string, err error, n int) []*tensor.Tensor {
	t := tensor.Failed(op, err)
	out := make([]*tensor.Tensor, n)
	for i := range out {
		out[i] = t
	}
	return out
}

// evaluate carries out a control instruction on values.
func evaluate(c *graph.Control, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	switch c.Form {
	case graph.Cond:
		return choose(in[0], bodyFunction(c.Bodies[0], nil), bodyFunction(c.Bodies[1], nil), in[1:])
	case graph.Call:
		return c.Rules.(*tensor.Function).Apply(in[c.Consts:]), nil
	}
	consts, carry := in[:c.Consts], in[c.Consts:c.Consts+c.Carries]
	l := loopOf(c)
	if c.Form == graph.While {
		return l.while(bodyFunction(c.Bodies[0], consts), bodyFunction(c.Bodies[1], consts), carry)
	}
	xs := in[c.Consts+c.Carries : c.Consts+c.Carries+c.Xs]
	if c.Counted {
		n, err := tensorInt(in[len(in)-1])
		if err != nil {
			return nil, err
		}
		l.steps = n
	}
	return l.scan(bodyFunction(c.Body(), consts), carry, xs)
}

// bodyFunction returns a body as a function of what comes after the constants.
func bodyFunction(g *graph.Graph, consts []*tensor.Tensor) function {
	return func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		args := append(append(make([]*tensor.Tensor, 0, len(g.Params)), consts...), in...)
		return replay(g, args), nil
	}
}

// replay applies the operations of a graph to arguments at any level.
func replay(g *graph.Graph, args []*tensor.Tensor) []*tensor.Tensor {
	vals := make([]*tensor.Tensor, g.NumValues())
	for i, v := range g.Params {
		vals[v] = args[i]
	}
	for _, c := range g.Consts {
		vals[c.Ref] = c.Source.(*tensor.Tensor)
	}
	var in []*tensor.Tensor
	for i := range g.Instrs {
		x := &g.Instrs[i]
		in = in[:0]
		for _, a := range g.Args(i) {
			in = append(in, vals[a])
		}
		tensor.Dispatch(fitting(x.Inst, in), in, vals[x.Out:int(x.Out)+len(x.Inst.Out)])
	}
	out := make([]*tensor.Tensor, len(g.Outputs))
	for i, v := range g.Outputs {
		out[i] = vals[v]
	}
	return out
}

// fitting returns the instruction for operands of their types: other ones than were
// recorded where the rows of a loop of unknown length are as many as there were steps.
func fitting(inst *kernels.Inst, in []*tensor.Tensor) *kernels.Inst {
	if inst.Op == nil || inst.Op.Kind == kernels.Control {
		return inst
	}
	for i, t := range in {
		if t.Err() == nil && !kernels.EqualAval(t.Aval(), inst.In[i]) {
			if other, err := inst.Op.Inst(inst.Attr, avalsOf(in)...); err == nil {
				return other
			}
		}
	}
	return inst
}

// truth returns whether a condition holds. For one that stands for many at once
// (Vmap), it returns whether it holds for any, and true.
func truth(op string, t *tensor.Tensor) (holds, many bool, err error) {
	if err := scalarBool(op, t); err != nil {
		return false, false, err
	}
	for !t.Plain() {
		if _, ok := t.Interpreter().(*batching); ok {
			many = true
		}
		t = t.Primal()
	}
	v, err := t.Float64s()
	for _, x := range v {
		holds = holds || x != 0
	}
	return holds, many, err
}

// scalarBool returns a typed error for what cannot be a condition.
func scalarBool(op string, t *tensor.Tensor) error {
	switch err := t.Err(); {
	case err != nil:
		return err
	case t.DType() != tensor.Bool:
		return &tensor.DTypeError{Op: op, DTypes: []string{t.DType().String()}, Reason: "the condition is not a bool (compare, as Lt does)"}
	case t.Rank() != 0:
		return &tensor.ShapeError{Op: op, Shapes: [][]int{t.Shape()}, Reason: "the condition is not a scalar (reduce it)"}
	}
	return nil
}

// tensorInt reads a number of steps, which is the same for all that Vmap maps over.
func tensorInt(t *tensor.Tensor) (int, error) {
	for !t.Plain() {
		t = t.Primal()
	}
	v, err := t.Item()
	return int(v), err
}

// firstError returns the first error that the tensors carry.
func firstError(ts []*tensor.Tensor) error {
	for _, t := range ts {
		if err := t.Err(); err != nil {
			return err
		}
	}
	return nil
}

// sameAvals calls fail for the first tensor that is not of its type.
func sameAvals(got []*tensor.Tensor, want []kernels.Aval, fail func(i int) error) error {
	for i, t := range got {
		if !kernels.EqualAval(t.Aval(), want[i]) {
			return fail(i)
		}
	}
	return nil
}

// errRecorded ends a loop over values, in whatever step, that returns values which
// are being recorded: its bodies have captured such. The whole loop is recorded then.
var errRecorded = errors.New("recorded")

// looping is what the loops of evaluation need to know.
type looping struct {
	op       string
	steps    int // of a scan
	reverse  bool
	ys       int  // results of the body after the carries that are stacked; the rest are summed
	bound    int  // of a while: the most steps; 0: any number
	recorded bool // it was recorded as an instruction: nothing in it is captured
	ctx      context.Context
	by       tensor.Recorder // after errRecorded: by whom
	carries  []string        // paths of the carries
	empty    []kernels.Aval  // the results after the carries and the number of steps, where there are no steps
}

// loopOf returns the loop of an instruction.
func loopOf(c *graph.Control) *looping {
	_, types := c.Types()
	return &looping{empty: types[c.FirstY():], op: "grad." + map[graph.Form]string{graph.Scan: "Scan", graph.While: "While"}[c.Form],
		steps: c.Length, reverse: c.Reverse, ys: c.Ys, bound: c.Bound, recorded: true}
}

// recording reports whether what a body has returned is being recorded, by l.by.
func (l *looping) recording(ts []*tensor.Tensor) bool {
	if l.recorded {
		return false
	}
	l.by = tensor.Recording(ts...)
	return l.by != nil
}

// step runs a body and checks its carries against what they were.
func (l *looping) step(body function, carry, x []*tensor.Tensor) (next, rest []*tensor.Tensor, err error) {
	if l.ctx != nil && l.ctx.Err() != nil {
		return nil, nil, l.ctx.Err()
	}
	in := append(append(make([]*tensor.Tensor, 0, len(carry)+len(x)), carry...), x...)
	out, err := l.checked(body, in, avalsOf(carry))
	if err != nil {
		return nil, nil, err
	}
	return out[:len(carry)], out[len(carry):], nil
}

// checked runs a body whose carries are to be of the types wanted.
func (l *looping) checked(body function, in []*tensor.Tensor, want []kernels.Aval) ([]*tensor.Tensor, error) {
	out, err := body(in)
	if err == nil {
		err = firstError(out)
	}
	if err == nil {
		err = l.check(out, want)
	}
	return out, err
}

// check returns an error where the body returns a carry of another type.
func (l *looping) check(out []*tensor.Tensor, want []kernels.Aval) error {
	return sameAvals(out[:len(want)], want, func(i int) error {
		e := &CarryError{Op: l.op, Got: out[i].Aval(), Want: want[i]}
		if l.carries != nil {
			e.Path = l.carries[i]
		}
		return e
	})
}
