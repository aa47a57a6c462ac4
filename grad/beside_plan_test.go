package grad

import (
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/tensor"
)

// TestSweepPlans: which sweeps have stages side by side, and where these end.
func TestSweepPlans(t *testing.T) {
	member := func(x *tensor.Tensor) *tensor.Tensor { return x.MatMul(x).Tanh().MatMul(x).Tanh().Sum() }
	ensemble := func(member func(x *tensor.Tensor) *tensor.Tensor) func(w []*tensor.Tensor) *tensor.Tensor {
		return func(w []*tensor.Tensor) *tensor.Tensor {
			sum := tensor.Scalar(0)
			for _, x := range w {
				sum = sum.Add(member(x))
			}
			return sum
		}
	}
	square := Custom(func(x *tensor.Tensor) *tensor.Tensor { return x.Square() }, Rules[*tensor.Tensor, *tensor.Tensor]{
		VJP: func(x, _, g *tensor.Tensor) *tensor.Tensor { return g.Mul(x).MulScalar(2) },
	})
	for _, c := range []struct {
		name   string
		dev    string
		size   int
		f      func(w []*tensor.Tensor) *tensor.Tensor
		looked bool // it is planned
		flies  int  // stages side by side
	}{
		{"ensemble", "cpu:2", 64, ensemble(member), true, 1},
		{"one worker", "cpu:1", 64, ensemble(member), false, 0},
		{"another device", "ref", 64, ensemble(member), false, 0},
		{"small", "cpu:2", 8, ensemble(member), false, 0},
		{"numbers", "cpu:2", 1, ensemble(func(x *tensor.Tensor) *tensor.Tensor { return x.Sin().Sum() }), false, 0},
		{"shared out inside", "cpu:2", 256, ensemble(member), true, 0},
		{"a chain", "cpu:2", 64, func(w []*tensor.Tensor) *tensor.Tensor {
			x := w[0]
			for _, y := range w {
				x = x.MatMul(y).Tanh()
			}
			return x.Sum()
		}, false, 0},
		{"users' rules", "cpu:2", 64, ensemble(func(x *tensor.Tensor) *tensor.Tensor { return member(square(x)) }), true, 0},
		{"users' rules between", "cpu:2", 64, func(w []*tensor.Tensor) *tensor.Tensor {
			return square(ensemble(member)(w)).Add(ensemble(member)([]*tensor.Tensor{square(w[0]), w[1], w[2], w[3]}))
		}, true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			dev, err := device.Open(c.dev)
			if err != nil {
				t.Fatal(err)
			}
			w := make([]*tensor.Tensor, 6)
			for i := range w {
				w[i] = tensor.Full(0.01*float64(i+1), []int{c.size, c.size}, tensor.On(dev))
			}
			tp := new(tape)
			r, err := record("test", tp, c.f, w, true)
			if err != nil {
				t.Fatal(err)
			}
			one := []*tensor.Tensor{tensor.OnesLike(r.y)}
			if _, err := r.pull(one, false); err != nil {
				t.Fatal(err)
			}
			if got := tp.beside != nil; got != c.looked {
				t.Fatalf("planned: %v", got)
			}
			if tp.beside == nil {
				return
			}
			p, flies := tp.beside.plan, 0
			for at, st := range p.stages {
				if st.lo >= st.hi || at > 0 && st.lo != p.stages[at-1].hi {
					t.Errorf("stage %d is %d to %d", at, st.lo, st.hi)
				}
				if st.flight != nil {
					flies++
					for _, n := range p.nodes[st.lo:st.hi] {
						if n.how == nil {
							t.Error("a user's rule is side by side with others")
						}
					}
				}
			}
			if p.stages[0].lo != 0 || p.stages[len(p.stages)-1].hi != len(tp.order) || len(p.nodes) != len(tp.order) {
				t.Error("the plan is not of all nodes")
			}
			if flies != c.flies {
				t.Errorf("%d stages side by side, want %d", flies, c.flies)
			}
			if _, err := r.pull(one, true); err != nil {
				t.Fatal(err)
			}
			if tp.beside.plan != p {
				t.Error("a second sweep has a plan of its own")
			}
		})
	}
}

// TestSweepPlanMatches: a tape that differs in an operand, a type or a rule has another plan.
func TestSweepPlanMatches(t *testing.T) {
	dev, err := device.Open("cpu:2")
	if err != nil {
		t.Fatal(err)
	}
	f := func(order []int, last func(x *tensor.Tensor) *tensor.Tensor) func(w []*tensor.Tensor) *tensor.Tensor {
		return func(w []*tensor.Tensor) *tensor.Tensor {
			sum := tensor.Scalar(0)
			for i, x := range w {
				sum = sum.Add(last(x.MatMul(w[order[i]])).Sum())
			}
			return sum
		}
	}
	tp := new(tape)
	seen := map[*plan]string{}
	for name, g := range map[string]func(w []*tensor.Tensor) *tensor.Tensor{
		"first":    f([]int{0, 1, 2, 3, 4, 5}, (*tensor.Tensor).Tanh),
		"operands": f([]int{0, 1, 2, 3, 5, 4}, (*tensor.Tensor).Tanh),
		"rule":     f([]int{0, 1, 2, 3, 4, 5}, (*tensor.Tensor).Sin),
	} {
		for _, size := range []int{64, 80} {
			w := make([]*tensor.Tensor, 6)
			for i := range w {
				w[i] = tensor.Full(0.1, []int{size, size}, tensor.On(dev))
			}
			// An operation that tests before this one have used may be made anew once, as the
			// registry forgets it, and the sweep is then another.
			var p, before *plan
			for sweep := 0; sweep < 2 || p != before && sweep < 8; sweep++ {
				before = p
				r, err := record("test", tp, g, w, true)
				if err == nil {
					_, err = r.pull([]*tensor.Tensor{tensor.OnesLike(r.y)}, true)
				}
				if err != nil {
					t.Fatal(err)
				}
				p = tp.beside.plan
				if other, ok := seen[p]; ok || p.nodes[0] != tp.node(0) {
					t.Errorf("%s has the plan of %s", name, other)
				}
				tp.reset()
			}
			seen[p] = name
		}
	}
	if len(seen) != 6 || len(tp.beside.plans) != maxPlans {
		t.Errorf("%d plans of 6 sweeps, of which %d are kept", len(seen), len(tp.beside.plans))
	}
}
