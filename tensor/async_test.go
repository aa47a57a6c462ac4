package tensor_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/device/sim"
	"github.com/cotangent-ad/cotangent/tensor"
)

// simulated returns a device whose work waits until somebody waits for it, and
// which poisons what is freed.
func simulated(t testing.TB, limit int64) *sim.Device {
	t.Helper()
	d := sim.New(sim.Options{Name: t.Name(), Held: true, Limit: limit})
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	devicetest.NoLeaks(t, d)
	return d
}

// Readers wait for the work before them, in its order.
func TestReadersWait(t *testing.T) {
	d := simulated(t, 0)
	x := tensor.New([]float64{1, 2, 3}, tensor.On(d))
	y := x.Add(x).Mul(x)
	check(t, y, tensor.Float64, []int{3}, 2, 8, 18)
	check(t, y.Flip(), tensor.Float64, []int{3}, 18, 8, 2) // through strides
	check(t, y.Index(tensor.Step(2, tensor.Begin, -2)), tensor.Float64, []int{2}, 18, 2)
	check(t, y.BroadcastTo(2, 3), tensor.Float64, []int{2, 3}, 2, 8, 18, 2, 8, 18)
	if v, err := y.Sum().Item(); v != 28 || err != nil {
		t.Errorf("Item: %v (%v)", v, err)
	}
	if got := fmt.Sprint(y); got != "[ 2.  8. 18.]" {
		t.Errorf("printed %s", got)
	}
}

// What work reads stays until it has run, freed or forgotten as it may be.
func TestFreeBeforeWork(t *testing.T) {
	d := simulated(t, 0)
	x := tensor.New([]float64{1, 2, 3}, tensor.On(d))
	y := x.Exp()
	z := y.Log()
	tensor.Free(x)
	tensor.Free(y)
	d.Collect()
	if got := floats(t, z); !slices.EqualFunc(got, []float64{1, 2, 3}, func(a, b float64) bool { return max(a-b, b-a) < 1e-12 }) {
		t.Errorf("got %v", got)
	}
}

// The error of work that failed sticks to its results, and to no others.
func TestLateErrors(t *testing.T) {
	d := simulated(t, 0)
	x, i := tensor.New([]float64{1, 2}, tensor.On(d)), tensor.New([]int{7}, tensor.On(d))
	bad, where := x.Take(0, i), caller(0)
	good := x.Neg()
	after := bad.Exp().Add(good.At(0)) // queued before anybody knows
	for _, y := range []*tensor.Tensor{bad, good, after} {
		if err := y.Err(); err != nil {
			t.Fatalf("known before the work has run: %v", err)
		}
	}
	if err := after.Wait(t.Context()); err == nil {
		t.Error("Wait tells nothing")
	}
	for _, y := range []*tensor.Tensor{bad, after, after.T(), bad.Neg()} {
		if y.Err() != bad.Err() {
			t.Errorf("got %v", y.Err())
		}
	}
	failsAt[*tensor.IndexError](t, bad, "take", "index 7 out of range for a dimension of size 2", where)
	check(t, good, tensor.Float64, []int{2}, -1, -2)
	if _, err := bad.Float64s(); err != bad.Err() {
		t.Errorf("a reader: %v", err)
	}
}

func TestWait(t *testing.T) {
	d := simulated(t, 0)
	x := tensor.New([]float64{1}, tensor.On(d)).Exp()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := x.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait: %v", err)
	}
	if x.Err() != nil {
		t.Errorf("the cancelled wait stuck: %v", x.Err())
	}
	if err := x.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if err := tensor.Ones(2).Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTransfer(t *testing.T) {
	d := simulated(t, 0)
	host := open(t, "ref")
	x := tensor.New([][]float64{{1, 2}, {3, 4}}, tensor.On(host)).T()
	there := x.To(d)
	if there.Device() != d || there.To(d) != there {
		t.Error("it is not there")
	}
	back := there.Add(there).To(host)
	if back.Device() != host {
		t.Error("it is not back")
	}
	check(t, back, tensor.Float64, []int{2, 2}, 2, 6, 4, 8)
	check(t, tensor.Scalar(3).To(d), tensor.Float64, []int{}, 3)
	check(t, tensor.Zeros(0, 2).To(d), tensor.Float64, []int{0, 2})
}

