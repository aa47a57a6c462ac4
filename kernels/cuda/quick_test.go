//go:build cuda && cgo

package cuda_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// fused are functions whose gradients are worth quick code.
var fused = map[string]func(x *tensor.Tensor) *tensor.Tensor{
	"chain": func(x *tensor.Tensor) *tensor.Tensor {
		q := x.Square()
		return q.Neg().Exp().Mul(x.Sin()).Add(q.AddScalar(1).Sqrt()).Sum()
	},
	"roots, quotients and sigmoids": func(x *tensor.Tensor) *tensor.Tensor {
		return x.Sqrt().Mul(x.Reciprocal()).Add(x.Sigmoid().Mul(x.Cos())).Sum()
	},
	"a masked root": func(x *tensor.Tensor) *tensor.Tensor {
		return tensor.Where(x.Gt(x.MulScalar(0.5)), x.Sqrt().Mul(x.Sin()), x.Mul(x).Mul(x)).Sum()
	},
}

// Prepared programs, whose kernels have quick code, give on the device what it gives
// operation by operation, bit for bit, with numbers among the others that quick code is
// not for.
func TestQuickCode(t *testing.T) {
	d := openDevice(t)
	sources := t.TempDir()
	t.Setenv(devcuda.EnvSources, sources)
	r := rand.New(rand.NewPCG(3, 4))
	special := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 1e-45, 1e-40, 1e-31, 3e38, 65536, 65537, 1e9, -87, -100}
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
		for _, n := range []int{4096, 1001} { // by vectors of elements, and one by one
			data := make([]float64, n)
			for i := range data {
				data[i] = r.NormFloat64() * math.Exp(4*r.NormFloat64())
				if r.IntN(10) == 0 {
					data[i] = special[r.IntN(len(special))]
				}
			}
			x := tensor.NewShaped(data, []int{n}, tensor.WithDType(dt)).To(d)
			for name, f := range fused {
				g := grad.Grad(f)
				p, err := grad.Prepare(g, x)
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.Run(t.Context(), x)
				if err != nil {
					t.Fatal(err)
				}
				same(t, dt.String()+", "+name, data, got, g(x))
			}
		}
	}
	collect(t, d)
	files, _ := filepath.Glob(filepath.Join(sources, "*.cu"))
	quick := 0
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte("if (slow)")) {
			quick++
		}
	}
	if quick == 0 {
		t.Errorf("none of %d kernels has quick code", len(files))
	}
}

// same compares bits, all NaN being one.
func same(t *testing.T, name string, at []float64, got, want *tensor.Tensor) {
	t.Helper()
	g, err := got.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	w, err := want.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	for i := range w {
		if math.Float64bits(g[i]) != math.Float64bits(w[i]) && (g[i] == g[i] || w[i] == w[i]) {
			t.Errorf("%s: at %v: %v, operation by operation %v", name, at[i], g[i], w[i])
			return
		}
	}
}

// The sine and the cosine of float32 are within 1.6 units of the last place of the
// right ones where they are not those of CUDA's library, and the sine of -0 is -0.
func TestSine(t *testing.T) {
	d := openDevice(t)
	r := rand.New(rand.NewPCG(5, 6))
	data := []float64{math.Copysign(0, -1), 0, 65536, -65536, math.Pi / 2, math.Pi, 1e-45}
	for len(data) < 1<<16 {
		v := math.Exp2(20*r.Float64() - 4)
		if k := r.IntN(3); k > 0 { // near a multiple of pi/2
			v = math.Round(v) * math.Pi / 2 * (1 + (r.Float64()-0.5)*0x1p-22)
		}
		if v = float64(float32(v)); v <= 65536 {
			data = append(data, math.Copysign(v, float64(r.IntN(2))-0.5))
		}
	}
	x := tensor.New(data, tensor.WithDType(tensor.Float32)).To(d)
	for name, c := range map[string]struct {
		got  *tensor.Tensor
		want func(float64) float64
	}{"sin": {x.Sin(), math.Sin}, "cos": {x.Cos(), math.Cos}} {
		got, err := c.got.Float64s()
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range data {
			v = float64(float32(v))
			want := c.want(v)
			ulp := math.Max(math.Ldexp(1, math.Ilogb(want)-23), 0x1p-149)
			if want == 0 {
				ulp = 0
			}
			if math.Abs(got[i]-want) > 1.6*ulp || math.Signbit(got[i]) != math.Signbit(want) {
				t.Fatalf("%s of %v is %v, should be %v", name, v, got[i], want)
			}
		}
	}
	collect(t, d)
}
