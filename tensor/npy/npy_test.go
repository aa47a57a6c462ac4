package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	other "github.com/sbinet/npyio/npy"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/tensor"
)

// file returns an .npy file with the given dictionary and data.
func file(version byte, dict string, data ...byte) []byte {
	out := append([]byte(magic), version, 0)
	if version == 1 {
		out = binary.LittleEndian.AppendUint16(out, uint16(len(dict)))
	} else {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(dict)))
	}
	return append(append(out, dict...), data...)
}

func dict(descr, shape string) string {
	return fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
}

// le and be return the bytes of values.
func le(values ...any) []byte { return encoded(binary.LittleEndian, values) }
func be(values ...any) []byte { return encoded(binary.BigEndian, values) }

func encoded(order binary.ByteOrder, values []any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, order, v); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

func TestRead(t *testing.T) {
	fortran := "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3)}"
	for _, c := range []struct {
		name  string
		file  []byte
		dtype tensor.DType
		shape []int
		want  []float64
	}{
		{"float64", file(1, dict("<f8", "(2,)"), le(1.5, -2.0)...), tensor.Float64, []int{2}, []float64{1.5, -2}},
		{"float64 big-endian", file(1, dict(">f8", "(2,)"), be(1.5, -2.0)...), tensor.Float64, []int{2}, []float64{1.5, -2}},
		{"float32", file(1, dict("<f4", "(1, 2)"), le(float32(1.5), float32(-2))...), tensor.Float32, []int{1, 2}, []float64{1.5, -2}},
		{"float32 big-endian", file(2, dict(">f4", "(2,)"), be(float32(1.5), float32(-2))...), tensor.Float32, []int{2}, []float64{1.5, -2}},
		{"int64", file(1, dict("<i8", "(3,)"), le(int64(1), int64(-7), int64(1<<40))...), tensor.Int64, []int{3}, []float64{1, -7, 1 << 40}},
		{"int64 big-endian", file(1, dict(">i8", "(1,)"), be(int64(-7))...), tensor.Int64, []int{1}, []float64{-7}},
		{"int32", file(3, dict("<i4", "(2, 1)"), le(int32(5), int32(-6))...), tensor.Int32, []int{2, 1}, []float64{5, -6}},
		{"bool", file(1, dict("|b1", "(3,)"), 0, 1, 2), tensor.Bool, []int{3}, []float64{0, 1, 1}},
		{"scalar", file(1, dict("<f8", "()"), le(3.25)...), tensor.Float64, []int{}, []float64{3.25}},
		{"empty", file(1, dict("<f8", "(0, 3)")), tensor.Float64, []int{0, 3}, []float64{}},
		{"fortran", file(1, fortran, le(1.0, 4.0, 2.0, 5.0, 3.0, 6.0)...), tensor.Float64, []int{2, 3}, []float64{1, 2, 3, 4, 5, 6}},
		{"python 2", file(1, dict("<i4", "(2L,)"), le(int32(5), int32(-6))...), tensor.Int32, []int{2}, []float64{5, -6}},
		{"other order of keys", file(1, `{"shape":(1,),"fortran_order":False,"descr":"<f8"}`, le(2.0)...), tensor.Float64, []int{1}, []float64{2}},
	} {
		readers := map[string]io.Reader{
			"sized": bytes.NewReader(c.file), "stream": io.MultiReader(bytes.NewReader(c.file)),
			"bytewise": iotest.OneByteReader(bytes.NewReader(c.file)),
		}
		for how, r := range readers {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				x, err := Read(r)
				if err != nil {
					t.Fatal(err)
				}
				got, err := x.Float64s()
				if err != nil {
					t.Fatal(err)
				}
				if x.DType() != c.dtype || !slices.Equal(x.Shape(), c.shape) || !slices.Equal(got, c.want) {
					t.Errorf("got %v%v %v, want %v%v %v", x.DType(), x.Shape(), got, c.dtype, c.shape, c.want)
				}
			})
		}
	}
}