// Injected failures of every allocation come back as errors, and nothing leaks.
func TestInjectedFailures(t *testing.T) {
	d := simulated(t, 0)
	run := func() error {
		x := tensor.Full(2, []int{50, 4}, tensor.On(d))
		y := x.MatMul(x.T()).Softmax(1).Index(tensor.Range(0, 3)).Sum()
		_, err := y.Item()
		return err
	}
	for n := range 100 {
		d.FailAfter(n)
		err := run()
		d.FailAfter(-1)
		if err == nil {
			if n < 5 {
				t.Errorf("only %d allocations", n)
			}
			return
		}
		if !errors.Is(err, sim.ErrInjected) {
			t.Fatalf("failure %d came back as %v", n, err)
		}
	}
	t.Error("it never ran through")
}

// Tensors, devices and scopes are used from many goroutines at once.
func TestConcurrency(t *testing.T) {
	for _, name := range devices {
		t.Run(name, func(t *testing.T) {
			on := tensor.On(open(t, name))
			x := tensor.Arange(0, 1000, 1, on)
			s := tensor.NewScope()
			shared := s.Enter(x)
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					for i := range 20 {
						n := 100 + 10*g + i // new types of operands all the time
						part := x.Index(tensor.Range(0, n))
						got, err := part.Add(part).Sum().Item()
						if want := float64(n * (n - 1)); got != want || err != nil {
							t.Errorf("got %v, want %v (%v)", got, want, err)
						}
						if got := shared.Neg().Max().Float(); got != 0 {
							t.Errorf("in the scope: %v", got)
						}
						if err := part.MatMul(shared).Err(); err == nil {
							t.Error("no error")
						}
						_ = x.String()
					}
				})
			}
			wg.Wait()
			s.Close()
		})
	}
}

func TestWaitDeadline(t *testing.T) {
	d := sim.New(sim.Options{Name: t.Name(), Delay: 50 * time.Millisecond})
	defer d.Close()
	x := tensor.New([]float64{1}, tensor.On(d)).Exp()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := x.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	check(t, x.Log(), tensor.Float64, []int{1}, 1)
	tensor.Free(x)
}

// Between two devices of a kind elements travel in the order of the work on either: of
// any layout, also where the source is freed at once, or fails after all.
func TestBetweenDevices(t *testing.T) {
	a, b := simulated(t, 0), sim.New(sim.Options{Name: "other", Held: true})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	devicetest.NoLeaks(t, b)
	x := tensor.New([][]float64{{1, 2, 3}, {4, 5, 6}}, tensor.On(a))
	y := x.Add(x)
	moved := []*tensor.Tensor{y.To(b), y.T().To(b), y.Index(tensor.At(1)).To(b), y.Index(tensor.At(1), tensor.Step(2, tensor.Begin, -2)).To(b), y.Sum().To(b)}
	tensor.Free(y)
	if err := a.Sync(context.Background()); err != nil { // what the copies wait for, and what waits for them
		t.Fatal(err)
	}
	check(t, moved[0], tensor.Float64, []int{2, 3}, 2, 4, 6, 8, 10, 12)
	check(t, moved[1].MulScalar(2), tensor.Float64, []int{3, 2}, 4, 16, 8, 20, 12, 24)
	check(t, moved[2], tensor.Float64, []int{3}, 8, 10, 12)
	check(t, moved[3], tensor.Float64, []int{2}, 12, 8)
	check(t, moved[4], tensor.Float64, nil, 42)
	for _, m := range moved {
		if m.Device() != b {
			t.Errorf("%v is on %v", m, m.Device())
		}
	}
	bad := x.Gather(0, tensor.FromSlice([]int64{0, 7}).Reshape(1, 2).BroadcastTo(1, 2).To(a)).To(b)
	if _, err := bad.Float64s(); err == nil {
		t.Error("an index out of range became a number on the way")
	}
}
