package tensor_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/tensor"
)

func ExampleNew() {
	x := tensor.New([][]float64{{1, 2, 3}, {4, 5, 6}})
	fmt.Println(x)
	fmt.Println(x.Sum(0))
	// Output:
	// [[1. 2. 3.]
	//  [4. 5. 6.]]
	// [5. 7. 9.]
}

type celsius float32

func TestNew(t *testing.T) {
	for _, c := range []struct {
		name  string
		data  any
		dtype tensor.DType
		shape []int
		want  []float64
	}{
		{"float64", 2.5, tensor.Float64, []int{}, []float64{2.5}},
		{"float32", float32(2.5), tensor.Float32, []int{}, []float64{2.5}},
		{"int", 7, tensor.Int64, []int{}, []float64{7}},
		{"int64", int64(-7), tensor.Int64, []int{}, []float64{-7}},
		{"int32", int32(-7), tensor.Int32, []int{}, []float64{-7}},
		{"bool", true, tensor.Bool, []int{}, []float64{1}},
		{"[]float64", []float64{1, math.Inf(1), math.NaN()}, tensor.Float64, []int{3}, []float64{1, math.Inf(1), math.NaN()}},
		{"[]float32", []float32{1, 2}, tensor.Float32, []int{2}, []float64{1, 2}},
		{"[]int", []int{1, -2}, tensor.Int64, []int{2}, []float64{1, -2}},
		{"[]int64", []int64{1, -2}, tensor.Int64, []int{2}, []float64{1, -2}},
		{"[]int32", []int32{1, -2}, tensor.Int32, []int{2}, []float64{1, -2}},
		{"[]bool", []bool{true, false}, tensor.Bool, []int{2}, []float64{1, 0}},
		{"[][]float64", [][]float64{{1, 2, 3}, {4, 5, 6}}, tensor.Float64, []int{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
		{"[][]bool", [][]bool{{true}, {false}}, tensor.Bool, []int{2, 1}, []float64{1, 0}},
		{"[][][]float32", [][][]float32{{{1}, {2}}, {{3}, {4}}}, tensor.Float32, []int{2, 2, 1}, []float64{1, 2, 3, 4}},
		{"[2][2]int32", [2][2]int32{{1, 2}, {3, 4}}, tensor.Int32, []int{2, 2}, []float64{1, 2, 3, 4}},
		{"[][2]float64", [][2]float64{{1, 2}, {3, 4}, {5, 6}}, tensor.Float64, []int{3, 2}, []float64{1, 2, 3, 4, 5, 6}},
		{"[2][]int", [2][]int{{1}, {2}}, tensor.Int64, []int{2, 1}, []float64{1, 2}},
		{"a type of its own", []celsius{36.5}, tensor.Float32, []int{1}, []float64{36.5}},
		{"empty", []float64{}, tensor.Float64, []int{0}, []float64{}},
		{"nil slice", []float32(nil), tensor.Float32, []int{0}, []float64{}},
		{"empty rows", [][]float64{{}, {}}, tensor.Float64, []int{2, 0}, []float64{}},
		{"no rows", [][][]int{}, tensor.Int64, []int{0, 0, 0}, []float64{}},
	} {
		for _, name := range devices {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				x := tensor.New(c.data, tensor.On(open(t, name)))
				check(t, x, c.dtype, c.shape, c.want...)
				if got := x.Device(); got != open(t, name) {
					t.Errorf("it lives on %v", got.Name())
				}
			})
		}
	}
}

