// Compiled functions: one program for each kind of argument, kept within a limit.

package grad_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

func ExampleCompiled() {
	loss := func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Sum() }
	gradient := grad.Compiled(grad.Grad(loss), grad.KeepPrograms(8))
	for _, n := range []int{2, 3, 2} {
		g, err := gradient.Run(context.Background(), tensor.Ones(n))
		fmt.Println(g, err, gradient.Len())
	}
	// Output:
	// [2. 2.] <nil> 1
	// [2. 2. 2.] <nil> 2
	// [2. 2.] <nil> 2
}

// countingSquare returns a function that counts how often it is recorded.
func countingSquare() (func(x *T) *T, *atomic.Int64) {
	var n atomic.Int64
	return func(x *T) *T {
		n.Add(1)
		return x.Square()
	}, &n
}

func TestCompiledKeepsWhatWasUsedLast(t *testing.T) {
	f, recorded := countingSquare()
	c := grad.Compiled(f, grad.KeepPrograms(2))
	for i, s := range []struct {
		size int
		want int64 // recordings so far
	}{{1, 1}, {2, 2}, {1, 2}, {3, 3}, {1, 3}, {2, 4}, {3, 5}, {2, 5}} {
		x := tensor.Full(3, []int{s.size})
		y, err := c.Run(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		sameBits(t, "square", y, tensor.Full(9, []int{s.size}))
		if n := recorded.Load(); n != s.want || c.Len() > 2 {
			t.Errorf("call %d: %d recordings, want %d; %d programs", i, n, s.want, c.Len())
		}
	}
	c.Forget()
	if c.Len() != 0 {
		t.Error("programs are left")
	}
	if _, err := c.Run(t.Context(), tensor.Ones(2)); err != nil || recorded.Load() != 6 {
		t.Errorf("after Forget: %v, %d recordings", err, recorded.Load())
	}
}

// Whatever a program depends on makes another one.
func TestCompiledTellsKindsApart(t *testing.T) {
	type argument struct {
		X    *T
		More []*T
		By   map[string]*T
		Rate float64
		Next *argument
	}
	var recorded int
	c := grad.Compiled(func(a argument) *T {
		recorded++
		y := a.X.MulScalar(a.Rate).Sum()
		for _, m := range a.More {
			y = y.Add(m.Sum())
		}
		for _, k := range []string{"a", "b"} {
			if m := a.By[k]; m != nil {
				y = y.Add(m.Sum())
			}
		}
		if a.Next != nil {
			y = y.Add(a.Next.X.Sum())
		}
		return y
	})
	one := func() *T { return tensor.Ones(2) }
	for i, k := range []struct {
		a    argument
		want float64
	}{
		{argument{X: one(), Rate: 1}, 2},
		{argument{X: one(), Rate: 2}, 4},
		{argument{X: tensor.Ones(3), Rate: 1}, 3},
		{argument{X: one().Cast(tensor.Float32), Rate: 1}, 2},
		{argument{X: one(), More: []*T{one()}, Rate: 1}, 4},
		{argument{X: one(), More: []*T{one(), one()}, Rate: 1}, 6},
		{argument{X: one(), By: map[string]*T{"a": one()}, Rate: 1}, 4},
		{argument{X: one(), By: map[string]*T{"b": one()}, Rate: 1}, 4},
		{argument{X: one(), Next: &argument{X: one()}, Rate: 1}, 4},
		{argument{X: one(), Next: &argument{X: one(), Rate: 3}, Rate: 1}, 4},
	} {
		for range 2 {
			y, err := c.Run(t.Context(), k.a)
			if err != nil || y.Float() != k.want {
				t.Errorf("kind %d: %v, %v, want %v", i, y, err, k.want)
			}
		}
		if recorded != i+1 || c.Len() != i+1 {
			t.Errorf("kind %d: %d recordings, %d programs", i, recorded, c.Len())
		}
	}
	nan := argument{X: one(), Rate: math.NaN()}
	for range 2 {
		if y, err := c.Run(t.Context(), nan); err != nil || !math.IsNaN(y.Float()) {
			t.Error(y, err)
		}
	}
}

// Many goroutines, more kinds than are kept: each result is right, each program is prepared
// by one of those who need it, and nothing is closed that is in use.
func TestCompiledConcurrently(t *testing.T) {
	f, recorded := countingSquare()
	c := grad.Compiled(f, grad.KeepPrograms(3))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			dst := make([]*T, 6)
			for i := range 60 {
				n := 1 + (i*(g+1))%5
				if dst[n] == nil {
					dst[n] = tensor.Zeros(n)
				}
				x := tensor.Full(float64(i), []int{n})
				err := c.RunInto(context.Background(), dst[n], x)
				if v, _ := dst[n].Float64s(); err != nil || v[n-1] != float64(i*i) {
					t.Errorf("%v: got %v, want %d", err, v, i*i)
				}
			}
		})
	}
	wg.Wait()
	if c.Len() > 3 {
		t.Errorf("%d programs are kept", c.Len())
	}
	few := grad.Compiled(f)
	before := recorded.Load()
	for range 8 {
		wg.Go(func() {
			if _, err := few.Run(context.Background(), tensor.Ones(4)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := recorded.Load() - before; n != 1 {
		t.Errorf("one kind was prepared %d times", n)
	}
}

// Errors are those of preparing and running, and do not stay.
func TestCompiledErrors(t *testing.T) {
	fail := true
	c := grad.Compiled(func(x *T) *T {
		if fail {
			return x.Reshape(7)
		}
		return x.Neg()
	})
	var shape *tensor.ShapeError
	if _, err := c.Run(t.Context(), tensor.Ones(2)); !errors.As(err, &shape) {
		t.Errorf("%v", err)
	}
	if err := c.Call(tensor.Ones(2)).Err(); !errors.As(err, &shape) {
		t.Errorf("%v", err)
	}
	fail = false
	if y, err := c.Run(t.Context(), tensor.Ones(2)); err != nil || c.Len() != 1 {
		t.Error(y, err, c.Len())
	}
	if _, err := c.Run(t.Context(), nil); !errors.Is(err, tensor.ErrNil) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Run(ctx, tensor.Ones(2)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A compiled function can be transformed.
func TestCompiledUnderGrad(t *testing.T) {
	c := grad.Compiled(func(x *T) *T { return x.Sin().Sum() })
	x := tensor.New([]float64{0.5, 2})
	sameBits(t, "gradient", grad.Grad(c.Call)(x), grad.Grad(func(x *T) *T { return x.Sin().Sum() })(x))
	sameBits(t, "second derivative", grad.HVP(c.Call, x, x), grad.HVP(func(x *T) *T { return x.Sin().Sum() }, x, x))
}
