package gradbench

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
)

// ask sends one evaluate message and returns its output.
func ask(t *testing.T, s *Server, module, function string, input any) any {
	t.Helper()
	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf(`{"id":7,"kind":"evaluate","module":%q,"function":%q,"input":%s}`, module, function, in)
	b, err := json.Marshal(s.Handle(context.Background(), []byte(line)))
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		ID      int
		Success bool
		Output  any
		Error   string
		Timings []Timing
	}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	if r.ID != 7 || !r.Success {
		t.Fatalf("%s %s: %s", module, function, b)
	}
	if len(r.Timings) < 2 || r.Timings[1].Name != "evaluate" || r.Timings[1].Nanoseconds <= 0 {
		t.Errorf("%s %s: timings %v", module, function, r.Timings)
	}
	return r.Output
}

// flat lists the numbers of an output, objects by the given keys.
func flat(v any, keys ...string) []float64 {
	switch v := v.(type) {
	case float64:
		return []float64{v}
	case []any:
		var out []float64
		for _, e := range v {
			out = append(out, flat(e)...)
		}
		return out
	case map[string]any:
		var out []float64
		for _, k := range keys {
			out = append(out, flat(v[k])...)
		}
		return out
	}
	return []float64{math.NaN()}
}

func same(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i])/max(1, math.Abs(got[i])+math.Abs(want[i])) <= tol) {
			t.Errorf("%s[%d] = %.12g, want %.12g", what, i, got[i], want[i])
		}
	}
}

// differences returns the gradient of f at x by central differences, extrapolated.
func differences(f func([]float64) float64, x []float64) []float64 {
	g := make([]float64, len(x))
	for i := range x {
		d := func(h float64) float64 {
			v := x[i]
			x[i] = v + h
			p := f(x)
			x[i] = v - h
			m := f(x)
			x[i] = v
			return (p - m) / (2 * h)
		}
		h := 1e-3
		g[i] = (4*d(h/2) - d(h)) / 3
	}
	return g
}

func uniform(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.Float64()
	}
	return v
}

func normal(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func rows(v []float64, n int) [][]float64 {
	out := make([][]float64, n)
	w := len(v) / n
	for i := range out {
		out[i] = v[i*w : (i+1)*w]
	}
	return out
}

// servers are an eager and a preparing one.
func servers(t *testing.T, test func(t *testing.T, s *Server)) {
	for _, how := range []bench.Execution{bench.Eager, bench.Tiles} {
		t.Run(how.String(), func(t *testing.T) { test(t, &Server{How: how}) })
	}
}

func TestLLSQ(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		for _, n := range []int{2, 7, 64} {
			x := uniform(rand.New(rand.NewPCG(1, uint64(n))), 6)
			f := func(x []float64) float64 {
				var sum float64
				for i := range n {
					t := -1 + 2*float64(i)/float64(n-1)
					r := 0.0
					if t != 0 {
						r = math.Copysign(1, t)
					}
					for j := range x {
						r -= x[j] * math.Pow(t, float64(j))
					}
					sum += r * r / 2
				}
				return sum
			}
			in := map[string]any{"x": x, "n": n}
			same(t, "primal", flat(ask(t, s, "llsq", "primal", in)), []float64{f(x)}, 1e-12)
			same(t, "gradient", flat(ask(t, s, "llsq", "gradient", in)), differences(f, x), 1e-8)
		}
	})
}

func TestLSE(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		for name, x := range map[string][]float64{
			"uniform": uniform(rand.New(rand.NewPCG(2, 2)), 50), "large": {1e3, 999, -1e3}, "negative": {-1e3, -1e3}, "ties": {2, 2, 2, 1}, "one": {-4},
		} {
			a := x[0]
			for _, v := range x {
				a = max(a, v)
			}
			var sum float64
			for _, v := range x {
				sum += math.Exp(v - a)
			}
			g := make([]float64, len(x))
			for i, v := range x {
				g[i] = math.Exp(v-a) / sum
			}
			in := map[string]any{"x": x}
			same(t, name+" primal", flat(ask(t, s, "lse", "primal", in)), []float64{a + math.Log(sum)}, 1e-14)
			same(t, name+" gradient", flat(ask(t, s, "lse", "gradient", in)), g, 1e-13)
		}
	})
}

func determinant(a []float64, n int) float64 {
	if n == 1 {
		return a[0]
	}
	var det float64
	for j := range n {
		var minor []float64
		for i := 1; i < n; i++ {
			for k := range n {
				if k != j {
					minor = append(minor, a[i*n+k])
				}
			}
		}
		det += float64(1-2*(j%2)) * a[j] * determinant(minor, n-1)
	}
	return det
}

