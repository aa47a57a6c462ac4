// The comparisons: options, report, and the checker that recurses over orders.

package check

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"strings"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Option adjusts a check.
type Option func(*config)

type config struct {
	order      int
	tol        float64
	step       float64
	seed       uint64
	directions int
	forward    bool
	reverse    bool
}

// Order sets the highest order of derivative that is checked, 1 to 3 (default 2).
func Order(n int) Option { return func(c *config) { c.order = n } }

// Tolerance sets the allowed error, relative to 1 + the size of the numbers
// compared (0, the default: 1e-6 for float64, 2e-2 for float32).
func Tolerance(tol float64) Option { return func(c *config) { c.tol = tol } }

// Step sets the step of the differences, relative to the argument's scale
// (0, the default: 1e-3 for float64, 3e-2 for float32).
func Step(h float64) Option { return func(c *config) { c.step = h } }

// Seed chooses the random directions (default 1).
func Seed(s uint64) Option { return func(c *config) { c.seed = s } }

// Directions sets how many directions are tried for each leaf of the argument (default 2).
func Directions(n int) Option { return func(c *config) { c.directions = n } }

// ForwardOnly restricts the check to forward mode.
func ForwardOnly() Option { return func(c *config) { c.reverse = false } }

// ReverseOnly restricts the check to reverse mode.
func ReverseOnly() Option { return func(c *config) { c.forward = false } }

// Finding is the worst disagreement of one comparison.
type Finding struct {
	Mode     string  // the transformations applied, outermost first: "JVP", "VJP of JVP"
	Order    int     // how many
	Argument string  // the path of the leaf of the argument; "x" for a tensor alone
	Entry    string  // where: an entry of the result for JVP ("result[2 0]"), of the argument for VJP
	Got      float64 // the derivative along the direction, or by the entry
	Want     float64 // what differences give
	Error    float64 // |Got-Want| / (1 + max(|Got|, |Want|))
	// Unsettled tells that differences with ever smaller steps do not agree with
	// each other, so that Want means little: x is at or very near a point where
	// the function is not smooth.
	Unsettled bool
}

func (f Finding) String() string {
	s := fmt.Sprintf("order %d, %s, argument %s, %s: %.10g, differences give %.10g (error %.2g)", f.Order, f.Mode, f.Argument, f.Entry, f.Got, f.Want, f.Error)
	if f.Unsettled {
		s += "; they depend on the step: the function is not smooth there"
	}
	return s
}

// Report is the outcome of a check.
type Report struct {
	Comparisons int       // how many comparisons were made
	Worst       Finding   // the worst of all
	Failed      []Finding // those above the tolerance, one a mode, order and argument
	err         error
}

// Err returns nil when all derivatives agree, else an error that tells the failures.
func (r *Report) Err() error {
	if r.err != nil {
		return r.err
	}
	if len(r.Failed) == 0 {
		return nil
	}
	return errors.New(r.String())
}

func (r *Report) String() string {
	if r.err != nil {
		return r.err.Error()
	}
	var s strings.Builder
	fmt.Fprintf(&s, "check: %d of %d comparisons failed; worst: %v", len(r.Failed), r.Comparisons, r.Worst)
	for _, f := range r.Failed {
		fmt.Fprintf(&s, "\n\t%v", f)
	}
	return s.String()
}

// Derivatives checks f at x. Float leaves of x are varied; others stay.
func Derivatives[P, Q any](f func(P) Q, x P, opts ...Option) *Report {
	c := &checker{config: config{order: 2, seed: 1, directions: 2, forward: true, reverse: true}}
	for _, o := range opts {
		if o != nil {
			o(&c.config)
		}
	}
	if c.order < 1 || c.order > 3 {
		return &Report{err: fmt.Errorf("check: order %d is not 1, 2 or 3", c.order)}
	}
	leaves, err := grad.Leaves(x)
	if err != nil {
		return &Report{err: err}
	}
	c.rng = rand.New(rand.NewPCG(c.seed, 0x9e3779b97f4a7c15))
	flat := func(in []*tensor.Tensor) (out []*tensor.Tensor) {
		defer func() {
			if v := recover(); v != nil {
				out = []*tensor.Tensor{tensor.Failed("check", &grad.PanicError{Value: v, Where: tensor.Caller(), Stack: debug.Stack()})}
			}
		}()
		p, err := grad.Rebuild(x, in)
		if err != nil {
			return []*tensor.Tensor{tensor.Failed("check", err)}
		}
		out, err = grad.Leaves(f(p))
		if err != nil {
			return []*tensor.Tensor{tensor.Failed("check", err)}
		}
		return out
	}
	c.paths = grad.Paths(x)
	for i, p := range c.paths {
		if p == "" {
			c.paths[i] = "x"
		}
	}
	c.defaults(leaves)
	c.run(flat, leaves, nil)
	return &c.Report
}

type checker struct {
	config
	Report
	rng   *rand.Rand
	paths []string
}

