// Bodies: functions recorded as graphs for control instructions.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// body is a function recorded as a graph. Its first parameters stand for values from
// outside of the function, the captured ones: of the transformations around it, and
// tensors that are more than a number.
type body struct {
	g        *graph.Graph
	captured []*tensor.Tensor
}

// body records f on values of the given types.
func (r *recorder) body(name string, in []kernels.Aval, f function) (*body, error) {
	return r.derived(name, in, func(_ *recorder, _ *tensor.Level, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		return f(in)
	})
}

// derived is body for functions that record more than operations.
func (r *recorder) derived(name string, in []kernels.Aval, f func(*recorder, *tensor.Level, []*tensor.Tensor) ([]*tensor.Tensor, error)) (*body, error) {
	inner := r.inner(new(graph.Graph))
	lv := tensor.Open(name, inner)
	defer lv.Close()
	given := make([]*tensor.Tensor, len(in))
	for i, a := range in {
		given[i] = inner.trace(lv, a, inner.g.Param(a))
	}
	out, err := f(inner, lv, given)
	if inner.read != nil {
		err = inner.read
	}
	if err != nil {
		return nil, err
	}
	for _, t := range out {
		v, err := inner.ref(lv, t)
		if err != nil {
			return nil, err
		}
		inner.g.Output(v)
	}
	return inner.finish(), nil
}

// inner returns the recorder of a body.
func (r *recorder) inner(g *graph.Graph) *recorder {
	return &recorder{g: g, backend: r.backend, where: r.where, consts: map[*tensor.Tensor]graph.Ref{}, places: r.places, residuals: r.residuals, passes: r.passes, isBody: true}
}

// finish returns the body that was recorded.
func (r *recorder) finish() *body {
	r.g.Params = append(slices.Clone(r.inputs), r.g.Params...)
	r.g.RemoveDead()
	return &body{r.g, r.captured}
}

// oneElement reports whether all of an array is one element.
func oneElement(a *kernels.Array) bool {
	for d, n := range a.Shape {
		if n > 1 && a.Stride(d) != 0 {
			return false
		}
	}
	return true
}

// unite gives bodies the same captured values, which it returns: each is then a
// parameter of all.
func unite(bodies ...*body) []*tensor.Tensor {
	var all []*tensor.Tensor
	for _, b := range bodies {
		for _, t := range b.captured {
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	for _, b := range bodies {
		params := make([]graph.Ref, len(all))
		for i, t := range all {
			if k := slices.Index(b.captured, t); k >= 0 {
				params[i] = b.g.Params[k]
			} else {
				params[i] = b.g.Input(t.Aval())
			}
		}
		b.g.Params = append(params, b.g.Params[len(b.captured):]...)
		b.captured = all
	}
	return all
}
