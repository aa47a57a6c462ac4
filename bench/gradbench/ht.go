// The module ht: hand tracking.

package gradbench

import (
	"encoding/json"
	"fmt"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/tensor"
)

type htInput struct {
	Theta []float64
	Us    [][]float64
	Data  struct {
		Correspondences []int64
		Points          [][]float64
		Model           struct {
			Parents              []int
			BaseRelatives        [][][]float64 `json:"base_relatives"`
			InverseBaseAbsolutes [][][]float64 `json:"inverse_base_absolutes"`
			BasePositions        [][]float64   `json:"base_positions"`
			Weights              [][]float64
			Triangles            [][]int64
			IsMirrored           bool `json:"is_mirrored"`
		}
	}
}

func ht(input json.RawMessage) (h *bench.Hand, v bench.HandParams, err error) {
	in, err := decode[htInput](input)
	if err != nil {
		return nil, v, err
	}
	if len(in.Theta) != bench.HandPose {
		return nil, v, fmt.Errorf("ht: theta has %d numbers, not %d", len(in.Theta), bench.HandPose)
	}
	v.Theta = tensor.FromSlice(in.Theta, bench.HandPose)
	n := len(in.Data.Correspondences)
	points, err := matrix("points", in.Data.Points, n, 3)
	if err != nil {
		return nil, v, err
	}
	if len(in.Us) > 0 {
		if v.U, err = matrix("us", in.Us, n, 2); err != nil {
			return nil, v, err
		}
	}
	m := in.Data.Model
	model := bench.HandModel{Parents: m.Parents, Mirrored: m.IsMirrored}
	bones := len(m.Parents)
	if model.Relatives, err = matrices("base_relatives", m.BaseRelatives, bones); err != nil {
		return nil, v, err
	}
	if model.Inverses, err = matrices("inverse_base_absolutes", m.InverseBaseAbsolutes, bones); err != nil {
		return nil, v, err
	}
	if model.BasePositions, err = matrix("base_positions", m.BasePositions, -1, 4); err != nil {
		return nil, v, err
	}
	if model.Weights, err = matrix("weights", m.Weights, len(m.BasePositions), bones); err != nil {
		return nil, v, err
	}
	for i, t := range m.Triangles {
		if len(t) != 3 {
			return nil, v, fmt.Errorf("ht: triangle %d has %d corners", i, len(t))
		}
		model.Triangles = append(model.Triangles, t...)
	}
	h, err = bench.NewHand(model, in.Data.Correspondences, points, v.U != nil)
	return h, v, err
}

// matrices reads n matrices of 4 rows and columns.
func matrices(name string, data [][][]float64, n int) (*tensor.Tensor, error) {
	if len(data) != n {
		return nil, fmt.Errorf("%s has %d matrices for %d bones", name, len(data), n)
	}
	var rows [][]float64
	for i, m := range data {
		if len(m) != 4 {
			return nil, fmt.Errorf("%s: matrix %d has %d rows, not 4", name, i, len(m))
		}
		rows = append(rows, m...)
	}
	t, err := matrix(name, rows, 4*n, 4)
	if err != nil {
		return nil, err
	}
	return t.Reshape(n, 4, 4), nil
}

func htObjective(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	h, v, err := ht(input)
	if err != nil {
		return nil, err
	}
	return evaluate(func(v bench.HandParams) *tensor.Tensor { return h.Residuals(v).Reshape(-1) }, v, how, alone)
}

func htJacobian(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	h, v, err := ht(input)
	if err != nil {
		return nil, err
	}
	return evaluate(h.Jacobian, v, how, alone)
}
