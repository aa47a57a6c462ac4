//go:build cuda && cgo

package cuda_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// shrink takes x down in steps, as many as it needs, each along one way or another.
func shrink(x *tensor.Tensor) *tensor.Tensor {
	large := func(x *tensor.Tensor) *tensor.Tensor {
		return x.Square().Sum().Gt(x.Square().Sum().MulScalar(0).AddScalar(1))
	}
	return grad.While(large, func(x *tensor.Tensor) *tensor.Tensor {
		return x.Tanh().Mul(x.Cos().MulScalar(0.3).AddScalar(0.5))
	}, x)
}

// fork takes one of two ways.
func fork(x *tensor.Tensor) *tensor.Tensor {
	s := x.Sum()
	return grad.Cond(s.Gt(s.MulScalar(0)), func(x *tensor.Tensor) *tensor.Tensor { return x.Exp().Mul(x.Sin()) },
		func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Neg().Exp() }, x)
}

// What is in a While or a Cond is recorded: run again it launches no kernel by itself, and
// gives the same, in any order that its dependencies allow. Of another number of steps,
// another way and other memory it does, too.
func TestBodiesAreReplayed(t *testing.T) {
	onStandIn(t)
	d := openDevice(t)
	host := sawtooth(600, -0.3)
	for name, c := range map[string]struct {
		f        func(x *tensor.Tensor) *tensor.Tensor
		launches int // of what is not recorded
	}{
		"while": {shrink, 0},
		"cond":  {fork, 0},
		"while between": {func(x *tensor.Tensor) *tensor.Tensor {
			return shrink(x.Sub(x.Sum().MulScalar(1e-3))).Sin().Mul(x.Exp())
		}, 0},
		// The steps keep rows for the sweep, each in memory of its own: they are not recorded.
		"gradient": {grad.Grad(func(x *tensor.Tensor) *tensor.Tensor { return shrink(x.MulScalar(2)).Sin().Sum() }), 1000},
		"while in a cond": {func(x *tensor.Tensor) *tensor.Tensor {
			s := x.Sum()
			return grad.Cond(s.Gt(s.MulScalar(0)), shrink, fork, x)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var in []*tensor.Tensor
			for _, scale := range []float64{1, -2, 3} {
				in = append(in, host.MulScalar(scale).To(d))
			}
			at, y := tensor.Zeros(600).To(d), tensor.Zeros(600).To(d)
			set := copying(t, at)
			p, err := grad.Prepare(c.f, at)
			if err != nil {
				t.Fatal(err)
			}
			for _, order := range []string{"forward", "reverse", "random"} {
				t.Setenv("STANDIN_ORDER", order)
				for run := range 18 {
					x := in[run%3]
					if err := set.RunInto(t.Context(), at, x); err != nil {
						t.Fatal(err)
					}
					before := driverCalls(t, d)
					if err := p.RunInto(t.Context(), y, at); err != nil {
						t.Fatalf("run %d: %v", run, err)
					}
					after := driverCalls(t, d)
					if n := after["cuLaunchKernel"] - before["cuLaunchKernel"]; run > 12 && n > c.launches {
						t.Errorf("run %d launches %d kernels by themselves", run, n)
					}
					if n := after["cuGraphLaunch"] - before["cuGraphLaunch"]; run > 12 && n == 0 {
						t.Errorf("run %d replays nothing", run)
					}
					compare(t, order, y, c.f(x), 0)
				}
			}
			p.Close()
			set.Close()
			recordingsAreGivenBack(t, d)
			collect(t, d, append(in, at, y)...)
		})
	}
}

// An index out of range in a step that is replayed is told with the step, and so in the
// next run; with good indices the program works as before.
func TestReplayedSteps(t *testing.T) {
	t.Setenv(devcuda.EnvExact, "") // memory is used again, so that more is replayed
	d := openDevice(t)
	table := tensor.New([]float64{1, 2, 3, 4, 5, 6, 7, 8}).To(d)
	type args struct{ At, Last, Sum *tensor.Tensor }
	f := func(a args) *tensor.Tensor {
		return grad.While(func(a args) *tensor.Tensor { return a.At.Lt(a.Last) }, func(a args) args {
			return args{a.At.AddScalar(1), a.Last, a.Sum.Add(table.Take(0, a.At))}
		}, a).Sum
	}
	number := func(v int64) *tensor.Tensor { return tensor.FromSlice([]int64{v}).Reshape().To(d) }
	start, last, zero, y := number(0), number(0), tensor.Zeros().To(d), tensor.Zeros().To(d)
	set := copying(t, last)
	p, err := grad.Prepare(f, args{start, last, zero})
	if err != nil {
		t.Fatal(err)
	}
	for run, steps := range []int64{8, 8, 8, 20, 20, 8, 5} {
		if err := set.RunInto(t.Context(), last, number(steps)); err != nil {
			t.Fatal(err)
		}
		err := p.RunInto(t.Context(), y, args{start, last, zero})
		if steps > 8 {
			if err == nil || !strings.Contains(err.Error(), "index 8 out of range") || !strings.Contains(err.Error(), "step 8 of the while") {
				t.Errorf("run %d: error %v", run, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		if got, err := y.Item(); err != nil || got != float64(steps*(steps+1)/2) {
			t.Errorf("run %d: %v, %v", run, got, err)
		}
	}
	p.Close()
	set.Close()
	collect(t, d, table, start, last, zero, y)
}

// A loop that goes on for ever ends with its context, while its steps are replayed.
func TestReplayedStepsEnd(t *testing.T) {
	onStandIn(t)
	d := openDevice(t)
	x := tensor.Ones(40).To(d)
	p, err := grad.Prepare(func(x *tensor.Tensor) *tensor.Tensor {
		return grad.While(func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Sum().Ge(x.Sum().MulScalar(0)) },
			func(x *tensor.Tensor) *tensor.Tensor { return x.Sin() }, x)
	}, x)
	if err != nil {
		t.Fatal(err)
	}
	before := driverCalls(t, d)
	for range 3 { // the first compiles kernels
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if _, err := p.Run(ctx, x); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v", err)
		}
		cancel()
	}
	if n := driverCalls(t, d)["cuGraphLaunch"] - before["cuGraphLaunch"]; n < 10 {
		t.Errorf("%d replays", n)
	}
	p.Close()
	collect(t, d, x)
}
