//go:build cuda && cgo

package cuda_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// large are computations of sizes that take what small ones do not: vectors of
// elements and their tails, several blocks a result, several tiles a matrix,
// carries from tile to tile. tol is relative to the largest element, in float64.
var large = []struct {
	name string
	tol  float64
	f    func(x *tensor.Tensor) *tensor.Tensor // of a matrix [130 96]
}{
	{"map of vectors", 1e-15, func(x *tensor.Tensor) *tensor.Tensor { return x.Exp().Mul(x.Sin()).Add(x) }},
	{"map with a row", 1e-15, func(x *tensor.Tensor) *tensor.Tensor {
		return x.Add(x.Index(tensor.Range(3, 4))).Tanh()
	}},
	{"map with a column", 1e-15, func(x *tensor.Tensor) *tensor.Tensor {
		return x.Mul(x.Index(tensor.Range(0, 130), tensor.Range(5, 6)))
	}},
	{"map of a transpose", 1e-15, func(x *tensor.Tensor) *tensor.Tensor { return x.T().Square() }},
	{"copy of a transpose", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.T().Clone() }},
	{"copy of a transposed part", 0, func(x *tensor.Tensor) *tensor.Tensor {
		return x.Index(tensor.Step(120, 10, -1), tensor.Range(7, 90)).T().Clone()
	}},
	{"map with a transpose", 1e-15, func(x *tensor.Tensor) *tensor.Tensor {
		y := x.Index(tensor.Range(1, 97))
		return y.Exp().Mul(y.T()).Add(y.Index(tensor.At(0)))
	}},
	{"transposes of several orders", 1e-15, func(x *tensor.Tensor) *tensor.Tensor {
		y := x.Reshape(-1).Index(tensor.Range(100, 8100)).Reshape(20, 20, 20)
		return y.Transpose(2, 1, 0).Exp().Mul(y.Transpose(0, 2, 1)).Sub(y.Transpose(1, 0, 2)).Add(y.Transpose(2, 0, 1))
	}},
	{"transposes of a batch", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.Reshape(5, 26, 96).Transpose(0, 2, 1).Clone() }},
	{"axes turned round", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.Reshape(5, 26, 96).Transpose(2, 1, 0).Clone() }},
	{"last axis to the front", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.Reshape(26, 5, 96).Transpose(2, 0, 1).Clone() }},
	{"first axis to the end", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.Reshape(26, 5, 96).Transpose(1, 2, 0).Clone() }},
	{"transposed bools", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.Gt(x.MulScalar(0.5)).T().Clone() }},
	{"transposed integers", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.MulScalar(9).Cast(tensor.Int32).T().Neg() }},
	{"gather from a transpose", 0, func(x *tensor.Tensor) *tensor.Tensor {
		y := x.Index(tensor.Range(0, 96))
		return y.Gather(1, y.Abs().MulScalar(9).Cast(tensor.Int64)).Mul(y.T())
	}},
	{"map of odd lengths", 1e-15, func(x *tensor.Tensor) *tensor.Tensor {
		return x.Index(tensor.Range(1, 130), tensor.Range(1, 96)).Exp()
	}},
	{"comparison", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.Gt(x.MulScalar(0.5)) }},
	{"sum of all", 1e-14, func(x *tensor.Tensor) *tensor.Tensor { return x.Sum() }},
	{"sum of rows", 1e-14, func(x *tensor.Tensor) *tensor.Tensor { return x.Sum(1) }},
	{"sum of columns", 1e-14, func(x *tensor.Tensor) *tensor.Tensor { return x.Sum(0) }},
	{"maximum of all", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.Max() }},
	{"logsumexp of all", 1e-14, func(x *tensor.Tensor) *tensor.Tensor { return x.LogSumExp() }},
	{"softmax", 1e-14, func(x *tensor.Tensor) *tensor.Tensor { return x.Softmax(1) }},
	{"product with the transpose", 1e-14, func(x *tensor.Tensor) *tensor.Tensor { return x.MatMul(x.T()) }},
	{"product of the transpose", 1e-14, func(x *tensor.Tensor) *tensor.Tensor { return x.T().MatMul(x) }},
	{"products of a batch", 1e-14, func(x *tensor.Tensor) *tensor.Tensor {
		y := x.Reshape(5, 26, 96)
		return y.MatMul(y.Transpose(0, 2, 1))
	}},
	{"running sums of columns", 1e-14, func(x *tensor.Tensor) *tensor.Tensor { return x.CumSum(0) }},
	{"running sums of all", 1e-13, func(x *tensor.Tensor) *tensor.Tensor { return x.Reshape(-1).CumSum(0) }},
	{"best of all", 0, func(x *tensor.Tensor) *tensor.Tensor { return x.ArgMax() }},
	{"scattered sums", 1e-14, func(x *tensor.Tensor) *tensor.Tensor {
		flat := x.Reshape(-1)
		at := flat.Abs().MulScalar(100).Cast(tensor.Int64)
		return tensor.Zeros(1000).Cast(x.DType()).To(x.Device()).ScatterAdd(0, at, flat)
	}},
}

