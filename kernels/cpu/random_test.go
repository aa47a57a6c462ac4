package cpu

// Random expressions and layouts, compared with the oracle bit for bit.

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"pgregory.net/rapid"
)

// drawer draws an expression.
type drawer struct {
	t     *rapid.T
	e     *loop.Expr
	total int
}

func (d *drawer) pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(d.t, label) }

func drawExpr(t *rapid.T) *loop.Expr {
	d := &drawer{t: t, total: 1}
	var axes []loop.Axis
	sizes := []int{1, 2, 3, 5, 8, 16, 17, 31, 64, 100, 130, 513, 1030, 2500}
	if d.pick("empty", 20) == 0 {
		sizes = append(sizes, 0, 0)
	}
	for range d.pick("rank", 5) {
		n := rapid.SampledFrom(sizes).Draw(t, "size")
		if d.total*n > 20000 {
			n = 2
		}
		d.total *= n
		axes = append(axes, loop.Axis{Name: loop.AxisName(len(axes)), Size: n})
	}
	d.e = loop.New(axes, nil)
	dt := rapid.SampledFrom([]device.DType{device.Float64, device.Float64, device.Float32, device.Int64, device.Int32, device.Bool}).Draw(t, "dtype")
	for range 1 + d.pick("outs", 2) {
		d.store(d.value(dt, 3))
	}
	if err := d.e.Verify(); err != nil {
		t.Fatalf("drew an invalid expression: %v", err)
	}
	return d.e
}

// value draws a node of a type.
func (d *drawer) value(dt device.DType, depth int) loop.Node {
	if depth == 0 || d.pick("leaf", 4) == 0 {
		return d.leaf(dt)
	}
	sub := func() loop.Node { return d.value(dt, depth-1) }
	other := func() device.DType {
		return rapid.SampledFrom([]device.DType{device.Float64, device.Float32, device.Int64, device.Int32, device.Bool}).Draw(d.t, "from")
	}
	e := d.e
	choice := d.pick("fn", 10)
	switch {
	case choice == 0:
		return e.Cast(dt, d.value(other(), depth-1))
	case choice == 1:
		return e.Select(d.value(device.Bool, depth-1), sub(), sub())
	case dt == device.Bool && choice < 6:
		from := other()
		fns := []loop.Fn{loop.Eq, loop.Ne, loop.Lt, loop.Le}
		if from == device.Bool {
			fns = fns[:2]
		}
		return e.Binary(rapid.SampledFrom(fns).Draw(d.t, "compare"), d.value(from, depth-1), d.value(from, depth-1))
	case dt == device.Bool && choice == 6:
		return e.Not(sub())
	case dt == device.Bool:
		return e.Binary(rapid.SampledFrom([]loop.Fn{loop.And, loop.Or}).Draw(d.t, "logic"), sub(), sub())
	case choice == 2:
		c := e.Binary(rapid.SampledFrom([]loop.Fn{loop.Eq, loop.Ne, loop.Lt, loop.Le}).Draw(d.t, "compare"), sub(), sub())
		return e.Select(c, sub(), sub())
	case choice == 3:
		fns := []loop.Fn{loop.Neg, loop.Abs, loop.Sign, loop.Square}
		if dt.IsFloat() {
			fns = append(fns, loop.Sqrt, loop.Recip, loop.Exp, loop.Log)
		}
		return e.Unary(rapid.SampledFrom(fns).Draw(d.t, "unary"), sub())
	case choice == 4:
		return e.Add(e.Mul(sub(), sub()), sub())
	case choice == 5:
		return e.Sub(sub(), e.Mul(sub(), sub()))
	}
	fns := []loop.Fn{loop.Add, loop.Sub, loop.Mul, loop.Maximum, loop.Minimum}
	if dt.IsFloat() {
		fns = append(fns, loop.Div, loop.SMul, loop.SMul)
	}
	return e.Binary(rapid.SampledFrom(fns).Draw(d.t, "binary"), sub(), sub())
}

func (d *drawer) leaf(dt device.DType) loop.Node {
	switch c := d.pick("kind", 12); {
	case c == 0:
		return d.e.Const(dt, float64(d.pick("const", 4)))
	case c == 1 && len(d.e.Axes) > 0:
		return d.e.Cast(dt, d.e.Iota(d.pick("axis", len(d.e.Axes))))
	}
	return d.load(dt)
}

