// The printed forms, held against golden files (go test -update writes them).

package graph

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

var update = flag.Bool("update", false, "write the golden files anew")

// dumped is a graph with all that a dump shows.
func dumped(t *testing.T) *Graph {
	b := newBuilder(t)
	x := b.param(2, 3)
	mean := b.apply(kernels.Sum, kernels.AxesOf(true, -1), x)
	ones := b.Const(kernels.Array{Aval: kernels.Aval{DType: device.Float64, Shape: []int{2, 3}}, Strides: []int{0, 0}, Ptr: arrayOf([]float64{1}).Ptr}, nil)
	table := b.Const(*arrayOf([]float64{1, 2, 3, 4, 5, 6}, 2, 3), nil)
	y := b.apply(kernels.Mul, nil, b.apply(kernels.Sub, nil, x, mean), table)
	b.Place(`dir "with" quotes/model.go:7`)
	z := b.apply(kernels.Lt, nil, y, ones)
	p := b.apply(kernels.Pad, kernels.PaddingOf([]int{0, 1}, []int{0, 1}), y)
	s := b.apply(kernels.Slice, kernels.RangesOf(kernels.Item(0), kernels.From(1, 3)), y)
	return b.outputs(p, z, s, s)
}

func TestDumps(t *testing.T) {
	g := dumped(t)
	for _, c := range []struct {
		file  string
		write func(io.Writer) error
	}{
		{"graph.txt", g.WriteText}, {"graph.dot", g.WriteDOT}, {"graph.json", g.WriteJSON},
		{"record.txt", g.Record.WriteText}, {"record.dot", g.Record.WriteDOT}, {"record.json", g.Record.WriteJSON},
	} {
		t.Run(c.file, func(t *testing.T) {
			var got bytes.Buffer
			if err := c.write(&got); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", c.file)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
			}
			if filepath.Ext(path) == ".json" && !json.Valid(got.Bytes()) {
				t.Error("not valid JSON")
			}
		})
	}
}

// A tape's record has operands from outside.
func TestDumpUntracked(t *testing.T) {
	b := newBuilder(t)
	x := b.Input(f64(3))
	b.Emit(b.inst(kernels.Mul, nil, x, x), x, Untracked)
	if got, want := squeezed(b.Record.String()), "%0 = input float64[3]\n%1 = mul %0, _ float64[3]"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var dot bytes.Buffer
	if err := b.Record.WriteDOT(&dot); err != nil || bytes.Contains(dot.Bytes(), []byte("n-1")) {
		t.Errorf("%v:\n%s", err, dot.Bytes())
	}
}

func TestAttrText(t *testing.T) {
	for _, c := range []struct {
		attr any
		want string
	}{
		{nil, ""},
		{kernels.Order(3), "3"},
		{kernels.Equation("ij,jk->ik"), "ij,jk->ik"},
		{kernels.AxesOf(true, 0, 2), "keep axis=[0 2]"},
		{kernels.DimsOf(2, 0, 3), "dim=[2 0 3]"},
		{kernels.RangesOf(kernels.Item(-1), kernels.From(1, 3), kernels.All(), kernels.Stepped(2, kernels.End, 2)), "-1, 1:3, :, 2::2"},
		{kernels.RangesOf(kernels.Stepped(kernels.End, kernels.Begin, -1), kernels.Stepped(7, 0, -3)), "::-1, 7:0:-3"},
		{kernels.Limits{Lo: 0, Hi: 1.5}, "lo=0 hi=1.5"},
		{kernels.ShiftsOf([]int{1, 0, 2}, []int{0, 1, 2}), "axes={axis=[0 1 2]} shift=[1 0 2]"},
		{kernels.Fill{DType: device.Float32, Shape: kernels.DimsOf(2), Value: 0}, "dtype=float32 shape={dim=[2]} value=0"},
	} {
		if got := attrText(c.attr); got != c.want {
			t.Errorf("%#v: got %q, want %q", c.attr, got, c.want)
		}
	}
}
