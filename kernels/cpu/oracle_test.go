package cpu

// The oracle of the tests: an expression evaluated value by value, as its
// documentation and that of this package read, with none of their code.

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// num is a value of any type.
type num struct {
	f float64 // floats, float32 exactly
	i int64   // integers and bools
}

type oracle struct {
	e    *loop.Expr
	in   []*kernels.Array
	axes []int
	vals []num
}

// readAt and writeAt access the element at an offset in elements.
func readAt(a *kernels.Array, off int) num {
	p := unsafe.Add(a.Ptr, off*a.DType.Size())
	switch a.DType {
	case device.Float64:
		return num{f: *(*float64)(p)}
	case device.Float32:
		return num{f: float64(*(*float32)(p))}
	case device.Int64:
		return num{i: *(*int64)(p)}
	case device.Int32:
		return num{i: int64(*(*int32)(p))}
	}
	return num{i: int64(*(*uint8)(p))}
}

func writeAt(a *kernels.Array, off int, v num) {
	p := unsafe.Add(a.Ptr, off*a.DType.Size())
	switch a.DType {
	case device.Float64:
		*(*float64)(p) = v.f
	case device.Float32:
		*(*float32)(p) = float32(v.f)
	case device.Int64:
		*(*int64)(p) = v.i
	case device.Int32:
		*(*int32)(p) = int32(v.i)
	default:
		*(*uint8)(p) = uint8(v.i)
	}
}

// evaluate returns the results of an expression, or the first error.
func evaluate(e *loop.Expr, in []*kernels.Array) ([][]num, error) {
	o := &oracle{e: e, in: in, axes: make([]int, len(e.Axes)), vals: make([]num, len(e.Nodes))}
	results := make([][]num, len(e.Outs))
	for i := range e.Outs {
		r, err := o.result(&e.Outs[i])
		if err != nil {
			return nil, err
		}
		results[i] = r
	}
	return results, nil
}

func (o *oracle) result(s *loop.Store) ([]num, error) {
	n := s.Aval.Size()
	values := make([][]num, n) // what is stored at each element, in order
	strides := loop.RowMajor(s.Aval.Shape)
	err := o.each(0, func() error {
		if err := o.nodes(); err != nil {
			return err
		}
		at := 0
		for d, l := range s.Index {
			x, err := o.index(l, s.Aval.Shape[d])
			if err != nil {
				return err
			}
			at += x * strides[d]
		}
		values[at] = append(values[at], o.vals[s.Value])
		return nil
	})
	out := make([]num, n)
	for i, v := range values {
		switch {
		case s.Scatter:
			for _, x := range v {
				out[i] = plus(s.Aval.DType, out[i], x)
			}
		case len(v) == 0 && s.Partial && s.Reduce == loop.NoReduce:
		case len(v) == 0:
			out[i] = nothing[s.Reduce][s.Aval.DType]
		case s.Reduce == loop.NoReduce || len(v) == 1:
			out[i] = v[0]
		default:
			out[i] = treeOf(s.Reduce, s.Aval.DType, v)
		}
	}
	return out, err
}

// nothing is what the combiners make of no values at all.
var nothing = map[loop.Combiner][device.NumDTypes]num{
	loop.Prod: {device.Float64: {f: 1}, device.Float32: {f: 1}, device.Int64: {i: 1}, device.Int32: {i: 1}},
	loop.Max:  {device.Float64: {f: math.Inf(-1)}, device.Float32: {f: math.Inf(-1)}, device.Int64: {i: math.MinInt64}, device.Int32: {i: math.MinInt32}},
	loop.Min:  {device.Float64: {f: math.Inf(1)}, device.Float32: {f: math.Inf(1)}, device.Int64: {i: math.MaxInt64}, device.Int32: {i: math.MaxInt32}},
	loop.LSE:  {device.Float64: {f: math.Inf(-1)}, device.Float32: {f: math.Inf(-1)}},
}

// each runs f for all values of the axes from d.
func (o *oracle) each(d int, f func() error) error {
	if d == len(o.axes) {
		return f()
	}
	for i := range o.e.Axes[d].Size {
		o.axes[d] = i
		if err := o.each(d+1, f); err != nil {
			return err
		}
	}
	return nil
}

func (o *oracle) index(l loop.Lin, size int) (int, error) {
	if l.Via != loop.None {
		x := int(o.vals[l.Via].i)
		if x < -size || x >= size {
			return 0, fmt.Errorf("index %d out of range for a dimension of size %d", x, size)
		}
		return (x + size) % size, nil
	}
	x := l.Const
	for _, t := range l.Terms {
		x += t.Coef * o.axes[t.Axis]
	}
	return x, nil
}

