// Products with sparse matrices against the same with dense ones.

package grad_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/grad/check"
	"github.com/cotangent-ad/cotangent/tensor"
)

// entries are a structure, as rows and as pairs.
type entries struct {
	name       string
	rows, cols int
	offsets    []int
	row, at    []int // of each entry its row and its column
}

// randomEntries draws so many entries of each row: unsorted, some at one place.
func randomEntries(r *rand.Rand, name string, rows, cols int, count func(row int) int) *entries {
	e := &entries{rows: rows, cols: cols, offsets: []int{0}, name: name}
	for i := range rows {
		for range count(i) {
			e.at, e.row = append(e.at, r.IntN(cols)), append(e.row, i)
		}
		e.offsets = append(e.offsets, len(e.at))
	}
	return e
}

func someEntries() []*entries {
	r := rand.New(rand.NewPCG(71, 72))
	always := func(n int) func(int) int { return func(int) int { return n } }
	return []*entries{
		randomEntries(r, "rows of few and of none", 7, 5, func(i int) int { return i % 4 }),
		randomEntries(r, "one place often", 2, 2, always(9)),
		randomEntries(r, "wide", 3, 40, always(6)),
		randomEntries(r, "tall", 40, 3, always(1)),
		randomEntries(r, "a long row", 5, 30, func(i int) int { return map[int]int{2: 700}[i] }),
		randomEntries(r, "no entries", 3, 4, always(0)),
		randomEntries(r, "no rows", 0, 4, always(1)),
		randomEntries(r, "no columns", 4, 0, always(0)),
		randomEntries(r, "one", 1, 1, always(1)),
		randomEntries(r, "many rows", 600, 200, func(i int) int { return i % 39 }),
	}
}

func (e *entries) on(t *testing.T, dev device.Device) *tensor.Sparse {
	t.Helper()
	s, err := tensor.NewSparse(e.rows, e.cols, e.offsets, e.at, tensor.On(dev))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// dense is the matrix of some values, [..., rows, cols].
func (e *entries) dense(values *T) *T {
	place := make([]int, len(e.at))
	for k, j := range e.at {
		place[k] = e.row[k]*e.cols + j
	}
	lead := values.Shape()[:values.Rank()-1]
	size := append(append([]int{}, lead...), e.rows*e.cols)
	index := tensor.New(place, tensor.On(values.Device())).BroadcastTo(values.Shape()...)
	zeros := tensor.Full(0, size, tensor.On(values.Device()), tensor.WithDType(values.DType()))
	return zeros.ScatterAdd(-1, index, values).Reshape(append(append([]int{}, lead...), e.rows, e.cols)...)
}

// factors are the values and a dense factor.
type factors struct{ V, X *T }

// products are functions of the same value by a structure and by a dense matrix.
func (e *entries) products(s *tensor.Sparse) map[string][2]func(factors) *T {
	return map[string][2]func(factors) *T{
		"A x": {
			func(p factors) *T { return s.MatMul(p.V, p.X) },
			func(p factors) *T { return e.dense(p.V).MatMul(p.X) },
		},
		"Aᵀ A x": {
			func(p factors) *T { return s.T().MatMul(p.V, s.MatMul(p.V, p.X).Sin()) },
			func(p factors) *T {
				d := e.dense(p.V)
				return d.T().MatMul(d.MatMul(p.X).Sin())
			},
		},
	}
}

// weighed is a function with derivatives of every order.
func weighed(f func(factors) *T) func(factors) *T {
	return func(p factors) *T { return f(p).Sin().Mul(f(p)).Sum() }
}

// Values, gradients, tangents and Hessian-vector products by both factors are those of
// dense matrices, of any structure and any width, in both dtypes, on every device.
func TestSparseAgainstDense(t *testing.T) {
	r := rand.New(rand.NewPCG(73, 74))
	for _, name := range []string{"cpu", "cpu:2", "ref", "sim"} {
		dev, err := device.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range someEntries() {
			if e.rows > 500 && name == "ref" {
				continue // the dense one has millions of elements
			}
			s := e.on(t, dev)
			if s.Rows() != e.rows || s.Cols() != e.cols || s.Entries() != len(e.at) {
				t.Fatalf("%s: %d x %d, %d entries", e.name, s.Rows(), s.Cols(), s.Entries())
			}
			widths := [][]int{{e.cols}, {e.cols, 0}, {e.cols, 1}, {e.cols, 2}, {e.cols, 7}, {e.cols, 16}, {e.cols, 31}}
			switch {
			case e.rows > 500:
				widths = widths[3:4]
			case testing.Short():
				widths = [][]int{widths[0], widths[1], widths[6]}
			}
			for _, shape := range widths {
				for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
					tol := 1e-12
					if dt == tensor.Float32 {
						tol = 2e-3
					}
					at := func(shape ...int) *T { return random(r, shape...).MulScalar(0.3).Cast(dt).To(dev) }
					p, d := factors{at(len(e.at)), at(shape...)}, factors{at(len(e.at)), at(shape...)}
					for what, f := range e.products(s) {
						name := fmt.Sprintf("%s %s %v %v: %s", name, e.name, shape, dt, what)
						compare := func(of string, got, want *T) {
							t.Helper()
							w, err := want.Float64s()
							if err != nil {
								t.Fatalf("%s: %s of the dense: %v", name, of, err)
							}
							if got.DType() != dt || fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
								t.Fatalf("%s: %s is %v%v, want %v", name, of, got.DType(), got.Shape(), want.Shape())
							}
							scale := 1.0
							for _, x := range w {
								scale = max(scale, math.Abs(x))
							}
							nearAll(t, name+": "+of, got, w, tol*scale)
						}
						compare("value", f[0](p), f[1](p))
						g, w := grad.Grad(weighed(f[0]))(p), grad.Grad(weighed(f[1]))(p)
						compare("gradient by the values", g.V, w.V)
						compare("gradient by the factor", g.X, w.X)
						_, y := grad.JVP(f[0], p, d)
						_, z := grad.JVP(f[1], p, d)
						compare("tangent", y, z)
						g, w = grad.HVP(weighed(f[0]), p, d), grad.HVP(weighed(f[1]), p, d)
						compare("Hessian by the values", g.V, w.V)
						compare("Hessian by the factor", g.X, w.X)
					}
				}
			}
		}
	}
}

