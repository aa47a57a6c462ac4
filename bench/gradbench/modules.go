// The modules: GradBench's messages tied to the objectives of package bench.

package gradbench

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// function makes an evaluation from a message's input.
type function func(input json.RawMessage, how bench.Execution) (*evaluation, error)

// evaluation is a function at a point.
type evaluation struct {
	run func(context.Context) result
	// compiled waits until run uses machine code, or says why it will not; nil where
	// that was not asked for.
	compiled func(context.Context) error
	// close gives memory back once the last result was looked at; nil where there is
	// none to give.
	close func()
}

// modules are GradBench's modules and their functions.
var modules = map[string]map[string]function{
	"hello": {
		"square": hello(func(x *tensor.Tensor) *tensor.Tensor { return x.Mul(x) }),
		"double": hello(grad.Grad(func(x *tensor.Tensor) *tensor.Tensor { return x.Mul(x) })),
	},
	"llsq":     objective(llsq, "primal", "gradient"),
	"lse":      objective(lse, "primal", "gradient"),
	"det":      objective(det, "primal", "gradient"),
	"ode":      {"primal": odePrimal, "gradient": odeGradient},
	"saddle":   descents(saddle),
	"particle": descents(particle),
	"kmeans":   {"cost": kmeansCost, "dir": kmeansDirection},
	"gmm":      mixture(),
	"lstm":     {"objective": lstmObjective, "jacobian": lstmJacobian},
	"ba":       {"objective": baObjective, "jacobian": baJacobian},
	"ht":       {"objective": htObjective, "jacobian": htJacobian},
}

// Modules returns the names of the modules there are.
func Modules() []string {
	var names []string
	for name := range modules {
		names = append(names, name)
	}
	return names
}

// decode unmarshals an input.
func decode[I any](input json.RawMessage) (in I, err error) {
	if err := json.Unmarshal(input, &in); err != nil {
		return in, fmt.Errorf("input: %w", err)
	}
	return in, nil
}

// evaluate returns the evaluation of f at x. Prepared runs write to the same results
// again and again.
func evaluate[P, Q any](f func(P) Q, x P, how bench.Execution, out func(Q) result) (*evaluation, error) {
	if how == bench.Eager {
		return &evaluation{run: func(context.Context) result { return out(f(x)) }}, nil
	}
	opts := []grad.Option{grad.Reassociate()}
	if how == bench.Native {
		opts = append(opts, grad.WithNative())
	}
	p, err := grad.Prepare(f, x, opts...)
	if err != nil {
		return nil, err
	}
	var y *Q
	e := &evaluation{close: p.Close, run: func(ctx context.Context) result {
		if y != nil {
			if err := p.RunInto(ctx, *y, x); err != nil {
				return result{one: tensor.Failed("gradbench", err)}
			}
			return out(*y)
		}
		first, err := p.Run(ctx, x)
		if err != nil {
			return result{one: tensor.Failed("gradbench", err)}
		}
		y = &first
		return out(first)
	}}
	if how == bench.Native {
		e.compiled = p.Native
	}
	return e, nil
}

func alone(t *tensor.Tensor) result { return result{one: t} }

// problem is an objective at a point.
type problem struct {
	f func(*tensor.Tensor) *tensor.Tensor
	x *tensor.Tensor
}

// objective makes the two functions of a module whose derivative is a gradient of the point's shape.
func objective(parse func(json.RawMessage) (problem, error), value, gradient string) map[string]function {
	return map[string]function{
		value: func(input json.RawMessage, how bench.Execution) (*evaluation, error) {
			p, err := parse(input)
			if err != nil {
				return nil, err
			}
			return evaluate(p.f, p.x, how, alone)
		},
		gradient: func(input json.RawMessage, how bench.Execution) (*evaluation, error) {
			p, err := parse(input)
			if err != nil {
				return nil, err
			}
			flat := func(x *tensor.Tensor) *tensor.Tensor { return grad.Grad(p.f)(x).Reshape(-1) }
			return evaluate(flat, p.x, how, alone)
		},
	}
}

func hello(f func(*tensor.Tensor) *tensor.Tensor) function {
	return func(input json.RawMessage, how bench.Execution) (*evaluation, error) {
		x, err := decode[float64](input)
		if err != nil {
			return nil, err
		}
		return evaluate(f, tensor.Scalar(x), how, alone)
	}
}

// maxElements bounds what an input may make the objectives allocate beyond its own size.
const maxElements = 1 << 26

func llsq(input json.RawMessage) (problem, error) {
	in, err := decode[struct {
		X []float64
		N int
	}](input)
	switch {
	case err != nil:
		return problem{}, err
	case in.N < 2 || len(in.X) < 1 || in.N > maxElements/len(in.X):
		return problem{}, fmt.Errorf("llsq: n = %d points and %d coefficients: at least 2 and 1, and at most %d numbers in all", in.N, len(in.X), maxElements)
	}
	return problem{bench.NewLeastSquares(in.N, len(in.X)).Objective, tensor.FromSlice(in.X, len(in.X))}, nil
}

