// Explanations: what they tell is what the program does.

package grad_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/internal/cc"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
	"github.com/cotangent-ad/cotangent/tensor/graph/native"
)

func ExamplePrepared_Explain() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Neg().Exp().Sum() }
	p, err := grad.Prepare(grad.Grad(f), tensor.Zeros(1000))
	if err != nil {
		fmt.Println(err)
		return
	}
	e := p.Explain()
	fmt.Println(e.Recorded, "operations became", e.Instructions, "loop, with", e.Passes(), "pass over memory")
	fmt.Println(e.Cost.Functions, "exponentials,", e.Peak, "bytes of memory")
	// Output:
	// 6 operations became 1 loop, with 1 pass over memory
	// 1000 exponentials, 0 bytes of memory
}

func TestExplain(t *testing.T) {
	const n = 64
	captured := tensor.Arange(0, n, 1)
	f := func(x *T) *T {
		c, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) {
			return c.MatMul(x).Tanh(), struct{}{}
		}, x, struct{}{}, grad.Length(10))
		return c.Mul(captured).T().Exp()
	}
	p := mustPrepare(t, f, tensor.Zeros(n, n))
	e := p.Explain()
	s := p.Stats()
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"bytes of arguments", e.Arguments, n * n * 8},
		{"bytes of results", e.Results, n * n * 8},
		{"bytes of constants", e.Constants, n * 8},
		{"the peak", e.Peak, s.ArenaBytes},
		{"instructions", e.Instructions, s.Instructions},
		{"views", e.Views, s.Views},
		{"operations", e.Recorded, 6}, // scan(matmul, tanh), mul, transpose, exp
		{"fused loops", e.Fused, 1},   // mul, transpose and exp
		{"flops of products", int(e.Cost.Products), 10 * 2 * n * n * n},
		{"functions", int(e.Cost.Functions), 11 * n * n},
		{"kernels", int(e.Cost.Calls), 21},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d\n%v", c.what, c.got, c.want, p.Graph())
		}
	}
	if e.Native != nil || e.Predicted() <= 0 {
		t.Errorf("%+v", e)
	}
	text := e.String()
	for _, part := range []string{"6 operations recorded", "1 of them fused", "21 kernel calls", "predicted"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

// The plan of the machine code is known whether or not there is a compiler; that there
// is none may be known when Explain is called, or not yet.
func TestExplainNative(t *testing.T) {
	p := mustPrepare(t, func(x *T) *T { return x.Sin().CumSum(0).Cos() }, tensor.Zeros(8), grad.WithNative())
	e := p.Explain()
	if e.Native == nil || e.Native.Functions < 1 || e.Native.Calls > 1 {
		t.Fatalf("%v\n%+v", e, e.Native)
	}
	if err := e.Native.Err; err != nil && !errors.Is(err, cc.ErrUnsupported) && !errors.Is(err, graph.ErrApart) || strings.Contains(e.String(), "machine code of") != (err == nil) {
		t.Errorf("%v\n%+v", e, e.Native)
	}
	large := mustPrepare(t, chain(200_000), tensor.Scalar(1), grad.WithNative(), grad.Without(graph.AllPasses))
	var tooLarge *native.TooLargeError
	if e := large.Explain(); !errors.As(e.Native.Err, &tooLarge) || !strings.Contains(e.String(), "no machine code") {
		t.Errorf("%+v", e.Native)
	}
}
