// Large scenarios: what fills a GPU. They are not among those measured by default.

package bench

import (
	"fmt"

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
				d := newData(2)
				return valued(func(p [2]*T) *T { return p[0].MatMul(p[1]).Square().Sum() },
					[2]*T{d.uniform(n, n).Cast(dt), d.uniform(n, n).Cast(dt)})
			})
		}
	}
	add("mlp/fp32/784-1024-10/batch=4096", "a network with tanh and cross entropy, value and four gradients", func() Instance {
		net, params := NewMLP(newData(3), 4096, 784, 1024, 10)
		return valued(net.Loss, params)
	})
	add("gmm/fp64/d=64/k=50/n=10000", "mixture of normal distributions, value and gradient", func() Instance {
		const n, d, k = 10000, 64, 50
		r := newData(9)
		p := NewMixture(r.normal(n, d), 1, 0)
		return valued(p.Objective, MixtureParams{Alpha: r.normal(k), Mu: r.uniform(k, d), Q: r.normal(k, d), L: r.normal(k, d*(d-1)/2)})
	})
	add("lstm/fp32/l=2/c=100/b=14/batch=1024", "recurrent network on 1024 sequences at once, value and gradient", func() Instance {
		r := newData(10)
		f32 := func(shape ...int) *T { return r.uniform(shape...).Cast(tensor.Float32) }
		sequences := LSTM{State: f32(1024, 4, 14), Sequence: f32(1024, 100, 14)}
		loss := func(v LSTMParams) *T {
			return grad.Vmap(func(p LSTM) *T { return p.Objective(v) })(sequences).Mean()
		}
		return valued(loss, LSTMParams{Main: f32(4, 56), Extra: f32(3, 14)})
	})
	add("jacobian/brusselator/n=1000", "the function, and the values of its sparse Jacobian, which stay on the device", func() Instance {
		return valuesOf(Brusselator(1000), newData(20).uniform(2, 1000, 1000))
	})
	add("jacobian/ba/p=31843", "the residuals of bundle adjustment, and the values of their sparse Jacobian", func() Instance {
		b, x, err := ReplicatedBundle(49, 7776, 31843, sparseCamera, [3]float64{0.3, -0.2, 4}, 0.9, [2]float64{350, 230})
		if err != nil {
			return FailedInstance(err)
		}
		return valuesOf(b.Residuals, x)
	})
	return list
}

// valuesOf ties a function and its sparse Jacobian to a point.
func valuesOf[P, Q any](f func(P) Q, x P) Instance {
	j, err := jacobian.Prepare(f, x)
	if err != nil {
		return FailedInstance(err)
	}
	return NewPair(f, j.Values, x)
}

// cycled returns n numbers of [-2, 2), of which thousands repeat: as good as random
// for what is measured, and quickly made.
func cycled(n int, dt tensor.DType) *T {
	const period = 1000
	v := newData(1).uniform(1, period).MulScalar(4).AddScalar(-2).Cast(dt)
	return v.BroadcastTo(n/period, period).Reshape(n)
}

// valued is an instance whose gradient comes with the value.
func valued[P any](f func(P) *T, x P) Instance {
	type both struct {
		Value    *T
		Gradient P
	}
	g := grad.ValueAndGrad(f)
	return NewPair(f, func(x P) both {
		v, d := g(x)
		return both{v, d}
	}, x)
}
