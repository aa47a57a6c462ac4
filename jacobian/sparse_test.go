// Functions with sparse matrices in them: their derivatives have just the entries that
// follow from the matrices'.

package jacobian_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// matrix is a random one, some rows of which are empty, with its structure for tensors.
func matrix(t *testing.T, r *rand.Rand, rows, cols int) (*sparse.CSR[float64], *tensor.Sparse) {
	t.Helper()
	c := &sparse.COO[float64]{Rows: rows, Cols: cols}
	for i := range rows {
		for range i % 4 {
			c.Append(i, r.IntN(cols), 1+r.Float64())
		}
	}
	m, err := c.CSR()
	if err != nil {
		t.Fatal(err)
	}
	s, err := tensor.NewSparse(m.Rows, m.Cols, m.Ptr, m.Idx)
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

func TestSparseProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	m, s := matrix(t, r, 24, 17)
	v := tensor.New(m.Val)
	x := random(m.Cols)
	data, _ := x.Float64s()
	each := &sparse.Pattern{Rows: m.Rows, Cols: m.Nnz(), Ptr: m.Ptr} // row i's values
	for e := range m.Nnz() {
		each.Idx = append(each.Idx, int32(e))
	}
	transposed, from := m.TransposeMap()
	values := func(p *sparse.Pattern, f func(i, k int) float64) *sparse.CSR[float64] {
		c := sparse.NewCSR[float64](p)
		for i := range p.Rows {
			for k := p.Ptr[i]; k < p.Ptr[i+1]; k++ {
				c.Val[k] = f(i, k)
			}
		}
		return c
	}
	y, _ := s.MatMul(v, x).Float64s()
	up := random(m.Rows)
	weights, _ := up.Float64s()
	for _, c := range []struct {
		name string
		f    func(x *T) *T
		at   *T
		want *sparse.CSR[float64]
	}{
		{"by the vector", func(x *T) *T { return s.MatMul(v, x.Square()) }, x,
			values(m.Pattern, func(_, k int) float64 { return 2 * m.Val[k] * data[m.Idx[k]] })},
		{"by a column", func(x *T) *T { return s.MatMul(v, x.Square().Unsqueeze(1)) }, x,
			values(m.Pattern, func(_, k int) float64 { return 2 * m.Val[k] * data[m.Idx[k]] })},
		{"transposed", func(x *T) *T { return s.T().MatMul(v, x.Sin()) }, up,
			values(transposed, func(_, k int) float64 { return m.Val[from[k]] * math.Cos(weights[transposed.Idx[k]]) })},
		{"by the values", func(v *T) *T { return s.MatMul(v, x).Square() }, v,
			values(each, func(i, k int) float64 { return 2 * y[i] * data[m.Idx[k]] })},
		{"sampled", func(x *T) *T { return s.SampledMatMul(up.Unsqueeze(1), x.Square().Unsqueeze(1)) }, x,
			func() *sparse.CSR[float64] { // entry e by its column
				p := &sparse.Pattern{Rows: m.Nnz(), Cols: m.Cols, Ptr: []int{0}, Idx: m.Idx}
				row := m.COO().Row
				for e := range m.Nnz() {
					p.Ptr = append(p.Ptr, e+1)
				}
				return values(p, func(e, _ int) float64 { return 2 * weights[row[e]] * data[m.Idx[e]] })
			}()},
	} {
		for _, mode := range []jacobian.Mode{jacobian.Auto, jacobian.Forward, jacobian.Reverse, jacobian.Mixed} {
			p, err := jacobian.Prepare(c.f, c.at, jacobian.WithMode(mode))
			if err != nil {
				t.Fatalf("%s, %v: %v", c.name, mode, err)
			}
			got := sparse.NewCSR[float64](p.Output())
			if !got.Pattern.Equal(c.want.Pattern) {
				t.Errorf("%s, %v: the entries are\n%v\nwant\n%v", c.name, mode, got.Pattern, c.want.Pattern)
			} else if err := p.Run(ctx, c.at, got.Val); err != nil {
				t.Errorf("%s, %v: %v", c.name, mode, err)
			} else if !slices.EqualFunc(got.Val, c.want.Val, func(a, b float64) bool { return math.Abs(a-b) <= 1e-13*(1+math.Abs(b)) }) {
				t.Errorf("%s, %v: %v, want %v", c.name, mode, got.Val, c.want.Val)
			}
			p.Close()
		}
	}
}

// The Hessian of a sum of a function of A x has the structure of Aᵀ A.
func TestSparseHessian(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	m, s := matrix(t, r, 24, 17)
	v, x := tensor.New(m.Val), random(m.Cols)
	y, _ := s.MatMul(v, x).Float64s()
	want := &sparse.COO[float64]{Rows: m.Cols, Cols: m.Cols}
	for i := range m.Rows {
		for k := m.Ptr[i]; k < m.Ptr[i+1]; k++ {
			for l := m.Ptr[i]; l < m.Ptr[i+1]; l++ {
				want.Append(int(m.Idx[k]), int(m.Idx[l]), 12*m.Val[k]*m.Val[l]*y[i]*y[i])
			}
		}
	}
	w, err := want.CSR()
	if err != nil {
		t.Fatal(err)
	}
	p, err := jacobian.PrepareHessian(func(x *T) *T { return s.MatMul(v, x).Square().Square().Sum() }, x)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got := sparse.NewCSR[float64](p.Output())
	if err := p.Run(ctx, x, got.Val); err != nil {
		t.Fatal(err)
	}
	if !got.Pattern.Equal(w.Pattern) {
		t.Fatalf("the entries are\n%v\nwant\n%v", got.Pattern, w.Pattern)
	}
	for k, x := range got.Val {
		if math.Abs(x-w.Val[k]) > 1e-12*(1+math.Abs(w.Val[k])) {
			t.Errorf("entry %d is %v, want %v", k, x, w.Val[k])
		}
	}
}
