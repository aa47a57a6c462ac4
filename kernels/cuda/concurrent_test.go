//go:build cuda && cgo

package cuda_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Many goroutines on two GPUs: each has its numbers right, whatever others do meanwhile.
func TestConcurrently(t *testing.T) {
	onStandIn(t)
	for _, exact := range []string{"", "1"} {
		devicetest.Child(t, "TestConcurrentlyChild", "STANDIN_DEVICES=2", devcuda.EnvExact+"="+exact)
	}
}

func TestConcurrentlyChild(t *testing.T) {
	devicetest.InChild(t)
	first := openDevice(t)
	other, err := device.Open("cuda:1")
	if err != nil {
		t.Fatal(err)
	}
	both := [2]*devcuda.Device{first, other.(*devcuda.Device)}
	f := grad.Grad(func(x *tensor.Tensor) *tensor.Tensor { return x.T().Mul(x).Tanh().Sum() })
	host := tensor.Linspace(-1, 1, 40*40).Reshape(40, 40)
	var programs [2]*grad.Prepared[*tensor.Tensor, *tensor.Tensor]
	for i, d := range both {
		if programs[i], err = grad.Prepare(f, host.To(d)); err != nil {
			t.Fatal(err)
		}
	}
	const workers, rounds = 6, 8
	work := func(w int) error {
		here, there := both[w%2], both[1-w%2]
		mine := host.AddScalar(float64(w))
		want, err := f(mine).Exp().Float64s()
		if err != nil {
			return err
		}
		x, y := mine.To(here), tensor.Zeros(40, 40).To(here)
		for round := range rounds {
			g := f(x)
			if round%2 == 1 {
				if err := programs[w%2].RunInto(t.Context(), y, x); err != nil {
					return err
				}
				g = y
			}
			away := g.To(there)
			e := away.Exp()
			back := e.To(here)
			tensor.Free(e)
			tensor.Free(away) // while it may be under way
			got, err := back.Float64s()
			if err != nil {
				return err
			}
			compareAll(t, fmt.Sprintf("worker %d, round %d", w, round), got, want, 1e-14, tensor.Float64)
			tensor.Free(back)
			if g != y {
				tensor.Free(g)
			}
			if round == w { // as others allocate
				here.Trim()
				if _, err := there.Reserved(); err != nil {
					return err
				}
			}
		}
		tensor.Free(x)
		tensor.Free(y)
		return nil
	}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			if err := work(w); err != nil {
				t.Errorf("worker %d: %v", w, err)
			}
		})
	}
	all.Wait()
	for _, p := range programs {
		p.Close()
	}
	collect(t, both[0])
	collect(t, both[1])
	if err := both[1].Close(); err != nil {
		t.Error(err)
	}
}
