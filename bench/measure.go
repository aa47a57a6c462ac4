// The measurements: scenarios on backends, and their table.

package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Backend is where and how a scenario runs.
type Backend struct {
	Device   string // as device.Open takes it
	Prepared bool
}

func (b Backend) String() string {
	if b.Prepared {
		return b.Device + " prepared"
	}
	return b.Device
}

// Backends returns the default ones: ref, one worker eager and prepared, all workers,
// and a GPU where there is one.
func Backends() []Backend {
	list := []Backend{{Device: "ref"}, {Device: "cpu:1"}, {Device: "cpu:1", Prepared: true}}
	if runtime.GOMAXPROCS(0) > 1 {
		list = append(list, Backend{Device: "cpu"}, Backend{Device: "cpu", Prepared: true})
	}
	if _, err := device.Open("cuda"); err == nil {
		list = append(list, Backend{Device: "cuda"}, Backend{Device: "cuda", Prepared: true})
	}
	return list
}

// Result is one row of the table.
type Result struct {
	Scenario string  `json:"scenario"`
	Backend  string  `json:"backend"`
	Function float64 `json:"function_ns"` // median time of the objective
	Gradient float64 `json:"gradient_ns"` // median time of objective and gradient
	Runs     int     `json:"runs"`
	Speedup  float64 `json:"speedup_to_ref"` // of the gradient; 0 when ref was not run
	Ratio    float64 `json:"gradient_to_function"`
	GoBytes  int64   `json:"go_bytes"`     // allocated on the Go heap by one gradient
	Buffers  int64   `json:"buffer_bytes"` // peak of device buffers during gradients, above what was there
	Prepare  float64 `json:"prepare_ns,omitempty"`
	Diff     float64 `json:"max_difference"` // from the first backend's gradient, relative to 1 + its size
	Err      string  `json:"error,omitempty"`

	gradient [][]float64
}

// Options says how long to measure.
type Options struct {
	MinTime  time.Duration // for each figure; the slowest backends run once
	Progress func(done, total int, what string)
}

// Run measures the scenarios on the backends, scenario by scenario, so that a
// row's figures are from one stretch of time. A failure is a row's Err; the
// error returned is the context's.
func Run(ctx context.Context, scenarios []Scenario, backends []Backend, o Options) ([]Result, error) {
	var results []Result
	total := len(scenarios) * len(backends)
	for _, s := range scenarios {
		first := len(results)
		for _, b := range backends {
			if err := ctx.Err(); err != nil {
				return results, err
			}
			if o.Progress != nil {
				o.Progress(len(results), total, s.Name+" on "+b.String())
			}
			r, err := measure(ctx, s, b, o.MinTime)
			if err != nil {
				r.Err = err.Error()
			}
			results = append(results, r)
			compare(&results[len(results)-1], &results[first])
		}
	}
	if o.Progress != nil {
		o.Progress(total, total, "")
	}
	return results, nil
}

// compare fills in what relates r to the first backend's row.
func compare(r, first *Result) {
	if r.Err != "" || first.Err != "" {
		return
	}
	if first.Backend == "ref" && r.Gradient > 0 {
		r.Speedup = first.Gradient / r.Gradient
	}
	for i, g := range r.gradient {
		for k, v := range g {
			d := math.Abs(v-first.gradient[i][k]) / (1 + math.Abs(first.gradient[i][k]))
			if d > r.Diff || math.IsNaN(d) {
				r.Diff = d
			}
		}
	}
}

func measure(ctx context.Context, s Scenario, b Backend, minTime time.Duration) (r Result, err error) {
	r = Result{Scenario: s.Name, Backend: b.String()}
	dev, err := device.Open(b.Device)
	if err != nil {
		return r, err
	}
	if err := tensor.SetDefaultDevice(dev); err != nil {
		return r, err
	}
	if note := device.Imitation(dev); note != "" {
		r.Backend += " (" + note + ")"
		minTime = 0
		defer r.untimed()
	}
	in := s.New()
	if b.Prepared {
		start := time.Now()
		if in, err = in.Prepare(); err != nil {
			return r, err
		}
		r.Prepare = float64(time.Since(start).Nanoseconds())
	}
	g := in.Gradient()
	if r.gradient, err = values(g); err != nil {
		return r, err
	}
	g = nil
	if r.Function, _, err = timed(ctx, in.Value, minTime); err != nil {
		return r, err
	}
	runtime.GC()
	before := dev.Stats()
	device.ResetPeak(dev)
	goBytes := allocated()
	if r.Gradient, r.Runs, err = timed(ctx, in.Gradient, minTime); err != nil {
		return r, err
	}
	r.GoBytes = (allocated() - goBytes) / int64(r.Runs)
	r.Buffers = max(0, dev.Stats().Peak-before.Outstanding)
	r.Ratio = r.Gradient / r.Function
	return r, nil
}

// untimed takes back times that mean nothing.
func (r *Result) untimed() { r.Function, r.Gradient, r.Prepare, r.Ratio = 0, 0, 0, 0 }

func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

func values(ts []*T) ([][]float64, error) {
	out := make([][]float64, len(ts))
	for i, t := range ts {
		v, err := t.Float64s()
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// timed runs f for at least minTime, at least once, and returns the median
// nanoseconds of a run. Fast functions are timed in batches.
func timed(ctx context.Context, f func() []*T, minTime time.Duration) (median float64, runs int, err error) {
	batch := 1
	var samples []float64
	for total := time.Duration(0); total < minTime || len(samples) == 0; {
		if err := ctx.Err(); err != nil {
			return 0, runs, err
		}
		start := time.Now()
		for range batch {
			for _, t := range f() {
				if err := t.Wait(ctx); err != nil {
					return 0, runs, err
				}
			}
		}
		d := time.Since(start)
		total += d
		runs += batch
		samples = append(samples, float64(d.Nanoseconds())/float64(batch))
		if d < time.Millisecond {
			batch *= 2
		}
	}
	slices.Sort(samples)
	return samples[len(samples)/2], runs, nil
}

// Table returns the results as aligned columns.
func Table(results []Result) string {
	rows := [][]string{{"scenario", "backend", "function", "gradient", "grad/f", "vs ref", "Go heap", "buffers", "difference"}}
	last := ""
	for _, r := range results {
		name := r.Scenario
		if name == last {
			name = ""
		}
		last = r.Scenario
		if r.Err != "" {
			rows = append(rows, []string{name, r.Backend, "failed: " + r.Err})
			continue
		}
		speedup := "-"
		if r.Speedup > 0 {
			speedup = fmt.Sprintf("%.3gx", r.Speedup)
		}
		ratio := "-"
		if r.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", r.Ratio)
		}
		rows = append(rows, []string{name, r.Backend, duration(r.Function), duration(r.Gradient), ratio, speedup, size(r.GoBytes), size(r.Buffers), fmt.Sprintf("%.1e", r.Diff)})
	}
	return columns(rows)
}
