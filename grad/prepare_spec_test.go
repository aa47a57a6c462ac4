// The cases of all ops through Prepare: a program of each family of ops, by kernels and
// by machine code, gives what eager evaluation gives.

package grad_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// cased is a case of an op as a program of one step, at a dtype.
type cased struct {
	*program
	name string
	at   point
	near bool // a matrix product, whose sums machine code may order in another way
}

// casesOf returns the cases of ops that are no errors. Cases on many elements are left
// out: what they test of kernels has nothing to do with programs.
func casesOf(t *testing.T, ops []*kernels.Op) (list []cased) {
	for _, op := range ops {
		cases := op.Cases()
		for i := range cases {
			c := &cases[i]
			elements := 0
			for _, s := range c.In {
				elements += kernels.Aval{Shape: s.Shape}.Size()
			}
			if c.Bad != "" || elements > 2*maxElements {
				continue
			}
			for _, float := range []tensor.DType{tensor.Float64, tensor.Float32} {
				if c.Only64 && float == tensor.Float32 {
					continue
				}
				h := fnv.New64()
				fmt.Fprint(h, op.Name, c.Name, float)
				r := rand.New(rand.NewPCG(h.Sum64(), 1))
				p := &program{used: make([]bool, 100)}
				s := step{op: op, attr: c.Attr}
				for k, sample := range c.In {
					dt := float
					if sample.DType != "" {
						dt = dtypesByName[sample.DType]
					}
					s.args = append(s.args, arg{from: ^k})
					p.leaves = append(p.leaves, leaf(r, sample, dt))
				}
				p.steps = []step{s}
				for _, y := range p.call(p.leaves) {
					if err := y.Err(); err != nil {
						t.Fatalf("%s (%s): %v", op.Name, c.Name, err)
					}
				}
				near := strings.Contains(op.Name, "matmul") || strings.Contains(op.Name, "einsum") || op.Name == "contract" || op.Name == "outer" || op.Name == "dot"
				list = append(list, cased{p, fmt.Sprintf("%s (%s) %v", op.Name, c.Name, float), p.point(r), near})
			}
		}
	}
	return list
}

func TestPreparedCases(t *testing.T) {
	if kind := tensor.Scalar(0).Clone().Device().Kind(); kind != "cpu" && kind != "ref" {
		t.Skip("of " + kind + " the kernels' own tests have the cases")
	}
	const families = 12
	ops := kernels.Ops()
	for f := range families {
		if testing.Short() && f%4 != 0 {
			continue
		}
		lo, hi := f*len(ops)/families, (f+1)*len(ops)/families
		t.Run(fmt.Sprintf("%s-%s", ops[lo].Name, ops[hi-1].Name), func(t *testing.T) {
			list := casesOf(t, ops[lo:hi])
			var at []point
			for _, c := range list {
				at = append(at, c.at)
			}
			all := func(n int) func(at []point) [][]*T {
				return func(at []point) (out [][]*T) {
					for _, q := range quantities[:n] {
						for i, c := range list {
							out = append(out, q.of(c.call)(at[i]))
						}
					}
					return out
				}
			}
			const first, second = 3, 4 // quantities: values and first derivatives, and the second
			want := all(second)(at)
			compare := func(what string, got [][]*T, native bool) {
				for k := range got {
					c, q := list[k%len(list)], quantities[k/len(list)].name
					for i := range got[k] {
						if err := sameElements(got[k][i], want[k][i], native && c.near); err != nil {
							t.Errorf("%s, %s, result %d, %s: %v", c.name, q, i, what, err)
						}
					}
				}
			}
			compare("by kernels", run(t, mustPrepare(t, all(second), at), at), false)
			t.Run("machine code", func(t *testing.T) { compare("by machine code", run(t, compiled(t, all(first), at), at), true) })
		})
	}
}

// sameElements compares results bit for bit, all NaNs being the same, or up to rounding.
func sameElements(got, want *T, near bool) error {
	a, err := got.Float64s()
	if err != nil {
		return err
	}
	b, err := want.Float64s()
	if err != nil {
		return fmt.Errorf("eager: %w", err)
	}
	tol := 0.0
	if near {
		tol = 1000 * unitOf(want.DType() == tensor.Float32) * size(b)
	}
	for i, w := range b {
		same := math.Float64bits(a[i]) == math.Float64bits(w) || math.IsNaN(a[i]) && math.IsNaN(w)
		if !same && !(math.Abs(a[i]-w) <= tol && tol > 0) {
			return fmt.Errorf("element %d of %v%v is %v, want %v", i, want.DType(), want.Shape(), a[i], w)
		}
	}
	return nil
}
