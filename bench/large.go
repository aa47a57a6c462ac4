// Large scenarios: what fills a GPU. They are not among those measured by default. Other
// libraries compute the same of the same data (gpu/peers), and what comes out is compared.

package bench

import (
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/tensor"
)

// All are all scenarios: [Scenarios] and the large ones.
func All() []Scenario { return append(Scenarios(), large()...) }

func large() []Scenario {
	var list []Scenario
	add := func(name, doc string, make func() Instance) {
		list = append(list, Scenario{Name: name, Suite: "large", Doc: doc, New: make})
	}
	for _, n := range []int{1e4, 1e6, 1e7, 1e8} {
		add(fmt.Sprintf("copy/fp32/n=%d", n), "x + 1, which moves each element in and out once, the smallest hardly more than a launch: as both function and gradient", func() Instance {
			plus := func(x *T) *T { return x.AddScalar(1) }
			return NewPair(plus, plus, cycled(n, tensor.Float32))
		})
	}
	for _, n := range []int{1e6, 1e7, 1e8} {
		add(fmt.Sprintf("chain/fp32/n=%d", n), "sum(exp(-x²)·sin x + sqrt(x²+1)), value and gradient", func() Instance {
			return valued(Chain, cycled(n, tensor.Float32))
		})
	}
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
		for _, n := range []int{1024, 4096} {
			add(fmt.Sprintf("gemm/%v/n=%d", map[tensor.DType]string{tensor.Float32: "fp32", tensor.Float64: "fp64"}[dt], n), "sum((A·B)²), value and both gradients", func() Instance {
				return valued(func(p [2]*T) *T { return p[0].MatMul(p[1]).Square().Sum() },
					[2]*T{spread(0, 1, n, n).Cast(dt), spread(1, 1, n, n).Cast(dt)})
			})
		}
	}
	add("mlp/fp32/784-1024-10/batch=4096", "a network with tanh and cross entropy, value and four gradients", func() Instance {
		const batch, in, hidden, out = 4096, 784, 1024, 10
		f32 := func(seed int, scale float64, shape ...int) *T {
			return around(seed, scale, shape...).Cast(tensor.Float32)
		}
		labels := make([]int64, batch)
		for i := range labels {
			labels[i] = int64(i % out)
		}
		net := MLP{X: f32(0, 1, batch, in), Labels: tensor.FromSlice(labels, batch)}
		return valued(net.Loss, MLPParams{
			W1: f32(1, 1/math.Sqrt(in), in, hidden), B1: f32(2, 0.1, hidden),
			W2: f32(3, 1/math.Sqrt(hidden), hidden, out), B2: f32(4, 0.1, out),
		})
	})
	add("gmm/fp64/d=64/k=50/n=10000", "mixture of normal distributions, value and gradient", func() Instance {
		const n, d, k = 10000, 64, 50
		p := NewMixture(around(0, 1, n, d), 1, 0)
		return valued(p.Objective, MixtureParams{Alpha: around(1, 1, k), Mu: spread(2, 1, k, d), Q: around(3, 1, k, d), L: around(4, 1, k, d*(d-1)/2)})
	})
	add("lstm/fp32/l=2/c=100/b=14/batch=1024", "recurrent network on 1024 sequences at once, value and gradient", func() Instance {
		f32 := func(seed int, shape ...int) *T { return spread(seed, 1, shape...).Cast(tensor.Float32) }
		sequences := LSTM{State: f32(0, 1024, 4, 14), Sequence: f32(1, 1024, 100, 14)}
		loss := func(v LSTMParams) *T {
			return grad.Vmap(func(p LSTM) *T { return p.Objective(v) })(sequences).Mean()
		}
		return valued(loss, LSTMParams{Main: f32(2, 4, 56), Extra: f32(3, 3, 14)})
	})
	add("jacobian/brusselator/n=1000", "the function, and the values of its sparse Jacobian, which stay on the device", func() Instance {
		f, x := Brusselator(1000), spread(0, 1, 2, 1000, 1000)
		return valuesOf(listed(f, x), leaves(x))
	})
	add("jacobian/ba/p=31843", "the residuals of bundle adjustment, and the values of their sparse Jacobian", func() Instance {
		b, x, err := ReplicatedBundle(49, 7776, 31843, sparseCamera, [3]float64{0.3, -0.2, 4}, 0.9, [2]float64{350, 230})
		if err != nil {
			return FailedInstance(err)
		}
		return valuesOf(listed(b.Residuals, x), leaves(x))
	})
	return list
}

// valuesOf ties a function and its sparse Jacobian to a point.
func valuesOf(f list, x []*T) Instance {
	j, err := jacobian.Prepare(f, x)
	if err != nil {
		return FailedInstance(err)
	}
	return pair{f, func(x []*T) []*T { return []*T{j.Values(x)} }, x}.instance()
}

// golden is the golden ratio less one: no multiples of a number lie more evenly modulo 1.
const golden = 0.6180339887498949

// spread returns numbers of [0, scale) in that shape that look random and that any
// language can make: scale times the fractions of multiples of [golden], others for each
// seed.
func spread(seed int, scale float64, shape ...int) *T {
	n := 1
	for _, s := range shape {
		n *= s
	}
	v := make([]float64, n)
	for i := range v {
		x := float64(float64(i+1+10007*seed) * golden) // rounded, on every machine
		v[i] = scale * (x - math.Floor(x))
	}
	return tensor.FromSlice(v, shape...)
}

// around returns such numbers of [-scale, scale).
func around(seed int, scale float64, shape ...int) *T {
	return spread(seed, 2*scale, shape...).SubScalar(scale)
}

// cycled returns n numbers of [-2, 2), of which thousands repeat: as good as others for
// what is measured, and quickly made.
func cycled(n int, dt tensor.DType) *T {
	const period = 1000
	return around(0, 2, period).Cast(dt).BroadcastTo(n/period, period).Reshape(n)
}

// valued is an instance whose gradient comes with the value.
func valued[P any](f func(P) *T, x P) Instance {
	return pair{listed(f, x), gradient(f, x), leaves(x)}.instance()
}

// gradient returns the gradient of an objective, with the value before it, as a list.
func gradient[P any](f func(P) *T, like P) list {
	g := grad.ValueAndGrad(f)
	return listed(func(x P) []*T {
		v, d := g(x)
		return append([]*T{v}, leaves(d)...)
	}, like)
}
