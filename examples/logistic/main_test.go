package main

import (
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// The weights that main prints are those at which the gradient vanishes.
func TestFit(t *testing.T) {
	w := tensor.New([]float64{1.51026891, 0.09977004, -4.77516818})
	if g := grad.Grad(loss)(w).Square().Sum().Sqrt().Float(); !(g < 1e-7) {
		t.Errorf("gradient %g at the printed weights", g)
	}
}

func Example() {
	main()
	// Output:
	// step 0  loss 0.693147  |gradient| 5.1e-01
	// step 1  loss 0.427383  |gradient| 1.3e-01
	// step 2  loss 0.402781  |gradient| 3.5e-02
	// step 3  loss 0.400922  |gradient| 3.8e-03
	// step 4  loss 0.400903  |gradient| 4.7e-05
	// step 5  loss 0.400903  |gradient| 6.6e-09
	// weights [ 1.5103  0.0998 -4.7752]
}
