package figure

import (
	"bytes"
	"image"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/cotangent-ad/cotangent/jacobian/solve"
)

func TestPictures(t *testing.T) {
	var rep solve.Report
	for i, r := range []float64{10, 1e-2, 1e-7, 0, math.Inf(1)} {
		rep.Iterations = append(rep.Iterations, solve.Iteration{Number: i, Residual: r})
	}
	curves, err := Convergence("curves", "largest residual", Residual, Curve{"some", &rep}, Curve{"none", new(solve.Report)})
	if err != nil {
		t.Fatal(err)
	}
	field, err := Field("field", 3, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, ending := range []string{".png", ".svg"} {
		if err := Save(filepath.Join(dir, "p"+ending), field, curves); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "p.png"))
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	// The field runs from dark in its first corner to light in its last.
	b := img.Bounds()
	light := func(x, y float64) uint32 {
		r, g, b, _ := img.At(int(x*float64(b.Dx())), int(y*float64(b.Dy()))).RGBA()
		return r + g + b
	}
	if first, last := light(0.06, 0.15), light(0.43, 0.9); first > 0x8000 || last < 0x20000 {
		t.Errorf("%#x at the first, %#x at the last corner of %v", first, last, b)
	}
	if svg, err := os.ReadFile(filepath.Join(dir, "p.svg")); err != nil || !bytes.Contains(svg, []byte("largest residual")) {
		t.Errorf("%v: %.200s", err, svg)
	}
	if err := Save(filepath.Join(dir, "p.gif"), curves); err == nil {
		t.Error("a .gif is no error")
	}
	if _, err := Field("bad", 3, []float64{1}); err == nil {
		t.Error("a field without its values is no error")
	}
	if p, err := Convergence("nothing", "", Residual); err != nil || Save(filepath.Join(dir, "none.png"), p) != nil {
		t.Errorf("no curves: %v", err)
	}
	if p, err := Field("even", 2, []float64{1, 1, 1, 1}); err != nil || Save(filepath.Join(dir, "even.png"), p) != nil {
		t.Errorf("an even field: %v", err)
	}
}
