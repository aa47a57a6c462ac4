package main

import (
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

type point struct{ X, Mu, Sigma *tensor.Tensor }

func density(p point) *tensor.Tensor {
	v1 := p.X.Sub(p.Mu)
	v2 := v1.Square()
	v6 := p.Sigma.Square()
	v7 := v6.MulScalar(2)
	v3 := v2.Div(v7)
	v4 := v3.Neg()
	v5 := v4.Exp()
	v8 := v7.MulScalar(math.Pi)
	v9 := v8.Sqrt()
	v10 := v9.Reciprocal()
	return v5.Mul(v10)
}

func main() {
	at := point{X: tensor.Scalar(0.5), Mu: tensor.Scalar(0), Sigma: tensor.Scalar(1)}
	f, g := grad.ValueAndGrad(density)(at)
	if err := f.Err(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("f        = %7.4f\n", f.Float())
	fmt.Printf("df/dx    = %7.4f\n", g.X.Float())
	fmt.Printf("df/dmu   = %7.4f\n", g.Mu.Float())
	fmt.Printf("df/dsigma= %7.4f\n", g.Sigma.Float())
}
