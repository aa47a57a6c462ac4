// GradBench's lstm.

package bench

import (
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// LSTM is the loss of a network of layers with diagonal weights that predicts
// the next element of a sequence of bit vectors.
type LSTM struct {
	State    *T // [2l b]: of each layer the hidden vector, then the cell
	Sequence *T // [c b]
}

// LSTMParams are the variables: of each layer weights, then biases, each the
// concatenation of forget, in, out and change gates [2l 4b]; and the weights in,
// out and the output's bias [3 b].
type LSTMParams struct{ Main, Extra *T }

// Objective returns the mean negative log-likelihood per bit.
func (p LSTM) Objective(v LSTMParams) *T {
	steps, b := p.Sequence.Dim(0)-1, p.Sequence.Dim(1)
	layers := v.layers(b)
	var state lstmState
	for i := range layers {
		state.Hidden = append(state.Hidden, row(p.State, 2*i))
		state.Cell = append(state.Cell, row(p.State, 2*i+1))
	}
	in, out, bias := row(v.Extra, 0), row(v.Extra, 1), row(v.Extra, 2)
	_, y := grad.Scan(func(s lstmState, x *T) (lstmState, *T) {
		var next lstmState
		x = x.Mul(in)
		for i, l := range layers {
			forget := l.forget.of(x).Sigmoid()
			ingate := l.ingate.of(s.Hidden[i]).Sigmoid()
			outgate := l.outgate.of(x).Sigmoid()
			change := l.change.of(s.Hidden[i]).Tanh()
			cell := s.Cell[i].Mul(forget).Add(ingate.Mul(change))
			x = outgate.Mul(cell.Tanh())
			next.Hidden, next.Cell = append(next.Hidden, x), append(next.Cell, cell)
		}
		return next, x.Mul(out).Add(bias)
	}, state, p.Sequence.Index(tensor.Range(0, steps))) // y is [steps b]
	y = y.Sub(y.Exp().SumKeep(1).AddScalar(2).Log())
	return p.Sequence.Index(tensor.Range(1, steps+1)).Mul(y).Sum().DivScalar(-float64(steps * b))
}

// lstmState is the vectors of each layer that go from step to step.
type lstmState struct{ Hidden, Cell []*T }

// gate is an elementwise affine map.
type gate struct{ weight, bias *T }

func (g gate) of(x *T) *T { return x.Mul(g.weight).Add(g.bias) }

type lstmLayer struct{ forget, ingate, outgate, change gate }

// layers takes the main parameters apart.
func (v LSTMParams) layers(b int) []lstmLayer {
	layers := make([]lstmLayer, v.Main.Dim(0)/2)
	for i := range layers {
		part := func(g int) gate {
			cols := tensor.Range(g*b, (g+1)*b)
			return gate{v.Main.Index(tensor.At(2*i), cols), v.Main.Index(tensor.At(2*i+1), cols)}
		}
		layers[i] = lstmLayer{part(0), part(1), part(2), part(3)}
	}
	return layers
}

func row(x *T, i int) *T { return x.Index(tensor.At(i)) }
