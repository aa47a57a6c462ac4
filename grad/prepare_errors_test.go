// What Prepare refuses, and what runs of a prepared program report; Retrace.

package grad_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Reading a value while recording is an error that names the line, however it is read.
func TestPrepareReads(t *testing.T) {
	_, file, line, _ := runtime.Caller(0)
	for i, f := range []func(x *T) *T{
		func(x *T) *T { // the reads are 3, 9 and 15 lines below Caller's
			if v, err := x.Sum().Item(); err == nil && v > 0 {
				return x.Neg()
			}
			return x
		},
		func(x *T) *T {
			if x.Sum().Float() > 0 {
				return x.Neg()
			}
			return x
		},
		grad.Grad(func(x *T) *T {
			if v, _ := x.Float64s(); len(v) > 0 {
				return x.Sum()
			}
			return x.Prod()
		}),
	} {
		_, err := grad.Prepare(f, tensor.Zeros(2))
		var re *tensor.ReadError
		if !errors.As(err, &re) {
			t.Fatalf("%d: error %v", i, err)
		}
		want := fmt.Sprintf("%s:%d", filepath.Base(file), line+[]int{3, 9, 15}[i])
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Where") {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
	// Printing is no reading.
	printed := ""
	p := mustPrepare(t, func(x *T) *T { printed = fmt.Sprint(x); return x.Neg() }, tensor.Zeros(2))
	if printed != "tensor(traced float64[2])" {
		t.Errorf("printed %q", printed)
	}
	nearAll(t, "value", run(t, p, tensor.New([]float64{1, 2})), []float64{-1, -2}, 0)
}

func TestPrepareErrors(t *testing.T) {
	x := tensor.New([]float64{1, 2})
	boom := errors.New("boom")
	var pe *grad.PanicError
	if _, err := grad.Prepare(func(x *T) *T { panic(boom) }, x); !errors.As(err, &pe) || !errors.Is(err, boom) || !strings.Contains(string(pe.Stack), "prepare_errors_test.go") {
		t.Errorf("a panic: %v", err)
	}
	var se *tensor.ShapeError
	if _, err := grad.Prepare(func(x *T) *T { return x.Add(tensor.Zeros(3)) }, x); !errors.As(err, &se) || !strings.Contains(err.Error(), "prepare_errors_test.go:") {
		t.Errorf("shapes that do not fit: %v", err)
	}
	if _, err := grad.Prepare(func(x *T) *T { return nil }, x); !errors.Is(err, tensor.ErrNil) {
		t.Errorf("a nil result: %v", err)
	}
	if _, err := grad.Prepare(func(x *T) *T { return x }, nil); !errors.Is(err, tensor.ErrNil) {
		t.Errorf("a nil argument: %v", err)
	}
	if _, err := grad.Prepare(func(x *T) *T { return x }, tensor.Zeros(-1)); err == nil {
		t.Error("a failed argument is none")
	}
	var ie *tensor.IndexError
	gather := func(x *T) *T { return x.Take(0, x.Cast(tensor.Int64)) }
	for _, opts := range [][]grad.Option{nil, {grad.WithPlaces()}} {
		p := mustPrepare(t, gather, x, opts...)
		_, err := p.Run(t.Context(), tensor.New([]float64{0, 7}))
		var oe *tensor.OpError
		if !errors.As(err, &ie) || ie.Index != 7 || !errors.As(err, &oe) || len(oe.In) == 0 {
			t.Errorf("an index out of range: %v", err)
		}
		if got := strings.Contains(err.Error(), "prepare_errors_test.go:"); got != (opts != nil) {
			t.Errorf("with %d options: %v", len(opts), err)
		}
		nearAll(t, "afterwards", run(t, p, tensor.New([]float64{1, 0})), []float64{0, 1}, 0)
	}
	// Of an eager computation of a failed value, one does not hear a second time.
	p := mustPrepare(t, func(x *T) *T { return x }, x)
	if err := p.Call(tensor.Zeros(3)).Err(); !errors.As(err, &se) {
		t.Errorf("Call: %v", err)
	}
}

// Values of an outer transformation must come in as arguments.
func TestPrepareCapture(t *testing.T) {
	one := tensor.Scalar(1)
	grad.Grad(func(x *T) *T {
		var ce *grad.CaptureError
		if _, err := grad.Prepare(func(y *T) *T { return y.Mul(x) }, one); !errors.As(err, &ce) {
			t.Errorf("captured by an operation: %v", err)
		}
		if _, err := grad.Prepare(func(y *T) *T { return x }, one); !errors.As(err, &ce) {
			t.Errorf("captured as the result: %v", err)
		}
		p, err := grad.Prepare(func(y *T) *T { return y.Square() }, x) // only its type counts
		if err != nil {
			t.Error(err)
			return x
		}
		return p.Call(x)
	})(one)
	var escaped *T
	mustPrepare(t, func(x *T) *T { escaped = x.Neg(); return x }, one)
	var ee *tensor.EscapeError
	if err := escaped.Add(one).Err(); !errors.As(err, &ee) {
		t.Errorf("a value that outlives its recording: %v", err)
	}
}

// Borrowed data that changes is noticed; other captured tensors cannot change.
func TestPreparedBorrowed(t *testing.T) {
	data := []float64{1, 2, 3, 4}
	w := tensor.Wrap(data, 2, 2)
	if kind := w.Device().Kind(); kind != "cpu" && kind != "ref" {
		t.Skip("Wrap copies to the memory of " + kind)
	}
	p := mustPrepare(t, func(x *T) *T { return x.MatMul(w.T()) }, tensor.Zeros(2))
	x := tensor.New([]float64{1, 1})
	nearAll(t, "before", run(t, p, x), []float64{3, 7}, 0)
	data[3] = 5
	var ce *grad.ChangedError
	if _, err := p.Run(t.Context(), x); !errors.As(err, &ce) {
		t.Errorf("Run: %v", err)
	}
	if err := p.RunInto(t.Context(), tensor.Zeros(2), x); !errors.As(err, &ce) {
		t.Errorf("RunInto: %v", err)
	}
	if changed, err := p.Retrace(); !changed || err != nil {
		t.Errorf("Retrace: %v, %v", changed, err)
	}
	nearAll(t, "after", run(t, p, x), []float64{3, 8}, 0)
	if changed, err := p.Retrace(); changed || err != nil {
		t.Errorf("Retrace again: %v, %v", changed, err)
	}
	// What goes in as an argument may change.
	q := mustPrepare(t, func(x *T) *T { return x.Sum() }, tensor.Wrap(data))
	data[0] = 100
	near(t, "an argument", run(t, q, tensor.Wrap(data)), 110, 0)
}

func TestRetrace(t *testing.T) {
	factor, n, fail := 2.0, 1, false
	p := mustPrepare(t, func(x *T) *T {
		if fail {
			return x.Add(tensor.Zeros(9))
		}
		for range n {
			x = x.MulScalar(factor)
		}
		return x
	}, tensor.Zeros(2))
	x := tensor.New([]float64{1, 3})
	check := func(what string, want bool, v ...float64) {
		t.Helper()
		changed, err := p.Retrace()
		if changed != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", what, changed, err, want)
		}
		nearAll(t, what, run(t, p, x), v, 0)
	}
	check("nothing", false, 2, 6)
	factor = 5
	nearAll(t, "a Go variable is not watched", run(t, p, x), []float64{2, 6}, 0)
	check("a constant", true, 5, 15)
	n = 2
	check("the number of steps", true, 25, 75)
	fail = true
	if changed, err := p.Retrace(); changed || err == nil {
		t.Errorf("a recording that fails: %v, %v", changed, err)
	}
	nearAll(t, "the old program", run(t, p, x), []float64{25, 75}, 0)
}

