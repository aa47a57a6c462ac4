// Properties of derivatives, batching and simplification of random loops.

package loop

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"pgregory.net/rapid"
)

// loops draws a loop with affine, guarded and gathered loads, a smooth body,
// and any kind of store; with values for its integer operand.
func loops(t *rapid.T) (*Expr, [][]float64) {
	sizes := rapid.SampledFrom([]int{0, 1, 1, 2, 2, 3, 3, 4, 4})
	e := New(Axes(rapid.SliceOfN(sizes, 1, 3).Draw(t, "axes")), nil)
	table := []float64{}
	for range e.Axes[0].Size {
		table = append(table, float64(rapid.IntRange(-2, 1).Draw(t, "table")))
	}
	e.Ins = append(e.Ins, Aval{device.Int64, []int{len(table)}})
	var pool []Node
	for range rapid.IntRange(1, 4).Draw(t, "loads") {
		pool = append(pool, drawLoad(t, e))
	}
	for range rapid.IntRange(0, 5).Draw(t, "nodes") {
		pool = append(pool, drawNode(t, e, pool))
	}
	drawStore(t, e, pool[len(pool)-1])
	if rapid.Bool().Draw(t, "second result") {
		drawStore(t, e, rapid.SampledFrom(pool).Draw(t, "value"))
	}
	in := make([][]float64, len(e.Ins))
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	for i, v := range random(rng, -1, 1, e.Ins...) {
		in[i] = v
	}
	in[0] = table
	return e, in
}

func drawIndex(t *rapid.T, e *Expr, dims int) (index []Lin, shape []int) {
	for range dims {
		if rapid.IntRange(0, 6).Draw(t, "gather") == 0 {
			index, shape = append(index, Through(e.Load(0, At(0)))), append(shape, 2)
			continue
		}
		l := Fixed(0)
		for range rapid.IntRange(0, 2).Draw(t, "terms") {
			axis := rapid.IntRange(0, len(e.Axes)-1).Draw(t, "axis")
			l = l.add(At(axis), rapid.SampledFrom([]int{1, 1, 1, -1, 2, -2, 3}).Draw(t, "coef"))
		}
		lo, hi := l.bounds(e.Axes)
		l.Const = rapid.IntRange(0, 1).Draw(t, "start") - lo
		index, shape = append(index, l), append(shape, hi-lo+1+l.Const+lo+rapid.IntRange(0, 1).Draw(t, "rest"))
	}
	return index, shape
}

func drawLoad(t *rapid.T, e *Expr) Node {
	old := rapid.IntRange(0, len(e.Loads)).Draw(t, "same operand")
	index, shape := drawIndex(t, e, rapid.IntRange(0, 2).Draw(t, "dims"))
	if old < len(e.Loads) && e.Loads[old].In > 0 && rapid.Bool().Draw(t, "shifted") {
		in := e.Loads[old].In // a guarded shift of a load that there is
		index = slices.Clone(e.Loads[old].Index)
		for d := range index {
			if index[d].Via == None {
				index[d].Const += rapid.IntRange(-2, 2).Draw(t, "shift")
			}
		}
		return e.LoadGuarded(in, index...)
	}
	e.Ins = append(e.Ins, floats64(shape...))
	return e.Load(len(e.Ins)-1, index...)
}

func drawNode(t *rapid.T, e *Expr, pool []Node) Node {
	a, b := rapid.SampledFrom(pool).Draw(t, "a"), rapid.SampledFrom(pool).Draw(t, "b")
	switch rapid.IntRange(0, 8).Draw(t, "fn") {
	case 0:
		return e.Sin(a)
	case 1:
		return e.Tanh(a)
	case 2:
		return e.Square(a)
	case 3:
		return e.Exp(e.Sin(a))
	case 4:
		return e.Div(a, e.Add(e.Like(b, 2), e.Square(b)))
	case 5:
		return e.Mul(e.Cast(f64, e.Iota(0)), a)
	case 6:
		return e.Select(e.Lt(e.Iota(0), e.ConstInt(device.Int64, 1)), a, b)
	case 7:
		return e.Sub(a, b)
	}
	return e.Mul(a, b)
}

func drawStore(t *rapid.T, e *Expr, v Node) {
	s := Store{Value: v, Reduce: rapid.SampledFrom([]Combiner{Sum, LSE}).Draw(t, "reduce")}
	rank := rapid.IntRange(0, len(e.Axes)).Draw(t, "rank")
	if s.Index = Ats(rank); rapid.Bool().Draw(t, "plain") {
		for _, a := range e.Axes[:rank] {
			s.Aval.Shape = append(s.Aval.Shape, a.Size)
		}
	} else {
		s.Index, s.Aval.Shape = drawIndex(t, e, rapid.IntRange(0, 2).Draw(t, "dims"))
	}
	s.Aval.DType = f64
	if s.Reduce == LSE && !e.plain(s.Index, s.Aval.Shape) {
		s.Reduce = Sum
	}
	e.Store(s)
}

// TestTransposition checks <w, Jv> = <v, Jᵀw> for random loops, against a
// difference, and again for all loops derived from them.
func TestTransposition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, x := loops(t)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		transposes(t, rng, e, x, 2)
	})
}