// Derivatives of both modes to third order are those that differences give.
func TestSparseByDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(75, 76))
	e := randomEntries(r, "", 4, 3, func(i int) int { return i })
	home, err := device.Default()
	if err != nil {
		t.Fatal(err)
	}
	s := e.on(t, home)
	f := func(p factors) *T { return s.T().MatMul(p.V, s.MatMul(p.V, p.X).Tanh()) }
	sampled := func(p factors) *T { return s.SampledMatMul(s.MatMul(p.V, p.X), p.X).Tanh() }
	at := factors{random(r, len(e.at)), random(r, 3, 2)}
	for what, f := range map[string]func(factors) *T{"products": f, "samples": sampled} {
		if err := check.Derivatives(f, at, check.Order(3)).Err(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Maps over the values, the dense factor or both give what one example after the other
// does, and so do gradients inside of maps and of maps.
func TestSparseVmap(t *testing.T) {
	r := rand.New(rand.NewPCG(77, 78))
	home, err := device.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range someEntries() {
		if e.rows > 500 {
			continue
		}
		s := e.on(t, home)
		for _, shape := range [][]int{{e.cols}, {e.cols, 3}} {
			const n = 4
			all := factors{random(r, n, len(e.at)), random(r, append([]int{n}, shape...)...)}
			one := func(i int) factors { return factors{all.V.At(i), all.X.At(i)} }
			fixed := one(0)
			loss := weighed(func(p factors) *T { return s.MatMul(p.V, p.X) })
			for what, f := range map[string]func(factors) *T{
				"both":                   func(p factors) *T { return s.MatMul(p.V, p.X) },
				"values":                 func(p factors) *T { return s.MatMul(p.V, fixed.X) },
				"factor":                 func(p factors) *T { return s.MatMul(fixed.V, p.X) },
				"gradient by the values": func(p factors) *T { return grad.Grad(loss)(p).V },
				"gradient by the factor": func(p factors) *T { return grad.Grad(loss)(p).X },
			} {
				got := grad.Vmap(f)(all)
				var want []*T
				for i := range n {
					want = append(want, f(one(i)))
				}
				w, err := tensor.Stack(0, want...).Float64s()
				if err != nil {
					t.Fatal(err)
				}
				nearAll(t, fmt.Sprintf("%s %v: %s", e.name, shape, what), got, w, 1e-12)
			}
			g := grad.Grad(func(p factors) *T { return grad.Vmap(loss)(p).Sum() })(all)
			for i := range n {
				w := grad.Grad(loss)(one(i))
				v, _ := w.V.Float64s()
				x, _ := w.X.Float64s()
				nearAll(t, e.name+": gradient of a map by the values", g.V.At(i), v, 1e-12)
				nearAll(t, e.name+": gradient of a map by the factor", g.X.At(i), x, 1e-12)
			}
		}
	}
}

// Prepared programs and any number of workers give the same bits as eager evaluation
// by one.
func TestSparsePrepared(t *testing.T) {
	r := rand.New(rand.NewPCG(79, 80))
	for _, e := range someEntries() {
		for _, shape := range [][]int{{e.cols}, {e.cols, 5}} {
			v, x := random(r, len(e.at)), random(r, shape...)
			var first factors
			for i, name := range []string{"cpu:1", "cpu:2", "cpu:5"} {
				dev, err := device.Open(name)
				if err != nil {
					t.Fatal(err)
				}
				f, at := e.twice(e.on(t, dev)), factors{v.To(dev), x.To(dev)}
				want := f(at)
				got := run(t, mustPrepare(t, f, at), at)
				sameBits(t, e.name+": by the values", got.V, want.V)
				sameBits(t, e.name+": by the factor", got.X, want.X)
				if i == 0 {
					first = want
				}
				sameBits(t, e.name+" on "+name, want.V.To(first.V.Device()), first.V)
				sameBits(t, e.name+" on "+name, want.X.To(first.X.Device()), first.X)
			}
		}
	}
}

// twice is a gradient of two products, with loops before, between and after them.
func (e *entries) twice(s *tensor.Sparse) func(factors) factors {
	return grad.Grad(weighed(func(p factors) *T { return s.T().MatMul(p.V.Exp(), s.MatMul(p.V, p.X).Tanh()) }))
}

// So does machine code.
func TestSparseCompiled(t *testing.T) {
	home, err := device.Default()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(81, 82))
	for _, e := range someEntries() {
		f, at := e.twice(e.on(t, home)), factors{random(r, len(e.at)), random(r, e.cols, 3)}
		want, got := f(at), run(t, compiled(t, f, at), at)
		sameBits(t, e.name+": by the values", got.V, want.V)
		sameBits(t, e.name+": by the factor", got.X, want.X)
	}
}

// What does not fit is told with the operation, the shapes of the factors and the line.
func TestSparseErrors(t *testing.T) {
	made := func(err error, into any, want string) {
		t.Helper()
		var oe *tensor.OpError
		if !errors.As(err, into) || !errors.As(err, &oe) || oe.Where == "" || oe.Op != "new_sparse" {
			t.Errorf("got %v, want a %T: %s", err, into, want)
		}
	}
	var shape *tensor.ShapeError
	var attr *tensor.AttrError
	var index *tensor.IndexError
	var dtype *tensor.DTypeError
	var de *tensor.DeviceError
	_, err := tensor.NewSparse(2, 2, []int{0, 1}, []int{0})
	made(err, &shape, "an offset too few")
	_, err = tensor.NewSparse(-1, 2, []int{}, []int{})
	made(err, &shape, "-1 rows")
	_, err = tensor.NewSparse(0, -1, []int{0}, []int{})
	made(err, &shape, "-1 columns")
	_, err = tensor.NewSparse(math.MaxInt, 1, []int{0}, []int{})
	made(err, &shape, "more rows than there are offsets")
	_, err = tensor.NewSparse(0, math.MaxInt, []int{0}, []int{})
	made(err, &shape, "more columns than can be counted")
	var full *device.OutOfMemoryError
	for _, cols := range []int{1 << 40, 1<<57 - 2} {
		_, err = tensor.NewSparse(1, cols, []int{0, 0}, []int{})
		made(err, &full, "more columns than there is memory for")
	}
	_, err = tensor.NewSparse(2, 2, []int{0, 2, 1}, []int{0})
	made(err, &attr, "offsets that descend")
	_, err = tensor.NewSparse(1, 2, []int64{1, 1}, []int{0})
	made(err, &attr, "offsets that begin at 1")
	_, err = tensor.NewSparse(1, 2, []int{0, 2}, []int64{0})
	made(err, &attr, "offsets beyond the entries")
	_, err = tensor.NewSparse(1, 2, []int32{0, 1}, []int64{1 << 40})
	made(err, &index, "a column that is not there")
	_, err = tensor.NewSparse(1, 2, []int{0, 1}, []int32{-1})
	made(err, &index, "a column below 0")

	s, err := tensor.NewSparse(2, 3, []int{0, 1, 3}, []int{0, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	v, x := tensor.Ones(3), tensor.Ones(3, 2)
	failed := func(y *T, into any) {
		t.Helper()
		var oe *tensor.OpError
		if err := y.Err(); !errors.As(err, into) || !errors.As(err, &oe) || oe.Where == "" || len(oe.In) != 2 {
			t.Errorf("got %v, want a %T", err, into)
		}
	}
	failed(s.MatMul(tensor.Ones(4), x), &shape)
	failed(s.MatMul(tensor.Scalar(1), x), &shape)
	failed(s.MatMul(v, tensor.Ones(2, 3)), &shape)
	failed(s.MatMul(v, tensor.Ones(2)), &shape)
	failed(s.MatMul(v, tensor.Scalar(1)), &shape)
	failed(s.MatMul(tensor.Ones(4), tensor.Ones(3)), &shape)
	failed(s.MatMul(tensor.Scalar(1), tensor.Ones(3)), &shape)
	failed(s.T().MatMul(v, x), &shape)
	failed(s.MatMul(tensor.Ones(2, 3), tensor.Ones(3, 3, 2)), &shape)
	failed(s.SampledMatMul(x, x), &shape)
	failed(s.SampledMatMul(tensor.Ones(2, 1), x), &shape)
	failed(s.MatMul(tensor.New([]int{1, 2, 3}), tensor.New([]int{1, 2, 3})), &dtype)
	sim, err := device.Open("sim")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.MatMul(v.To(sim), x.To(sim)).Err(); !errors.As(err, &de) {
		t.Errorf("on another device: %v", err)
	}
	moved, err := s.To(sim)
	if err != nil {
		t.Fatal(err)
	}
	nearAll(t, "moved", moved.MatMul(v.To(sim), x.To(sim)), []float64{1, 1, 2, 2}, 0)
	if _, err := s.To(nil); !errors.As(err, &de) {
		t.Errorf("to no device: %v", err)
	}
	bad := tensor.Ones(2).Add(tensor.Ones(3))
	for what, y := range map[string]*T{
		"values": s.MatMul(bad, x), "a factor": s.MatMul(v, bad), "a vector": s.MatMul(bad, tensor.Ones(3)), "a sample": s.SampledMatMul(bad, x),
	} {
		if y.Err() != bad.Err() {
			t.Errorf("an error of %s becomes %v", what, y.Err())
		}
	}
	var none *tensor.Sparse
	var zero tensor.Sparse
	for what, y := range map[string]*T{
		"nil": none.MatMul(v, x), "nil sampled": none.SampledMatMul(x, x), "nil values": s.MatMul(nil, x), "nil factor": s.MatMul(v, nil), "zero": zero.MatMul(v, x),
	} {
		if y.Err() == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if zero.Entries() != 0 || zero.T().Rows() != 0 {
		t.Error("a structure that nothing has made")
	}
	mixed := s.MatMul(v.Cast(tensor.Float32), x)
	if mixed.DType() != tensor.Float64 || s.MatMul(tensor.New([]int{1, 2, 3}), x.Cast(tensor.Float32)).DType() != tensor.Float32 {
		t.Errorf("promotion gives %v", mixed.DType())
	}
}