// function is the function under check, on flat lists of tensors.
type function func(x []*tensor.Tensor) []*tensor.Tensor

// defaults sets tolerance and step by the coarsest float type among the leaves.
func (c *checker) defaults(x []*tensor.Tensor) {
	tol, step := 1e-6, 1e-3
	for _, t := range x {
		if t.DType() == tensor.Float32 {
			tol, step = 2e-2, 3e-2
		}
	}
	if c.tol == 0 {
		c.tol = tol
	}
	if c.step == 0 {
		c.step = step
	}
}

// run checks f to the order that is left after the modes already applied.
func (c *checker) run(f function, x []*tensor.Tensor, modes []string) {
	if c.err != nil {
		return
	}
	y := f(x)
	for _, t := range y {
		if t.Err() != nil {
			c.err = t.Err()
			return
		}
	}
	if c.forward {
		c.checkForward(f, x, modes)
	}
	if c.reverse {
		c.checkReverse(f, x, y, modes)
	}
	if len(modes)+1 >= c.order || c.err != nil {
		return
	}
	if c.forward {
		v := c.direction(x, -1)
		c.run(func(x []*tensor.Tensor) []*tensor.Tensor {
			_, dy := grad.JVP(f, x, v)
			return floats(dy)
		}, x, append([]string{"JVP"}, modes...))
	}
	if c.reverse {
		g := c.direction(y, -1)
		c.run(func(x []*tensor.Tensor) []*tensor.Tensor {
			_, pull := grad.VJP(f, x)
			return floats(pull(g))
		}, x, append([]string{"VJP"}, modes...))
	}
}

func floats(ts []*tensor.Tensor) []*tensor.Tensor {
	var out []*tensor.Tensor
	for _, t := range ts {
		if t.Err() != nil || t.DType().IsFloat() {
			out = append(out, t)
		}
	}
	return out
}

// direction returns random tangents of all leaves of x, or, where only is not
// negative, of that leaf alone.
func (c *checker) direction(x []*tensor.Tensor, only int) []*tensor.Tensor {
	v := make([]*tensor.Tensor, len(x))
	for i, t := range x {
		data := make([]float64, t.Size())
		if only < 0 || only == i {
			for k := range data {
				data[k] = c.rng.Float64()*2 - 1
			}
		}
		v[i] = like(t, data)
	}
	return v
}

// like returns a tensor with the given elements and t's shape and dtype.
func like(t *tensor.Tensor, data []float64) *tensor.Tensor {
	return tensor.FromSlice(data).Reshape(t.Shape()...).Cast(t.DType())
}

// slope is a derivative by differences.
type slope struct {
	value float64
	doubt float64 // by how much the extrapolations of larger and smaller steps differ
}

// settled reports whether the doubt is no more than tol, relative to 1 + the value.
func (s slope) settled(tol float64) bool { return s.doubt <= tol*(1+math.Abs(s.value)) }

// difference returns the derivative of f at x along v by central differences,
// extrapolated. Where those of two steps disagree, as when a step crosses a point
// at which f is not smooth, smaller ones are tried.
func (c *checker) difference(f function, x, v []*tensor.Tensor) [][]slope {
	best := c.slopes(f, x, v, c.step)
	for _, smaller := range []float64{16, 256} {
		if c.allSettled(best) {
			break
		}
		for i, list := range c.slopes(f, x, v, c.step/smaller) {
			for k, s := range list {
				if s.doubt < best[i][k].doubt {
					best[i][k] = s
				}
			}
		}
	}
	return best
}

// allSettled reports whether sums of the slopes too will be settled.
func (c *checker) allSettled(all [][]slope) bool {
	for _, list := range all {
		for _, s := range list {
			if !s.settled(c.tol / 100) {
				return false
			}
		}
	}
	return true
}

// slopes extrapolates central differences at steps h, h/2 and h/4 (Richardson).
func (c *checker) slopes(f function, x, v []*tensor.Tensor, h float64) [][]slope {
	at := func(s float64) [][]float64 {
		xs := make([]*tensor.Tensor, len(x))
		for i, t := range x {
			if xs[i] = t; t.DType().IsFloat() {
				xs[i] = t.Add(v[i].MulScalar(s))
			}
		}
		return c.values(f(xs))
	}
	var up, down [3][][]float64
	for n := range up {
		s := h / float64(int(1)<<n)
		up[n], down[n] = at(s), at(-s)
	}
	if c.err != nil {
		return nil
	}
	all := make([][]slope, len(up[0]))
	for i := range all {
		all[i] = make([]slope, len(up[0][i]))
		for k := range all[i] {
			var d [3]float64
			for n := range d {
				d[n] = (up[n][i][k] - down[n][i][k]) / (2 * h) * float64(int(1)<<n)
			}
			first, second := d[1]+(d[1]-d[0])/3, d[2]+(d[2]-d[1])/3
			all[i][k] = slope{second, math.Abs(second - first)}
			if math.IsNaN(all[i][k].doubt) {
				all[i][k].doubt = math.Inf(1)
			}
		}
	}
	return all
}

