package figure

import (
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/cotangent-ad/cotangent/jacobian/solve"
)

// Inks are colours that are told apart well (Okabe and Ito 2008).
var Inks = []color.RGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}}

// Curve is how a method went.
type Curve struct {
	Name   string
	Report *solve.Report
}

// Convergence draws a quantity of each iteration, on a logarithmic scale.
func Convergence(title, quantity string, of func(solve.Iteration) float64, curves ...Curve) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "iteration", quantity
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
	p.X.Tick.Marker = plot.TickerFunc(integers)
	p.Legend.Top, p.Legend.Padding = true, vg.Points(2)
	for i, c := range curves {
		var at plotter.XYs
		for _, it := range c.Report.Iterations {
			if v := of(it); v > 0 && !math.IsInf(v, 0) {
				at = append(at, plotter.XY{X: float64(it.Number), Y: v})
			}
		}
		if len(at) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(at)
		if err != nil {
			return nil, fmt.Errorf("figure: %s: %w", c.Name, err)
		}
		ink := Inks[i%len(Inks)]
		line.Color, line.Width, dots.Color, dots.Shape = ink, vg.Points(1.5), ink, draw.CircleGlyph{}
		dots.Radius = vg.Points(max(1, 3.5-1.25*float64(i))) // curves that coincide stay visible
		if len(at) > 50 {
			dots.Radius = vg.Points(1)
		}
		p.Add(line, dots)
		p.Legend.Add(c.Name, line, dots)
	}
	p.Add(plotter.NewGrid())
	if p.Y.Min > p.Y.Max {
		p.Y.Min, p.Y.Max = 0.1, 1 // nothing was drawn
	}
	if p.Y.Min == p.Y.Max {
		p.Y.Min, p.Y.Max = p.Y.Min/2, 2*p.Y.Max
	}
	return p, nil
}

// Residual is the quantity that equations and minima are judged by.
func Residual(it solve.Iteration) float64 { return it.Residual }

// decades marks powers of ten, and where there are few, what lies between.
type decades struct{}

func (decades) Ticks(low, high float64) []plot.Tick {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	step := math.Max(1, math.Round((last-first)/8))
	var ticks []plot.Tick
	for e := first; e <= last; e += step {
		ticks = append(ticks, plot.Tick{Value: math.Pow(10, e), Label: fmt.Sprintf("1e%+03.0f", e)})
		for m := 2; m < 10 && last-first < 5; m++ {
			ticks = append(ticks, plot.Tick{Value: float64(m) * math.Pow(10, e)})
		}
	}
	return ticks
}

// integers marks at most about ten whole numbers.
func integers(low, high float64) []plot.Tick {
	step := 1.0
	for n := 0; (high-low)/step > 10; n++ {
		step *= []float64{2, 2.5, 2}[n%3] // 1, 2, 5, 10, ...
	}
	var ticks []plot.Tick
	for v := math.Ceil(low/step) * step; v <= high; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.0f", v)})
	}
	return ticks
}

// Field draws the values at n x n places, of rows from the top down.
func Field(title string, n int, values []float64) (*plot.Plot, error) {
	if n < 2 || len(values) != n*n {
		return nil, fmt.Errorf("figure: %d values for a %d x %d field of at least 2 x 2", len(values), n, n)
	}
	p := plot.New()
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	p.Title.Text = fmt.Sprintf("%s, from %.4g to %.4g", title, low, high)
	p.HideAxes()
	if low == high {
		high = low + 1
	}
	colors := moreland.Kindlmann()
	colors.SetMin(low)
	colors.SetMax(high)
	cell := (600 + n - 1) / n // pixels
	img := image.NewRGBA(image.Rect(0, 0, n*cell, n*cell))
	for i, v := range values {
		ink, err := colors.At(v)
		if err != nil {
			return nil, fmt.Errorf("figure: %g: %w", v, err)
		}
		x, y := i%n*cell, i/n*cell
		imagedraw.Draw(img, image.Rect(x, y, x+cell, y+cell), image.NewUniform(ink), image.Point{}, imagedraw.Src)
	}
	p.Add(plotter.NewImage(img, 0, 0, float64(n), float64(n)))
	return p, nil
}

// The size of one plot of a picture.
const (
	width  = 13 * vg.Centimeter
	height = 13 * vg.Centimeter
)

// Save draws plots side by side into a file, whose name ends in .png or .svg.
func Save(path string, plots ...*plot.Plot) error {
	w := vg.Length(len(plots)) * width
	var canvas interface {
		vg.CanvasSizer
		io.WriterTo
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, height), vgimg.UseDPI(120))}
	case ".svg":
		canvas = vgsvg.New(w, height)
	default:
		return fmt.Errorf("figure: %q ends in neither .png nor .svg", path)
	}
	tiles, all := draw.Tiles{Rows: 1, Cols: len(plots), PadX: 6 * vg.Millimeter, PadTop: 3 * vg.Millimeter, PadBottom: 3 * vg.Millimeter, PadLeft: 3 * vg.Millimeter, PadRight: 5 * vg.Millimeter}, draw.New(canvas)
	for i, p := range plots {
		p.Draw(tiles.At(all, i, 0))
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = canvas.WriteTo(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(path)
	}
	return err
}
