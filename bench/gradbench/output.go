// Results as JSON.

package gradbench

import (
	"context"
	"errors"
	"math"

	"github.com/cotangent-ad/cotangent/tensor"
)

// result is what an evaluation gives: one tensor, or named ones. Where they are not
// themselves the output, show makes it of them.
type result struct {
	one   *tensor.Tensor
	named map[string]*tensor.Tensor
	show  func() (any, error)
}

// wait returns once the values are there, with their error if they have one.
func (r result) wait(ctx context.Context) error {
	if r.one != nil {
		return r.one.Wait(ctx)
	}
	for _, t := range r.named {
		if err := t.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// json returns the values as nested lists of numbers.
func (r result) json() (any, error) {
	if r.show != nil {
		return r.show()
	}
	if r.one != nil {
		return nested(r.one)
	}
	out := map[string]any{}
	for name, t := range r.named {
		v, err := nested(t)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

var errNotFinite = errors.New("the result is not finite, which JSON cannot say")

// nested returns the elements of t as lists of lists by its shape.
func nested(t *tensor.Tensor) (any, error) {
	v, err := t.Float64s()
	if err != nil {
		return nil, err
	}
	return lists(v, t.Shape()), finite(v)
}

// finite returns an error for numbers that JSON cannot say.
func finite(v []float64) error {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return errNotFinite
		}
	}
	return nil
}

func lists(v []float64, shape []int) any {
	switch len(shape) {
	case 0:
		return v[0]
	case 1:
		if v == nil {
			return []float64{}
		}
		return v
	}
	out := make([]any, shape[0])
	for i := range out {
		n := len(v) / shape[0]
		out[i] = lists(v[i*n:(i+1)*n], shape[1:])
	}
	return out
}