func TestNewRefuses(t *testing.T) {
	fails[*tensor.ShapeError](t, tensor.New([][]float64{{1, 2}, {3}}), "new", "the row at [1] has length 1, the first one 2")
	fails[*tensor.ShapeError](t, tensor.New([][][]int{{{1}, {2}}, {{3}, {4, 5}}}), "new", "the row at [1 1] has length 2")
	fails[*tensor.ShapeError](t, tensor.New([][]float64{nil, {1}}), "new", "length 1, the first one 0")
	fails[*tensor.DTypeError](t, tensor.New("text"), "new", "string")
	fails[*tensor.DTypeError](t, tensor.New([]any{1.0}), "new", "interface")
	fails[*tensor.DTypeError](t, tensor.New(nil), "new", "nil")
	fails[*tensor.DTypeError](t, tensor.New([]uint8{1}), "new", "uint8")
	fails[*tensor.DTypeError](t, tensor.New(map[int]int{}), "new", "map")
	fails[*tensor.DTypeError](t, tensor.New([]float64{1}, tensor.WithDType(77)), "new", "no such dtype")
	fails[*tensor.ShapeError](t, tensor.FromSlice([]float64{1, 2, 3}, 2, 2), "from_slice", "3 elements do not fill the shape")
	fails[*tensor.ShapeError](t, tensor.FromSlice([]float64{}, -1), "from_slice", "a negative size")
	fails[*tensor.ShapeError](t, tensor.Zeros(1<<40, 1<<40), "zeros", "too many elements")
	fails[*tensor.ShapeError](t, tensor.Ones(0, 1<<40, 1<<40), "ones", "too many elements")
	fails[*tensor.ShapeError](t, tensor.Full(1, make([]int, 17)), "full", "more than 16 dimensions")
	fails[*tensor.AttrError](t, tensor.Arange(0, 1, 0), "arange", "step of 0")
	fails[*tensor.AttrError](t, tensor.Linspace(0, math.Inf(1), 3), "linspace", "no finite distance")
	fails[*tensor.DTypeError](t, tensor.Linspace(0, 1, 3, tensor.WithDType(tensor.Int64)), "linspace", "float")
}

// New copies: what the caller writes later is not seen.
func TestNewCopies(t *testing.T) {
	devicetest.NoLeaks(t, open(t, "cpu"))
	flat, nested := []float64{1, 2}, [][]float64{{1, 2}}
	large := make([]float64, 100_000)
	x, y, z := tensor.New(flat), tensor.New(nested), tensor.FromSlice(large)
	flat[0], nested[0][0], large[0] = 9, 9, 9
	check(t, x, tensor.Float64, []int{2}, 1, 2)
	check(t, y, tensor.Float64, []int{1, 2}, 1, 2)
	check(t, z.At(0), tensor.Float64, []int{}, 0)
	shape := []int{2, 1}
	w := tensor.FromSlice(flat, shape...)
	shape[0] = 7
	if w.Dim(0) != 2 {
		t.Error("the shape is not a copy")
	}
}

func TestWithDType(t *testing.T) {
	big := int64(1<<53 + 1)
	for _, c := range []struct {
		name string
		x    *tensor.Tensor
		want []float64
	}{
		{"float to int64", tensor.New([]float64{1.9, -1.9, math.NaN(), 1e300, -1e300}, tensor.WithDType(tensor.Int64)), []float64{1, -1, 0, math.MaxInt64, math.MinInt64}},
		{"float to int32", tensor.New([]float64{1.9, 3e9, -3e9}, tensor.WithDType(tensor.Int32)), []float64{1, math.MaxInt32, math.MinInt32}},
		{"float to bool", tensor.New([]float64{0, 0.1, math.NaN()}, tensor.WithDType(tensor.Bool)), []float64{0, 1, 1}},
		{"float to float32", tensor.New([]float64{0.1}, tensor.WithDType(tensor.Float32)), []float64{float64(float32(0.1))}},
		{"int to float", tensor.New([]int{1, -2}, tensor.WithDType(tensor.Float64)), []float64{1, -2}},
		{"bool to int", tensor.New([][]bool{{true, false}}, tensor.WithDType(tensor.Int32)).Flatten(), []float64{1, 0}},
		{"scalar", tensor.Scalar(3, tensor.WithDType(tensor.Int32)), []float64{3}},
		{"full", tensor.Full(2.5, []int{2}, tensor.WithDType(tensor.Float32)), []float64{2.5, 2.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.x.Float64s()
			if err != nil {
				t.Fatal(err)
			}
			for i := range c.want {
				if !sameNumber(got[i], c.want[i]) {
					t.Errorf("got %v, want %v", got, c.want)
				}
			}
		})
	}
	x := tensor.New([]int32{math.MinInt32}, tensor.WithDType(tensor.Int64))
	if got, err := tensor.Data[int64](x); err != nil || got[0] != math.MinInt32 {
		t.Errorf("got %v (%v)", got, err)
	}
	y := tensor.New([]int64{big}, tensor.WithDType(tensor.Int64))
	if got, err := tensor.Data[int64](y); err != nil || got[0] != big {
		t.Errorf("got %v (%v), want %d", got, err, big)
	}
}

