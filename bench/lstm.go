// GradBench's lstm.

package bench

import "github.com/cotangent-ad/cotangent/tensor"

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
	hidden, cell := make([]*T, len(layers)), make([]*T, len(layers))
	for i := range layers {
		hidden[i], cell[i] = p.State.Index(tensor.At(2*i)), p.State.Index(tensor.At(2*i+1))
	}
	in, out, bias := row(v.Extra, 0), row(v.Extra, 1), row(v.Extra, 2)
	outputs := make([]*T, steps)
	for t := range steps {
		x := row(p.Sequence, t).Mul(in)
		for i, l := range layers {
			forget := l.forget.of(x).Sigmoid()
			ingate := l.ingate.of(hidden[i]).Sigmoid()
			outgate := l.outgate.of(x).Sigmoid()
			change := l.change.of(hidden[i]).Tanh()
			cell[i] = cell[i].Mul(forget).Add(ingate.Mul(change))
			hidden[i] = outgate.Mul(cell[i].Tanh())
			x = hidden[i]
		}
		outputs[t] = x.Mul(out).Add(bias)
	}
	y := tensor.Stack(0, outputs...) // [steps b]
	y = y.Sub(y.Exp().SumKeep(1).AddScalar(2).Log())
	return p.Sequence.Index(tensor.Range(1, steps+1)).Mul(y).Sum().DivScalar(-float64(steps * b))
}

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