func lse(input json.RawMessage) (problem, error) {
	in, err := decode[struct{ X []float64 }](input)
	switch {
	case err != nil:
		return problem{}, err
	case len(in.X) < 1:
		return problem{}, fmt.Errorf("lse: x is empty")
	}
	return problem{bench.LogSumExp, tensor.FromSlice(in.X, len(in.X))}, nil
}

// maxRows bounds the matrices of det, whose cost is the factorial of their rows.
const maxRows = 12

func det(input json.RawMessage) (problem, error) {
	in, err := decode[struct {
		A   []float64
		Ell int
	}](input)
	switch {
	case err != nil:
		return problem{}, err
	case in.Ell < 1 || in.Ell > maxRows:
		return problem{}, fmt.Errorf("det: ell = %d is not between 1 and %d", in.Ell, maxRows)
	case len(in.A) != in.Ell*in.Ell:
		return problem{}, fmt.Errorf("det: %d entries for a matrix of %d rows", len(in.A), in.Ell)
	}
	return problem{bench.NewCofactors(in.Ell).Objective, tensor.FromSlice(in.A, in.Ell, in.Ell)}, nil
}

// maxSteps bounds the steps of ode, each of which is a dozen operations.
const maxSteps = 100_000

func ode(input json.RawMessage) (x *tensor.Tensor, steps int, err error) {
	in, err := decode[struct {
		X []float64
		S int
	}](input)
	switch {
	case err != nil:
		return nil, 0, err
	case len(in.X) < 1 || in.S < 1 || in.S > maxSteps || in.S > maxElements/len(in.X):
		return nil, 0, fmt.Errorf("ode: %d equations and s = %d steps: at least 1 of each, at most %d steps and %d of both multiplied", len(in.X), in.S, maxSteps, maxElements)
	}
	return tensor.FromSlice(in.X, len(in.X)), in.S, nil
}

func odePrimal(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	x, steps, err := ode(input)
	if err != nil {
		return nil, err
	}
	return evaluate(func(x *tensor.Tensor) *tensor.Tensor { return bench.RungeKutta4(x, steps) }, x, how, alone)
}

func odeGradient(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	x, steps, err := ode(input)
	if err != nil {
		return nil, err
	}
	return evaluate(grad.Grad(bench.LastOfRungeKutta4(steps)), x, how, alone)
}

// descents makes the four functions of a module of nested descents: the first
// letter is the outer mode.
func descents(parse func(json.RawMessage) (f func(x *tensor.Tensor, outer, inner bench.Mode) *tensor.Tensor, x *tensor.Tensor, err error)) map[string]function {
	letters := map[string]bench.Mode{"f": bench.Forward, "r": bench.Reverse}
	out := map[string]function{}
	for o, outer := range letters {
		for i, inner := range letters {
			out[o+i] = func(input json.RawMessage, how bench.Execution) (*evaluation, error) {
				f, x, err := parse(input)
				if err != nil {
					return nil, err
				}
				return evaluate(func(x *tensor.Tensor) *tensor.Tensor { return f(x, outer, inner) }, x, how, alone)
			}
		}
	}
	return out
}

func saddle(input json.RawMessage) (func(x *tensor.Tensor, outer, inner bench.Mode) *tensor.Tensor, *tensor.Tensor, error) {
	in, err := decode[struct{ Start []float64 }](input)
	switch {
	case err != nil:
		return nil, nil, err
	case len(in.Start) != 2:
		return nil, nil, fmt.Errorf("saddle: start has %d numbers, not 2", len(in.Start))
	}
	return bench.Saddle, tensor.FromSlice(in.Start, 2), nil
}

func particle(input json.RawMessage) (func(x *tensor.Tensor, outer, inner bench.Mode) *tensor.Tensor, *tensor.Tensor, error) {
	in, err := decode[struct{ W float64 }](input)
	f := func(w *tensor.Tensor, outer, inner bench.Mode) *tensor.Tensor {
		return bench.Particle(w, outer, inner).Reshape()
	}
	return f, tensor.FromSlice([]float64{in.W}, 1), err
}

func kmeans(input json.RawMessage) (bench.KMeans, *tensor.Tensor, error) {
	in, err := decode[struct{ Points, Centroids [][]float64 }](input)
	if err != nil {
		return bench.KMeans{}, nil, err
	}
	points, err := matrix("points", in.Points, -1, -1)
	if err != nil {
		return bench.KMeans{}, nil, err
	}
	centroids, err := matrix("centroids", in.Centroids, -1, points.Dim(1))
	return bench.KMeans{Points: points}, centroids, err
}

func kmeansCost(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	p, c, err := kmeans(input)
	if err != nil {
		return nil, err
	}
	return evaluate(p.Cost, c, how, alone)
}