func TestReadRefuses(t *testing.T) {
	long := strings.Repeat(" ", maxHeader+1)
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"nothing", "cut short", nil},
		{"another format", "not an .npy file", []byte("PK\x03\x04....")},
		{"version", "version 9", file(9, dict("<f8", "(1,)"), le(1.0)...)},
		{"header cut", "cut short", file(1, dict("<f8", "(1,)"))[:30]},
		{"long header", "a header of", file(2, long)},
		{"huge header", "a header of", append([]byte(magic), 2, 0, 255, 255, 255, 255)},
		{"no data", "0 bytes for the shape [1] of float64", file(1, dict("<f8", "(1,)"))},
		{"data cut", "7 bytes for", file(1, dict("<f8", "(1,)"), 1, 2, 3, 4, 5, 6, 7)},
		{"claims terabytes", "bytes for the shape", file(1, dict("<f8", "(1000000000000,)"), le(1.0)...)},
		{"overflow", "too large", file(1, dict("<f8", "(4294967296, 4294967296, 4294967296)"))},
		{"overflow behind 0", "too large", file(1, dict("<f8", "(0, 4294967296, 4294967296, 4294967296)"))},
		{"large number", "out of range", file(1, dict("<f8", "(99999999999999999999,)"))},
		{"negative", "without descr, fortran_order or shape", file(1, dict("<f8", "(-1,)"))},
		{"rank", "17 dimensions", file(1, dict("<f8", "("+strings.Repeat("1,", 17)+")"), le(1.0)...)},
		{"objects", "no dtype of tensors", file(1, dict("|O", "(1,)"), 1)},
		{"complex", "no dtype of tensors", file(1, dict("<c16", "(1,)"), make([]byte, 16)...)},
		{"structured", "no dtype of tensors", file(1, "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,)}", le(1.0)...)},
		{"two orders", "no dtype of tensors", file(1, dict("<>f8", "(1,)"), le(1.0)...)},
		{"missing key", "without descr, fortran_order or shape", file(1, "{'descr': '<f8', 'shape': (1,)}", le(1.0)...)},
		{"key twice", "more than a dictionary", file(1, "{'descr': '<f8', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", le(1.0)...)},
		{"unknown key", "more than a dictionary", file(1, "{'code': 'exit()', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", le(1.0)...)},
		{"text behind", "more than a dictionary", file(1, dict("<f8", "(1,)")+"x", le(1.0)...)},
		{"no dictionary", "without descr", file(1, "exit()")},
		{"string without end", "without descr", file(1, "{'descr")},
		{"open tuple", "without descr", file(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1 2)}")},
	} {
		for how, r := range map[string]io.Reader{"sized": bytes.NewReader(c.file), "stream": io.MultiReader(bytes.NewReader(c.file))} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				want := c.want
				if how == "stream" && strings.Contains(want, "bytes for") {
					want = "the data is cut short"
				}
				_, err := Read(r)
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Fatalf("got %v, want %q", err, want)
				}
				var format *FormatError
				var dtype *tensor.DTypeError
				if !errors.As(err, &format) && !errors.As(err, &dtype) {
					t.Errorf("%T is neither a FormatError nor a DTypeError", err)
				}
			})
		}
	}
}

// A header's claim takes no memory that the data does not bear out.
func TestHostileHeaderTakesNoMemory(t *testing.T) {
	claim := file(1, dict("<f8", "(100000000000,)"), make([]byte, 1000)...)
	for how, open := range map[string]func() io.Reader{
		"sized":  func() io.Reader { return bytes.NewReader(claim) },
		"stream": func() io.Reader { return io.MultiReader(bytes.NewReader(claim)) },
	} {
		t.Run(how, func(t *testing.T) {
			result := testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Read(open()); err == nil {
						b.Fatal("accepted")
					}
				}
			})
			if got := result.AllocedBytesPerOp(); got > 2*8*firstChunk {
				t.Errorf("%d bytes taken for a file of %d", got, len(claim))
			}
		})
	}
}

func TestReadErrorOfReader(t *testing.T) {
	broken := errors.New("broken")
	data := file(1, dict("<f8", "(2,)"), le(1.0)...)
	_, err := Read(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// A stream that is larger than the first chunk comes whole, and leaves what follows.
func TestReadLargeStream(t *testing.T) {
	d, err := device.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	devicetest.NoLeaks(t, d)
	n := 3*firstChunk + 5
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(i)
	}
	var b bytes.Buffer
	if err := Write(&b, tensor.New(values)); err != nil {
		t.Fatal(err)
	}
	b.WriteString("tail")
	r := io.MultiReader(&b)
	x, err := Read(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := x.Float64s(); !slices.Equal(got, values) {
		t.Error("other values")
	}
	if tail, _ := io.ReadAll(r); string(tail) != "tail" {
		t.Errorf("%q is left", tail)
	}
}

// samples are tensors of every dtype and of several shapes.
func samples() map[string]*tensor.Tensor {
	return map[string]*tensor.Tensor{
		"float64": tensor.New([][]float64{{1, math.Inf(-1), math.NaN()}, {0, math.Copysign(0, -1), 5e-324}}),
		"float32": tensor.New([]float32{1.5, -2}),
		"int64":   tensor.New([]int64{math.MinInt64, 1<<53 + 1}),
		"int32":   tensor.New([][][]int32{{{1}, {-2}}}),
		"bool":    tensor.New([]bool{true, false, true}),
		"scalar":  tensor.Scalar(2.5),
		"empty":   tensor.NewShaped([]float64{}, []int{2, 0}),
	}
}

// same compares types and bits.
func same(a, b *tensor.Tensor) bool {
	return a.DType() == b.DType() && slices.Equal(a.Shape(), b.Shape()) && a.Clone().Fingerprint() == b.Clone().Fingerprint()
}

func TestRoundTrip(t *testing.T) {
	for name, x := range samples() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.npy")
			if err := WriteFile(path, x); err != nil {
				t.Fatal(err)
			}
			y, err := ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !same(x, y) {
				t.Errorf("wrote %+v, read %+v", x, y)
			}
		})
	}
}