// TestLarge compares with the CPU, and sees that the order of threads changes no bit.
func TestLarge(t *testing.T) {
	d := openDevice(t)
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]float64, 130*96)
	for i := range data {
		data[i] = r.NormFloat64()
	}
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		x := tensor.NewShaped(data, []int{130, 96}, tensor.WithDType(dt))
		there := x.To(d)
		for _, c := range large {
			t.Run(dt.String()+"/"+c.name, func(t *testing.T) {
				want, err := c.f(x).Float64s()
				if err != nil {
					t.Fatal(err)
				}
				var first []float64
				for _, order := range []string{"forward", "reverse", "random"} {
					t.Setenv("STANDIN_ORDER", order)
					y := c.f(there)
					got, err := y.Float64s()
					tensor.Free(y)
					if err != nil {
						t.Fatal(err)
					}
					compareAll(t, order, got, want, c.tol, dt)
					if first == nil {
						first = got
					}
					for i := range got {
						if math.Float64bits(got[i]) != math.Float64bits(first[i]) {
							t.Errorf("%s: element %d is %v, in forward order %v", order, i, got[i], first[i])
							break
						}
					}
				}
			})
		}
		tensor.Free(there)
	}
	collect(t, d)
}

// Constants of every type, of as many elements as go by vectors.
func TestConstants(t *testing.T) {
	d := openDevice(t)
	home, err := device.Default()
	if err == nil {
		err = tensor.SetDefaultDevice(d)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, dt := range []tensor.DType{tensor.Bool, tensor.Int32, tensor.Int64, tensor.Float32, tensor.Float64} {
		values := []float64{0, 1}
		if dt != tensor.Bool {
			values = append(values, -7)
		}
		if dt.IsFloat() {
			values = append(values, math.Inf(1), math.Inf(-1), math.NaN())
		}
		for _, v := range values {
			y := tensor.Builder{}.Apply(kernels.Full, kernels.Fill{DType: dt, Shape: kernels.DimsOf(1024), Value: v})[0].(*tensor.Tensor)
			got, err := y.Float64s()
			if err != nil || got[1023] != v && !math.IsNaN(v) || math.IsNaN(v) != math.IsNaN(got[1023]) {
				t.Errorf("%v %v: %v", dt, v, err)
			}
			tensor.Free(y)
		}
	}
	if err := tensor.SetDefaultDevice(home); err != nil {
		t.Error(err)
	}
	collect(t, d)
}

// Sums of numbers of very different sizes come out the same in any order, and
// exactly where a float64 holds them.
func TestScatteredSumsAreExact(t *testing.T) {
	d := openDevice(t)
	values := []float64{1e10, 3, -1e10, 1e-30, 1e-30, -3, math.Inf(1), 1, math.NaN(), 2, 0x1p-1074, 0x1p-1074}
	places := []int64{0, 0, 0, 1, 1, 0, 2, 2, 3, 4, 5, 5}
	want := []float64{0, 2e-30, math.Inf(1), math.NaN(), 2, 0x1p-1073, 0}
	for _, order := range []string{"forward", "reverse", "random"} {
		t.Setenv("STANDIN_ORDER", order)
		y := tensor.Zeros(7).To(d).ScatterAdd(0, tensor.FromSlice(places).To(d), tensor.FromSlice(values).To(d))
		got, err := y.Float64s()
		tensor.Free(y)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i] != want[i] && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
				t.Errorf("%s: place %d is %v, want %v", order, i, got[i], want[i])
			}
		}
	}
	collect(t, d)
}

