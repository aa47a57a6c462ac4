package cpu_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/tensor"
)

// TestContractions holds products of many layouts against sums written out: a
// contraction by einsum on one side, broadcast products and sums on the other.
func TestContractions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(shape ...int) *tensor.Tensor {
		n := 1
		for _, s := range shape {
			n *= s
		}
		v := make([]float64, n)
		for i := range v {
			v[i] = rng.NormFloat64()
		}
		return tensor.FromSlice(v, shape...)
	}
	sizes := map[byte]int{'i': 9, 'j': 8, 'k': 17, 'b': 3, 'c': 2, 'm': 5, 'o': 1}
	for _, spec := range []string{
		"ik,kj->ij", "ki,kj->ij", "ik,jk->ij", "ki,jk->ij", "ik,kj->ji", "ki,jk->ji",
		"bik,bkj->bij", "bki,bjk->bji", "bik,kj->bij", "ik,bkj->bij", "bcik,bckj->bcij", "cbik,bckj->bcij",
		"ikm,kmj->ij", "imk,kmj->ij", "imk,mkj->jmi", "ik,kj->j", "bik,bjk->ibj", "icm,cj->ijm", "ik,k->i", "k,kj->j", "ok,kj->oj", "bok,bkj->bjo",
	} {
		in, out, _ := strings.Cut(spec, "->")
		left, right, _ := strings.Cut(in, ",")
		shape := func(axes string) []int {
			s := make([]int, len(axes))
			for i := range s {
				s[i] = sizes[axes[i]]
			}
			return s
		}
		for _, dtype := range []tensor.DType{tensor.Float64, tensor.Float32} {
			tol := 1e-12
			if dtype == tensor.Float32 {
				tol = 1e-4
			}
			a, b := random(shape(left)...).Cast(dtype), random(shape(right)...).Cast(dtype)
			for layout, operands := range map[string][2]*tensor.Tensor{
				"dense": {a, b}, "flipped": {a.Flip(0), b.Flip(len(right) - 1)},
				"broadcast": {a.Index(tensor.Range(0, 1)).BroadcastTo(a.Shape()...), b},
				"stepped":   {tensor.Stack(len(left), a, a).Index(tensor.Ellipsis, tensor.At(1)), b},
			} {
				got := tensor.Einsum(spec, operands[0], operands[1])
				want := summed(operands[0], operands[1], left, right, out)
				diff := got.Sub(want).Abs().Max().Float()
				if !(diff <= tol) || fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
					t.Errorf("%s %v %s: off by %g, shape %v (%v)", spec, dtype, layout, diff, got.Shape(), got.Err())
				}
			}
		}
	}
}

// summed computes the einsum of two operands by broadcasting over all axes.
func summed(a, b *tensor.Tensor, left, right, out string) *tensor.Tensor {
	all := out
	for _, r := range left + right {
		if !strings.ContainsRune(all, r) {
			all += string(r)
		}
	}
	spread := func(x *tensor.Tensor, axes string) *tensor.Tensor {
		var perm []int
		for i := range all {
			if k := strings.IndexByte(axes, all[i]); k >= 0 {
				perm = append(perm, k)
			}
		}
		x = x.Transpose(perm...)
		for i := range all {
			if strings.IndexByte(axes, all[i]) < 0 {
				x = x.Unsqueeze(i)
			}
		}
		return x
	}
	p := spread(a, left).Mul(spread(b, right))
	var reduced []int
	for i := len(out); i < len(all); i++ {
		reduced = append(reduced, i)
	}
	return p.Sum(reduced...)
}