func kmeansDirection(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	p, c, err := kmeans(input)
	if err != nil {
		return nil, err
	}
	return evaluate(p.Direction, c, how, alone)
}

func mixture() map[string]function {
	parse := func(input json.RawMessage) (p bench.Mixture, v bench.MixtureParams, err error) {
		in, err := decode[struct {
			D, K, N, M  int
			Gamma       float64
			X, Mu, Q, L [][]float64
			Alpha       []float64
		}](input)
		switch {
		case err != nil:
			return p, v, err
		case in.D < 1 || in.K < 1 || in.N < 1:
			return p, v, fmt.Errorf("gmm: d = %d, k = %d, n = %d: at least 1 of each", in.D, in.K, in.N)
		case len(in.Alpha) != in.K:
			return p, v, fmt.Errorf("gmm: %d alphas for k = %d", len(in.Alpha), in.K)
		}
		v.Alpha = tensor.FromSlice(in.Alpha, in.K)
		var x *tensor.Tensor
		for _, part := range []struct {
			name       string
			data       [][]float64
			rows, cols int
			to         **tensor.Tensor
		}{{"x", in.X, in.N, in.D, &x}, {"mu", in.Mu, in.K, in.D, &v.Mu}, {"q", in.Q, in.K, in.D, &v.Q}, {"l", in.L, in.K, in.D * (in.D - 1) / 2, &v.L}} {
			if *part.to, err = matrix(part.name, part.data, part.rows, part.cols); err != nil {
				return p, v, err
			}
		}
		return bench.NewMixture(x, in.Gamma, in.M), v, nil
	}
	return map[string]function{
		"objective": func(input json.RawMessage, how bench.Execution) (*evaluation, error) {
			p, v, err := parse(input)
			if err != nil {
				return nil, err
			}
			return evaluate(p.Objective, v, how, alone)
		},
		"jacobian": func(input json.RawMessage, how bench.Execution) (*evaluation, error) {
			p, v, err := parse(input)
			if err != nil {
				return nil, err
			}
			return evaluate(grad.Grad(p.Objective), v, how, func(g bench.MixtureParams) result {
				return result{named: map[string]*tensor.Tensor{"alpha": g.Alpha, "mu": g.Mu, "q": g.Q, "l": g.L}}
			})
		},
	}
}

func lstm(input json.RawMessage) (p bench.LSTM, v bench.LSTMParams, err error) {
	in, err := decode[struct {
		Main     [][]float64 `json:"main_params"`
		Extra    [][]float64 `json:"extra_params"`
		State    [][]float64
		Sequence [][]float64
	}](input)
	if err != nil {
		return p, v, err
	}
	if p.Sequence, err = matrix("sequence", in.Sequence, -1, -1); err != nil {
		return p, v, err
	}
	steps, b := p.Sequence.Dim(0), p.Sequence.Dim(1)
	if steps < 2 || len(in.Main) < 2 || len(in.Main)%2 != 0 {
		return p, v, fmt.Errorf("lstm: a sequence of %d and %d rows of parameters: at least 2 of each, the latter in pairs", steps, len(in.Main))
	}
	if v.Main, err = matrix("main_params", in.Main, -1, 4*b); err != nil {
		return p, v, err
	}
	if v.Extra, err = matrix("extra_params", in.Extra, 3, b); err != nil {
		return p, v, err
	}
	p.State, err = matrix("state", in.State, len(in.Main), b)
	return p, v, err
}

func lstmObjective(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	p, v, err := lstm(input)
	if err != nil {
		return nil, err
	}
	return evaluate(p.Objective, v, how, alone)
}

func lstmJacobian(input json.RawMessage, how bench.Execution) (*evaluation, error) {
	p, v, err := lstm(input)
	if err != nil {
		return nil, err
	}
	flat := func(v bench.LSTMParams) *tensor.Tensor {
		g := grad.Grad(p.Objective)(v)
		return tensor.Concat(0, g.Main.Reshape(-1), g.Extra.Reshape(-1))
	}
	return evaluate(flat, v, how, alone)
}

// matrix makes a tensor of rows of one length; rows and cols of -1 may be any but 0.
func matrix(name string, data [][]float64, rows, cols int) (*tensor.Tensor, error) {
	if rows >= 0 && len(data) != rows {
		return nil, fmt.Errorf("%s has %d rows, not %d", name, len(data), rows)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	if cols < 0 {
		if cols = len(data[0]); cols == 0 {
			return nil, fmt.Errorf("%s has rows of no length", name)
		}
	}
	flat := make([]float64, 0, len(data)*cols)
	for i, r := range data {
		if len(r) != cols {
			return nil, fmt.Errorf("%s: row %d has %d numbers, not %d", name, i, len(r), cols)
		}
		flat = append(flat, r...)
	}
	t := tensor.FromSlice(flat, len(data), cols)
	return t, t.Err()
}
