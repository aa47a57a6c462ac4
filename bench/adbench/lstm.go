package adbench

import (
	"io"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/tensor"
)

// LSTM is what a file of lstm holds: a network of L layers, and a sequence of C
// vectors of B bits.
type LSTM struct {
	L, C, B  int
	Main     []float64 // [2L 4B]: of each layer weights, then biases
	Extra    []float64 // [3 B]: weights in and out, the output's bias
	State    []float64 // [2L B]: of each layer the hidden vector, then the cell
	Sequence []float64 // [C B]
}

// ReadLSTM reads a file of lstm: l c b, and the arrays of [LSTM]. Errors are
// *FormatError and *LimitError.
func ReadLSTM(r io.Reader, l Limits) (*LSTM, error) {
	t := newText(r, l.withDefaults())
	m := &LSTM{L: t.integer("l", 1, 1<<20), C: t.size("c", 2), B: t.size("b", 1)}
	m.Main = t.numbers("a main parameter", 2*m.L, 4*m.B)
	m.Extra = t.numbers("an extra parameter", 3, m.B)
	m.State = t.numbers("the state", 2*m.L, m.B)
	m.Sequence = t.numbers("the sequence", m.C, m.B)
	if err := t.end(); err != nil {
		return nil, err
	}
	return m, nil
}

// Problem returns the objective and its point.
func (m *LSTM) Problem() (bench.LSTM, bench.LSTMParams) {
	return bench.LSTM{
			State:    tensor.FromSlice(m.State, 2*m.L, m.B),
			Sequence: tensor.FromSlice(m.Sequence, m.C, m.B),
		}, bench.LSTMParams{
			Main:  tensor.FromSlice(m.Main, 2*m.L, 4*m.B),
			Extra: tensor.FromSlice(m.Extra, 3, m.B),
		}
}
