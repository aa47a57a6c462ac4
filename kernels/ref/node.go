// What the nodes of a loop compute.

package ref

import (
	"math"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// step returns what computes node n.
func (p *program) step(n loop.Node) step {
	x := p.expr.Nodes[n]
	a, b, c := x.Arg[0], x.Arg[1], x.Arg[2]
	switch x.Fn {
	case loop.Const:
		return func(m *machine) { m.value[n] = scalar{x.V, x.K} }
	case loop.Iota:
		return func(m *machine) { m.value[n].i = int64(m.point[x.K]) }
	case loop.LoadFn:
		return loadStep(n, &p.expr.Loads[x.K])
	case loop.Cast:
		from := p.expr.Nodes[a].DType
		return func(m *machine) { m.value[n] = convert(x.DType, from, m.value[a]) }
	case loop.Select:
		return func(m *machine) {
			if m.value[a].i != 0 {
				m.value[n] = m.value[b]
			} else {
				m.value[n] = m.value[c]
			}
		}
	case loop.Polygamma:
		return rounded(n, x.DType, func(m *machine) float64 { return polygamma(int(x.K), m.value[a].f) })
	}
	if p.expr.Nodes[a].DType.IsFloat() {
		return floatStep(n, x)
	}
	return intStep(n, x)
}

// rounded computes a float of the given type.
func rounded(n loop.Node, dt device.DType, f func(m *machine) float64) step {
	if dt == device.Float32 {
		return func(m *machine) { m.value[n].f = float64(float32(f(m))) }
	}
	return func(m *machine) { m.value[n].f = f(m) }
}

func floatStep(n loop.Node, x loop.Inst) step {
	a, b := x.Arg[0], x.Arg[1]
	if f := float1[x.Fn]; f != nil {
		return rounded(n, x.DType, func(m *machine) float64 { return f(m.value[a].f) })
	}
	if f := float2[x.Fn]; f != nil {
		return rounded(n, x.DType, func(m *machine) float64 { return f(m.value[a].f, m.value[b].f) })
	}
	f := compare[x.Fn]
	return func(m *machine) { m.value[n].i = truth(f(m.value[a].f, m.value[b].f)) }
}

func intStep(n loop.Node, x loop.Inst) step {
	a, b := x.Arg[0], x.Arg[1]
	wrap := func(v int64) int64 { return v }
	if x.DType == device.Int32 {
		wrap = func(v int64) int64 { return int64(int32(v)) }
	}
	if f := int1[x.Fn]; f != nil {
		return func(m *machine) { m.value[n].i = wrap(f(m.value[a].i)) }
	}
	f := int2[x.Fn]
	return func(m *machine) { m.value[n].i = wrap(f(m.value[a].i, m.value[b].i)) }
}

// The functions of floats. In float32, sums, products, quotients and roots of
// float64 round to the right ones.
var float1 = [loop.NumFn]func(a float64) float64{
	loop.Neg:    func(a float64) float64 { return -a },
	loop.Abs:    math.Abs,
	loop.Sign:   sign,
	loop.Square: func(a float64) float64 { return a * a },
	loop.Sqrt:   math.Sqrt,
	loop.Recip:  func(a float64) float64 { return 1 / a },
	loop.Exp:    exp, loop.Expm1: expm1, loop.Log: log, loop.Log1p: math.Log1p,
	loop.Sin: sin, loop.Cos: cos, loop.Tan: tan, loop.Tanh: math.Tanh,
	loop.Sigmoid: sigmoid, loop.Softplus: softplus,
	loop.Lgamma: lgamma, loop.Digamma: digamma, loop.Erf: math.Erf,
}

var float2 = [loop.NumFn]func(a, b float64) float64{
	loop.Add:     func(a, b float64) float64 { return a + b },
	loop.Sub:     func(a, b float64) float64 { return a - b },
	loop.Mul:     func(a, b float64) float64 { return a * b },
	loop.Div:     func(a, b float64) float64 { return a / b },
	loop.SMul:    smul,
	loop.Maximum: func(a, b float64) float64 { return max(a, b) }, // NaN wins, unlike in math.Max
	loop.Minimum: func(a, b float64) float64 { return min(a, b) },
	loop.Pow:     pow, loop.Atan2: atan2, loop.Hypot: hypot,
}

var compare = [loop.NumFn]func(a, b float64) bool{
	loop.Eq: func(a, b float64) bool { return a == b },
	loop.Ne: func(a, b float64) bool { return a != b },
	loop.Lt: func(a, b float64) bool { return a < b },
	loop.Le: func(a, b float64) bool { return a <= b },
}

// The functions of integers and bools.
var int1 = [loop.NumFn]func(a int64) int64{
	loop.Neg:    func(a int64) int64 { return -a },
	loop.Abs:    func(a int64) int64 { return max(a, -a) },
	loop.Sign:   func(a int64) int64 { return min(max(a, -1), 1) },
	loop.Square: func(a int64) int64 { return a * a },
	loop.Not:    func(a int64) int64 { return 1 - a },
}

var int2 = [loop.NumFn]func(a, b int64) int64{
	loop.Add:     func(a, b int64) int64 { return a + b },
	loop.Sub:     func(a, b int64) int64 { return a - b },
	loop.Mul:     func(a, b int64) int64 { return a * b },
	loop.Maximum: func(a, b int64) int64 { return max(a, b) },
	loop.Minimum: func(a, b int64) int64 { return min(a, b) },
	loop.Eq:      func(a, b int64) int64 { return truth(a == b) },
	loop.Ne:      func(a, b int64) int64 { return truth(a != b) },
	loop.Lt:      func(a, b int64) int64 { return truth(a < b) },
	loop.Le:      func(a, b int64) int64 { return truth(a <= b) },
	loop.And:     func(a, b int64) int64 { return a & b },
	loop.Or:      func(a, b int64) int64 { return a | b },
}

func sign(a float64) float64 {
	switch {
	case a > 0:
		return 1
	case a < 0:
		return -1
	}
	return a * 0 // 0, or NaN
}

func smul(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 0
	}
	return a * b
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// convert casts a value: to bool as "not 0", to an integer towards 0.
func convert(to, from device.DType, v scalar) scalar {
	switch {
	case to == device.Float32 && !from.IsFloat():
		return scalar{f: float64(float32(v.i))} // rounded once
	case to == device.Float32:
		return scalar{f: float64(float32(v.f))}
	case to == device.Float64 && !from.IsFloat():
		return scalar{f: float64(v.i)}
	case to == device.Float64:
		return scalar{f: v.f}
	case to == device.Bool:
		return scalar{i: truth(v.i != 0 || from.IsFloat() && v.f != 0)}
	}
	if from.IsFloat() {
		v.i = int64(v.f)
	}
	if to == device.Int32 {
		v.i = int64(int32(v.i))
	}
	return scalar{i: v.i}
}

func loadStep(n loop.Node, l *loop.Load) step {
	return func(m *machine) {
		a := m.call.In[l.In]
		if l.Guarded && !m.inRange(l.Index, a.Shape) {
			m.value[n] = scalar{}
			return
		}
		at := 0
		for d := range l.Index {
			at += m.index(&l.Index[d], a.Shape[d]) * a.Stride(d)
		}
		if m.err == nil {
			m.value[n] = get[a.DType](element(a, at))
		}
	}
}

// get and set hold, by type, how elements are read and written.
var get = [device.NumDTypes]func(p unsafe.Pointer) scalar{
	device.Bool:    func(p unsafe.Pointer) scalar { return scalar{i: int64(*(*uint8)(p))} },
	device.Int32:   func(p unsafe.Pointer) scalar { return scalar{i: int64(*(*int32)(p))} },
	device.Int64:   func(p unsafe.Pointer) scalar { return scalar{i: *(*int64)(p)} },
	device.Float32: func(p unsafe.Pointer) scalar { return scalar{f: float64(*(*float32)(p))} },
	device.Float64: func(p unsafe.Pointer) scalar { return scalar{f: *(*float64)(p)} },
}

var set = [device.NumDTypes]func(p unsafe.Pointer, v scalar){
	device.Bool:    func(p unsafe.Pointer, v scalar) { *(*uint8)(p) = uint8(v.i) },
	device.Int32:   func(p unsafe.Pointer, v scalar) { *(*int32)(p) = int32(v.i) },
	device.Int64:   func(p unsafe.Pointer, v scalar) { *(*int64)(p) = v.i },
	device.Float32: func(p unsafe.Pointer, v scalar) { *(*float32)(p) = float32(v.f) },
	device.Float64: func(p unsafe.Pointer, v scalar) { *(*float64)(p) = v.f },
}