func (o *oracle) nodes() error {
	for n := range o.e.Nodes {
		x := &o.e.Nodes[n]
		var err error
		switch x.Fn {
		case loop.Const:
			o.vals[n] = num{x.V, x.K}
		case loop.Iota:
			o.vals[n] = num{i: int64(o.axes[x.K])}
		case loop.LoadFn:
			o.vals[n], err = o.load(&o.e.Loads[x.K])
		default:
			var v [3]num
			var from device.DType
			for i, a := range x.Arg {
				if a != loop.None {
					v[i], from = o.vals[a], o.e.DType(a)
				}
			}
			o.vals[n] = apply(x, from, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *oracle) load(l *loop.Load) (num, error) {
	a := o.in[l.In]
	at, inside := 0, true
	for d, lin := range l.Index {
		x, err := o.index(lin, a.Shape[d])
		if err != nil {
			return num{}, err
		}
		if x < 0 || x >= a.Shape[d] {
			inside = false
		}
		at += x * a.Stride(d)
	}
	if !inside {
		return num{}, nil
	}
	return readAt(a, at), nil
}

// round rounds a float to its type, and wraps an integer.
func (v num) round(dt device.DType) num {
	switch dt {
	case device.Float32:
		v.f = float64(float32(v.f))
	case device.Int32:
		v.i = int64(int32(v.i))
	}
	return v
}

func plus(dt device.DType, a, b num) num { return num{a.f + b.f, a.i + b.i}.round(dt) }

func truthOf(b bool) num {
	if b {
		return num{i: 1}
	}
	return num{}
}

// apply computes a function. The float32 results of sums, products, quotients
// and square roots of float64 round to the right ones.
func apply(x *loop.Inst, from device.DType, v [3]num) num {
	a, b := v[0], v[1]
	isFloat := from.IsFloat()
	less := func(a, b num) bool { return isFloat && a.f < b.f || !isFloat && a.i < b.i }
	equal := func(a, b num) bool { return isFloat && a.f == b.f || !isFloat && a.i == b.i }
	switch x.Fn {
	case loop.Cast:
		return convertNum(a, from, x.DType)
	case loop.Neg:
		return num{-a.f, -a.i}.round(from)
	case loop.Abs:
		return num{math.Abs(a.f), max(a.i, -a.i)}.round(from)
	case loop.Sign:
		switch {
		case isFloat && math.IsNaN(a.f):
			return a
		case less(a, num{}):
			return num{-1, -1}
		case less(num{}, a):
			return num{1, 1}
		}
		return num{}
	case loop.Square:
		return num{a.f * a.f, a.i * a.i}.round(from)
	case loop.Sqrt:
		return num{f: math.Sqrt(a.f)}.round(from)
	case loop.Recip:
		return num{f: 1 / a.f}.round(from)
	case loop.Not:
		return num{i: 1 - a.i}
	case loop.Add:
		return plus(from, a, b)
	case loop.Sub:
		return num{a.f - b.f, a.i - b.i}.round(from)
	case loop.Mul:
		return num{a.f * b.f, a.i * b.i}.round(from)
	case loop.Div:
		return num{f: a.f / b.f}.round(from)
	case loop.Maximum:
		if math.IsNaN(a.f) || less(b, a) {
			return a
		}
		return b
	case loop.Minimum:
		if math.IsNaN(a.f) || less(a, b) {
			return a
		}
		return b
	case loop.SMul:
		if isFloat && (a.f == 0 || b.f == 0) {
			return num{}
		}
		return num{a.f * b.f, a.i * b.i}.round(from)
	case loop.Eq:
		return truthOf(equal(a, b))
	case loop.Ne:
		return truthOf(!equal(a, b))
	case loop.Lt:
		return truthOf(less(a, b))
	case loop.Le:
		return truthOf(less(a, b) || equal(a, b))
	case loop.And:
		return num{i: a.i & b.i}
	case loop.Or:
		return num{i: a.i | b.i}
	case loop.Select:
		if a.i != 0 {
			return v[1]
		}
		return v[2]
	}
	return elementaryNum(x, a, b)
}

func elementaryNum(x *loop.Inst, a, b num) num {
	f := elementaryOf(x.Fn)
	switch {
	case x.Fn == loop.Polygamma && x.DType == device.Float64:
		return num{f: vmath.Polygamma(int(x.K), a.f)}
	case x.Fn == loop.Polygamma:
		return num{f: float64(vmath.Polygamma32(int(x.K), float32(a.f)))}
	case x.Fn.Arity() == 2 && x.DType == device.Float64:
		return num{f: f.f64of2(a.f, b.f)}
	case x.Fn.Arity() == 2:
		return num{f: float64(f.f32of2(float32(a.f), float32(b.f)))}
	case x.DType == device.Float64:
		return num{f: f.f64(a.f)}
	}
	return num{f: float64(f.f32(float32(a.f)))}
}

func convertNum(a num, from, to device.DType) num {
	switch {
	case to == device.Bool && from.IsFloat():
		return truthOf(a.f != 0)
	case to == device.Bool:
		return truthOf(a.i != 0)
	case to == device.Float32 && !from.IsFloat():
		return num{f: float64(float32(a.i))}
	case to.IsFloat() && !from.IsFloat():
		return num{f: float64(a.i)}.round(to)
	case to.IsFloat():
		return a.round(to)
	case !from.IsFloat():
		return num{i: a.i}.round(to)
	case math.IsNaN(a.f):
		return num{}
	}
	lo, hi := float64(math.MinInt64), float64(math.MaxInt64)
	imin, imax := int64(math.MinInt64), int64(math.MaxInt64)
	if to == device.Int32 {
		lo, hi, imin, imax = math.MinInt32, math.MaxInt32, math.MinInt32, math.MaxInt32
	}
	switch {
	case a.f >= hi:
		return num{i: imax}
	case a.f <= lo:
		return num{i: imin}
	}
	return num{i: int64(a.f)}
}

// treeOf reduces values by the tree that doc.go describes.
func treeOf(kind loop.Combiner, dt device.DType, v []num) num {
	if kind == loop.LSE {
		r := lseTree(dt, v)
		return plus(dt, elementaryNum(&loop.Inst{Fn: loop.Log, DType: dt}, r.sum, num{}), r.top)
	}
	if len(v) > blockSize {
		n := blockSize
		for 2*n < len(v) {
			n *= 2
		}
		return combineNum(kind, dt, treeOf(kind, dt, v[:n]), treeOf(kind, dt, v[n:]))
	}
	return blockTree(kind, dt, v)
}

func blockTree(kind loop.Combiner, dt device.DType, v []num) num {
	var lane [16][]num
	for r, x := range v {
		lane[r%16] = append(lane[r%16], x)
	}
	var fold func(l, w int) (num, bool) // lanes l, l+w, l+2w, ...
	fold = func(l, w int) (num, bool) {
		if w == 16 {
			if len(lane[l]) == 0 {
				return num{}, false
			}
			x := lane[l][0]
			for _, y := range lane[l][1:] {
				x = combineNum(kind, dt, x, y)
			}
			return x, true
		}
		a, ok := fold(l, 2*w)
		b, ok2 := fold(l+w, 2*w)
		if ok && ok2 {
			return combineNum(kind, dt, a, b), true
		}
		return a, ok
	}
	r, _ := fold(0, 1)
	return r
}

func combineNum(kind loop.Combiner, dt device.DType, a, b num) num {
	fn := map[loop.Combiner]loop.Fn{loop.Sum: loop.Add, loop.Prod: loop.Mul, loop.Max: loop.Maximum, loop.Min: loop.Minimum}[kind]
	return apply(&loop.Inst{Fn: fn, DType: dt}, dt, [3]num{a, b})
}

type lseNum struct{ sum, top num }

func lseTree(dt device.DType, v []num) lseNum {
	exp := func(a num) num { return elementaryNum(&loop.Inst{Fn: loop.Exp, DType: dt}, a, num{}) }
	if len(v) > blockSize {
		n := blockSize
		for 2*n < len(v) {
			n *= 2
		}
		a, b := lseTree(dt, v[:n]), lseTree(dt, v[n:])
		top := combineNum(loop.Max, dt, a.top, b.top)
		scaled := func(x lseNum) num {
			if x.top.f == top.f {
				return x.sum
			}
			return num{f: x.sum.f * exp(num{f: x.top.f - top.f}.round(dt)).f}.round(dt)
		}
		return lseNum{plus(dt, scaled(a), scaled(b)), top}
	}
	top := v[0]
	for _, x := range v {
		top = combineNum(loop.Max, dt, top, x)
	}
	shift := top.f
	if math.IsInf(shift, 0) || math.IsNaN(shift) {
		shift = 0
	}
	e := make([]num, len(v))
	for i, x := range v {
		e[i] = exp(num{f: x.f - shift}.round(dt))
	}
	return lseNum{blockTree(loop.Sum, dt, e), top}
}