// load draws an operand and a load of it.
func (d *drawer) load(dt device.DType) loop.Node {
	e := d.e
	var index []loop.Lin
	var shape []int
	add := func(l loop.Lin, n int) { index, shape = append(index, l), append(shape, n) }
	guarded := d.pick("guarded", 6) == 0
	plain := d.pick("plain", 2) == 0
	for a, ax := range e.Axes {
		n := ax.Size
		if plain {
			add(loop.At(a), n)
			continue
		}
		switch d.pick("dim", 9) {
		case 0:
			add(loop.Fixed(0), 1)
		case 1:
			add(loop.Affine(1, loop.Term{Axis: a, Coef: 2}), 2*n+2)
		case 2:
			add(loop.Affine(n, loop.Term{Axis: a, Coef: -1}), n+1)
		case 3:
			b := d.pick("other", len(e.Axes))
			m := n + e.Axes[b].Size
			if guarded {
				add(loop.Affine(-2, loop.Term{Axis: a, Coef: 1}, loop.Term{Axis: b, Coef: 1}), max(1, m/2))
			} else {
				add(loop.Affine(0, loop.Term{Axis: a, Coef: 1}, loop.Term{Axis: b, Coef: 1}), m)
			}
		case 4:
			if d.pick("gather", 3) == 0 && len(e.Nodes) < 20 {
				t := rapid.SampledFrom([]device.DType{device.Int32, device.Int64}).Draw(d.t, "index type")
				add(loop.Through(d.index(t)), 7)
				continue
			}
			fallthrough
		default:
			if guarded {
				add(loop.Affine(-1, loop.Term{Axis: a, Coef: 1}), n)
			} else {
				add(loop.At(a), n)
			}
		}
	}
	if !plain && len(index) > 1 && d.pick("permute", 2) == 0 {
		perm := rapid.Permutation(seq(len(index))).Draw(d.t, "perm")
		pi, ps := make([]loop.Lin, len(index)), make([]int, len(index))
		for i, j := range perm {
			pi[i], ps[i] = index[j], shape[j]
		}
		index, shape = pi, ps
	}
	size := 1
	for _, n := range shape {
		size *= n
	}
	if size > 1<<18 {
		return e.Const(dt, 2)
	}
	e.Ins = append(e.Ins, loop.Aval{DType: dt, Shape: shape})
	in := len(e.Ins) - 1
	if guarded {
		return e.LoadGuarded(in, index...)
	}
	return e.Load(in, index...)
}

// index draws a node with values from -7 to 6.
func (d *drawer) index(t device.DType) loop.Node {
	e := d.e
	shape, at := []int{}, []loop.Lin{}
	for a := range e.Axes {
		if d.pick("along", 2) == 0 {
			shape, at = append(shape, e.Axes[a].Size), append(at, loop.At(a))
		}
	}
	e.Ins = append(e.Ins, loop.Aval{DType: t, Shape: shape})
	return e.Maximum(e.Minimum(e.Load(len(e.Ins)-1, at...), e.ConstInt(t, 6)), e.ConstInt(t, -7))
}

func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// store draws what becomes of a node.
func (d *drawer) store(v loop.Node) {
	e, dt := d.e, d.e.DType(v)
	rank := len(e.Axes)
	if rank > 0 && d.pick("store", 6) == 0 && dt != device.Bool {
		d.oddStore(v)
		return
	}
	keep := d.pick("keep", rank+1)
	if d.pick("map", 2) == 0 || dt == device.Bool {
		keep = rank
	}
	s := loop.Store{Value: v, Index: loop.Ats(keep)}
	s.Aval.DType = dt
	for _, a := range e.Axes[:keep] {
		s.Aval.Shape = append(s.Aval.Shape, a.Size)
	}
	if keep < rank {
		kinds := []loop.Combiner{loop.Max, loop.Min, loop.Sum, loop.Sum, loop.Prod}
		if dt.IsFloat() {
			kinds = append(kinds, loop.LSE)
		}
		s.Reduce = rapid.SampledFrom(kinds).Draw(d.t, "reduce")
	}
	e.Store(s)
}

// oddStore draws a permuted, strided, diagonal or gathered store.
func (d *drawer) oddStore(v loop.Node) {
	e := d.e
	s := loop.Store{Value: v, Aval: loop.Aval{DType: e.DType(v)}}
	add := func(l loop.Lin, n int) { s.Index, s.Aval.Shape = append(s.Index, l), append(s.Aval.Shape, n) }
	for _, a := range rapid.Permutation(seq(len(e.Axes))).Draw(d.t, "order") {
		n := e.Axes[a].Size
		switch d.pick("dim", 5) {
		case 0:
			add(loop.Affine(1, loop.Term{Axis: a, Coef: 2}), 2*n+1)
		case 1:
			add(loop.At(a), n)
			add(loop.At(a), n)
		case 2:
			if len(e.Nodes) < 20 {
				add(loop.Through(d.index(device.Int64)), 7)
			}
		default:
			add(loop.At(a), n)
		}
	}
	if s.Aval.Size() > 1<<19 {
		s.Index, s.Aval.Shape = loop.Ats(len(e.Axes)), nil
		for _, a := range e.Axes {
			s.Aval.Shape = append(s.Aval.Shape, a.Size)
		}
	}
	mentioned := map[int]bool{}
	for _, l := range s.Index {
		for _, t := range l.Terms {
			mentioned[t.Axis] = true
		}
	}
	s.Scatter = len(mentioned) < len(e.Axes)
	e.Store(s)
}

