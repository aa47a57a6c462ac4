// Values that do not lie on the default device.

package grad_test

import (
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/sim"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// sums are functions of a [3 3] tensor whose sweeps begin with what depends on
// constants alone.
var sums = []struct {
	name string
	f    func(x *T) *T
}{
	{"a sum", func(x *T) *T { return x.Sum() }},
	{"a sum, then another", func(x *T) *T { return x.Sum().Add(x.Exp().Sum()) }},
	{"another, then a sum", func(x *T) *T { return x.Exp().Sum().Add(x.Sum()) }},
	{"a row", func(x *T) *T { return x.Index(tensor.At(0)).Exp().Sum().Add(x.Sum()).Add(x.Index(tensor.At(1)).Sum()) }},
	{"two rows", func(x *T) *T { return x.Index(tensor.At(0)).Add(x.Index(tensor.At(2))).Sum() }},
	{"means", func(x *T) *T { return x.Mean().Mul(x.Sum(0).Max()).Sub(x.T().Sum()) }},
	{"indices", func(x *T) *T { return x.Take(0, tensor.New([]int64{2, 0}).To(x.Device())).Sum().Mul(x.CumSum(1).Sum()) }},
	{"scan", func(x *T) *T {
		last, all := grad.Scan(func(s, row *T) (*T, *T) {
			s = s.Add(row).Tanh()
			return s, s.Mul(row).Sum()
		}, x.Index(tensor.At(0)), x)
		return last.Sum().Add(all.Square().Sum())
	}},
	{"while", func(x *T) *T {
		return grad.While(func(s *T) *T { return s.Sum().Lt(tensor.Scalar(40)) },
			func(s *T) *T { return s.MulScalar(1.5).Add(x.Square()) }, x).Sum()
	}},
	{"cond", func(x *T) *T {
		return grad.Cond(x.Sum().Gt(tensor.Scalar(0)), func(x *T) *T { return x.Sum() }, func(x *T) *T { return x.Square().Sum() }, x)
	}},
}

// What transformations give, eagerly and prepared, is what it is on the CPU, and lies
// where their argument does.
func TestElsewhere(t *testing.T) {
	here, err := device.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	list := compositions
	for _, c := range sums {
		for _, d := range []struct {
			name string
			f    func(x *T) *T
		}{
			{"", c.f},
			{"grad of ", grad.Grad(c.f)},
			{"hvp of ", func(x *T) *T { return grad.HVP(c.f, x, x.Sin()) }},
			{"grad of grad of ", grad.Grad(func(x *T) *T { return grad.Grad(c.f)(x).Mul(x).Sum() })},
			{"vmap of grad of ", func(x *T) *T { return grad.Vmap(grad.Grad(c.f))(x.Reshape(1, 3, 3)) }},
		} {
			d.name += c.name
			list = append(list, d)
		}
	}
	r := rand.New(rand.NewPCG(15, 16))
	x := random(r, 3, 3).To(here)
	other, err := device.Open("cpu:2") // where single numbers are no tensors
	if err != nil {
		t.Fatal(err)
	}
	for _, there := range []device.Device{other, sim.New(sim.Options{Name: "sim-elsewhere", Held: true, Workers: 2})} {
		y := x.To(there)
		for _, c := range list {
			t.Run(there.Name()+"/"+c.name, func(t *testing.T) {
				got := c.f(y)
				sameBits(t, "eagerly", got, c.f(x))
				// Zeros may be constants, which meet operands on any device.
				if sum := got.Add(y); sum.Err() != nil || sum.Device() != there {
					t.Errorf("added to the argument: %v", sum)
				}
				sameBits(t, "prepared", run(t, mustPrepare(t, c.f, y), y), run(t, mustPrepare(t, c.f, x), x))
			})
		}
		number, plain := tensor.Scalar(0.3).To(there), tensor.Scalar(0.3).To(here)
		f := grad.Grad(func(x *T) *T { return x.Add(x.Mul(x)).Add(x.Exp()) })
		sameBits(t, there.Name()+": of a number", f(number), f(plain))
		sameBits(t, there.Name()+": twice, of a number", grad.Grad(f)(number), grad.Grad(f)(plain))
	}
}