// Results that are reduced and results that are not, of the same elements, by one
// kernel in vectors: sums of all, of rows and of columns beside what they are made of.
func TestMixedResults(t *testing.T) {
	d := openDevice(t)
	r := rand.New(rand.NewPCG(3, 4))
	data := make([]float64, 130*96)
	for i := range data {
		data[i] = r.NormFloat64()
	}
	type results struct{ Map, Other, Sum *tensor.Tensor }
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		x := tensor.NewShaped(data, []int{130, 96}, tensor.WithDType(dt))
		there := x.To(d)
		for axis, sum := range []func(x *tensor.Tensor) *tensor.Tensor{
			func(x *tensor.Tensor) *tensor.Tensor { return x.Sum(0) },
			func(x *tensor.Tensor) *tensor.Tensor { return x.Sum(1) },
			func(x *tensor.Tensor) *tensor.Tensor { return x.Sum() },
			func(x *tensor.Tensor) *tensor.Tensor { return x.LogSumExp(1) },
		} {
			f := func(x *tensor.Tensor) results {
				y := x.Sin().Mul(x)
				return results{y.Exp(), y.Gt(x), sum(y)}
			}
			want := f(x)
			var first []float64
			for _, order := range []string{"forward", "reverse", "random"} {
				t.Setenv("STANDIN_ORDER", order)
				p, err := grad.Prepare(f, there)
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.Run(t.Context(), there)
				if err != nil {
					t.Fatal(err)
				}
				pairs := [][2]*tensor.Tensor{{got.Map, want.Map}, {got.Other, want.Other}, {got.Sum, want.Sum}}
				for i, pair := range pairs {
					a, errA := pair[0].Float64s()
					b, errB := pair[1].Float64s()
					if errA != nil || errB != nil {
						t.Fatal(errA, errB)
					}
					compareAll(t, fmt.Sprintf("%v, axis %d, %s order, result %d", dt, axis, order, i), a, b, 1e-14, dt)
					if i == 2 && first == nil {
						first = a
					}
					if i == 2 && !slices.Equal(a, first) {
						t.Errorf("%v, axis %d: another sum in %s order", dt, axis, order)
					}
					tensor.Free(pair[0])
				}
				p.Close()
			}
		}
		tensor.Free(there)
	}
	collect(t, d)
}

// Rows so many that each has few threads, which take several turns, of whole vectors or not.
func TestManyRows(t *testing.T) {
	d := openDevice(t)
	const rows = 1<<16 + 3
	for _, columns := range []int{1, 7, 20, 130} {
		x := tensor.Linspace(-1, 1, rows*columns).Reshape(rows, columns)
		there := x.To(d)
		got := there.Square().Sum(1)
		compare(t, fmt.Sprint(columns, " columns"), got, x.Square().Sum(1), 1e-14)
		tensor.Free(there)
		tensor.Free(got)
	}
	collect(t, d)
}

// What a sum of columns is made of is computed once, by the kernel that also stores it,
// although the sum has the loop's axes in its own order.
func TestColumnsAreReadOnce(t *testing.T) {
	d := openDevice(t)
	sources := t.TempDir()
	t.Setenv(devcuda.EnvSources, sources)
	x := tensor.Full(0.5, []int{300, 64}).To(d)
	p, err := grad.Prepare(func(x *tensor.Tensor) [2]*tensor.Tensor {
		y := x.Expm1().Mul(x)
		return [2]*tensor.Tensor{y.Sum(0), y}
	}, x)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Run(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	y, errY := got[1].At(7, 8).Item()
	sum, errSum := got[0].At(8).Item()
	if errY != nil || errSum != nil {
		t.Fatal(errY, errSum)
	}
	if math.Abs(sum-300*y) > 1e-9 || math.Abs(y-0.5*math.Expm1(0.5)) > 1e-12 {
		t.Errorf("%v, and the sum of 300 is %v", y, sum)
	}
	files, _ := filepath.Glob(filepath.Join(sources, "*.cu"))
	kernels := 0
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte("expm1(")) {
			kernels++
		}
	}
	if kernels != 1 {
		t.Errorf("%d kernels compute the elements", kernels)
	}
	p.Close()
	tensor.Free(x)
	tensor.Free(got[0])
	tensor.Free(got[1])
	collect(t, d)
}

// A sine and a cosine of one angle are one call in a kernel, of large angles too.
func TestSineAndCosine(t *testing.T) {
	d := openDevice(t)
	data := []float64{0, 1, -2, 3.2, 104000, -106000, 1e9, -1e30, 1e-30, math.Inf(1), math.NaN()}
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		for _, n := range []int{len(data), 1200} { // one by one, and in vectors
			angles := make([]float64, n)
			for i := range angles {
				angles[i] = data[i%len(data)]
			}
			x := tensor.FromSlice(angles).Cast(dt)
			there := x.To(d)
			p, err := grad.Prepare(func(x *tensor.Tensor) [2]*tensor.Tensor {
				return [2]*tensor.Tensor{x.Sin().MulScalar(3).Add(x.Cos()), x.Cos().Exp()}
			}, there)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Run(t.Context(), there)
			if err != nil {
				t.Fatal(err)
			}
			want := [2]*tensor.Tensor{x.Sin().MulScalar(3).Add(x.Cos()), x.Cos().Exp()}
			for i := range got {
				a, errA := got[i].Float64s()
				b, errB := want[i].Float64s()
				if errA != nil || errB != nil {
					t.Fatal(errA, errB)
				}
				for j := range a {
					tol := 1e-15
					if dt == tensor.Float32 {
						tol *= 1 << 29
					}
					if same := math.IsNaN(a[j]) && math.IsNaN(b[j]); !same && !(math.Abs(a[j]-b[j]) <= tol*4) {
						t.Errorf("%v, result %d of %v: %v, want %v", dt, i, angles[j], a[j], b[j])
					}
				}
				tensor.Free(got[i])
			}
			p.Close()
			tensor.Free(there)
		}
	}
	collect(t, d)
}
