// The scenarios: objectives at points, on data made here.

package bench

import (
	"math"
	"math/rand/v2"

	"github.com/cotangent-ad/cotangent/tensor"
)

// Scenario is an objective at a point, on data that it makes itself.
type Scenario struct {
	Name  string // as in "gmm/d=10/k=50/n=1000"
	Suite string // what it belongs to: "basic", "gradbench" or "large"
	Doc   string
	// New makes the data on the default device.
	New func() Instance
}

// data makes random numbers, the same in every run.
type data struct{ *rand.Rand }

func newData(seed uint64) data { return data{rand.New(rand.NewPCG(seed, 1))} }

func (d data) uniform(shape ...int) *T { return d.fill(d.Float64, shape) }
func (d data) normal(shape ...int) *T  { return d.fill(d.NormFloat64, shape) }

func (d data) fill(draw func() float64, shape []int) *T {
	n := 1
	for _, s := range shape {
		n *= s
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = draw()
	}
	return tensor.FromSlice(v, shape...)
}

// Scenarios are what `cotangent bench` measures.
func Scenarios() []Scenario {
	return []Scenario{
		{"normal-pdf", "basic", "the density of a normal distribution: ten scalar operations, three gradients", func() Instance {
			return NewInstance(NormalPDF, Normal{tensor.Scalar(0.5), tensor.Scalar(0), tensor.Scalar(1)})
		}},
		{"chain/n=200000", "basic", "sum(exp(-x²)·sin x + sqrt(x²+1))", func() Instance {
			return NewInstance(Chain, newData(1).normal(200_000))
		}},
		{"matmul/n=192", "basic", "sum((A·B)²), both gradients", func() Instance {
			d := newData(2)
			return NewInstance(func(p [2]*T) *T { return p[0].MatMul(p[1]).Square().Sum() }, [2]*T{d.normal(192, 192), d.normal(192, 192)})
		}},
		{"mlp/784-128-10/batch=32", "basic", "a network with tanh and cross entropy in float32, four gradients", func() Instance {
			net, params := NewMLP(newData(3), 32, 784, 128, 10)
			return NewInstance(net.Loss, params)
		}},
		{"ensemble/k=8/batch=48/32-48-48-1", "basic", "eight small networks beside each other, all gradients", func() Instance {
			e, members := NewEnsemble(newData(11), 8, 48, 32, 48)
			return NewInstance(e.Loss, members)
		}},
		{"llsq/n=1024/m=128", "gradbench", "polynomial fit", func() Instance {
			return NewInstance(NewLeastSquares(1024, 128).Objective, newData(4).uniform(128))
		}},
		{"lse/n=100000", "gradbench", "log-sum-exp", func() Instance {
			return NewInstance(LogSumExp, newData(5).uniform(100_000))
		}},
		{"det/n=6", "gradbench", "determinant by cofactors", func() Instance {
			return NewInstance(NewCofactors(6).Objective, newData(6).uniform(6, 6))
		}},
		{"ode/n=1000/s=20", "gradbench", "Runge-Kutta", func() Instance {
			return NewInstance(LastOfRungeKutta4(20), newData(7).uniform(1000))
		}},
		{"kmeans/k=10/n=1000/d=8", "gradbench", "clustering", func() Instance {
			points := newData(8).uniform(1000, 8)
			return NewInstance(KMeans{points}.Cost, points.Index(tensor.Range(990, 1000)))
		}},
		{"gmm/d=10/k=10/n=500", "gradbench", "mixture of normal distributions", func() Instance {
			d := newData(9)
			p := NewMixture(d.normal(500, 10), 1, 0)
			return NewInstance(p.Objective, MixtureParams{Alpha: d.normal(10), Mu: d.uniform(10, 10), Q: d.normal(10, 10), L: d.normal(10, 45)})
		}},
		{"lstm/l=2/c=100/b=14", "gradbench", "recurrent network", func() Instance {
			d := newData(10)
			p := LSTM{State: d.uniform(4, 14), Sequence: d.uniform(100, 14)}
			return NewInstance(p.Objective, LSTMParams{Main: d.uniform(4, 56), Extra: d.uniform(3, 14)})
		}},
	}
}

// Normal holds the argument and the parameters of a normal density.
type Normal struct{ X, Mu, Sigma *T }

// NormalPDF is the density in ten elementary operations.
func NormalPDF(p Normal) *T {
	v := p.Sigma.Square().MulScalar(2)
	e := p.X.Sub(p.Mu).Square().Div(v).Neg().Exp()
	return e.Mul(v.MulScalar(math.Pi).Sqrt().Reciprocal())
}

// Chain is sum(exp(-x²)·sin x + sqrt(x²+1)).
func Chain(x *T) *T {
	return x.Square().Neg().Exp().Mul(x.Sin()).Add(x.Square().AddScalar(1).Sqrt()).Sum()
}

// MLP is a network of one hidden layer with tanh, in float32, with the mean
// cross entropy of a batch as its loss.
type MLP struct{ X, Labels *T }

// MLPParams are its weights [in out] and biases [out].
type MLPParams struct{ W1, B1, W2, B2 *T }

// NewMLP makes a random network and batch.
func NewMLP(d data, batch, in, hidden, out int) (MLP, MLPParams) {
	f := func(scale float64, shape ...int) *T { return d.normal(shape...).MulScalar(scale).Cast(tensor.Float32) }
	labels := make([]int64, batch)
	for i := range labels {
		labels[i] = int64(d.IntN(out))
	}
	net := MLP{X: f(1, batch, in), Labels: tensor.FromSlice(labels, batch)}
	return net, MLPParams{
		W1: f(1/math.Sqrt(float64(in)), in, hidden), B1: f(0.1, hidden),
		W2: f(1/math.Sqrt(float64(hidden)), hidden, out), B2: f(0.1, out),
	}
}

// Loss returns the mean cross entropy.
func (n MLP) Loss(p MLPParams) *T {
	h := n.X.MatMul(p.W1).Add(p.B1).Tanh()
	logits := h.MatMul(p.W2).Add(p.B2).LogSoftmax(1)
	return logits.Gather(1, n.Labels.Unsqueeze(1)).Mean().Neg()
}
