package adbench

import (
	"io"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Mixture is what a file of gmm holds: a mixture of K normal distributions in D
// dimensions, and N points.
type Mixture struct {
	D, K, N int
	Alpha   []float64 // [K] the weights' logarithms
	Mu      []float64 // [K D] means
	Q       []float64 // [K D] logarithms of the diagonals of the inverse covariances' factors
	L       []float64 // [K D(D-1)/2] their strictly lower parts, column by column
	X       []float64 // [N D] points
	Gamma   float64   // the prior's scale
	M       int       // the prior's excess degrees of freedom
}

// ReadMixture reads a file of gmm: D K N, the weights, the means, of each distribution
// the diagonal and then the lower part, the points, gamma, m. Errors are *FormatError
// and *LimitError.
func ReadMixture(r io.Reader, l Limits) (*Mixture, error) {
	t := newText(r, l.withDefaults())
	m := &Mixture{D: t.integer("d", 1, 1<<15), K: t.size("K", 1), N: t.size("n", 1)}
	m.Alpha = t.numbers("a weight", m.K, 1)
	m.Mu = t.numbers("a mean", m.K, m.D)
	for range m.K {
		if t.err != nil {
			break
		}
		m.Q = append(m.Q, t.numbers("a factor's diagonal", 1, m.D)...)
		m.L = append(m.L, t.numbers("a factor's lower part", 1, m.D*(m.D-1)/2)...)
	}
	m.X = t.numbers("a point", m.N, m.D)
	m.Gamma = t.number("gamma")
	m.M = t.integer("m", 0, maxSize)
	if err := t.end(); err != nil {
		return nil, err
	}
	return m, nil
}

// Problem returns GradBench's objective, whose prior has ADBench's opposite sign, and
// the file's point.
func (m *Mixture) Problem() (bench.Mixture, bench.MixtureParams) {
	return bench.NewMixture(tensor.FromSlice(m.X, m.N, m.D), m.Gamma, m.M), bench.MixtureParams{
		Alpha: tensor.FromSlice(m.Alpha, m.K),
		Mu:    tensor.FromSlice(m.Mu, m.K, m.D),
		Q:     tensor.FromSlice(m.Q, m.K, m.D),
		L:     tensor.FromSlice(m.L, m.K, m.D*(m.D-1)/2),
	}
}