func TestDet(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		for _, n := range []int{1, 2, 5, 9} {
			if n == 9 && (testing.Short() || s.How != bench.Eager) {
				n = 4
			}
			a := uniform(rand.New(rand.NewPCG(3, uint64(n))), n*n)
			if n == 5 {
				copy(a[5:10], a[:5]) // singular
			}
			in := map[string]any{"A": a, "ell": n}
			same(t, "primal", flat(ask(t, s, "det", "primal", in)), []float64{determinant(a, n)}, 1e-12)
			if n <= 5 {
				f := func(a []float64) float64 { return determinant(a, n) }
				same(t, "gradient", flat(ask(t, s, "det", "gradient", in)), differences(f, a), 1e-9)
			}
		}
		zero := map[string]any{"A": make([]float64, 9), "ell": 3}
		same(t, "of zero", flat(ask(t, s, "det", "gradient", zero)), make([]float64, 9), 0)
	})
}

func rungeKutta(x []float64, s int) []float64 {
	n := len(x)
	f := func(y []float64) []float64 {
		out := make([]float64, n)
		out[0] = x[0]
		for i := 1; i < n; i++ {
			out[i] = x[i] * y[i-1]
		}
		return out
	}
	axpy := func(a float64, x, y []float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = y[i] + a*x[i]
		}
		return out
	}
	h := 2 / float64(s)
	y := make([]float64, n)
	for range s {
		k1 := f(y)
		k2 := f(axpy(h/2, k1, y))
		k3 := f(axpy(h/2, k2, y))
		k4 := f(axpy(h, k3, y))
		for i := range y {
			y[i] += h * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i]) / 6
		}
	}
	return y
}

func TestODE(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		for _, c := range []struct{ n, s int }{{1, 1}, {3, 4}, {6, 10}, {9, 1}} {
			x := uniform(rand.New(rand.NewPCG(4, uint64(c.n))), c.n)
			in := map[string]any{"x": x, "s": c.s}
			same(t, "primal", flat(ask(t, s, "ode", "primal", in)), rungeKutta(x, c.s), 1e-13)
			f := func(x []float64) float64 { return rungeKutta(x, c.s)[c.n-1] }
			same(t, "gradient", flat(ask(t, s, "ode", "gradient", in)), differences(f, x), 1e-9)
		}
	})
}

func TestSaddle(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		for _, mode := range []string{"ff", "fr", "rf", "rr"} {
			same(t, mode+" from zero", flat(ask(t, s, "saddle", mode, map[string]any{"start": []float64{0, 0}})), make([]float64, 4), 0)
			same(t, mode+" too near", flat(ask(t, s, "saddle", mode, map[string]any{"start": []float64{0.001, 0.002}})), []float64{0.001, 0.002, 0.001, 0.002}, 0)
		}
	})
}

func TestKMeans(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		rng := rand.New(rand.NewPCG(5, 5))
		const n, k, d = 60, 4, 3
		points := uniform(rng, n*d)
		centroids := append([]float64(nil), points[(n-k)*d:]...)
		var cost float64
		count, mean := make([]float64, k), make([]float64, k*d)
		for i := range n {
			best, at := math.Inf(1), 0
			for j := range k {
				var dist float64
				for l := range d {
					dist += math.Pow(centroids[j*d+l]-points[i*d+l], 2)
				}
				if dist < best {
					best, at = dist, j
				}
			}
			cost += best
			count[at]++
			for l := range d {
				mean[at*d+l] += points[i*d+l]
			}
		}
		dir := make([]float64, k*d)
		for i := range dir {
			dir[i] = centroids[i] - mean[i]/count[i/d]
		}
		in := map[string]any{"points": rows(points, n), "centroids": rows(centroids, k)}
		same(t, "cost", flat(ask(t, s, "kmeans", "cost", in)), []float64{cost}, 1e-12)
		same(t, "dir", flat(ask(t, s, "kmeans", "dir", in)), dir, 1e-12)
	})
}