func TestHeaderIsAligned(t *testing.T) {
	for name, x := range samples() {
		var b bytes.Buffer
		if err := Write(&b, x); err != nil {
			t.Fatal(err)
		}
		if got := b.Len() - x.Size()*x.DType().Size(); got%64 != 0 {
			t.Errorf("%s: the data begins at byte %d", name, got)
		}
	}
}

// What npyio alone makes of files, and why there is a front before it. A row that
// fails because npyio does better is one that the front can do without.
func TestFront(t *testing.T) {
	ordinary := "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
	for _, c := range []struct {
		name, alone string // what npyio does: an error, a panic, or elements
		file        []byte
		want        []float64 // what Read gives; nil for an error
	}{
		{"an ordinary file", "[1.5]", file(1, ordinary+"\n", le(1.5)...), []float64{1.5}},
		{"no end of line", "panic", file(1, ordinary, le(1.5)...), []float64{1.5}},
		{"no bytes of header", "panic", file(1, ""), nil},
		{"keys in another order", "panic", file(1, "{'shape': (1,), 'fortran_order': False, 'descr': '<f8', }\n", le(1.5)...), []float64{1.5}},
		{"no space", "error", file(1, strings.ReplaceAll(ordinary, ": ", ":")+"\n", le(1.5)...), []float64{1.5}},
		{"version 3", "error", file(3, ordinary+"\n", le(1.5)...), []float64{1.5}},
		{"Python 2", "error", file(1, strings.Replace(ordinary, "1,", "1L,", 1)+"\n", le(1.5)...), []float64{1.5}},
		{"a negative size", "[]", file(1, dict("<f8", "(-1,)"), le(1.5)...), nil},
		{"elements that are not there", "[0 0 0]", file(1, dict("<f8", "(3,)")), nil},
		{"a bool of 2", "error", file(1, dict("|b1", "(1,)"), 2), []float64{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := alone(c.file); got != c.alone {
				t.Errorf("npyio: %s, no longer %s", got, c.alone)
			}
			x, err := Read(bytes.NewReader(c.file))
			if err != nil || c.want == nil {
				if (err == nil) != (c.want != nil) {
					t.Errorf("read %v (%v), want %v", x, err, c.want)
				}
				return
			}
			if got, err := x.Float64s(); err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v (%v), want %v", got, err, c.want)
			}
		})
	}
}

// alone tells what npyio makes of a file of float64.
func alone(file []byte) (what string) {
	defer func() {
		if recover() != nil {
			what = "panic"
		}
	}()
	var data []float64
	if err := other.Read(bytes.NewReader(file), &data); err != nil {
		return "error"
	}
	return fmt.Sprint(data)
}

// What we write, npyio reads.
func TestWriteForNpyio(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, tensor.New([][]float64{{1, 2, 3}, {4, 5, 6}})); err != nil {
		t.Fatal(err)
	}
	r, err := other.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	var got []float64
	if err := r.Read(&got); err != nil {
		t.Fatal(err)
	}
	if d := r.Header.Descr; !slices.Equal(d.Shape, []int{2, 3}) || d.Type != "<f8" || d.Fortran || !slices.Equal(got, []float64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("npyio reads %v %v", r.Header, got)
	}
}

func TestReadAs(t *testing.T) {
	x, err := Read(bytes.NewReader(file(1, dict("<i4", "(2,)"), le(int32(5), int32(-6))...)), tensor.WithDType(tensor.Float32))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tensor.Data[float32](x); err != nil || !slices.Equal(got, []float32{5, -6}) {
		t.Errorf("got %v (%v)", got, err)
	}
}

func TestWriteError(t *testing.T) {
	bad := tensor.Zeros(-1)
	if err := Write(io.Discard, bad); !errors.Is(err, bad.Err()) || err == nil {
		t.Errorf("got %v", err)
	}
	if err := Write(io.Discard, nil); !errors.Is(err, tensor.ErrNil) {
		t.Errorf("got %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, x := range samples() {
		var b bytes.Buffer
		if err := Write(&b, x); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add(file(1, dict(">f4", "(2, 1)"), be(float32(1), float32(2))...))
	f.Add(file(2, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2)}", le(1.0, 2.0, 3.0, 4.0)...))
	f.Add(file(1, dict("<f8", "(4294967296, 4294967296)"), 1, 2, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Read(bytes.NewReader(data))
		y, serr := Read(io.MultiReader(bytes.NewReader(data)))
		if (err == nil) != (serr == nil) {
			t.Fatalf("sized: %v, as a stream: %v", err, serr)
		}
		if err != nil {
			return
		}
		if bytes := x.Size() * x.DType().Size(); bytes > len(data) {
			t.Fatalf("%d bytes of elements from %d", bytes, len(data))
		}
		if !same(x, y) {
			t.Fatal("sized and as a stream differ")
		}
		var b bytes.Buffer
		if err := Write(&b, x); err != nil {
			t.Fatal(err)
		}
		if y, err = Read(&b); err != nil || !same(x, y) {
			t.Fatalf("%+v came back as %+v (%v)", x, y, err)
		}
	})
}
