package jacobian_test

import (
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// jacobians holds sparse Jacobians of a function against the dense one.
func jacobians[P, Q any](t *testing.T, f func(P) Q, x P, modes ...jacobian.Mode) {
	want := jacobian.Dense(f, x)
	for _, m := range append(modes, jacobian.Auto, jacobian.Forward) {
		t.Run(m.String(), func(t *testing.T) {
			p, err := jacobian.Prepare(f, x, jacobian.WithMode(m))
			compare(t, run(t, p, err, x, false), want, sparse.Full, 1e-11)
		})
	}
}

// TestGradBench holds sparse derivatives of GradBench's problems against dense ones:
// Hessians of the objectives, and Jacobians of what has several results.
func TestGradBench(t *testing.T) {
	t.Run("hello", func(t *testing.T) { hessians(t, (*T).Square, tensor.Scalar(3), 1) })
	t.Run("llsq", func(t *testing.T) { hessians(t, bench.NewLeastSquares(16, 4).Objective, random(4), 16) })
	t.Run("lse", func(t *testing.T) { hessians(t, bench.LogSumExp, random(6), 36) })
	t.Run("det", func(t *testing.T) { hessians(t, bench.NewCofactors(3).Objective, random(3, 3), 36) })
	t.Run("ode", func(t *testing.T) { hessians(t, bench.LastOfRungeKutta4(2), random(5), 0) })
	t.Run("ode, all", func(t *testing.T) {
		jacobians(t, func(x *T) *T { return bench.RungeKutta4(x, 2) }, random(9), jacobian.Reverse)
	})
	t.Run("kmeans", func(t *testing.T) { hessians(t, bench.KMeans{Points: random(12, 2)}.Cost, random(3, 2), 0) })
	t.Run("gmm", func(t *testing.T) {
		p := bench.NewMixture(random(6, 2), 1, 0)
		hessians(t, p.Objective, bench.MixtureParams{Alpha: random(3), Mu: random(3, 2), Q: random(3, 2), L: random(3, 1)}, 0)
	})
	t.Run("lstm", func(t *testing.T) {
		p := bench.LSTM{State: random(2, 3), Sequence: random(3, 3)}
		hessians(t, p.Objective, bench.LSTMParams{Main: random(2, 12), Extra: random(3, 3)}, 0)
	})
	t.Run("saddle", func(t *testing.T) {
		jacobians(t, func(x *T) *T { return bench.Saddle(x, bench.Forward, bench.Forward) }, tensor.New([]float64{2e-4, 3e-4}))
	})
	t.Run("particle", func(t *testing.T) {
		jacobians(t, func(w *T) *T { return bench.Particle(w, bench.Forward, bench.Reverse) }, tensor.New([]float64{0.2071}))
	})
	t.Run("ba", func(t *testing.T) {
		b, x := observations(t)
		jacobians(t, b.Residuals, x, jacobian.Direct, jacobian.Reverse, jacobian.Mixed)
		hessians(t, func(x bench.BundleParams) *T {
			r := b.Residuals(x)
			return r.Projection.Square().Sum().Add(r.Weight.Square().Sum())
		}, x, 0)
	})
	t.Run("ht", func(t *testing.T) {
		h, x := hand(t)
		jacobians(t, h.Residuals, x, jacobian.Reverse, jacobian.Mixed)
		hessians(t, func(x bench.HandParams) *T { return h.Residuals(x).Square().Sum() }, x, 0)
	})
}

// observations is an adjustment of two cameras, one of which is not turned, and three
// points.
func observations(t *testing.T) (*bench.Bundle, bench.BundleParams) {
	b, err := bench.NewBundle(2, 3, []int64{0, 1, 0, 1, 1}, []int64{0, 0, 1, 2, 1}, random(5, 2))
	if err != nil {
		t.Fatal(err)
	}
	still := tensor.Concat(0, tensor.Ones(1, 11), tensor.Concat(1, tensor.Zeros(1, 3), tensor.Ones(1, 8)))
	return b, bench.BundleParams{Cameras: random(2, 11).Mul(still), Points: random(3, 3).AddScalar(2), Weights: random(5)}
}

// hand is a hand with places on two triangles.
func hand(t *testing.T) (*bench.Hand, bench.HandParams) {
	const bones = 22
	m := bench.HandModel{Relatives: random(bones, 4, 4), Inverses: random(bones, 4, 4), BasePositions: random(5, 4),
		Weights: random(5, bones), Triangles: []int64{0, 1, 2, 4, 3, 0}}
	for b := range bones {
		parent := b - 1
		if b%4 == 1 || b == 21 {
			parent = 0
		}
		m.Parents = append(m.Parents, parent)
	}
	h, err := bench.NewHand(m, []int64{1, 0, 1}, random(3, 3), true)
	if err != nil {
		t.Fatal(err)
	}
	return h, bench.HandParams{Theta: random(bench.HandPose), U: random(3, 2)}
}
