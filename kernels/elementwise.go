// How elementwise ops are declared: a type rule and a scalar body.

package kernels

import (
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// typing is how the types of an elementwise op follow from its operands'.
type typing uint8

const (
	numeric  typing = iota // computed in the promoted type; refuses bools alone
	floating               // likewise, with integers and bools taken as float64
	compared               // computed in the promoted type; gives bools
	logical                // operands taken as bools (true where not 0); gives bools
)

// body is the scalar function of an elementwise op; its operands have the type
// that the op computes in.
type body func(e *loop.Expr, x []loop.Node) loop.Node

// elementwise registers an op of n operands that broadcast to one result.
func elementwise(op Op, n int, t typing, f body) *Op {
	op.Infer = func(in []Aval, attr any) ([]Aval, error) {
		if err := noAttr(op.Name, attr); err != nil {
			return nil, err
		}
		return t.infer(op.Name, in, n)
	}
	op.Loop = func(_ any, in []Aval) *loop.Expr { return t.loop(in, f) }
	if t == compared || t == logical {
		op.Kind = Opaque
	}
	return Register(op)
}

// types returns the type that the op computes in and that of its result.
func (t typing) types(in []Aval) (compute, result device.DType) {
	switch dt := promote(in); t {
	case floating:
		return asFloat(dt), asFloat(dt)
	case compared:
		return max(dt, device.Int32), device.Bool // bools have no order of their own
	case logical:
		return device.Bool, device.Bool
	default:
		return dt, dt
	}
}

func (t typing) infer(op string, in []Aval, n int) ([]Aval, error) {
	if err := operands(op, in, n); err != nil {
		return nil, err
	}
	if t == numeric {
		if err := numericOperands(op, in); err != nil {
			return nil, err
		}
	}
	shape, err := broadcastAll(op, in)
	if err != nil {
		return nil, err
	}
	_, dt := t.types(in)
	return one(dt, shape), nil
}

func (t typing) loop(in []Aval, f body) *loop.Expr {
	compute, result := t.types(in)
	shape, _ := broadcastAll("", in)
	return loop.Elementwise(in, Aval{DType: result, Shape: shape}, func(e *loop.Expr, x []loop.Node) loop.Node {
		cast := make([]loop.Node, len(x))
		for i, n := range x {
			cast[i] = convert(e, compute, n)
		}
		return f(e, cast)
	})
}

// unary is the body that is one function of one argument.
func unary(fn loop.Fn) body {
	return func(e *loop.Expr, x []loop.Node) loop.Node { return e.Unary(fn, x[0]) }
}

// binary is the body that is one function of two arguments.
func binary(fn loop.Fn) body {
	return func(e *loop.Expr, x []loop.Node) loop.Node { return e.Binary(fn, x[0], x[1]) }
}

// swapped is binary with the arguments exchanged.
func swapped(fn loop.Fn) body {
	return func(e *loop.Expr, x []loop.Node) loop.Node { return e.Binary(fn, x[1], x[0]) }
}
