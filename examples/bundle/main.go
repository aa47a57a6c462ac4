package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/bench/adbench"
	"github.com/cotangent-ad/cotangent/examples/internal/figure"
	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/tensor"
)

// options are what the command line says.
type options struct {
	scene        bench.SceneOptions
	adbench, bal string
	iterations   int
	systems      solve.Systems
	scale        float64
	out          string
}

func main() {
	var o options
	flag.IntVar(&o.scene.Cameras, "cameras", 20, "cameras of the scene")
	flag.IntVar(&o.scene.Points, "points", 1000, "points of the scene")
	flag.IntVar(&o.scene.Views, "views", 6, "cameras that see a point")
	flag.Float64Var(&o.scene.Noise, "noise", 0.5, "noise of where a point is seen, in pixels")
	flag.Float64Var(&o.scene.Wrong, "wrong", 0.02, "share of observations that are of something else")
	flag.StringVar(&o.adbench, "adbench", "", "read the scene from this file of ADBench (ba...txt)")
	flag.StringVar(&o.bal, "bal", "", `read the scene from this file of "Bundle Adjustment in the Large"`)
	flag.IntVar(&o.iterations, "iterations", 50, "iterations at most")
	flag.Func("systems", "how steps are computed: automatic, direct (by factors) or iterative", func(s string) (err error) {
		o.systems, err = solve.ParseSystems(s)
		return err
	})
	flag.Float64Var(&o.scale, "scale", 3, "error in pixels at which a weight falls to half or so")
	flag.StringVar(&o.out, "plot", "", "picture of the scene from above and the convergence to write (.png or .svg)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

// problem returns the observations, the start, and which of them are wrong, if that is
// known.
func (o *options) problem() (*bench.Bundle, bench.BundleParams, []bool, error) {
	if o.adbench == "" && o.bal == "" {
		s, err := bench.NewScene(o.scene)
		if err != nil {
			return nil, bench.BundleParams{}, nil, err
		}
		return s.Bundle, s.Start, s.Wrong, nil
	}
	path := o.adbench + o.bal
	f, err := os.Open(path)
	if err != nil {
		return nil, bench.BundleParams{}, nil, err
	}
	defer f.Close()
	var p interface {
		Problem() (*bench.Bundle, bench.BundleParams, error)
	}
	if o.adbench != "" {
		p, err = adbench.ReadBundle(f, adbench.Limits{})
	} else {
		p, err = adbench.ReadLarge(f, adbench.Limits{})
	}
	if err != nil {
		return nil, bench.BundleParams{}, nil, fmt.Errorf("%s: %w", path, err)
	}
	b, start, err := p.Problem()
	start.Weights = tensor.OnesLike(start.Weights)
	return b, start, nil, err
}

// pose are the unknowns without weights.
type pose struct{ Cameras, Points *tensor.Tensor }

// adjust minimises the sum of squared distances in the pictures.
func adjust(ctx context.Context, b *bench.Bundle, x bench.BundleParams, o solve.Options) (bench.BundleParams, *solve.Report, error) {
	ones := x.Weights
	y, rep, err := solve.LeastSquares(ctx, func(p pose) *tensor.Tensor {
		return b.Residuals(bench.BundleParams{Cameras: p.Cameras, Points: p.Points, Weights: ones}).Projection
	}, pose{x.Cameras, x.Points}, o)
	return bench.BundleParams{Cameras: y.Cameras, Points: y.Points, Weights: ones}, rep, err
}

// adjustWeights minimises the sum of squared weighted distances and of squared
// scale (1 - w²) of the weights w.
func adjustWeights(ctx context.Context, b *bench.Bundle, x bench.BundleParams, scale float64, o solve.Options) (bench.BundleParams, *solve.Report, error) {
	return solve.LeastSquares(ctx, func(p bench.BundleParams) bench.BundleResiduals {
		r := b.Residuals(p)
		r.Weight = r.Weight.MulScalar(scale)
		return r
	}, x, o)
}

func run(ctx context.Context, w io.Writer, o options) error {
	b, start, wrong, err := o.problem()
	if err != nil {
		return err
	}
	how := solve.Options{Systems: o.systems, ValueTolerance: 1e-6, MaxIterations: o.iterations, Progress: func(it solve.Iteration) bool { fmt.Fprintln(w, it); return true }}
	fmt.Fprintf(w, "%d cameras, %d points, %d observations\n", b.Cameras, b.Points, start.Weights.Size())
	plain, plainReport, err := adjust(ctx, b, start, how)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\n%s\nwith weights\n", plainReport.Explain, plainReport.Reason)
	weighted, weightedReport, err := adjustWeights(ctx, b, plain, o.scale, how)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\n%s\n", weightedReport.Explain, weightedReport.Reason)
	if err := tell(w, b, start, plain, weighted, wrong); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return picture(o.out, start, weighted, plainReport, weightedReport)
}

// tell prints how far from where they were seen points are, before and after, and which
// observations were taken out.
func tell(w io.Writer, b *bench.Bundle, start, plain, weighted bench.BundleParams, wrong []bool) error {
	weights, err := weighted.Weights.Float64s()
	if err != nil {
		return err
	}
	out, found := 0, 0
	for i, v := range weights {
		if math.Abs(v) < 0.5 {
			out++
			if wrong != nil && wrong[i] {
				found++
			}
		}
	}
	for _, c := range []struct {
		when string
		x    bench.BundleParams
	}{{"at the start", start}, {"after the first adjustment", plain}, {"with weights, without what they take out", weighted}} {
		c.x.Weights = start.Weights
		e, err := b.Residuals(c.x).Projection.Float64s()
		if err != nil {
			return err
		}
		sum, n := 0.0, 0
		for i, v := range e {
			if c.x.Points != weighted.Points || math.Abs(weights[i/2]) >= 0.5 {
				sum, n = sum+v*v, n+1
			}
		}
		fmt.Fprintf(w, "root mean square error %s: %.4g pixels\n", c.when, math.Sqrt(sum/float64(max(n, 1))))
	}
	fmt.Fprintf(w, "%d observations taken out", out)
	if wrong != nil {
		total := 0
		for _, is := range wrong {
			if is {
				total++
			}
		}
		fmt.Fprintf(w, ", among them %d of the %d wrong ones", found, total)
	}
	fmt.Fprintln(w)
	return nil
}

// picture draws the scene from above, and the convergence.
func picture(path string, start, end bench.BundleParams, plain, weighted *solve.Report) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "from above", "x", "z"
	p.Legend.Top, p.Legend.Padding = true, vg.Points(2)
	for i, part := range []struct {
		name  string
		at    *tensor.Tensor // [n _]
		x, z  int
		shape draw.GlyphDrawer
		size  vg.Length
	}{
		{"points at the start", start.Points, 0, 2, draw.CircleGlyph{}, 0.7},
		{"points", end.Points, 0, 2, draw.CircleGlyph{}, 0.7},
		{"cameras at the start", start.Cameras, 3, 5, draw.TriangleGlyph{}, 3.5},
		{"cameras", end.Cameras, 3, 5, draw.TriangleGlyph{}, 3.5},
	} {
		v, err := part.at.Float64s()
		if err != nil {
			return err
		}
		width := part.at.Dim(1)
		var at plotter.XYs
		for k := 0; k < len(v); k += width {
			at = append(at, plotter.XY{X: v[k+part.x], Y: v[k+part.z]})
		}
		s, err := plotter.NewScatter(at)
		if err != nil {
			return err
		}
		s.Color, s.Shape, s.Radius = figure.Inks[[]int{1, 0, 3, 2}[i]], part.shape, part.size
		p.Add(s)
		p.Legend.Add(part.name, s)
	}
	p.Y.Max += (p.Y.Max - p.Y.Min) / 5 // room for the legend
	curves, err := figure.Convergence("bundle adjustment", "half the sum of squares", func(it solve.Iteration) float64 { return it.Value },
		figure.Curve{Name: "all observations", Report: plain}, figure.Curve{Name: "with weights", Report: weighted})
	if err != nil {
		return err
	}
	return figure.Save(path, p, curves)
}
