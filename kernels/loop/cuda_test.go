package loop

import (
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

// A sine and a cosine of the same node are one call, whichever comes first; of
// different nodes, or where one is not needed, they are not.
func TestCUDASineAndCosine(t *testing.T) {
	e := New(Axes([]int{4}), []Aval{{DType: device.Float32, Shape: []int{4}}})
	x := e.Load(0, Ats(1)...)
	cosine, sine := e.Unary(Cos, x), e.Unary(Sin, x)
	other := e.Unary(Cos, sine)
	out := Aval{DType: device.Float32, Shape: []int{4}}
	e.Store(Store{Value: e.Binary(Add, cosine, e.Binary(Mul, sine, other)), Index: Ats(1), Aval: out})
	e.Store(Store{Value: sine, Index: Ats(1), Aval: out})
	text := func(outs ...int) string {
		b := e.CUDA()
		b.Element = func(Node, *Load) ([]string, string) { return nil, "x[i]" }
		b.Axis = func(int) string { return "i" }
		return b.Text(1, outs...)
	}
	both, alone := text(0, 1), text(1)
	if strings.Count(both, "sincosf(") != 1 || strings.Count(both, "_sinf(") != 0 || strings.Count(both, "_cosf(") != 1 {
		t.Errorf("of both:\n%s", both)
	}
	if strings.Contains(alone, "sincos") || !strings.Contains(alone, "_sinf(") {
		t.Errorf("of the sine:\n%s", alone)
	}
}