func mixtureOf(v []float64, x []float64, d, k, n, m int, gamma float64) float64 {
	tri := d * (d - 1) / 2
	alpha, mu, q, l := v[:k], v[k:k+k*d], v[k+k*d:k+2*k*d], v[k+2*k*d:]
	lse := func(b []float64) float64 {
		a := math.Inf(-1)
		for _, e := range b {
			a = max(a, e)
		}
		var s float64
		for _, e := range b {
			s += math.Exp(e - a)
		}
		return a + math.Log(s)
	}
	f := -float64(n) * (float64(d)/2*math.Log(2*math.Pi) + lse(alpha))
	for i := range n {
		beta := make([]float64, k)
		for c := range k {
			beta[c] = alpha[c]
			for j := range d {
				beta[c] += q[c*d+j]
			}
			lc := l[c*tri : (c+1)*tri]
			for r := range d {
				y := math.Exp(q[c*d+r]) * (x[i*d+r] - mu[c*d+r])
				for j := range r {
					at := j*d - j*(j+1)/2 + r - j - 1 // column by column
					y += lc[at] * (x[i*d+j] - mu[c*d+j])
				}
				beta[c] -= y * y / 2
			}
		}
		f += lse(beta)
	}
	dof := float64(d + m + 1)
	logGamma := float64(d*(d-1)) / 4 * math.Log(math.Pi)
	for j := 1; j <= d; j++ {
		g, _ := math.Lgamma(dof/2 + float64(1-j)/2)
		logGamma += g
	}
	f += float64(k) * (dof*float64(d)*math.Log(gamma/math.Sqrt2) - logGamma)
	for _, e := range q {
		f += float64(m)*e - gamma*gamma/2*math.Exp(2*e)
	}
	for _, e := range l {
		f -= gamma * gamma / 2 * e * e
	}
	return f
}

func TestGMM(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		for _, c := range []struct {
			d, k, n, m int
			gamma      float64
		}{{2, 3, 10, 0, 1}, {4, 2, 7, 3, 0.7}, {1, 2, 5, 1, 1.5}} {
			rng := rand.New(rand.NewPCG(6, uint64(c.d)))
			x := normal(rng, c.n*c.d)
			tri := c.d * (c.d - 1) / 2
			v := append(append(normal(rng, c.k), uniform(rng, c.k*c.d)...), normal(rng, c.k*(c.d+tri))...)
			in := map[string]any{
				"d": c.d, "k": c.k, "n": c.n, "m": c.m, "gamma": c.gamma, "x": rows(x, c.n), "alpha": v[:c.k],
				"mu": rows(v[c.k:c.k+c.k*c.d], c.k), "q": rows(v[c.k+c.k*c.d:c.k+2*c.k*c.d], c.k), "l": rows(v[c.k+2*c.k*c.d:], c.k),
			}
			f := func(v []float64) float64 { return mixtureOf(v, x, c.d, c.k, c.n, c.m, c.gamma) }
			same(t, "objective", flat(ask(t, s, "gmm", "objective", in)), []float64{f(v)}, 1e-12)
			same(t, "jacobian", flat(ask(t, s, "gmm", "jacobian", in), "alpha", "mu", "q", "l"), differences(f, v), 1e-7)
		}
	})
}

func lstmLoss(v, state, seq []float64, l, b, c int) float64 {
	state = append([]float64(nil), state...)
	sigma := func(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
	extra := v[8*l*b:]
	var total float64
	for t := range c - 1 {
		y := make([]float64, b)
		for j := range b {
			x := seq[t*b+j] * extra[j]
			for i := range l {
				w, bias := v[2*i*4*b:], v[(2*i+1)*4*b:]
				h, cell := &state[2*i*b+j], &state[(2*i+1)*b+j]
				forget, in := sigma(x*w[j]+bias[j]), sigma(*h*w[b+j]+bias[b+j])
				out, change := sigma(x*w[2*b+j]+bias[2*b+j]), math.Tanh(*h*w[3*b+j]+bias[3*b+j])
				*cell = *cell*forget + in*change
				*h = out * math.Tanh(*cell)
				x = *h
			}
			y[j] = x*extra[b+j] + extra[2*b+j]
		}
		sum := 2.0
		for _, e := range y {
			sum += math.Exp(e)
		}
		for j, e := range y {
			total += seq[(t+1)*b+j] * (e - math.Log(sum))
		}
	}
	return -total / float64(b*(c-1))
}

func TestLSTM(t *testing.T) {
	servers(t, func(t *testing.T, s *Server) {
		for _, c := range []struct{ l, b, c int }{{1, 3, 2}, {2, 4, 6}} {
			rng := rand.New(rand.NewPCG(7, uint64(c.c)))
			v, state, seq := uniform(rng, 8*c.l*c.b+3*c.b), uniform(rng, 2*c.l*c.b), uniform(rng, c.c*c.b)
			in := map[string]any{
				"main_params": rows(v[:8*c.l*c.b], 2*c.l), "extra_params": rows(v[8*c.l*c.b:], 3),
				"state": rows(state, 2*c.l), "sequence": rows(seq, c.c),
			}
			f := func(v []float64) float64 { return lstmLoss(v, state, seq, c.l, c.b, c.c) }
			same(t, "objective", flat(ask(t, s, "lstm", "objective", in)), []float64{f(v)}, 1e-12)
			same(t, "jacobian", flat(ask(t, s, "lstm", "jacobian", in)), differences(f, v), 1e-8)
		}
	})
}
