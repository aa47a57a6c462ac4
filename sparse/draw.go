// Pictures of patterns. Large ones are drawn smaller: each cell of the picture stands
// for a block of the matrix, darker the more entries it holds.

package sparse

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"strings"
)

// raster counts the entries in each block of a height x width division of p. It
// makes the picture no larger than the matrix.
func (p *Pattern) raster(height, width int) (counts []int, h, w int) {
	h, w = max(1, min(height, p.Rows)), max(1, min(width, p.Cols))
	counts = make([]int, h*w)
	for i := range p.Rows {
		line := counts[i*h/max(p.Rows, 1)*w:]
		for _, j := range p.Row(i) {
			line[int(j)*w/p.Cols]++
		}
	}
	return counts, h, w
}

// fit returns the height and width of at most size that keep the proportions of the
// matrix.
func (p *Pattern) fit(size int) (height, width int) {
	longest := max(p.Rows, p.Cols, 1)
	size = max(1, min(size, longest))
	return max(1, p.Rows*size/longest), max(1, p.Cols*size/longest)
}

// Text draws the pattern in braille characters, each of 4 x 2 dots, at most width
// characters wide. A dot stands for a block of the matrix with an entry.
func (p *Pattern) Text(width int) string {
	width = max(1, width)
	// A character has 2 dots across, and dots are about as far apart down as across.
	w := max(1, min(2*width, p.Cols))
	h := max(1, min(p.Rows, int(math.Ceil(float64(p.Rows)*float64(w)/float64(max(p.Cols, 1))))))
	h = min(h, 8*width) // thin, tall patterns
	counts, h, w := p.raster(h, w)
	// The bits of the dots of a braille character, by row and column.
	dots := [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}
	var b strings.Builder
	for y := 0; y < h; y += 4 {
		for x := 0; x < w; x += 2 {
			r := rune(0x2800)
			for dy := 0; dy < 4 && y+dy < h; dy++ {
				for dx := 0; dx < 2 && x+dx < w; dx++ {
					if counts[(y+dy)*w+x+dx] > 0 {
						r |= dots[dy][dx]
					}
				}
			}
			b.WriteRune(r)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// String describes the pattern in a line and draws it 40 characters wide.
func (p *Pattern) String() string {
	return fmt.Sprintf("%d x %d, %d entries\n%s", p.Rows, p.Cols, p.Nnz(), p.Text(40))
}

// palette are colours that are told apart well: eight of Okabe and Ito (2008), less
// black, and lighter and darker ones.
var palette = [...]color.RGBA{
	{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255},
	{230, 159, 0, 255}, {86, 180, 233, 255}, {120, 94, 40, 255}, {153, 153, 153, 255},
	{0, 57, 89, 255}, {106, 47, 0, 255}, {0, 90, 60, 255}, {150, 60, 110, 255},
}

// inks returns the colours that entries are drawn in, by position: the colour of the
// product that an entry is read off, its column's where that is alone in the row,
// else its row's (of symmetric matrices, the column's of the entry across the
// diagonal); dark without a colouring, or with one that does not fit.
func (p *Pattern) inks(c *Coloring) func(e, i int) color.RGBA {
	dark := color.RGBA{30, 30, 30, 255}
	if c == nil || checkColors(p, c) != nil {
		return func(int, int) color.RGBA { return dark }
	}
	row, first := c.RowColor, c.ColColors
	if c.Problem.Structure == Symmetric {
		row, first = c.ColColor, 0
	}
	lone := make([]bool, p.Nnz())
	if len(c.ColColor) > 0 && len(row) > 0 {
		lone = alone(p, c.ColColor, c.ColColors)
	}
	return func(e, i int) color.RGBA {
		k := -1
		if len(c.ColColor) > 0 && (len(row) == 0 || lone[e] || row[i] < 0) {
			k = int(c.ColColor[p.Idx[e]])
		} else if len(row) > 0 && row[i] >= 0 {
			k = first + int(row[i])
		}
		if k < 0 {
			return dark
		}
		return palette[k%len(palette)]
	}
}

// Image draws the pattern at most size pixels high and wide: small matrices with
// square entries of several pixels, in the colours of the colouring if there is one;
// large ones in shades of grey.
func (p *Pattern) Image(size int, c *Coloring) image.Image {
	size = max(1, min(size, 1<<14))
	longest := max(p.Rows, p.Cols, 1)
	if longest > size {
		return p.shades(size)
	}
	cell := size / longest
	gap := 0 // between entries, where there is room for it
	if cell >= 4 {
		gap = cell / 4
	}
	img := image.NewRGBA(image.Rect(0, 0, max(1, p.Cols*cell), max(1, p.Rows*cell)))
	for k := range img.Pix {
		img.Pix[k] = 255
	}
	ink := p.inks(c)
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			x, y := int(p.Idx[e])*cell+gap/2, i*cell+gap/2
			draw.Draw(img, image.Rect(x, y, x+cell-gap, y+cell-gap), image.NewUniform(ink(e, i)), image.Point{}, draw.Src)
		}
	}
	frame(img)
	return img
}

// frame makes the white pixels at the sides of a picture grey: where the matrix ends
// is seen on any background.
func frame(img draw.Image) {
	b := img.Bounds()
	if b.Dx() < 3 || b.Dy() < 3 {
		return
	}
	grey := color.Gray{190}
	dim := func(x, y int) {
		if color.GrayModel.Convert(img.At(x, y)) == (color.Gray{255}) {
			img.Set(x, y, grey)
		}
	}
	for x := range b.Dx() {
		dim(x, 0)
		dim(x, b.Dy()-1)
	}
	for y := range b.Dy() {
		dim(0, y)
		dim(b.Dx()-1, y)
	}
}

// shades draws a pattern that is larger than the picture.
func (p *Pattern) shades(size int) image.Image {
	counts, h, w := p.raster(p.fit(size))
	img := image.NewGray(image.Rect(0, 0, w, h))
	top := 1
	for _, n := range counts {
		top = max(top, n)
	}
	for k, n := range counts {
		// Single entries must stay visible: the darkness grows with the logarithm.
		img.Pix[k] = 255
		if n > 0 {
			img.Pix[k] = uint8(200 - 200*math.Log(float64(n))/math.Log(float64(top)+1))
		}
	}
	frame(img)
	return img
}

// WritePNG writes the picture that Image draws.
func (p *Pattern) WritePNG(w io.Writer, size int, c *Coloring) error {
	return png.Encode(w, p.Image(size, c))
}

// maxSVGEntries is how many entries an SVG shows one by one.
const maxSVGEntries = 20000

// WriteSVG draws the pattern as SVG, at most size units high and wide: entry by
// entry, in the colours of the colouring if there is one, or if there are too many
// by blocks in shades of grey.
func (p *Pattern) WriteSVG(w io.Writer, size int, c *Coloring) error {
	size = max(1, size)
	b := bufio.NewWriter(w)
	rows, cols := p.Rows, p.Cols
	var counts []int
	if p.Nnz() > maxSVGEntries {
		counts, rows, cols = p.raster(p.fit(min(size, 128)))
	}
	scale := float64(size) / float64(max(rows, cols, 1))
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %d %d">`+"\n",
		float64(cols)*scale, float64(rows)*scale, max(cols, 1), max(rows, 1))
	fmt.Fprintf(b, `<title>%d x %d, %d entries</title>`+"\n", p.Rows, p.Cols, p.Nnz())
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="#fff" stroke="#888" stroke-width="%.3g"/>`+"\n", cols, rows, 1/scale)
	cell := func(i, j int, ink color.RGBA) {
		fmt.Fprintf(b, `<rect x="%d.1" y="%d.1" width=".8" height=".8" fill="#%02x%02x%02x"/>`+"\n", j, i, ink.R, ink.G, ink.B)
	}
	if counts == nil {
		ink := p.inks(c)
		for i := range p.Rows {
			for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
				cell(i, int(p.Idx[e]), ink(e, i))
			}
		}
	} else {
		top := 1
		for _, n := range counts {
			top = max(top, n)
		}
		for k, n := range counts {
			if n > 0 {
				g := uint8(200 - 200*math.Log(float64(n))/math.Log(float64(top)+1))
				cell(k/cols, k%cols, color.RGBA{g, g, g, 255})
			}
		}
	}
	fmt.Fprintln(b, "</svg>")
	return b.Flush()
}
