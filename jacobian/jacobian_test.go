package jacobian_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

type (
	T  = tensor.Tensor
	fn = func(*T) *T
)

var ctx = context.Background()

// random returns a tensor with elements between 0.3 and 1.3.
func random(shape ...int) *T {
	r := rand.New(rand.NewPCG(7, uint64(len(shape))))
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = 0.3 + r.Float64()
	}
	return tensor.FromSlice(v, shape...)
}

// entries returns the dense matrix of values.
func entries(t *testing.T, p *sparse.Pattern, values []float64, byColumn bool) [][]float64 {
	t.Helper()
	if len(values) != p.Nnz() {
		t.Fatalf("%d values for %d entries", len(values), p.Nnz())
	}
	m := &sparse.CSR[float64]{Pattern: p, Val: values}
	if byColumn {
		m = m.Transpose()
	}
	d := make([][]float64, m.Rows)
	for i := range d {
		d[i] = make([]float64, m.Cols)
		for k := m.Ptr[i]; k < m.Ptr[i+1]; k++ {
			d[i][m.Idx[k]] = m.Val[k]
		}
	}
	return d
}

// compare holds a matrix against a dense tensor, in the part of a triangle.
func compare(t *testing.T, got [][]float64, want *T, part sparse.Triangle, tol float64) {
	t.Helper()
	w, err := want.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	cols := want.Dim(1)
	if len(got) != want.Dim(0) {
		t.Fatalf("%d rows, want %d", len(got), want.Dim(0))
	}
	for i := range got {
		for j, v := range got[i] {
			e := w[i*cols+j]
			if part == sparse.Lower && j > i || part == sparse.Upper && j < i {
				e = 0
			}
			if math.Abs(v-e) > tol*max(1, math.Abs(e)) {
				t.Fatalf("(%d, %d) is %g, want %g", i, j, v, e)
			}
		}
	}
}

