//go:build cuda && cgo

package cuda_test

import (
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// An index out of range is an error of constants, too, whose only element kernels are
// given by value and find without an index.
func TestIndicesOfConstants(t *testing.T) {
	d := openDevice(t)
	good, bad := tensor.New([]int64{0, -4, 3}).To(d), tensor.New([]int64{0, 4, 1}).To(d)
	three := func() *tensor.Tensor { return tensor.Scalar(3).BroadcastTo(4) }
	at := tensor.New([]int64{0, 4, 1}).To(d)
	for name, f := range map[string]func(at *tensor.Tensor) *tensor.Tensor{
		"take":   func(at *tensor.Tensor) *tensor.Tensor { return three().Take(0, at) },
		"gather": func(at *tensor.Tensor) *tensor.Tensor { return three().Gather(0, at) },
		"index":  func(at *tensor.Tensor) *tensor.Tensor { return three().Index(at) },
		"add":    func(at *tensor.Tensor) *tensor.Tensor { return three().Take(0, at).AddScalar(3) },
	} {
		p, err := grad.Prepare(f, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, how := range []struct {
			name string
			run  func(at *tensor.Tensor) *tensor.Tensor
		}{{"eager", f}, {"prepared", p.Call}} {
			y := how.run(bad)
			if err := y.Err(); err == nil || !strings.Contains(err.Error(), "index 4 out of range") {
				t.Errorf("%s, %s: error %v", name, how.name, err)
			}
			tensor.Free(y)
			y = how.run(good)
			if v, err := y.Float64s(); err != nil || v[1] != v[0] || v[0] < 3 {
				t.Errorf("%s, %s: %v, %v", name, how.name, v, err)
			}
			tensor.Free(y)
		}
		p.Close()
	}
	collect(t, d, good, bad, at)
}