func TestMake(t *testing.T) {
	for _, name := range devices {
		t.Run(name, func(t *testing.T) {
			on := tensor.On(open(t, name))
			f32 := tensor.WithDType(tensor.Float32)
			check(t, tensor.Full(1.5, []int{2, 2}, on), tensor.Float64, []int{2, 2}, 1.5, 1.5, 1.5, 1.5)
			check(t, tensor.Full(1, []int{0, 3}, on, f32), tensor.Float32, []int{0, 3})
			check(t, tensor.Full(2, nil, on), tensor.Float64, []int{}, 2)
			check(t, tensor.Scalar(2.5, on), tensor.Float64, []int{}, 2.5)
			check(t, tensor.Arange(1, 2, 0.25, on), tensor.Float64, []int{4}, 1, 1.25, 1.5, 1.75)
			check(t, tensor.Arange(3, 0, -2, on, tensor.WithDType(tensor.Int32)), tensor.Int32, []int{2}, 3, 1)
			check(t, tensor.Arange(0, -1, 1, on), tensor.Float64, []int{0})
			check(t, tensor.Linspace(0, 1, 5, on), tensor.Float64, []int{5}, 0, 0.25, 0.5, 0.75, 1)
			check(t, tensor.Linspace(3, 9, 1, on, f32), tensor.Float32, []int{1}, 3)
			check(t, tensor.Eye(2, on, f32), tensor.Float32, []int{2, 2}, 1, 0, 0, 1)
			x := tensor.New([]int32{1, 2}, on)
			check(t, tensor.ZerosLike(x), tensor.Int32, []int{2}, 0, 0)
			check(t, tensor.OnesLike(x), tensor.Int32, []int{2}, 1, 1)
			if d := tensor.OnesLike(x).Device(); d.Name() != name {
				t.Errorf("OnesLike is on %s", d.Name())
			}
		})
	}
	check(t, tensor.Zeros(2), tensor.Float64, []int{2}, 0, 0)
	check(t, tensor.Ones(), tensor.Float64, []int{}, 1)
}

// A large tensor's memory is a device buffer, a small one's the Go heap's.
func TestWhereMemoryLives(t *testing.T) {
	d := device.NewHost(device.HostConfig{Name: "test", Kind: "cpu"})
	devicetest.NoLeaks(t, d)
	small := tensor.Full(1, []int{10}, tensor.On(d))
	if n := d.Stats().Live; n != 0 {
		t.Errorf("%d buffers for a small tensor", n)
	}
	large := tensor.Full(1, []int{100_000}, tensor.On(d))
	if n := d.Stats().Live; n != 1 {
		t.Errorf("%d buffers for a large tensor", n)
	}
	check(t, large.At(99_999), tensor.Float64, []int{}, 1)
	check(t, small.At(9), tensor.Float64, []int{}, 1)
}

func TestWrap(t *testing.T) {
	data := []float32{1, 2, 3, 4, 5, 6}
	x := tensor.Wrap(data, 2, 3)
	if !x.Borrowed() {
		t.Skip("the default device does not see the host's memory")
	}
	check(t, x, tensor.Float32, []int{2, 3}, 1, 2, 3, 4, 5, 6)
	if !x.Borrowed() || !x.T().Borrowed() || x.Clone().Borrowed() || tensor.New(data).Borrowed() {
		t.Error("what is borrowed, or a view of it, says so, and nothing else")
	}
	before, view := x.Fingerprint(), x.T().Fingerprint()
	data[4] = 50
	check(t, x, tensor.Float32, []int{2, 3}, 1, 2, 3, 4, 50, 6)
	if x.Fingerprint() == before || x.T().Fingerprint() == view {
		t.Error("a change left the fingerprint")
	}
	data[4] = 5
	if x.Fingerprint() != before || x.T().Fingerprint() != view || tensor.FromSlice(data).Fingerprint() != before {
		t.Error("equal elements have different fingerprints")
	}
	fails[*tensor.ShapeError](t, tensor.Wrap(data, 4), "wrap", "6 elements do not fill")
}

