// Examples of the options of loops.

package grad_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Discounted returns: each reward, and what comes after it at a discount.
func ExampleBackwards() {
	rewards := tensor.New([]float64{1, 0, 2})
	discount := tensor.Scalar(0.5)
	_, returns := grad.Scan(func(later, reward *tensor.Tensor) (*tensor.Tensor, *tensor.Tensor) {
		now := reward.Add(later.Mul(discount))
		return now, now
	}, tensor.Scalar(0), rewards, grad.Backwards())
	fmt.Println(returns)
	// Output: [1.5 1.  2. ]
}

// A loop that reads no rows has its length given.
func ExampleLength() {
	rate := tensor.Scalar(0.1)
	wealth, _ := grad.Scan(func(w *tensor.Tensor, _ struct{}) (*tensor.Tensor, struct{}) {
		return w.Add(w.Mul(rate)), struct{}{}
	}, tensor.Scalar(100), struct{}{}, grad.Length(2))
	fmt.Printf("%.2f\n", wealth.Float())
	// Output: 121.00
}

// A loop's derivative keeps either what it reads of each step, or the carries only, and
// then computes each step again: the same gradient in less memory.
func ExampleRecompute() {
	x := tensor.Full(0.5, []int{1000})
	memory := func(keep grad.Option) (bytes int, g *tensor.Tensor) {
		loss := func(x *tensor.Tensor) *tensor.Tensor {
			y, _ := grad.Scan(func(y *tensor.Tensor, _ struct{}) (*tensor.Tensor, struct{}) {
				return y.Sin().Exp().Tanh().Sqrt(), struct{}{}
			}, x, struct{}{}, grad.Length(100), keep)
			return y.Sum()
		}
		p, err := grad.Prepare(grad.Grad(loss), x)
		if err != nil {
			fmt.Println(err)
			return 0, nil
		}
		defer p.Close()
		return p.Stats().ArenaBytes, p.Call(x)
	}
	all, a := memory(grad.KeepResiduals())
	carries, b := memory(grad.Recompute())
	fmt.Println(all > 3*carries, a.Eq(b).Cast(tensor.Int64).Min())
	// Output: true 1
}

// What a loop of unknown length may keep for its derivative has a limit.
func ExampleResidualLimit() {
	halved := func(x *tensor.Tensor) *tensor.Tensor {
		return grad.While(func(x *tensor.Tensor) *tensor.Tensor { return x.Gt(tensor.Scalar(1)) },
			func(x *tensor.Tensor) *tensor.Tensor { return x.Mul(x).Sqrt().MulScalar(0.5) }, x, grad.ResidualLimit(1000))
	}
	p, err := grad.Prepare(grad.Grad(halved), tensor.Scalar(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Run(context.Background(), tensor.Scalar(12)))
	_, err = p.Run(context.Background(), tensor.Scalar(1e300))
	var full *graph.StackError
	fmt.Println(errors.As(err, &full) && full.Limit == 1000)
	// Output:
	// 0.0625 <nil>
	// true
}

// A loop that need not end: so many steps at most, or until a context ends.
func ExampleMaxSteps() {
	forever := func(opts ...grad.Option) error {
		return grad.While(func(x *tensor.Tensor) *tensor.Tensor { return x.Ge(tensor.Scalar(0)) },
			func(x *tensor.Tensor) *tensor.Tensor { return x.AddScalar(1) }, tensor.Scalar(0), opts...).Err()
	}
	var steps *graph.StepsError
	fmt.Println(errors.As(forever(grad.MaxSteps(1000)), &steps) && steps.Limit == 1000)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(errors.Is(forever(grad.WithContext(ctx)), context.DeadlineExceeded))
	// Output:
	// true
	// true
}
