package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/grad/check"
	"github.com/cotangent-ad/cotangent/tensor"
)

// TestScenarios runs every scenario on every backend and compares gradients.
func TestScenarios(t *testing.T) {
	scenarios := Scenarios()
	if testing.Short() {
		scenarios = scenarios[:1]
	}
	back := []Backend{{Device: "ref"}, {Device: "cpu:1"}, {Device: "cpu:2"}, {Device: "cpu:1", How: Tiles}}
	last := -1
	results, err := Run(context.Background(), scenarios, back, Options{MinTime: time.Nanosecond, Progress: func(done, _ int, _ string) { last = done }})
	if err != nil {
		t.Fatal(err)
	}
	if last != len(scenarios)*len(back) || len(results) != last {
		t.Errorf("%d results, progress %d", len(results), last)
	}
	for _, r := range results {
		tol := 1e-9
		if strings.HasPrefix(r.Scenario, "mlp") {
			tol = 1e-4 // float32
		}
		if r.Err != "" || !(r.Diff <= tol) || r.Gradient <= 0 || r.Function <= 0 || r.Runs < 1 {
			t.Errorf("%+v", r)
		}
	}
	table := Table(results)
	if n := strings.Count(table, "\n"); n != len(results)+1 {
		t.Errorf("%d lines for %d results:\n%s", n, len(results), table)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, scenarios, back, Options{}); err == nil {
		t.Error("a cancelled run went on")
	}
	if r, _ := Run(context.Background(), scenarios[:1], []Backend{{Device: "abacus"}}, Options{}); len(r) != 1 || r[0].Err == "" {
		t.Errorf("an unknown device: %+v", r)
	}
}

// TestDerivatives checks the smooth objectives against differences.
func TestDerivatives(t *testing.T) {
	d := newData(11)
	mix := NewMixture(d.normal(6, 3), 0.9, 2)
	lstm := LSTM{State: d.uniform(2, 3), Sequence: d.uniform(4, 3)}
	for name, err := range map[string]error{
		"normal-pdf": check.Derivatives(NormalPDF, Normal{tensor.Scalar(0.5), tensor.Scalar(0.1), tensor.Scalar(1.2)}, check.Order(3)).Err(),
		"chain":      check.Derivatives(Chain, d.normal(5), check.Order(3)).Err(),
		"llsq":       check.Derivatives(NewLeastSquares(7, 3).Objective, d.uniform(3)).Err(),
		"lse":        check.Derivatives(LogSumExp, d.normal(5), check.Order(3)).Err(),
		"det":        check.Derivatives(NewCofactors(3).Objective, d.uniform(3, 3)).Err(),
		"ode":        check.Derivatives(func(x *T) *T { return RungeKutta4(x, 3) }, d.uniform(4)).Err(),
		"gmm":        check.Derivatives(mix.Objective, MixtureParams{Alpha: d.normal(2), Mu: d.uniform(2, 3), Q: d.normal(2, 3), L: d.normal(2, 3)}).Err(),
		"lstm":       check.Derivatives(lstm.Objective, LSTMParams{Main: d.uniform(2, 12), Extra: d.uniform(3, 3)}).Err(),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkGrad times the gradients on which the project's speed is judged, one
// worker and two: eagerly and prepared. [BenchmarkRatio] compares.
func BenchmarkGrad(b *testing.B) {
	cases := []struct {
		name  string
		flops float64
		make  func(d data) Instance
	}{
		{"normal-pdf", 0, func(data) Instance {
			return NewInstance(NormalPDF, Normal{tensor.Scalar(0.5), tensor.Scalar(0), tensor.Scalar(1)})
		}},
		{"chain/n=1e6", 0, chainMillion},
		{"matmul/n=1024", 6 * order * order * order, product},
		{"mlp/784-512-10/batch=64", 0, func(d data) Instance {
			net, p := NewMLP(d, 64, 784, 512, 10)
			return NewInstance(net.Loss, p)
		}},
	}
	for _, name := range []string{"cpu:1", "cpu:2"} {
		dev, err := device.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		if err := tensor.SetDefaultDevice(dev); err != nil {
			b.Fatal(err)
		}
		for _, c := range cases {
			in := c.make(newData(1))
			b.Run(c.name+"/backend="+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := in.Gradient()[0].Err(); err != nil {
						b.Fatal(err)
					}
				}
				if c.flops > 0 {
					b.ReportMetric(c.flops/b.Elapsed().Seconds()*float64(b.N)/1e9, "GFLOP/s")
				}
			})
			b.Run(c.name+"/backend="+name+"-prepared", func(b *testing.B) {
				p, err := in.Prepare(false)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if err := p.Gradient()[0].Err(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRecord times recording a program of a thousand operations.
func BenchmarkRecord(b *testing.B) {
	f := func(x *T) *T {
		for range 500 {
			x = x.Sin().MulScalar(1.01)
		}
		return x
	}
	x := tensor.New([]float64{1, 2, 3})
	for b.Loop() {
		if _, err := grad.Prepare(f, x); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/1000, "ns/node")
}