// relative returns the error of a Finding.
func relative(got, want float64) float64 {
	if got == want || math.IsNaN(got) && math.IsNaN(want) {
		return 0
	}
	if err := math.Abs(got-want) / (1 + max(math.Abs(got), math.Abs(want))); !math.IsNaN(err) {
		return err
	}
	return math.Inf(1)
}

func (c *checker) values(ts []*tensor.Tensor) [][]float64 {
	out := make([][]float64, len(ts))
	for i, t := range ts {
		v, err := t.Float64s()
		if err != nil && c.err == nil {
			c.err = err
		}
		if out[i] = v; err == nil && !t.DType().IsFloat() {
			out[i] = make([]float64, len(v))
		}
	}
	return out
}

func (c *checker) checkForward(f function, x []*tensor.Tensor, modes []string) {
	for i := range x {
		if !x[i].DType().IsFloat() {
			continue
		}
		worst := Finding{Error: -1}
		for range c.directions {
			v := c.direction(x, i)
			want := c.difference(f, x, v)
			_, dy := grad.JVP(f, x, v)
			got := c.values(dy)
			if c.err != nil {
				return
			}
			for k := range got {
				for e := range got[k] {
					worst = c.worse(worst, got[k][e], want[k][e], func() string {
						return fmt.Sprintf("result%s%v along a random direction", leafName(k, len(got)), unravel(e, dy[k].Shape()))
					})
				}
			}
		}
		c.note(worst, "JVP", modes, i)
	}
}

func (c *checker) checkReverse(f function, x, y []*tensor.Tensor, modes []string) {
	g := c.direction(y, -1)
	_, pull := grad.VJP(f, x)
	gx := c.values(pull(g))
	gs := c.values(g)
	if c.err != nil {
		return
	}
	// weighted is the scalar function whose gradient the pullback gives.
	weighted := func(v []*tensor.Tensor) slope {
		var sum slope
		for k, d := range c.difference(f, x, v) {
			for e := range d {
				if gs[k][e] != 0 {
					sum.value += gs[k][e] * d[e].value
					sum.doubt += math.Abs(gs[k][e]) * d[e].doubt
				}
			}
		}
		return sum
	}
	for i := range x {
		if !x[i].DType().IsFloat() {
			continue
		}
		worst := Finding{Error: -1}
		for range c.directions {
			v := c.direction(x, i)
			dir := c.values(v[i : i+1])[0]
			var got float64
			for e, d := range dir {
				got += d * gx[i][e]
			}
			worst = c.worse(worst, got, weighted(v), func() string { return "along a random direction" })
		}
		if c.err != nil {
			return
		}
		if !(worst.Error <= c.tol) {
			worst = c.blame(x, i, gx[i], weighted, worst)
		}
		c.note(worst, "VJP", modes, i)
	}
}

// maxBlamed bounds the entries that are differenced one by one to find the worst.
const maxBlamed = 256

// blame finds the entry of leaf i whose gradient is worst.
func (c *checker) blame(x []*tensor.Tensor, i int, gx []float64, weighted func([]*tensor.Tensor) slope, along Finding) Finding {
	worst := along
	v := c.direction(x, len(x)) // zeros
	for e := range min(len(gx), maxBlamed) {
		unit := make([]float64, len(gx))
		unit[e] = 1
		v[i] = like(x[i], unit)
		f := c.worse(Finding{Error: -1}, gx[e], weighted(v), func() string { return fmt.Sprintf("entry %v", unravel(e, x[i].Shape())) })
		if e == 0 || !(f.Error <= worst.Error) {
			worst = f
		}
	}
	return worst
}

// worse returns the worse of w and the comparison of got with want. One that
// fails although the differences settled is worse than any other.
func (c *checker) worse(w Finding, got float64, want slope, entry func() string) Finding {
	f := Finding{Got: got, Want: want.value, Error: relative(got, want.value), Unsettled: !want.settled(c.tol)}
	proven := func(f Finding) bool { return f.Error > c.tol && !f.Unsettled }
	if f.Error <= w.Error && !proven(f) || f.Error <= w.Error && proven(w) || proven(w) && !proven(f) {
		return w
	}
	f.Entry = entry()
	return f
}

func (c *checker) note(f Finding, mode string, modes []string, leaf int) {
	if f.Error < 0 {
		return
	}
	c.Comparisons++
	f.Mode = strings.Join(append([]string{mode}, modes...), " of ")
	f.Order = len(modes) + 1
	f.Argument = c.paths[leaf]
	if c.Comparisons == 1 || f.Error > c.Worst.Error {
		c.Worst = f
	}
	if f.Error > c.tol {
		c.Failed = append(c.Failed, f)
	}
}

func leafName(k, n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" %d ", k)
}

// unravel returns the index of element e of a row-major array.
func unravel(e int, shape []int) []int {
	idx := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		idx[d] = e % shape[d]
		e /= shape[d]
	}
	return idx
}
