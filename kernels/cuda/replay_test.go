//go:build cuda && cgo

package cuda_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// A program that runs on the same memory again launches no kernel by itself: it
// works where launches fail. On other memory it does not.
func TestProgramsAreReplayed(t *testing.T) {
	t.Run("straight", func(t *testing.T) {
		testReplay(t, func(x *tensor.Tensor) *tensor.Tensor {
			return x.MatMul(x.T()).Tanh().Sum().Add(x.Exp().LogSumExp())
		})
	})
	t.Run("scan", func(t *testing.T) {
		testReplay(t, func(x *tensor.Tensor) *tensor.Tensor {
			last, all := grad.Scan(func(s, row *tensor.Tensor) (*tensor.Tensor, *tensor.Tensor) {
				s = s.Add(row).Tanh()
				return s, s.Mul(row).Sum()
			}, x.Index(tensor.At(0)), x)
			return last.Sum().Add(all.Square().Sum())
		})
	})
}

func testReplay(t *testing.T, value func(x *tensor.Tensor) *tensor.Tensor) {
	onStandIn(t)
	d := openDevice(t)
	f := grad.Grad(value)
	host := sawtooth(40*30, -0.4).Reshape(40, 30)
	x, other, third := host.To(d), host.MulScalar(0.5).To(d), host.To(d)
	y := tensor.Zeros(40, 30).To(d)
	p, err := grad.Prepare(f, x)
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"forward", "reverse", "random"} {
		t.Setenv("STANDIN_ORDER", order)
		for run := range 8 {
			in, scale := x, 1.0
			if run >= 5 {
				in, scale = other, 0.5
			}
			fail := ""
			if run == 3 || run == 7 {
				fail = "launch:0"
			}
			t.Setenv("STANDIN_FAIL", fail)
			if err := p.RunInto(t.Context(), y, in); err != nil {
				t.Fatalf("run %d: %v", run, err)
			}
			t.Setenv("STANDIN_FAIL", "")
			compare(t, order, y, f(host.MulScalar(scale)), 1e-13)
		}
	}
	t.Setenv("STANDIN_FAIL", "launch:0")
	if err := p.RunInto(t.Context(), y, third); err == nil {
		t.Error("other memory, and no kernel was launched")
	}
	t.Setenv("STANDIN_FAIL", "")
	for range 3 { // the program is closed with a recording
		if err := p.RunInto(t.Context(), y, x); err != nil {
			t.Fatal(err)
		}
	}
	p.Close()
	recordingsAreGivenBack(t, d)
	collect(t, d, x, other, third, y)
}

// recordingsAreGivenBack sees to it that there is none left, of all tests so far.
func recordingsAreGivenBack(t *testing.T, d *devcuda.Device) {
	t.Helper()
	calls := driverCalls(t, d)
	if made, back := calls["cuGraphInstantiateWithFlags"], calls["cuGraphExecDestroy"]; made != back || made == 0 {
		t.Errorf("%d recordings were made, %d given back", made, back)
	}
}

// copying prepares the program whose result is its argument: it puts other elements into
// memory that programs run on again.
func copying(t *testing.T, like *tensor.Tensor) *grad.Prepared[*tensor.Tensor, *tensor.Tensor] {
	t.Helper()
	p, err := grad.Prepare(func(x *tensor.Tensor) *tensor.Tensor { return x.Neg().Neg() }, like)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Programs that go round on some memories have a recording for each; on more than they
// keep in mind, they make none.
func TestRecordingsOfSeveralMemories(t *testing.T) {
	onStandIn(t)
	d := openDevice(t)
	for _, c := range []struct{ memories, recordings int }{{3, 3}, {6, 0}} {
		var in []*tensor.Tensor
		for i := range c.memories {
			in = append(in, tensor.Full(float64(i), []int{50}).To(d))
		}
		y := tensor.Zeros(50).To(d)
		p, err := grad.Prepare(func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Add(x.Cos()) }, y)
		if err != nil {
			t.Fatal(err)
		}
		before := driverCalls(t, d)
		for range 4 {
			for i, x := range in {
				if err := p.RunInto(t.Context(), y, x); err != nil {
					t.Fatal(err)
				}
				if got, err := y.Float64s(); err != nil || got[7] != float64(i*i)+math.Cos(float64(i)) {
					t.Errorf("memory %d: %v, %v", i, got[7], err)
				}
			}
		}
		if n := driverCalls(t, d)["cuGraphInstantiateWithFlags"] - before["cuGraphInstantiateWithFlags"]; n != c.recordings {
			t.Errorf("%d memories: %d recordings, want %d", c.memories, n, c.recordings)
		}
		p.Close()
		recordingsAreGivenBack(t, d)
		for _, v := range append(in, y) {
			tensor.Free(v)
		}
	}
	collect(t, d)
}

