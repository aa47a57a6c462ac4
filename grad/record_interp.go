// Recording: a function runs once on values of which only the types are known,
// and its operations become a graph.

package grad

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// CaptureError reports that a function that is being prepared, or one with rules
// (Custom), uses a value of another transformation which it was not given as an
// argument.
type CaptureError struct {
	Function string       // which function
	Aval     kernels.Aval // the value, or what was made of it
}

func (e *CaptureError) Error() string {
	return fmt.Sprintf("%s uses a value that a transformation outside of it traces (%v, or what that was made of); "+
		"pass it as an argument", e.Function, e.Aval)
}

// recorder interprets operations by writing them down. Plain operands become
// constants of the graph.
type recorder struct {
	g       *graph.Graph
	backend int
	where   *tensor.Tensor // on the program's device: what traced values say they are on
	consts  map[*tensor.Tensor]graph.Ref
	places  bool  // note the caller of each operation
	custom  bool  // rules that the graph does not know of were used
	read    error // the first attempt to look at a value

	residuals graph.Residuals // what loops keep that do not say it themselves
	passes    graph.Passes    // what the program will go through

	// Of the body of a control instruction:
	isBody   bool
	captured []*tensor.Tensor // values from outside of it, parameters of the graph
	inputs   []graph.Ref      // which ones
}

// keeps returns what a loop with the given options keeps.
func (r *recorder) keeps(o *options) graph.Residuals {
	if o.residuals == graph.Cheapest {
		return r.residuals
	}
	return o.residuals
}

// Records implements [tensor.Recorder].
func (r *recorder) Records() {}

const preparing = "grad.Prepare"

func (r *recorder) Process(lv *tensor.Level, inst *kernels.Inst, in, out []*tensor.Tensor) {
	if inst.Op != nil && inst.Op.Compose != nil && inst.Op.Kind != kernels.Control && (r.backend < 0 || inst.Kernel(r.backend) == nil) {
		for i, v := range inst.Op.Compose(tensor.Builder{}, inst.Attr, vals(in)) {
			out[i] = v.(*tensor.Tensor)
		}
		return
	}
	s := getScratch()
	defer s.put()
	args := s.refs(len(in))
	for i, t := range in {
		ref, err := r.ref(lv, t)
		if err != nil {
			bad := tensor.Failed(inst.Name, err, inst.In...)
			for k := range out {
				out[k] = bad
			}
			return
		}
		args[i] = ref
	}
	ref := r.g.Emit(inst, args...)
	if r.places {
		r.g.Place(tensor.Caller())
	}
	for k := range out {
		out[k] = r.trace(lv, inst.Out[k], ref+graph.Ref(k))
	}
}

// Call records the operations of a function with rules of its own. The rules are
// not in the graph; in a body the function is an instruction, so that transformations
// of the body find them.
func (r *recorder) Call(_ *tensor.Level, fn *tensor.Function, in []*tensor.Tensor) []*tensor.Tensor {
	if !r.isBody {
		r.custom = true
		return fn.Run(in)
	}
	b, err := r.body(fn.Name, avalsOf(in), func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		out := fn.Run(in)
		return out, firstError(out)
	})
	if err != nil {
		return failures(fn.Name, err, 1)
	}
	c := &graph.Control{Form: graph.Call, Bodies: []*graph.Graph{b.g}, Consts: len(b.captured), Rules: fn}
	return emit(callOp, c, slices.Concat(b.captured, in))
}

// Read fails: there are no values yet. The attempt is the whole recording's
// failure, since a reader without an error result (Float) hides it from the
// function, which would go on with a branch that nobody chose. Printing a value
// is no such attempt: it prints the type.
func (r *recorder) Read(_ *tensor.Level, t *tensor.Tensor) (*tensor.Tensor, error) {
	err := &tensor.ReadError{Transformation: preparing}
	if r.read == nil && !printing() {
		r.read = tensor.Failed("read", err, t.Aval()).Err()
	}
	return nil, err
}

// printing reports whether a tensor is being formatted.
func printing() bool {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "tensor.(*Tensor).Format") {
			return true
		}
		if !more {
			return false
		}
	}
}

func (r *recorder) trace(lv *tensor.Level, a kernels.Aval, ref graph.Ref) *tensor.Tensor {
	return lv.TraceAval(a, r.where, ref)
}

// ref returns the graph's value of t. A plain tensor becomes a constant.
func (r *recorder) ref(lv *tensor.Level, t *tensor.Tensor) (graph.Ref, error) {
	if t.TracedAt(lv) {
		return t.Ref(), nil
	}
	if ref, ok := r.consts[t]; ok {
		return ref, nil
	}
	if err := t.Err(); err != nil {
		return 0, err
	}
	a, dev := tensor.Memory(t)
	switch {
	case r.isBody && (a == nil || a.Buf != nil || t.Borrowed() || !oneElement(a)):
		ref := r.g.Input(t.Aval())
		r.captured, r.inputs = append(r.captured, t), append(r.inputs, ref)
		r.consts[t] = ref
		return ref, nil
	case a == nil:
		return 0, &CaptureError{Function: "the prepared function", Aval: t.Aval()}
	case dev != nil && dev != r.where.Device():
		return 0, &tensor.DeviceError{Device: r.where.Device().Name(), Reason: "the function is prepared for it, but captures a tensor on " + dev.Name() + "; move it with To"}
	}
	ref := r.g.Const(*a, t)
	r.consts[t] = ref
	return ref, nil
}