// A program that is closed while it is recorded again stays closed.
func TestRetraceClosed(t *testing.T) {
	var p *grad.Prepared[*T, *T]
	recordings := 0
	p = mustPrepare(t, func(x *T) *T {
		if recordings++; recordings > 1 {
			p.Close()
		}
		return x.Neg()
	}, tensor.Zeros(2))
	for range 2 {
		if _, err := p.Retrace(); !errors.Is(err, graph.ErrClosed) || recordings != 2 {
			t.Errorf("%v after %d recordings", err, recordings)
		}
	}
	if _, err := p.Run(t.Context(), tensor.Zeros(2)); !errors.Is(err, graph.ErrClosed) {
		t.Error(err)
	}
}

// A traced Call notices what Run notices: changed borrowed data, and Close.
func TestTracedCallErrors(t *testing.T) {
	data := []float64{1, 2, 3}
	w := tensor.Wrap(data)
	if kind := w.Device().Kind(); kind != "cpu" && kind != "ref" {
		t.Skip("Wrap copies to the memory of " + kind)
	}
	x := tensor.New([]float64{4, 5, 6})
	p := mustPrepare(t, func(x *T) *T { return x.Mul(w).Sum() }, x)
	gradient := func() *T { return grad.Grad(p.Call)(x) }
	nearAll(t, "gradient", gradient(), []float64{1, 2, 3}, 0)
	data[1] = 7
	var ce *grad.ChangedError
	if err := gradient().Err(); !errors.As(err, &ce) {
		t.Errorf("of changed data: %v", err)
	}
	if changed, err := p.Retrace(); err != nil || !changed {
		t.Errorf("retrace: %v, %v", changed, err)
	}
	nearAll(t, "retraced", gradient(), []float64{1, 7, 3}, 0)
	p.Close()
	if err := gradient().Err(); !errors.Is(err, graph.ErrClosed) {
		t.Errorf("of a closed program: %v", err)
	}
}