// What a run takes beside its work: of programs of some small kernels, each of which
// waits for the one before, as a recording and one by one.
func BenchmarkLaunches(b *testing.B) {
	d := openDevice(b)
	type args struct{ X, By *tensor.Tensor }
	x, y := tensor.Ones(100).To(d), tensor.Zeros(100).To(d)
	number := tensor.Scalar(0.5).To(d)
	for _, kernels := range []int{1, 2, 4, 16, 64} {
		p, err := grad.Prepare(func(a args) *tensor.Tensor {
			x := a.X.Mul(a.By)
			for range kernels / 2 {
				x = x.Sub(x.Sum())
			}
			return x
		}, args{x, number})
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name string
			by   *tensor.Tensor
		}{{"recorded", number}, {"one-by-one", tensor.Scalar(0.5)}} { // which goes by value, and might change
			b.Run(fmt.Sprintf("kernels=%d/%s", kernels, c.name), func(b *testing.B) {
				run := func() {
					if err := p.RunInto(context.Background(), y, args{x, c.by}); err != nil {
						b.Fatal(err)
					}
				}
				for range 3 { // compiles, and records
					run()
				}
				b.ReportAllocs()
				for b.Loop() {
					run()
				}
			})
		}
		p.Close()
	}
	collect(b, d, x, y, number)
}

// A replay that comes upon an index out of range tells which, and so does the next
// run; with good indices the program works as before.
func TestReplayedIndices(t *testing.T) {
	d := openDevice(t)
	table := tensor.New([]float64{1, 2, 3, 4}).To(d)
	good, bad := tensor.FromSlice([]int64{3, 0, -1}, 3).To(d), tensor.FromSlice([]int64{0, 4, 1}, 3).To(d)
	at, y := tensor.FromSlice([]int64{0, 0, 0}, 3).To(d), tensor.Zeros(3).To(d)
	type args struct{ Table, At *tensor.Tensor }
	p, err := grad.Prepare(func(a args) *tensor.Tensor { return a.Table.Take(0, a.At).MulScalar(2) }, args{table, at})
	if err != nil {
		t.Fatal(err)
	}
	set := copying(t, good)
	for run, indices := range []*tensor.Tensor{good, good, good, bad, bad, good, good, good} {
		if err := set.RunInto(t.Context(), at, indices); err != nil {
			t.Fatal(err)
		}
		err := p.RunInto(t.Context(), y, args{table, at})
		if indices == bad {
			if err == nil || !strings.Contains(err.Error(), "index 4 out of range") {
				t.Errorf("run %d: error %v", run, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		if got, err := y.Float64s(); err != nil || !slices.Equal(got, []float64{8, 2, 8}) {
			t.Errorf("run %d: %v, %v", run, got, err)
		}
	}
	p.Close()
	set.Close()
	collect(t, d, table, good, bad, at, y)
}

// A profile runs kernels one by one however often it runs the program, and each takes
// some time, those of loops too.
func TestProfileOfManyRuns(t *testing.T) {
	d := openDevice(t)
	x := tensor.Full(0.5, []int{40, 30}).To(d)
	p, err := grad.Prepare(func(x *tensor.Tensor) *tensor.Tensor {
		last, _ := grad.Scan(func(s, row *tensor.Tensor) (*tensor.Tensor, *tensor.Tensor) {
			return s.MatMul(s.T()).MatMul(s).Tanh().MulScalar(0.1), row.Sum()
		}, x, x)
		return last.Add(x.Exp())
	}, x)
	if err != nil {
		t.Fatal(err)
	}
	g, err := p.Profile(t.Context(), x, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for i, instr := range g.Instrs {
		if g.TimeOf(i) <= 0 {
			t.Errorf("%s takes %v", instr.Inst.Name, g.TimeOf(i))
		}
		if c, ok := instr.Inst.Attr.(*graph.Control); ok {
			body := c.Bodies[0]
			for j := range body.Instrs {
				if body.TimeOf(j) > 0 {
					ok = false
				}
			}
			if ok {
				t.Errorf("what is in %s takes no time", instr.Inst.Name)
			}
		}
	}
	p.Close()
	collect(t, d, x)
}
