package sparse_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	gocolor "image/color"
	"image/png"
	"io"
	"strings"
	"testing"

	. "github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
)

func TestText(t *testing.T) {
	for _, c := range []struct {
		name  string
		p     *Pattern
		width int
		want  string
	}{
		{"one dot", Dense(1, 1), 10, "⠁\n"},
		{"a block", Dense(4, 4), 10, "⣿⣿\n"},
		{"diagonal", gallery.Banded(8, 0, nil, nil), 10, "⠑⢄⠀⠀\n⠀⠀⠑⢄\n"},
		{"drawn smaller", gallery.Banded(800, 0, nil, nil), 4, "⠑⢄⠀⠀\n⠀⠀⠑⢄\n"},
		{"nothing", EmptyPattern(0, 0), 3, "⠀\n"},
		{"a thin tall one", Dense(100000, 1), 1, "⡇\n⡇\n"},
	} {
		if got := c.p.Text(c.width); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
	if s := gallery.Arrow(8).String(); !strings.HasPrefix(s, "8 x 8, 22 entries\n⡟⢍") {
		t.Error(s)
	}
}

func decodePNG(t *testing.T, p *Pattern, size int, c *Coloring) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := p.WritePNG(&b, size, c); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestPNG(t *testing.T) {
	p := gallery.Arrow(10)
	img := decodePNG(t, p, 100, nil)
	if img.Bounds() != image.Rect(0, 0, 100, 100) {
		t.Fatal(img.Bounds())
	}
	dark := func(x, y int) bool { return gocolor.GrayModel.Convert(img.At(x, y)).(gocolor.Gray).Y < 128 }
	for i := range 10 {
		for j := range 10 {
			if dark(10*j+3, 10*i+3) != (p.Find(i, j) >= 0) {
				t.Errorf("entry (%d, %d)", i, j)
			}
		}
	}
	coloured := decodePNG(t, p, 100, must(Color(p, Star)))
	if coloured.At(3, 13) == coloured.At(13, 13) {
		t.Error("columns of two colours are drawn in one")
	}
	// The dense row of a symmetric matrix is read across the diagonal, off the dense
	// column's product.
	if coloured.At(53, 3) != coloured.At(3, 53) || coloured.At(53, 3) == coloured.At(53, 53) {
		t.Error("a dense row is drawn as if it were read off its columns' product")
	}
	if gray := gocolor.GrayModel.Convert(img.At(0, 50)).(gocolor.Gray).Y; gray == 255 || dark(0, 50) {
		t.Error("no frame")
	}
	// In a bicolouring, the dense row is read off row products, in a colour of its own.
	b := must(Color(p, StarBicoloring))
	both := decodePNG(t, p, 100, b)
	seen := map[gocolor.Color]bool{}
	for i := range 10 {
		seen[both.At(3, 10*i+3)], seen[both.At(10*i+3, 3)], seen[both.At(10*i+3, 10*i+3)] = true, true, true
	}
	if len(seen) != b.Colors() {
		t.Errorf("%d inks for %v", len(seen), b)
	}
	spoiled := *b
	spoiled.ColColors = 0
	if decodePNG(t, p, 100, &spoiled).At(3, 3) != img.At(3, 3) {
		t.Error("a colouring that does not fit is drawn")
	}
	large := decodePNG(t, gallery.Banded(5000, 3, nil, nil), 200, nil)
	if large.Bounds() != image.Rect(0, 0, 200, 200) {
		t.Fatal(large.Bounds())
	}
	if y := large.At(100, 20).(gocolor.Gray).Y; y != 255 {
		t.Errorf("shade %d off the band", y)
	}
	if y := large.At(100, 100).(gocolor.Gray).Y; y > 100 {
		t.Errorf("shade %d on the band", y)
	}
	for _, p := range []*Pattern{EmptyPattern(0, 0), EmptyPattern(3, 0), Dense(3, 5000), Dense(5000, 3)} {
		if b := decodePNG(t, p, 64, nil).Bounds(); b.Dx() < 1 || b.Dy() < 1 || b.Dx() > 64 || b.Dy() > 64 {
			t.Errorf("%d x %d drawn as %v", p.Rows, p.Cols, b)
		}
	}
}

func TestSVG(t *testing.T) {
	p := gallery.Arrow(10)
	for _, c := range []struct {
		p     *Pattern
		cells int // at least, with the frame
	}{{p, p.Nnz() + 1}, {gallery.Banded(30000, 2, nil, nil), 128}, {EmptyPattern(0, 0), 1}} {
		var b bytes.Buffer
		if err := c.p.WriteSVG(&b, 300, nil); err != nil {
			t.Fatal(err)
		}
		d, rects := xml.NewDecoder(&b), 0
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := tok.(xml.StartElement); ok && e.Name.Local == "rect" {
				rects++
			}
		}
		if rects < c.cells || c.p == p && rects != c.cells {
			t.Errorf("%d x %d: %d rectangles, want %d", c.p.Rows, c.p.Cols, rects, c.cells)
		}
	}
	if err := p.WriteSVG(failing{}, 100, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if err := p.WritePNG(failing{}, 100, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}