func transposes(t *rapid.T, rng *rand.Rand, e *Expr, x [][]float64, order int) {
	y := eval(t, e, x...)
	w := random(rng, -1, 1, outAvals(e)...)
	v := random(rng, -1, 1, e.Ins...)
	jvps, vjps := JVP(e, all, false), VJP(e, all, false)
	forward := dot(w, run(t, jvps, x, y, v, len(y)))
	backward := dot(v, run(t, vjps, x, y, w, len(x)))
	difference := 0.0
	if !e.empty() { // where an empty LSE is -Inf, but constant
		difference = slope(t, e, x, v, w)
	}
	if !near(forward, backward, 0) || !(math.Abs(forward-difference) < 1e-4*(1+math.Abs(difference))) {
		t.Fatalf("<w, Jv> = %v, <Jᵀw, v> = %v, by differences %v, of\n%s%s%s", forward, backward, difference, e.Text(), texts(jvps), texts(vjps))
	}
	if order == 1 {
		return
	}
	for i := range vjps {
		transposes(t, rng, vjps[i].Expr, inputs(&vjps[i], x, y, w), order-1)
	}
	for i := range jvps {
		transposes(t, rng, jvps[i].Expr, inputs(&jvps[i], x, y, v), order-1)
	}
}

// TestBatch checks that a batched loop does what the loop does to each element
// of the batch, and that simplifying changes nothing.
func TestBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, x := loops(t)
		n := rapid.IntRange(1, 3).Draw(t, "n")
		mask := rapid.Uint64().Draw(t, "mask")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		each, wide := make([][][]float64, n), make([][]float64, len(x))
		for b := range each {
			each[b] = random(rng, -1, 1, e.Ins...)
			each[b][0] = x[0]
			for i := range x {
				if mask>>i&1 != 0 {
					wide[i] = append(wide[i], each[b][i]...)
				} else {
					each[b][i], wide[i] = x[i], x[i]
				}
			}
		}
		got := eval(t, Batch(e, mask, n), wide...)
		simple := e.Simplify()
		for b := range each {
			for i, want := range eval(t, e, each[b]...) {
				if part := got[i][b*len(want) : (b+1)*len(want)]; !slices.Equal(part, want) {
					t.Fatalf("batch %v, by itself %v, of\n%s\n%s", part, want, e.Text(), Batch(e, mask, n).Text())
				}
				if s := eval(t, simple, each[b]...)[i]; !slices.Equal(s, want) {
					t.Fatalf("simplified %v, before %v, of\n%s\n%s", s, want, e.Text(), simple.Text())
				}
			}
		}
	})
}

// TestVerifyGuards: an expression with anything overwritten either fails
// Verify or can be printed and derived.
func TestVerifyGuards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, _ := loops(t)
		v := rapid.IntRange(-3, 7).Draw(t, "value")
		n := rapid.IntRange(0, len(e.Nodes)-1).Draw(t, "node")
		l := rapid.IntRange(0, len(e.Loads)-1).Draw(t, "load")
		o := rapid.IntRange(0, len(e.Outs)-1).Draw(t, "result")
		lin := Lin{Const: v, Terms: []Term{{rapid.IntRange(-1, 3).Draw(t, "axis"), v}}, Via: None}
		switch rapid.IntRange(0, 12).Draw(t, "what") {
		case 0:
			e.Nodes[n].Fn = Fn(rapid.IntRange(0, NumFn).Draw(t, "fn"))
		case 1:
			e.Nodes[n].Arg[v&1] = Node(v)
		case 2:
			e.Nodes[n].K = int64(v)
		case 3:
			e.Nodes[n].DType = device.DType(v & 7)
		case 4:
			e.Loads[l].In = v
		case 5:
			e.Loads[l].Index = append(slices.Clone(e.Loads[l].Index), lin)
		case 6, 7:
			if len(e.Loads[l].Index) > 0 {
				e.Loads[l].Index = slices.Clone(e.Loads[l].Index)
				e.Loads[l].Index[0] = lin
			}
		case 8:
			e.Outs[o].Value = Node(v)
		case 9:
			e.Outs[o].Reduce = Combiner(v & 7)
		case 10:
			e.Outs[o].Index = []Lin{lin}
		case 11:
			e.Outs[o].Partial, e.Outs[o].Scatter = v&1 != 0, v&2 != 0
		case 12:
			e.Outs[o].Aval = Aval{device.DType(v & 7), []int{v}}
		}
		if e.Verify() != nil {
			return
		}
		_ = e.Text() + e.LaTeX() + e.C("f", "") + e.Go("f")
		_, _, _, _ = e.Cost(), e.Structure(), e.Class(), e.IsIdentity()
		if !slices.ContainsFunc(e.Outs, func(s Store) bool { return s.Reduce > Sum && s.Reduce < LSE }) {
			for _, d := range append(VJP(e, all, false), JVP(e, all, false)...) {
				if err := d.Expr.Verify(); err != nil {
					t.Fatalf("%v\n%s\n%s", err, e.Text(), d.Text())
				}
			}
		}
	})
}
