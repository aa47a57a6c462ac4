//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// products are what cuBLAS is asked for, of a [40 24] and b [24 33], and what is not.
var products = []struct {
	name string
	f    func(a, b *tensor.Tensor) *tensor.Tensor
	ours bool // cuBLAS has no call for it
}{
	{"plain", func(a, b *tensor.Tensor) *tensor.Tensor { return a.MatMul(b) }, false},
	{"of transposes", func(a, b *tensor.Tensor) *tensor.Tensor { return b.T().MatMul(a.T()) }, false},
	{"with a transpose", func(a, b *tensor.Tensor) *tensor.Tensor { return a.MatMul(a.T()) }, false},
	{"of a transpose", func(a, b *tensor.Tensor) *tensor.Tensor { return b.T().MatMul(b) }, false},
	{"of parts of rows", func(a, b *tensor.Tensor) *tensor.Tensor {
		return a.Index(tensor.Range(2, 37), tensor.Range(3, 20)).MatMul(b.Index(tensor.Range(5, 22), tensor.Range(1, 30)))
	}, false},
	{"of parts of columns", func(a, b *tensor.Tensor) *tensor.Tensor {
		return a.Index(tensor.Range(2, 26), tensor.Range(3, 20)).T().MatMul(b.T().Index(tensor.Range(1, 25)).T().Index(tensor.Range(0, 24)))
	}, false},
	{"of every second row", func(a, b *tensor.Tensor) *tensor.Tensor { return a.Index(tensor.Step(0, 40, 2)).MatMul(b) }, false},
	{"of every second column", func(a, b *tensor.Tensor) *tensor.Tensor {
		return a.Index(tensor.Range(0, 40), tensor.Step(0, 24, 2)).MatMul(b.Index(tensor.Range(0, 12)))
	}, true},
	{"of a batch", func(a, b *tensor.Tensor) *tensor.Tensor { return a.Reshape(4, 10, 24).MatMul(b.Reshape(1, 24, 33)) }, false},
	{"of two batches", func(a, b *tensor.Tensor) *tensor.Tensor {
		return a.Reshape(4, 10, 24).MatMul(a.Reshape(4, 10, 24).Transpose(0, 2, 1))
	}, false},
	{"of batches of unlike sizes", func(a, b *tensor.Tensor) *tensor.Tensor {
		return a.Reshape(4, 10, 24).MatMul(b.Index(tensor.Range(0, 24), tensor.Range(0, 32)).T().Reshape(4, 8, 24).Transpose(0, 2, 1))
	}, false},
	{"of one row many times", func(a, b *tensor.Tensor) *tensor.Tensor {
		return a.Index(tensor.Range(3, 4)).BroadcastTo(40, 24).MatMul(b)
	}, true},
	{"of batches over two axes", func(a, b *tensor.Tensor) *tensor.Tensor {
		x := a.Reshape(2, 2, 10, 24)
		return x.MatMul(x.Transpose(1, 0, 3, 2))
	}, true},
	{"added to a sum", func(a, b *tensor.Tensor) *tensor.Tensor {
		return grad.Grad(func(a *tensor.Tensor) *tensor.Tensor {
			y := a.MatMul(b)
			return y.Mul(a.Mul(a).MatMul(b)).Sum()
		})(a)
	}, false},
	{"mapped", func(a, b *tensor.Tensor) *tensor.Tensor {
		return grad.Vmap(func(row *tensor.Tensor) *tensor.Tensor { return row.Reshape(2, 12).T().MatMul(row.Reshape(2, 12)) })(a)
	}, false},
}

// Products by what stands for cuBLAS are those of the CPU, eagerly and replayed, and
// its failures come back; what it has no call for does without.
func TestProducts(t *testing.T) {
	if !strings.Contains(os.Getenv("COTANGENT_LIBCUBLAS"), "standin") {
		t.Skip("there is nothing that stands for cuBLAS")
	}
	d := openDevice(t)
	r := rand.New(rand.NewPCG(5, 6))
	matrix := func(m, n int) *tensor.Tensor {
		v := make([]float64, m*n)
		for i := range v {
			v[i] = r.NormFloat64()
		}
		return tensor.NewShaped(v, []int{m, n})
	}
	a64, b64 := matrix(40, 24), matrix(24, 33)
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		a, b := a64.Cast(dt), b64.Cast(dt)
		type factors struct{ A, B *tensor.Tensor }
		there := factors{a.To(d), b.To(d)}
		for _, c := range products {
			t.Run(dt.String()+"/"+c.name, func(t *testing.T) {
				want, y := c.f(a, b), c.f(there.A, there.B)
				compare(t, "eagerly", y, want, 1e-14)
				p, err := grad.Prepare(func(in factors) *tensor.Tensor { return c.f(in.A, in.B) }, there)
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if err := p.RunInto(t.Context(), y, there); err != nil {
						t.Fatal(err)
					}
				}
				compare(t, "replayed", y, want, 1e-14)
				p.Close()
				tensor.Free(y)

				t.Setenv("STANDIN_FAIL", "gemm")
				y = c.f(there.A, there.B)
				err = y.Wait(t.Context())
				var failed *devcuda.DriverError
				if errors.As(err, &failed) == c.ours || !c.ours && failed.Call != "cublasGemmStridedBatchedEx" {
					t.Errorf("where cuBLAS fails: %v", err)
				}
				tensor.Free(y)
			})
		}
		tensor.Free(there.A)
		tensor.Free(there.B)
	}
	collect(t, d)
}

// Factors of float32 are rounded to 10 bits where that is allowed, and not else.
func TestTF32(t *testing.T) {
	if !strings.Contains(os.Getenv("COTANGENT_LIBCUBLAS"), "standin") {
		t.Skip("there is nothing that stands for cuBLAS")
	}
	for _, allowed := range []string{"", "1"} {
		t.Setenv(devcuda.EnvTF32, allowed)
		d := openDevice(t)
		x := tensor.Full(1+0x1p-12, []int{16, 16}, tensor.WithDType(tensor.Float32), tensor.On(d))
		y := x.MatMul(x)
		want := float64(float32(16 * (1 + 0x1p-11 + 0x1p-24)))
		if allowed != "" {
			want = 16
		}
		if got, err := y.Float64s(); err != nil || got[17] != want {
			t.Errorf("allowed %q: %v, %v, want %v", allowed, got[17], err, want)
		}
		tensor.Free(y)
		collect(t, d, x)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