// On a default device that is no host, what is not asked for by On still works,
// and Wrap copies.
func TestAnotherDefaultDevice(t *testing.T) {
	before, err := device.Default()
	if err != nil {
		t.Fatal(err)
	}
	if err := tensor.SetDefaultDevice(open(t, "sim")); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tensor.SetDefaultDevice(before); err != nil {
			t.Error(err)
		}
	}()
	data := []float64{1, 2, 3, 4}
	x, y := tensor.Wrap(data, 2, 2), tensor.WrapStrided(data, []int{2}, []int{2})
	data[0] = 9
	check(t, x, tensor.Float64, []int{2, 2}, 1, 2, 3, 4)
	check(t, y, tensor.Float64, []int{2}, 1, 3)
	check(t, x.Add(tensor.Ones(2)).Mul(tensor.Scalar(2)), tensor.Float64, []int{2, 2}, 4, 6, 8, 10)
	check(t, tensor.Scalar(2).Exp().Log(), tensor.Float64, []int{}, 2)
	for _, x := range []*tensor.Tensor{x, y, tensor.Zeros(2), tensor.New(1.5), tensor.Scalar(1).Add(tensor.Scalar(2)), tensor.Arange(0, 3, 1)} {
		if got := x.Device(); got.Name() != "sim" || x.Borrowed() {
			t.Errorf("%v is on %s", x, got.Name())
		}
	}
}

// Every single element counts in a fingerprint, whatever the length.
func TestFingerprint(t *testing.T) {
	if !tensor.Wrap([]bool{true}).Borrowed() {
		t.Skip("the default device does not see the host's memory")
	}
	for n := 1; n < 40; n++ {
		data := make([]int32, n)
		x := tensor.Wrap(data)
		seen := map[uint64]bool{x.Fingerprint(): true}
		for i := range data {
			data[i] = 1
			h := x.Fingerprint()
			if seen[h] {
				t.Fatalf("n=%d: element %d does not count", n, i)
			}
			seen[h] = true
			data[i] = 0
		}
	}
	bools := []bool{true, false, true}
	x := tensor.Wrap(bools)
	h := x.Fingerprint()
	bools[2] = false
	if x.Fingerprint() == h {
		t.Error("the last bool does not count")
	}
	if (*tensor.Tensor)(nil).Fingerprint() != 0 || tensor.Zeros(0).Fingerprint() != 0 {
		t.Error("nothing has a fingerprint")
	}
}

func TestWrapStrided(t *testing.T) {
	data := []int64{0, 1, 2, 3, 4, 5, 6, 7}
	check(t, tensor.WrapStrided(data, []int{2, 3}, []int{4, 1}), tensor.Int64, []int{2, 3}, 0, 1, 2, 4, 5, 6)
	check(t, tensor.WrapStrided(data, []int{3, 2}, []int{1, 4}), tensor.Int64, []int{3, 2}, 0, 4, 1, 5, 2, 6)
	check(t, tensor.WrapStrided(data, []int{3}, []int{0}), tensor.Int64, []int{3}, 0, 0, 0)
	check(t, tensor.WrapStrided(data, []int{1, 8}, []int{100, 1}), tensor.Int64, []int{1, 8}, 0, 1, 2, 3, 4, 5, 6, 7)
	check(t, tensor.WrapStrided([]int64{}, []int{0, 2}, []int{5, 1}), tensor.Int64, []int{0, 2})
	check(t, tensor.WrapStrided(data, nil, nil), tensor.Int64, []int{}, 0)
	fails[*tensor.ShapeError](t, tensor.WrapStrided(data, []int{2, 3}, []int{6, 1}), "wrap_strided", "outside")
	fails[*tensor.ShapeError](t, tensor.WrapStrided(data, []int{9}, []int{1}), "wrap_strided", "outside")
	fails[*tensor.ShapeError](t, tensor.WrapStrided(data, []int{2}, []int{math.MaxInt}), "wrap_strided", "outside")
	fails[*tensor.ShapeError](t, tensor.WrapStrided(data, []int{2}, []int{-1}), "wrap_strided", "negative stride")
	fails[*tensor.ShapeError](t, tensor.WrapStrided(data, []int{2}, nil), "wrap_strided", "a stride for each")
	fails[*tensor.ShapeError](t, tensor.WrapStrided([]int64{}, nil, nil), "wrap_strided", "outside")
}
