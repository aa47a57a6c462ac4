// Derivatives lie where their arguments do, whichever device is the default one.

package jacobian_test

import (
	"errors"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	_ "github.com/cotangent-ad/cotangent/device/sim"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

func TestElsewhere(t *testing.T) {
	f := func(x *T) *T { return x.Square().Mul(x.Roll([]int{1}, []int{0})) }
	v := []float64{1, 2, 3, 4, 5, 6}
	want, err := jacobian.Dense(f, tensor.New(v)).Float64s()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ref", "sim", "cpu:2"} {
		dev, err := device.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		x := tensor.New(v, tensor.On(dev))
		dense := jacobian.Dense(f, x)
		if dense.Device() != dev {
			t.Fatalf("%s: %v on %v", name, dense, dense.Device())
		}
		for _, mode := range []jacobian.Mode{jacobian.Auto, jacobian.Forward, jacobian.Reverse, jacobian.Mixed, jacobian.Direct} {
			p, err := jacobian.Prepare(f, x, jacobian.WithMode(mode))
			if err != nil {
				t.Errorf("%s %v: %v", name, mode, err)
				continue
			}
			m := sparse.NewCSR[float64](p.Output())
			if err := p.Run(ctx, x, m.Val); err != nil {
				t.Errorf("%s %v: %v", name, mode, err)
			}
			if err := p.Check(ctx, x, 1); err != nil {
				t.Errorf("%s %v: %v", name, mode, err)
			}
			for i := range want {
				if got := m.At(i/6, i%6); math.Abs(got-want[i]) > 1e-13 {
					t.Errorf("%s %v: %g at %d, want %g", name, mode, got, i, want[i])
				}
			}
			p.Close()
		}
	}
}

// Integers have no derivative: that is said, instead of an empty matrix.
func TestNoFloats(t *testing.T) {
	var de *tensor.DTypeError
	ints := tensor.New([]int{1, 2})
	square, index := (*T).Square, func(x *T) *T { return x.ArgMax() }
	if err := jacobian.Dense(square, ints).Err(); !errors.As(err, &de) {
		t.Errorf("an integer argument: %v", err)
	}
	if err := jacobian.Dense(index, random(3)).Err(); !errors.As(err, &de) {
		t.Errorf("an integer result: %v", err)
	}
	if _, err := jacobian.Prepare(square, ints); !errors.As(err, &de) {
		t.Errorf("an integer argument, prepared: %v", err)
	}
	if _, err := jacobian.Prepare(index, random(3)); !errors.As(err, &de) {
		t.Errorf("an integer result, prepared: %v", err)
	}
	if empty := jacobian.Dense(square, tensor.Zeros(0)); empty.Err() != nil || empty.Size() != 0 || empty.Rank() != 2 {
		t.Errorf("no elements: %v", empty)
	}
}
