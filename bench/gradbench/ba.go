// The module ba: bundle adjustment.

package gradbench

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// shownRows is how many entries of an array GradBench looks at, besides the last.
const shownRows = 30

func ba(input json.RawMessage) (*bench.Bundle, bench.BundleParams, error) {
	in, err := decode[struct {
		N, M, P int
		Cam     []float64
		X       []float64
		W       float64
		Feat    []float64
	}](input)
	var none bench.BundleParams
	switch {
	case err != nil:
		return nil, none, err
	case in.N < 1 || in.M < 1 || in.P < 1 || in.N > maxElements/32 || in.M > maxElements/32 || in.P > maxElements/32:
		return nil, none, fmt.Errorf("ba: n, m, p = %d, %d, %d are not between 1 and %d", in.N, in.M, in.P, maxElements/32)
	case len(in.Cam) != 11 || len(in.X) != 3 || len(in.Feat) != 2:
		return nil, none, fmt.Errorf("ba: cam, x and feat have %d, %d and %d numbers, not 11, 3 and 2", len(in.Cam), len(in.X), len(in.Feat))
	}
	return bench.ReplicatedBundle(in.N, in.M, in.P, [11]float64(in.Cam), [3]float64(in.X), in.W, [2]float64(in.Feat))
}

func baObjective(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	b, x, err := ba(input)
	if err != nil {
		return nil, err
	}
	return evaluate(b.Residuals, x, how, func(r bench.BundleResiduals) result {
		return result{
			named: map[string]*tensor.Tensor{"projection": r.Projection, "weight": r.Weight},
			show: func() (any, error) {
				e, err := r.Projection.Index(tensor.At(0)).Float64s()
				if err != nil {
					return nil, err
				}
				w, err := r.Weight.At(0).Item()
				if err != nil {
					return nil, err
				}
				p := r.Weight.Dim(0)
				return map[string]any{
					"reproj_error": map[string]any{"elements": e, "repeated": p},
					"w_err":        map[string]any{"element": w, "repeated": p},
				}, finite(append(e[:2:2], w))
			},
		}
	})
}

// baJacobian fills compressed rows. A sparse Jacobian is always a prepared one.
func baJacobian(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	b, x, err := ba(input)
	if err != nil {
		return nil, err
	}
	p, err := b.Pattern()
	if err != nil {
		return nil, err
	}
	if p.Nnz() <= shownRows || p.Rows < shownRows {
		return nil, fmt.Errorf("ba: %d observations are fewer than the 10 that the output shows", p.Rows/3)
	}
	opts := []jacobian.Option{jacobian.WithPattern(p)}
	if how == bench.Native {
		opts = append(opts, jacobian.WithGrad(grad.WithNative()))
	}
	j, err := jacobian.Prepare(b.Residuals, x, opts...)
	if err != nil {
		return nil, err
	}
	m := sparse.NewCSR[float64](j.Output())
	e := &evaluation{close: j.Close, run: func(ctx context.Context) result {
		if err := j.Run(ctx, x, m.Val); err != nil {
			return result{one: tensor.Failed("ba", err)}
		}
		return result{show: func() (any, error) {
			return map[string]any{"rows": shown(m.Ptr), "cols": shown(m.Idx), "vals": shown(m.Val)}, finite(m.Val)
		}}
	}}
	if how == bench.Native {
		e.compiled = j.Native
	}
	return e, nil
}

// shown returns the entries of an array that GradBench looks at.
func shown[T any](v []T) []T { return append(v[:shownRows:shownRows], v[len(v)-1]) }