// fillRandom sets elements to small numbers, now and then a special one.
func fillRandom(a *kernels.Array, elements int, r *rand.Rand) {
	for i := range elements {
		v := num{math.Round(r.NormFloat64()*64) / 16, int64(r.IntN(15) - 7)}
		if r.IntN(100) == 0 {
			v.f = []float64{0, math.Inf(1), math.Inf(-1), math.NaN(), math.Copysign(0, -1), 1e300}[r.IntN(6)]
		}
		if a.DType == device.Bool {
			v.i = int64(r.IntN(2))
		}
		writeAt(a, i, v)
	}
}

// newArray returns an array in fresh memory. If the layout is not dense, its
// dimensions lie in memory in a random order, with gaps, some backwards.
func newArray(aval loop.Aval, dense bool, r *rand.Rand) *kernels.Array {
	a := &kernels.Array{Aval: aval}
	elements := aval.Size()
	first := 0
	if !dense {
		a.Strides = make([]int, len(aval.Shape))
		s := 1
		for _, d := range r.Perm(len(aval.Shape)) {
			step := 1 + r.IntN(2)*r.IntN(2)
			a.Strides[d] = s * step
			if n := aval.Shape[d]; r.IntN(4) == 0 && n > 0 {
				first += (n - 1) * s * step
				a.Strides[d] = -s * step
			}
			s *= max(1, aval.Shape[d])*step + r.IntN(2)
		}
		elements = s
	}
	mem := make([]uint64, elements*aval.DType.Size()/8+1)
	a.Ptr = unsafe.Pointer(unsafe.SliceData(mem))
	fillRandom(a, elements, r)
	a.Ptr = unsafe.Add(a.Ptr, first*aval.DType.Size())
	return a
}

// sameNum compares bits, but takes all NaN for one and the zeros for one.
func sameNum(dt device.DType, a, b num) bool {
	if !dt.IsFloat() {
		return a.i == b.i
	}
	return a.f == b.f || math.IsNaN(a.f) && math.IsNaN(b.f)
}

// compare runs a kernel in every way there is and compares its results with the
// oracle's.
func compare(t interface{ Fatalf(string, ...any) }, e *loop.Expr, c *kernels.Call) {
	want, wantErr := evaluate(e, c.In)
	everyWay(func(way string, workers *device.Workers) {
		k := newKernel(kernels.NewLoop("test", e))
		if k == nil {
			t.Fatalf("no kernel for %v", dump(e))
		}
		c := *c
		c.Workers = workers
		for _, o := range c.Out { // results must not depend on what was there
			for i := range o.Size() {
				writeAt(o, i, num{math.Inf(1), 99})
			}
		}
		err := k.Run(&c)
		if wantErr != nil {
			var ie *kernels.IndexError
			if !errors.As(err, &ie) || !strings.Contains(wantErr.Error(), fmt.Sprintf("index %d out of range", ie.Index)) {
				t.Fatalf("%s: error %v, want %v", way, err, wantErr)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		for o, w := range want {
			for i := range w {
				if got := readAt(c.Out[o], i); !sameNum(c.Out[o].DType, got, w[i]) {
					t.Fatalf("%s: result %d element %d is %v, want %v\n%s", way, o, i, got, w[i], dump(e))
				}
			}
		}
	})
}

// everyWay calls f for every executor and number of workers.
func everyWay(f func(way string, workers *device.Workers)) {
	defer func(e int, g float64) { executor, grain = e, g }(executor, grain)
	grain = 1 // so that even short loops are shared out
	run := func(way string) {
		for _, w := range []*device.Workers{nil, twoWorkers, sevenWorkers} {
			n := 1
			if w != nil {
				n = w.N()
			}
			f(fmt.Sprintf("%s, %d workers", way, n), w)
		}
	}
	executor = inEither
	run("either")
	executor = inGoOnly
	run("Go")
	executor = inCOnly
	eachISA(run)
}

var twoWorkers, sevenWorkers = device.NewWorkers(2), device.NewWorkers(7)

// dump describes an expression for a failure's message.
func dump(e *loop.Expr) string {
	var b strings.Builder
	fmt.Fprintf(&b, "axes %v\n", e.Axes)
	for n := range e.Nodes {
		x := &e.Nodes[n]
		fmt.Fprintf(&b, "%d: %v %v %v K=%d V=%v", n, x.Fn, x.DType, x.Arg, x.K, x.V)
		if x.Fn == loop.LoadFn {
			fmt.Fprintf(&b, " %+v of %v", e.Loads[x.K], e.Ins[e.Loads[x.K].In])
		}
		b.WriteByte('\n')
	}
	for _, s := range e.Outs {
		fmt.Fprintf(&b, "store %+v\n", s)
	}
	return b.String()
}

// calls returns a call on new arrays.
func newCall(e *loop.Expr, dense bool, r *rand.Rand) *kernels.Call {
	c := &kernels.Call{}
	for _, a := range e.Ins {
		c.In = append(c.In, newArray(a, dense, r))
	}
	for i := range e.Outs {
		c.Out = append(c.Out, newArray(e.Outs[i].Aval, true, r))
	}
	return c
}

func TestRandomExpressions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawExpr(t)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		compare(t, e, newCall(e, rapid.Bool().Draw(t, "dense"), r))
	})
}
