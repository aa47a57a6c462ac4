package native

import (
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
	"pgregory.net/rapid"
)

// randomOps are what random programs are made of: operations on values of few shapes, some
// of them large, that keep or drop axes, in both directions.
var randomOps = []struct {
	op    *kernels.Op
	attrs []any
	two   bool
}{
	{kernels.Exp, []any{nil}, false},
	{kernels.Square, []any{nil}, false},
	{kernels.Add, []any{nil}, true},
	{kernels.Mul, []any{nil}, true},
	{kernels.Transpose, []any{kernels.Axes{}}, false},
	{kernels.BroadcastTo, []any{kernels.DimsOf(6000, 8), kernels.DimsOf(8, 6000)}, false},
	{kernels.Slice, []any{kernels.RangesOf(kernels.Item(0)), kernels.RangesOf(kernels.All(), kernels.Stepped(kernels.End, kernels.Begin, -1))}, false},
	{kernels.Sum, []any{kernels.AxesOf(true, 0), kernels.AxesOf(false, -1), kernels.AxesOf(true, -1), kernels.AxesOf(false, 0)}, false},
	{kernels.LogSumExp, []any{kernels.AxesOf(true, 1), kernels.AxesOf(false, 0)}, false},
	{kernels.CumSum, []any{0}, false},
	{kernels.Matmul, []any{nil}, true},
}

func randomGraph(t *rapid.T) *graph.Graph {
	f64 := func(shape ...int) kernels.Aval { return kernels.Aval{DType: device.Float64, Shape: shape} }
	g := new(graph.Graph)
	values := []graph.Ref{g.Param(f64(6000, 8)), g.Param(f64(8, 6000)), g.Param(f64(8)), g.Param(f64(6000, 1))}
	value := func() graph.Ref { // what was made last is read more often
		n := len(values)
		return values[n-1-min(rapid.IntRange(0, n-1).Draw(t, "back"), rapid.IntRange(0, n-1).Draw(t, "or back"))]
	}
	for range rapid.IntRange(5, 60).Draw(t, "steps") {
		if a := g.Aval(values[len(values)-1]); len(a.Shape) == 2 && rapid.IntRange(0, 5).Draw(t, "two results") == 0 {
			e := loop.New(loop.Axes(a.Shape), []kernels.Aval{a})
			x := e.Exp(e.Load(0, loop.Ats(2)...))
			e.Store(loop.Store{Value: x, Index: loop.Ats(1), Reduce: loop.Sum, Aval: f64(a.Shape[0])})
			e.Store(loop.Store{Value: e.Square(x), Index: loop.Ats(2), Aval: f64(a.Shape...)})
			first := g.Emit(kernels.NewLoop("sums and values", e), values[len(values)-1])
			values = append(values, first, first+1)
			continue
		}
		o := rapid.SampledFrom(randomOps).Draw(t, "op")
		in := []graph.Ref{value()}
		if o.two {
			in = append(in, value())
		}
		var avals []kernels.Aval
		for _, v := range in {
			avals = append(avals, g.Aval(v))
		}
		inst, err := o.op.Inst(rapid.SampledFrom(o.attrs).Draw(t, "attr"), avals...)
		if err != nil || inst.Out[0].Size() > 1<<20 {
			continue
		}
		values = append(values, g.Emit(inst, in...))
	}
	for range rapid.IntRange(1, 5).Draw(t, "outputs") {
		g.Output(value())
	}
	if rapid.Bool().Draw(t, "fused") {
		g.Fuse()
	}
	return g
}

// Groups of random programs never wait for each other, and are ranked so; between tells of
// any two of them whether one must run after the one and before the other.
func TestRanks(t *testing.T) {
	merged, again := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			s := schedule(randomGraph(t), rapid.Bool().Draw(t, "calls"))
			list := checkRanks(t, s)
			for _, x := range list {
				merged += len(x.members) - 1
				for _, m := range x.members {
					if m.dup {
						again++
					}
				}
			}
			if len(list) < 2 {
				continue
			}
			a, b := rapid.SampledFrom(list).Draw(t, "a"), rapid.SampledFrom(list).Draw(t, "b")
			if got, want := s.between(a, b), through(s, a, b) || through(s, b, a); a != b && got != want {
				t.Errorf("between groups %d and %d: %v, not %v", slices.Index(list, a), slices.Index(list, b), got, want)
			}
		}
	})
	if !testing.Short() && (merged < 1000 || again < 10) { // of about 15,000 and 160
		t.Errorf("%d statements were merged, %d computed again: too few", merged, again)
	}
}

// checkRanks returns the groups in their order, where each comes after what it reads and
// has a higher rank.
func checkRanks(t *rapid.T, s *grouping) []*group {
	list := s.groups() // panics where they wait for each other
	done := map[*group]bool{}
	for i, x := range list {
		done[x] = true
		for _, y := range s.before(x) {
			if !done[y] || y.rank >= x.rank {
				t.Errorf("group %d of rank %d reads what one of rank %d makes", i, x.rank, y.rank)
			}
		}
	}
	return list
}

// through searches all groups for a way from a to b that leads through others.
func through(s *grouping, a, b *group) bool {
	seen := map[*group]bool{}
	var from func(x *group) bool
	from = func(x *group) bool { // whether a leads to x
		for _, y := range s.before(x) {
			if y == a && x != b {
				return true
			}
			if y != a && !seen[y] {
				seen[y] = true
				if from(y) {
					return true
				}
			}
		}
		return false
	}
	return from(b)
}
