// Functions with sparse derivatives, of any size.

package bench

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/sparse"
)

// SparseScenario is a function with a sparse Jacobian or Hessian, at a point.
type SparseScenario struct {
	Name string // as in "brusselator/n=300"
	Doc  string
	// New makes the data on the default device.
	New func() (SparseInstance, error)
}

// SparseInstance is a scenario's function with the derivative that is asked for.
type SparseInstance struct {
	// Problem is the colouring that determines the derivative: of columns for a
	// Jacobian, a star colouring for a Hessian.
	Problem sparse.Problem
	// Detect finds the derivative's structure, the recording included.
	Detect func(context.Context) (*sparse.Pattern, error)
	// Prepare returns the derivative, on its way to machine code if native.
	Prepare func(ctx context.Context, native bool) (*SparseDerivative, error)
	// Function returns the function as a prepared program.
	Function func(native bool) (*SparseFunction, error)
}

// SparseFunction is a prepared function at the point.
type SparseFunction struct {
	Run      func() []*T
	Compiled func(context.Context) error
	Close    func()
}

// SparseDerivative is a prepared derivative at the point.
type SparseDerivative struct {
	Pattern  *sparse.Pattern
	Coloring *sparse.Coloring // nil where entries are computed directly
	Run      func(context.Context) error
	Check    func(context.Context) error // against products with random vectors
	Explain  func() string
	Compiled func(context.Context) error
	Close    func()
}

// sparseFamilies are scenarios by their size, with the sizes that are measured.
var sparseFamilies = []struct {
	name, doc string
	sizes     []int
	make      func(n int) (SparseInstance, error)
}{
	{"brusselator/n", "Jacobian of two reacting substances on a periodic n x n grid", []int{100, 300}, func(n int) (SparseInstance, error) {
		return sparseJacobian(Brusselator(n), newData(20).uniform(2, n, n)), nil
	}},
	{"bratu/n", "Hessian of the energy of ignition on an n x n grid", []int{100, 300}, func(n int) (SparseInstance, error) {
		return sparseHessian(BratuEnergy(n, 5), newData(21).uniform(n, n)), nil
	}},
	{"ba/p", "Jacobian of bundle adjustment, p observations of p/4.1 points by p/650 cameras", []int{31843}, func(p int) (SparseInstance, error) {
		const n, m, of = 49, 7776, 31843 // ADBench's first file
		b, x, err := ReplicatedBundle(max(2, n*p/of), max(2, m*p/of), p, sparseCamera, [3]float64{0.3, -0.2, 4}, 0.9, [2]float64{350, 230})
		return sparseJacobian(b.Residuals, x), err
	}},
	{"rosenbrock/n", "Hessian of the chained Rosenbrock function: tridiagonal", []int{100_000}, func(n int) (SparseInstance, error) {
		return sparseHessian(ChainedRosenbrock, newData(22).uniform(n)), nil
	}},
	{"arrowhead/n", "Hessian of a diagonal and a dense last row and column", []int{100_000}, func(n int) (SparseInstance, error) {
		return sparseHessian(Arrowhead, newData(23).uniform(n)), nil
	}},
}

// sparseCamera is turned a little and stands at the origin.
var sparseCamera = [camSize]float64{0.1, -0.2, 0.05, 0.1, 0.2, -0.5, 500, 320, 240, 0.02, -0.003}

// SparseScenarios are what `cotangent bench --suite sparse` measures.
func SparseScenarios() []SparseScenario {
	var list []SparseScenario
	for _, f := range sparseFamilies {
		for _, n := range f.sizes {
			list = append(list, SparseScenario{fmt.Sprintf("%s=%d", f.name, n), f.doc, func() (SparseInstance, error) { return f.make(n) }})
		}
	}
	return list
}

// maxSparse is the largest size asked for by name.
const maxSparse = 100_000_000

// SparseNamed returns the scenario of that name, with any size: "bratu/n=12".
func SparseNamed(name string) (SparseScenario, error) {
	family, size, _ := strings.Cut(name, "=")
	for _, f := range sparseFamilies {
		if f.name != family {
			continue
		}
		n, err := strconv.Atoi(size)
		if err != nil || n < 2 || n > maxSparse {
			return SparseScenario{}, fmt.Errorf("bench: the size of %q is no number from 2 to %d", name, maxSparse)
		}
		return SparseScenario{name, f.doc, func() (SparseInstance, error) { return f.make(n) }}, nil
	}
	var names []string
	for _, f := range sparseFamilies {
		names = append(names, f.name+"="+strconv.Itoa(slices.Min(f.sizes)))
	}
	return SparseScenario{}, fmt.Errorf("bench: no scenario %q with a sparse derivative; there are %s, of any size", name, strings.Join(names, ", "))
}

func sparseJacobian[P, Q any](f func(P) Q, at P) SparseInstance {
	return newSparseInstance(sparse.Columns, listed(f, at), listed(f, at), leaves(at), jacobian.PrepareContext[[]*T, []*T])
}

func sparseHessian(f func(*T) *T, at *T) SparseInstance {
	objective := func(x []*T) *T { return f(x[0]) }
	prepare := func(ctx context.Context, _ list, x []*T, opts ...jacobian.Option) (*jacobian.Prepared[[]*T], error) {
		return jacobian.PrepareHessianContext(ctx, objective, x, opts...)
	}
	return newSparseInstance(sparse.Star, listed(f, at), grad.Grad(objective), []*T{at}, prepare)
}

// newSparseInstance is the instance of a function f and the Jacobian of g, which is f or
// its gradient.
func newSparseInstance(problem sparse.Problem, f, g list, x []*T,
	prepare func(context.Context, list, []*T, ...jacobian.Option) (*jacobian.Prepared[[]*T], error)) SparseInstance {
	return SparseInstance{
		Problem: problem,
		Detect:  func(ctx context.Context) (*sparse.Pattern, error) { return structure(ctx, g, x) },
		Prepare: func(ctx context.Context, native bool) (*SparseDerivative, error) {
			j, err := prepare(ctx, g, x, jacobian.WithGrad(options(native)...))
			if err != nil {
				return nil, err
			}
			values := make([]float64, j.Output().Nnz())
			return &SparseDerivative{
				Pattern:  j.Pattern(),
				Coloring: j.Coloring(),
				Run:      func(ctx context.Context) error { return j.Run(ctx, x, values) },
				Check:    func(ctx context.Context) error { return j.Check(ctx, x, 1) },
				Explain:  j.Explain,
				Compiled: j.Native,
				Close:    j.Close,
			}, nil
		},
		Function: func(native bool) (*SparseFunction, error) {
			p, err := grad.Prepare(f, x, options(native)...)
			if err != nil {
				return nil, err
			}
			y := p.Call(x)
			return &SparseFunction{
				Run:      func() []*T { return orFailed(y, p.RunInto(context.Background(), y, x)) },
				Compiled: p.Native,
				Close:    p.Close,
			}, nil
		},
	}
}

// structure records a function and finds its Jacobian's pattern.
func structure(ctx context.Context, f list, x []*T) (*sparse.Pattern, error) {
	program, err := grad.Prepare(f, x)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	return pattern.Global(ctx, program.Graph())
}