// run prepares with options, runs twice into poisoned memory, and returns the dense matrix.
func run[P any](t *testing.T, p *jacobian.Prepared[P], err error, x P, byColumn bool) [][]float64 {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	values := make([]float64, p.Output().Nnz())
	for range 2 {
		for k := range values {
			values[k] = math.NaN()
		}
		if err := p.Run(ctx, x, values); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Check(ctx, x, 2); err != nil {
		t.Error(err)
	}
	sameAsTensor(t, p, x, values)
	way := "instead of"
	if c := p.Coloring(); c == nil {
		way = "directly"
	} else if err := sparse.Verify(p.Pattern(), c); err != nil {
		t.Error(err)
	}
	if s := p.Explain(); !strings.Contains(s, way) || !strings.Contains(s, "predicted") {
		t.Errorf("Explain says %q", s)
	}
	return entries(t, p.Output(), values, byColumn)
}

// sameAsTensor compares with the values as a tensor, prepared.
func sameAsTensor[P any](t *testing.T, p *jacobian.Prepared[P], x P, values []float64) {
	t.Helper()
	program, err := grad.Prepare(p.Values, x)
	if errors.Is(err, jacobian.ErrSubstitution) && p.Plan() != nil && p.Plan().Sources() == nil {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	y, err := program.Run(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	got, err := y.Float64s()
	if err != nil || len(got) != len(values) {
		t.Fatalf("%d values as a tensor, want %d: %v", len(got), len(values), err)
	}
	for i, v := range values {
		if d := math.Abs(got[i] - v); !(d <= 1e-12*math.Abs(v)) {
			t.Errorf("value %d as a tensor is %v, want %v", i, got[i], v)
			return
		}
	}
}

func TestJacobians(t *testing.T) {
	for _, pr := range problems() {
		if pr.scalar {
			continue
		}
		t.Run(pr.name, func(t *testing.T) {
			want := jacobian.Dense(pr.f, pr.x)
			tol := 1e-11
			if pr.name == "float32" {
				tol = 1e-6
			}
			for name, opts := range map[string][]jacobian.Option{
				"auto": nil, "forward": {jacobian.WithMode(jacobian.Forward)}, "reverse": {jacobian.WithMode(jacobian.Reverse)},
				"mixed":    {jacobian.WithMode(jacobian.Mixed)},
				"acyclic":  {jacobian.WithMode(jacobian.Mixed), jacobian.WithRecovery(sparse.Substitution)},
				"columns":  {jacobian.ByColumn()},
				"chunks":   {jacobian.WithMemory(600)},
				"at point": {jacobian.AtPoint()},
			} {
				t.Run(name, func(t *testing.T) {
					p, err := jacobian.Prepare(pr.f, pr.x, opts...)
					if err == nil && pr.nnz > 0 && p.Pattern().Nnz() != pr.nnz {
						t.Errorf("%d entries, want %d", p.Pattern().Nnz(), pr.nnz)
					}
					compare(t, run(t, p, err, pr.x, name == "columns"), want, sparse.Full, tol)
				})
			}
		})
	}
}

func TestHessians(t *testing.T) {
	for _, pr := range problems() {
		if !pr.scalar {
			continue
		}
		t.Run(pr.name, func(t *testing.T) { hessians(t, pr.f, pr.x, pr.nnz) })
	}
}

func hessians[P any](t *testing.T, f func(P) *T, x P, nnz int) {
	want := jacobian.Dense(grad.Grad(f), x)
	for name, opts := range map[string][]jacobian.Option{
		"auto": nil, "star": {jacobian.WithRecovery(sparse.Direct)}, "acyclic": {jacobian.WithRecovery(sparse.Substitution)},
		"lower": {jacobian.WithTriangle(sparse.Lower)}, "upper": {jacobian.WithTriangle(sparse.Upper)},
		"columns": {jacobian.WithTriangle(sparse.Upper), jacobian.ByColumn()},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := jacobian.PrepareHessian(f, x, opts...)
			if err == nil && nnz > 0 && p.Pattern().Nnz() != nnz {
				t.Errorf("%d entries, want %d", p.Pattern().Nnz(), nnz)
			}
			part := map[string]sparse.Triangle{"lower": sparse.Lower, "upper": sparse.Upper, "columns": sparse.Upper}[name]
			compare(t, run(t, p, err, x, name == "columns"), want, part, 1e-8)
		})
	}
}

func TestDense(t *testing.T) {
	type pair struct{ A, B *T }
	f := func(p pair) pair { return pair{p.A.Mul(p.B), p.B.Exp()} }
	got, err := jacobian.Dense(f, pair{tensor.New([]float64{2, 3}), tensor.New([]float64{0, 1})}).Float64s()
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{0, 0, 2, 0, 0, 1, 0, 3, 0, 0, 1, 0, 0, 0, 0, math.E}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-15 {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	// Third derivatives of Σ x⁴: 24 x on the diagonal.
	cube := jacobian.Dense(func(x *T) *T {
		return jacobian.Dense(grad.Grad(func(x *T) *T { return x.Square().Square().Sum() }), x)
	}, tensor.New([]float64{1, 2}))
	if got, err := cube.Float64s(); err != nil || fmt.Sprint(got) != "[24 0 0 0 0 0 0 48]" {
		t.Errorf("%v %v", got, err)
	}
	if err := jacobian.Dense(func(x *T) *T { return x.MatMul(x) }, random(2, 3)).Err(); err == nil {
		t.Error("no error of a function that fails")
	}
}

func TestStalePattern(t *testing.T) {
	f := func(x *T) *T { return x.Mul(x.Roll([]int{1}, []int{0})) }
	diagonal, _ := sparse.NewPattern(3, 3, []int{0, 1, 2, 3}, []int32{0, 1, 2})
	p, err := jacobian.Prepare(f, random(3), jacobian.WithPattern(diagonal))
	if err != nil {
		t.Fatal(err)
	}
	var stale *jacobian.StaleError
	if err := p.Check(ctx, random(3), 1); !errors.As(err, &stale) {
		t.Errorf("%v, want a StaleError", err)
	}
	var bad *jacobian.PatternError
	if _, err := jacobian.Prepare(f, random(4), jacobian.WithPattern(diagonal)); !errors.As(err, &bad) {
		t.Errorf("%v, want a PatternError", err)
	}
	// A pattern found at a point where the branch goes the other way.
	g := func(x *T) *T {
		return tensor.Where(x.Sum().Gt(tensor.Scalar(0)), x.Square(), x.Mul(x.Flip(0)))
	}
	q, err := jacobian.Prepare(g, random(4), jacobian.AtPoint())
	if err != nil || q.Pattern().Nnz() != 4 {
		t.Fatalf("%v", err)
	}
	if err := q.Check(ctx, random(4), 1); err != nil {
		t.Error(err)
	}
	if err := q.Check(ctx, random(4).Neg(), 1); !errors.As(err, &stale) {
		t.Errorf("%v, want a StaleError", err)
	}
}

// A product that is no number where a finite one is expected shows a stale pattern as
// well; at points where neither is finite nothing can be told.
func TestCheckOfWhatIsNoNumber(t *testing.T) {
	f := func(x *T) *T { return x.Div(x) }
	x := tensor.New([]float64{2, 0, 4})
	empty := sparse.EmptyPattern(3, 3)
	p, err := jacobian.Prepare(f, x, jacobian.WithPattern(empty))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var stale *jacobian.StaleError
	if err := p.Check(ctx, x, 1); !errors.As(err, &stale) || !math.IsNaN(stale.Want) {
		t.Errorf("%v, want a StaleError of NaN", err)
	}
	q, err := jacobian.Prepare((*T).Log, x)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.Check(ctx, tensor.New([]float64{0, math.NaN(), 1}), 1); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	var opt *jacobian.OptionError
	for name, o := range map[string]jacobian.Option{
		"mode": jacobian.WithMode(99), "recovery": jacobian.WithRecovery(9),
		"triangle": jacobian.WithTriangle(9), "memory": jacobian.WithMemory(0),
	} {
		if _, err := jacobian.PrepareHessian(bench.Arrowhead, random(3), o); !errors.As(err, &opt) {
			t.Errorf("%s: %v, want an OptionError", name, err)
		}
	}
	if _, err := jacobian.PrepareHessian(bench.Arrowhead, random(3), jacobian.WithMode(jacobian.Reverse)); !errors.As(err, &opt) {
		t.Errorf("%v, want an OptionError", err)
	}
	if _, err := jacobian.Prepare((*T).Square, random(3), jacobian.WithTriangle(sparse.Lower)); !errors.As(err, &opt) {
		t.Errorf("%v, want an OptionError", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := jacobian.PrepareContext(done, (*T).Square, random(3)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
	p, err := jacobian.Prepare((*T).Square, random(3))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(done, random(3), make([]float64, 3)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
	var size *sparse.SizeError
	if err := p.Run(ctx, random(3), nil); !errors.As(err, &size) {
		t.Errorf("%v, want a SizeError", err)
	}
	var arg *grad.ArgumentError
	if err := p.Run(ctx, random(4), make([]float64, 3)); !errors.As(err, &arg) {
		t.Errorf("%v, want an ArgumentError", err)
	}
	program, err := grad.Prepare(func(x *T) *T { return band.MatMul(x).Square() }, random(300))
	if err != nil {
		t.Fatal(err)
	}
	var limit *pattern.LimitError
	if _, err := pattern.Global(ctx, program.Graph(), pattern.WithLimit(20_000)); !errors.As(err, &limit) {
		t.Errorf("%v, want a LimitError", err)
	}
}

// band couples each of 300 with every third.
var band = func() *T {
	v := make([]float64, 300*300)
	for i := range 300 {
		for j := i % 3; j < 300; j += 3 {
			v[i*300+j] = 1
		}
	}
	return tensor.FromSlice(v, 300, 300)
}()

func TestConcurrentRuns(t *testing.T) {
	x := random(2, 9, 9)
	p, err := jacobian.Prepare(bench.Brusselator(9), x)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float64, p.Output().Nnz())
	if err := p.Run(ctx, x, want); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got := make([]float64, len(want))
			for range 20 {
				if err := p.Run(ctx, x, got); err != nil {
					t.Error(err)
					return
				}
				for k := range got {
					if got[k] != want[k] {
						t.Errorf("value %d is %g, was %g", k, got[k], want[k])
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// kernelsAllocate says that kernels may allocate, which is no concern of this package.
var kernelsAllocate bool

func TestRunAllocatesNothing(t *testing.T) {
	x := random(2, 16, 16)
	for name, opts := range map[string][]jacobian.Option{
		"auto": nil, "direct": {jacobian.WithMode(jacobian.Direct)}, "forward": {jacobian.WithMode(jacobian.Forward)}, "reverse": {jacobian.WithMode(jacobian.Reverse)},
		"mixed": {jacobian.WithMode(jacobian.Mixed)}, "chunks": {jacobian.WithMode(jacobian.Forward), jacobian.WithMemory(30000)},
		"direct, columns": {jacobian.WithMode(jacobian.Direct), jacobian.ByColumn()},
		"substitution":    {jacobian.WithMode(jacobian.Mixed), jacobian.WithRecovery(sparse.Substitution)},
	} {
		p, err := jacobian.Prepare(bench.Brusselator(16), x, opts...)
		allocatesNothing(t, name, p, err, x)
	}
	u := random(12, 12)
	for name, opts := range map[string][]jacobian.Option{
		"direct": {jacobian.WithMode(jacobian.Direct)}, "star": {jacobian.WithMode(jacobian.Forward), jacobian.WithRecovery(sparse.Direct)},
		"acyclic": {jacobian.WithMode(jacobian.Forward), jacobian.WithRecovery(sparse.Substitution), jacobian.WithTriangle(sparse.Lower)},
	} {
		p, err := jacobian.PrepareHessian(bench.BratuEnergy(12, 5), u, opts...)
		allocatesNothing(t, "hessian, "+name, p, err, u)
	}
	b, v := observations(t)
	for _, m := range []jacobian.Mode{jacobian.Direct, jacobian.Reverse} {
		p, err := jacobian.Prepare(b.Residuals, v, jacobian.WithMode(m))
		allocatesNothing(t, "bundle, "+m.String(), p, err, v)
	}
}

func allocatesNothing[P any](t *testing.T, name string, p *jacobian.Prepared[P], err error, x P) {
	t.Helper()
	if dev, err := device.Default(); err != nil || dev.Kind() != "cpu" && dev.Kind() != "ref" {
		t.Skip("queueing kernels allocates")
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer p.Close()
	values := make([]float64, p.Output().Nnz())
	if err := p.Run(ctx, x, values); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(20, func() { _ = p.Run(ctx, x, values) }); n != 0 && !kernelsAllocate {
		t.Errorf("%s: a run allocates %g times", name, n)
	}
}

func TestSource(t *testing.T) {
	x := random(20)
	f := func(x *T) *T { return x.Mul(x.Roll([]int{1}, []int{0})) }
	p, err := jacobian.Prepare(f, x, jacobian.WithMode(jacobian.Forward))
	if err != nil {
		t.Fatal(err)
	}
	k := 0
	for i := range 20 {
		for _, j := range p.Output().Row(i) {
			color, row, reverse, ok := p.Source(k)
			if !ok || reverse || row != i || color != int(p.Coloring().ColColor[j]) {
				t.Fatalf("value %d at (%d, %d) is read from colour %d, row %d, %v, %v", k, i, j, color, row, reverse, ok)
			}
			k++
		}
	}
	if _, _, _, ok := p.Source(k); ok {
		t.Error("a source behind the last value")
	}
}

// A value behind StopGradient is a constant, whichever way the derivative is computed: in
// the program, from which the passes have taken it, or in a body of its loops.
func TestStopGradient(t *testing.T) {
	x := tensor.New([]float64{3, 5})
	for name, f := range map[string]func(x *tensor.Tensor) *tensor.Tensor{
		"a product": func(x *tensor.Tensor) *tensor.Tensor { return x.Mul(x.StopGradient()) },
		"in a loop": func(x *tensor.Tensor) *tensor.Tensor {
			y, _ := grad.Scan(func(y *tensor.Tensor, _ struct{}) (*tensor.Tensor, struct{}) {
				return y.Mul(x).Add(x.StopGradient()), struct{}{}
			}, x, struct{}{}, grad.Length(3))
			return y
		},
	} {
		p, err := jacobian.Prepare(f, x)
		if err != nil {
			t.Fatal(err)
		}
		want, err := jacobian.Dense(f, x).Float64s()
		if err != nil {
			t.Fatal(err)
		}
		m := sparse.NewCSR[float64](p.Output())
		if err := p.Run(t.Context(), x, m.Val); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			for j := range 2 {
				got := 0.0
				if k := m.Find(i, j); k >= 0 {
					got = m.Val[k]
				}
				if math.Abs(got-want[2*i+j]) > 1e-12*math.Abs(want[2*i+j]) {
					t.Errorf("%s: entry (%d, %d) is %g, want %g", name, i, j, got, want[2*i+j])
				}
			}
		}
		p.Close()
	}
}
