// Command power differentiates A^k, the k-th power element by element, written
// as a Go loop: the graph is whatever the program does.
package main

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

func power(a *tensor.Tensor, k int) *tensor.Tensor {
	p := tensor.OnesLike(a)
	for range k {
		p = p.Mul(a)
	}
	return p
}

func main() {
	a := tensor.New([]float64{0, 1, 2, 3})
	const k = 3
	fmt.Println("A^3      ", power(a, k))
	g := grad.Grad(func(a *tensor.Tensor) *tensor.Tensor { return power(a, k).Sum() })
	fmt.Println("gradient ", g(a))
	h := grad.Grad(func(a *tensor.Tensor) *tensor.Tensor { return g(a).Sum() })
	fmt.Println("second   ", h(a))
}
