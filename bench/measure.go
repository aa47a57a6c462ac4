// The measurements: scenarios on backends, and their table.

package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/internal/cc"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Execution is how a scenario runs.
type Execution uint8

// The ways to run.
const (
	Eager  Execution = iota // operation by operation
	Tiles                   // prepared programs, run by kernels
	Native                  // prepared programs, compiled to machine code
)

func (e Execution) String() string { return [...]string{"eager", "tiles", "native"}[e] }

// Backend is where and how a scenario runs.
type Backend struct {
	Device string // as device.Open takes it
	How    Execution
}

func (b Backend) String() string { return b.Device + " " + b.How.String() }

// ParseBackend reads what names a backend on the command line: a device, with
// "+tiles" or "+native" for prepared programs.
func ParseBackend(name string) (Backend, error) {
	dev, how, has := strings.Cut(name, "+")
	for _, e := range []Execution{Eager, Tiles, Native} {
		if how == e.String() || !has && e == Eager {
			return Backend{Device: dev, How: e}, nil
		}
	}
	return Backend{}, fmt.Errorf("backend %q: after the + there is tiles or native", name)
}

// Backends returns the default ones: ref, one worker in each mode, all workers,
// and a GPU where there is one.
func Backends() []Backend {
	list := []Backend{{Device: "ref", How: Eager}, {Device: "cpu:1", How: Eager}, {Device: "cpu:1", How: Tiles}, {Device: "cpu:1", How: Native}}
	if runtime.GOMAXPROCS(0) > 1 {
		list = append(list, Backend{Device: "cpu", How: Eager}, Backend{Device: "cpu", How: Tiles}, Backend{Device: "cpu", How: Native})
	}
	if _, err := device.Open("cuda"); err == nil {
		list = append(list, Backend{Device: "cuda", How: Eager}, Backend{Device: "cuda", How: Tiles})
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
	GoBytes  int64   `json:"go_bytes"`             // allocated on the Go heap by one gradient
	Buffers  int64   `json:"buffer_bytes"`         // peak of device buffers during gradients, above what was there
	Prepare  float64 `json:"prepare_ns,omitempty"` // to record and plan both programs
	Compile  float64 `json:"compile_ns,omitempty"` // to have both in machine code; next to nothing where the cache has them
	Diff     float64 `json:"max_difference"`       // from the first backend's gradient, relative to 1 + its size
	Sum      float64 `json:"sum"`                  // of the gradient's elements
	Size     float64 `json:"size"`                 // the sum of their magnitudes
	Logs     float64 `json:"logs"`                 // the sum of log(1 + magnitude), in which small ones count too
	Err      string  `json:"error,omitempty"`
	Without  string  `json:"without,omitempty"` // why there is no machine code to measure

	gradient [][]float64
}

// Failed returns the error that ended the measurement, nil where there was none.
func (r Result) Failed() error { return failed(r.Scenario, r.Backend, r.Err) }

func failed(scenario, backend, err string) error {
	if err == "" {
		return nil
	}
	return fmt.Errorf("%s on %s: %s", scenario, backend, err)
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
			none := (*noCodeError)(nil)
			if errors.As(err, &none) {
				if none.everywhere() {
					total--
					continue
				}
				r.Without, err = err.Error(), nil
			}
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
	if r.Err != "" || r.Without != "" || first.Err != "" {
		return
	}
	if strings.HasPrefix(first.Backend, "ref ") && r.Gradient > 0 {
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
	if b.How != Eager {
		start := time.Now()
		if in, err = in.Prepare(b.How == Native); err != nil {
			return r, err
		}
		r.Prepare = float64(time.Since(start).Nanoseconds())
	}
	if b.How == Native {
		start := time.Now()
		if err := in.Compiled(ctx); err != nil {
			return r, cmp.Or(ctx.Err(), error(&noCodeError{err}))
		}
		r.Compile = float64(time.Since(start).Nanoseconds())
	}
	g := in.Gradient()
	if r.gradient, err = values(g); err != nil {
		return r, err
	}
	for _, v := range r.gradient {
		for _, x := range v {
			r.Sum += x
			r.Size += math.Abs(x)
			r.Logs += math.Log1p(math.Abs(x))
		}
	}
	g = nil
	for _, t := range in.Value() { // what is compiled on first use
		if err := t.Wait(ctx); err != nil {
			return r, err
		}
	}
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

// noCodeError tells that a program does not run as machine code.
type noCodeError struct{ err error }

func (e *noCodeError) Error() string { return "no machine code: " + e.err.Error() }
func (e *noCodeError) Unwrap() error { return e.err }

// everywhere reports whether no program can: this machine has no compiler, or this
// build cannot load what it makes.
func (e *noCodeError) everywhere() bool {
	c := (*cc.Error)(nil)
	return errors.As(e.err, &c) && c.Step != cc.Build
}

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
	rows := [][]string{{"scenario", "backend", "function", "gradient", "grad/f", "vs ref", "prepare", "compile", "Go heap", "buffers", "difference"}}
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
		if r.Without != "" {
			rows = append(rows, []string{name, r.Backend, r.Without})
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
		rows = append(rows, []string{name, r.Backend, duration(r.Function), duration(r.Gradient), ratio, speedup, given(r.Prepare), given(r.Compile), size(r.GoBytes), size(r.Buffers), fmt.Sprintf("%.1e", r.Diff)})
	}
	return columns(rows)
}

// given formats a time, "-" where there is none.
func given(ns float64) string {
	if ns == 0 {
		return "-"
	}
	return duration(ns)
}
