// The measurements of sparse derivatives: what comes before the first, and a repeated
// one.

package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// SparseResult is one row of the table of sparse derivatives. Times are in
// nanoseconds, medians where there are several.
type SparseResult struct {
	Scenario string  `json:"scenario"`
	Backend  string  `json:"backend"`
	Rows     int     `json:"rows"`
	Cols     int     `json:"cols"`
	Nnz      int     `json:"nnz"`
	Colors   int     `json:"colors"`               // that the best colouring has
	Bound    int     `json:"bound"`                // that any needs
	Products int     `json:"products"`             // that a run computes; 0 where it computes entries directly
	Detect   float64 `json:"detect_ns"`            // to record the function and find the structure
	Color    float64 `json:"color_ns"`             // to colour it
	First    float64 `json:"first_ns"`             // from nothing to the first values
	Compile  float64 `json:"compile_ns,omitempty"` // from there to machine code; next to nothing where the cache has it
	Repeat   float64 `json:"repeat_ns"`            // to compute all values again
	Function float64 `json:"function_ns"`          // to compute the function alone
	Runs     int     `json:"runs"`
	Explain  string  `json:"explain,omitempty"`
	Err      string  `json:"error,omitempty"`
	Without  string  `json:"without,omitempty"` // why there is no machine code to measure
}

// Failed returns the error that ended the measurement, nil where there was none.
func (r SparseResult) Failed() error { return failed(r.Scenario, r.Backend, r.Err) }

// RunSparse measures the scenarios on the backends, of which an eager one prepares, too.
// Every derivative is held against products with a random vector once. A failure is a
// row's Err; the error returned is the context's.
func RunSparse(ctx context.Context, scenarios []SparseScenario, backends []Backend, o Options) ([]SparseResult, error) {
	var results []SparseResult
	total := len(scenarios) * len(backends)
	done := 0
	for _, s := range scenarios {
		for _, b := range backends {
			if err := ctx.Err(); err != nil {
				return results, err
			}
			if o.Progress != nil {
				o.Progress(done, total, s.Name+" on "+b.String())
			}
			done++
			r := SparseResult{Scenario: s.Name, Backend: b.String()}
			err := r.measure(ctx, s, b, o.MinTime)
			none := (*noCodeError)(nil)
			if errors.As(err, &none) {
				if none.everywhere() {
					continue
				}
				r.Without, err = err.Error(), nil
			}
			if err != nil {
				r.Err = err.Error()
			}
			results = append(results, r)
		}
	}
	if o.Progress != nil {
		o.Progress(total, total, "")
	}
	return results, ctx.Err()
}

func (r *SparseResult) measure(ctx context.Context, s SparseScenario, b Backend, minTime time.Duration) error {
	dev, err := device.Open(b.Device)
	if err != nil {
		return err
	}
	if err := tensor.SetDefaultDevice(dev); err != nil {
		return err
	}
	in, err := s.New()
	if err != nil {
		return err
	}
	native := b.How == Native
	start := time.Now()
	d, err := in.Prepare(ctx, native)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Run(ctx); err != nil {
		return err
	}
	r.First = since(start)
	r.Rows, r.Cols, r.Nnz = d.Pattern.Rows, d.Pattern.Cols, d.Pattern.Nnz()
	if d.Coloring != nil {
		r.Products = d.Coloring.Colors()
	}
	f, err := in.Function(native)
	if err != nil {
		return err
	}
	defer f.Close()
	if native {
		start = time.Now()
		if err := cmp.Or(d.Compiled(ctx), f.Compiled(ctx)); err != nil {
			return cmp.Or(ctx.Err(), error(&noCodeError{err}))
		}
		r.Compile = since(start)
	}
	if err := d.Check(ctx); err != nil {
		return err
	}
	if err := r.structure(ctx, in); err != nil {
		return err
	}
	if r.Function, _, err = timed(ctx, f.Run, minTime); err != nil {
		return err
	}
	r.Repeat, r.Runs, err = timed(ctx, func() []*T { return orFailed(nil, d.Run(ctx)) }, minTime)
	r.Explain = d.Explain()
	return err
}

// structure times detection and colouring by themselves.
func (r *SparseResult) structure(ctx context.Context, in SparseInstance) error {
	start := time.Now()
	p, err := in.Detect(ctx)
	if err != nil {
		return err
	}
	r.Detect = since(start)
	start = time.Now()
	if in.Problem == sparse.Star {
		if p, err = p.Symmetrize(); err != nil {
			return err
		}
	}
	c, err := sparse.ColorContext(ctx, p, in.Problem)
	if err != nil {
		return err
	}
	r.Color, r.Colors, r.Bound = since(start), c.Colors(), c.Bound
	return nil
}

func since(start time.Time) float64 { return float64(time.Since(start).Nanoseconds()) }

// SparseTable returns the results as aligned columns, and under them what each
// scenario's derivative does.
func SparseTable(results []SparseResult) string {
	rows := [][]string{{"scenario", "backend", "rows", "entries", "colours", "detect", "colour", "first", "compile", "repeat", "an entry", "repeat/f"}}
	text, last := "", ""
	for _, r := range results {
		name := r.Scenario
		if name == last {
			name = ""
		}
		switch {
		case r.Err != "":
			rows = append(rows, []string{name, r.Backend, "failed: " + r.Err})
		case r.Without != "":
			rows = append(rows, []string{name, r.Backend, r.Without})
		default:
			if r.Scenario != last || text == "" {
				text += "\n" + r.Scenario + ": " + r.Explain + "\n"
			}
			colors := fmt.Sprint(r.Colors)
			if r.Products == 0 {
				colors = "(" + colors + ")" // not used
			}
			rows = append(rows, []string{name, r.Backend, fmt.Sprint(r.Rows), fmt.Sprint(r.Nnz), colors, duration(r.Detect), duration(r.Color), duration(r.First), given(r.Compile), duration(r.Repeat), duration(r.Repeat / float64(max(r.Nnz, 1))), fmt.Sprintf("%.2f", r.Repeat/max(r.Function, 1))})
		}
		last = r.Scenario
	}
	return columns(rows) + text
}
