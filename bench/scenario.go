// The scenarios: objectives at points, on data made here.

package bench

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Scenario is an objective at a point, on data that it makes itself.
type Scenario struct {
	Name  string // as in "gmm/d=10/k=50/n=1000"
	Suite string // what it belongs to: "basic" or "gradbench"
	Doc   string
	// New makes the data on the default device.
	New func() Instance
}

// Instance is a scenario's objective and its gradient at the point.
type Instance struct {
	Value    func() []*T
	Gradient func() []*T
	// Prepare returns the same two from prepared programs, on their way to machine
	// code if native.
	Prepare func(native bool) (Instance, error)
	// Compiled, of a prepared instance, waits until both run as machine code.
	Compiled func(context.Context) error
	// Profile returns the prepared gradient's graph, with what each instruction takes,
	// measured for that long.
	Profile func(context.Context, time.Duration) (*graph.Graph, error)
}

// instance ties an objective to a point.
func instance[P any](f func(P) *T, x P) Instance {
	leaves := func(p P) []*T {
		l, err := grad.Leaves(p)
		if err != nil {
			return []*T{tensor.Failed("bench", err)}
		}
		return l
	}
	g := grad.Grad(f)
	return Instance{
		Value:    func() []*T { return []*T{f(x)} },
		Gradient: func() []*T { return leaves(g(x)) },
		Prepare: func(native bool) (Instance, error) {
			var opts []grad.Option
			if native {
				opts = append(opts, grad.WithNative())
			}
			pf, err := grad.Prepare(f, x, opts...)
			if err != nil {
				return Instance{}, err
			}
			pg, err := grad.Prepare(g, x, opts...)
			if err != nil {
				return Instance{}, err
			}
			return Instance{
				Value:    func() []*T { return []*T{pf.Call(x)} },
				Gradient: func() []*T { return leaves(pg.Call(x)) },
				Compiled: func(ctx context.Context) error { return cmp.Or(pf.Native(ctx), pg.Native(ctx)) },
			}, nil
		},
		Profile: func(ctx context.Context, d time.Duration) (*graph.Graph, error) {
			pg, err := grad.Prepare(g, x)
			if err != nil {
				return nil, err
			}
			defer pg.Close()
			return pg.Profile(ctx, x, d)
		},
	}
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
			return instance(NormalPDF, Normal{tensor.Scalar(0.5), tensor.Scalar(0), tensor.Scalar(1)})
		}},
		{"chain/n=200000", "basic", "sum(exp(-x²)·sin x + sqrt(x²+1))", func() Instance {
			return instance(Chain, newData(1).normal(200_000))
		}},
		{"matmul/n=192", "basic", "sum((A·B)²), both gradients", func() Instance {
			d := newData(2)
			return instance(func(p [2]*T) *T { return p[0].MatMul(p[1]).Square().Sum() }, [2]*T{d.normal(192, 192), d.normal(192, 192)})
		}},
		{"mlp/784-128-10/batch=32", "basic", "a network with tanh and cross entropy in float32, four gradients", func() Instance {
			net, params := NewMLP(newData(3), 32, 784, 128, 10)
			return instance(net.Loss, params)
		}},
		{"llsq/n=1024/m=128", "gradbench", "polynomial fit", func() Instance {
			return instance(NewLeastSquares(1024, 128).Objective, newData(4).uniform(128))
		}},
		{"lse/n=100000", "gradbench", "log-sum-exp", func() Instance {
			return instance(LogSumExp, newData(5).uniform(100_000))
		}},
		{"det/n=6", "gradbench", "determinant by cofactors", func() Instance {
			return instance(NewCofactors(6).Objective, newData(6).uniform(6, 6))
		}},
		{"ode/n=1000/s=20", "gradbench", "Runge-Kutta", func() Instance {
			return instance(LastOfRungeKutta4(20), newData(7).uniform(1000))
		}},
		{"kmeans/k=10/n=1000/d=8", "gradbench", "clustering", func() Instance {
			points := newData(8).uniform(1000, 8)
			return instance(KMeans{points}.Cost, points.Index(tensor.Range(990, 1000)))
		}},
		{"gmm/d=10/k=10/n=500", "gradbench", "mixture of normal distributions", func() Instance {
			d := newData(9)
			p := NewMixture(d.normal(500, 10), 1, 0)
			return instance(p.Objective, MixtureParams{Alpha: d.normal(10), Mu: d.uniform(10, 10), Q: d.normal(10, 10), L: d.normal(10, 45)})
		}},
		{"lstm/l=2/c=100/b=14", "gradbench", "recurrent network", func() Instance {
			d := newData(10)
			p := LSTM{State: d.uniform(4, 14), Sequence: d.uniform(100, 14)}
			return instance(p.Objective, LSTMParams{Main: d.uniform(4, 56), Extra: d.uniform(3, 14)})
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
