package main

import (
	"context"
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

func scanned(a *tensor.Tensor, k int) *tensor.Tensor {
	p, _ := grad.Scan(func(p *tensor.Tensor, _ struct{}) (*tensor.Tensor, struct{}) {
		return p.Mul(a), struct{}{}
	}, tensor.OnesLike(a), struct{}{}, grad.Length(k))
	return p
}

func main() {
	a := tensor.New([]float64{0, 1, 2, 3})
	const k = 3
	for _, way := range []struct {
		name string
		f    func(a *tensor.Tensor, k int) *tensor.Tensor
	}{{"Go loop", power}, {"Scan", scanned}} {
		g := grad.Grad(func(a *tensor.Tensor) *tensor.Tensor { return way.f(a, k).Sum() })
		h := grad.Grad(func(a *tensor.Tensor) *tensor.Tensor { return g(a).Sum() })
		fmt.Println(way.name)
		fmt.Println("  A^3      ", way.f(a, k))
		fmt.Println("  gradient ", g(a))
		fmt.Println("  second   ", h(a))
		for _, k := range []int{3, 300} {
			f := func(a *tensor.Tensor) *tensor.Tensor { return way.f(a, k).Sum() }
			p, err := grad.Prepare(grad.Grad(f), a)
			if err != nil {
				fmt.Println(err)
				return
			}
			slope, err := p.Run(context.Background(), tensor.New([]float64{0, 1, 1, 1}))
			fmt.Printf("  prepared gradient of A^%d: %d instructions, at 0, 1, 1, 1 %v %v\n", k, p.Stats().Instructions, slope, err)
		}
	}
}
