package main

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// loss is the mean negative log-likelihood of weights w [3], the last the intercept.
func loss(w *tensor.Tensor) *tensor.Tensor {
	x := tensor.New(hours)
	x = tensor.Concat(1, x, tensor.Ones(x.Dim(0), 1))
	y := tensor.New(passed)
	z := x.MatMul(w)
	// -log σ(z) where passed, -log(1-σ(z)) where not: softplus(z) - y·z
	return z.Softplus().Sub(y.Mul(z)).Mean()
}

// solve returns the solution of H·p = b by conjugate gradients.
func solve(apply func(*tensor.Tensor) *tensor.Tensor, b *tensor.Tensor) *tensor.Tensor {
	p := tensor.ZerosLike(b)
	r := b
	d := r
	for rr := r.Dot(r); rr.Float() > 1e-24; {
		hd := apply(d)
		alpha := rr.Div(d.Dot(hd))
		p, r = p.Add(alpha.Mul(d)), r.Sub(alpha.Mul(hd))
		next := r.Dot(r)
		d, rr = r.Add(next.Div(rr).Mul(d)), next
	}
	return p
}

func main() {
	w := tensor.Zeros(3)
	vg := grad.ValueAndGrad(loss)
	for step := range 8 {
		value, g := vg(w)
		if err := value.Err(); err != nil {
			fmt.Println(err)
			return
		}
		slope := g.Norm().Float()
		fmt.Printf("step %d  loss %.6f  |gradient| %.1e\n", step, value.Float(), slope)
		if slope < 1e-7 {
			break
		}
		w = w.Sub(solve(func(v *tensor.Tensor) *tensor.Tensor { return grad.HVP(loss, w, v) }, g))
	}
	fmt.Printf("weights %.4v\n", w)
}
