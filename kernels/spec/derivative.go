// The derivatives of a case: kinks, both modes against each other and, for ref,
// against differences.

package spec

import (
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// differentiable reports whether the case has derivatives.
func (r *runner) differentiable() bool {
	return r.want != 0 && r.op.Kind != kernels.Opaque && r.inst.Out[0].DType.IsFloat()
}

// tangents are random ones for the operands that have derivatives.
func (r *runner) tangents(seed int) []kernels.Val {
	rnd := random(r.name, "tangents", fmt.Sprint(seed))
	dx := make([]kernels.Val, len(r.operands))
	for i, v := range r.operands {
		if r.want.Has(i) {
			dx[i] = direction(rnd, v.aval)
		}
	}
	return dx
}

// cotangents are random ones for results.
func (r *runner) cotangents(seed int) func(y []kernels.Val) []kernels.Val {
	return func(y []kernels.Val) []kernels.Val {
		rnd := random(r.name, "cotangents", fmt.Sprint(seed))
		g := make([]kernels.Val, len(y))
		for i, v := range y {
			g[i] = direction(rnd, v.Aval())
		}
		return g
	}
}

// checkDerivatives tests what needs no other backend.
func (r *runner) checkDerivatives() {
	if r.c.Slopes != nil {
		r.checkSlopes()
	}
	if !r.differentiable() || r.c.Kink {
		return
	}
	x := vals(r.operands)
	for seed := range 2 {
		dx := r.tangents(seed)
		y, dy := jvp(r.got, r.apply, x, dx)
		g := r.cotangents(seed)(y)
		dual := vjp(r.got, r.apply, x, r.want, func([]kernels.Val) []kernels.Val { return g })
		if err := firstErr(append(dy, present(dual)...)); err != nil {
			r.errorf("derivative: %v", err)
			return
		}
		forward, size := dot(g, dy)
		reverse, size2 := dot(dual, dx)
		r.counts.Compared++
		if math.Abs(forward-reverse) > r.tol*derivativeFactor*max(size, size2) || math.IsNaN(forward) {
			r.errorf("JVP and VJP differ: %v and %v (tolerance %.2g of %v)", forward, reverse, r.tol*derivativeFactor, max(size, size2))
		}
	}
	if r.large {
		return
	}
	fr, rf := r.second(r.got)
	r.counts.SecondOrder++
	if r.same("second derivatives, reverse on forward against forward on reverse", rf, fr, r.tol*derivativeFactor*derivativeFactor) {
		for _, v := range present(fr) {
			for _, e := range elements(v.(*value).array) {
				if math.IsNaN(e) {
					r.errorf("second derivative is NaN")
				}
			}
		}
	}
}

// checkSlopes compares the derivative of the sum of results with the case's, in
// both modes.
func (r *runner) checkSlopes() {
	x := vals(r.operands)
	dx := vjp(r.got, r.apply, x, r.want, func(y []kernels.Val) []kernels.Val {
		g := make([]kernels.Val, len(y))
		for i, v := range y {
			g[i] = r.got.Full(1, v.Aval())
		}
		return g
	})
	var reverse, forward []float64
	for i, v := range r.operands {
		if !r.want.Has(i) {
			continue
		}
		reverse = append(reverse, elements(dx[i].(*value).array)...)
		for e := range v.aval.Size() {
			unit := dense.filled(v.aval, make([]float64, v.aval.Size()))
			write(unit.array, e, 1)
			t := make([]kernels.Val, len(x))
			t[i] = unit
			_, dy := jvp(r.got, r.apply, x, t)
			slope := 0.0
			for _, d := range dy {
				if d != nil {
					for _, s := range elements(d.(*value).array) {
						slope += s
					}
				}
			}
			forward = append(forward, slope)
		}
	}
	r.counts.Compared += 2
	if len(r.c.Slopes) > len(reverse) {
		r.errorf("%d slopes for %d elements", len(r.c.Slopes), len(reverse))
		return
	}
	if err := close(reverse[:len(r.c.Slopes)], r.c.Slopes, r.tol, true); err != nil {
		r.errorf("slopes by VJP: %v", err)
	}
	if err := close(forward[:len(r.c.Slopes)], r.c.Slopes, r.tol, true); err != nil {
		r.errorf("slopes by JVP: %v", err)
	}
}

// scalar is a function of the operands and of a weight for each result whose
// second derivatives are not zero even where the op is linear: Σ w(y + y²/2).
func (r *runner) scalar(b kernels.Builder, args []kernels.Val) []kernels.Val {
	n := len(r.operands)
	var total kernels.Val
	for i, y := range r.apply(b, args[:n]) {
		half := b.Full(0.5, kernels.Aval{DType: y.Aval().DType})
		y = kernels.One(b, kernels.Add, nil, y, kernels.One(b, kernels.Mul, nil, half, kernels.One(b, kernels.Square, nil, y)))
		s := kernels.One(b, kernels.Sum, kernels.AxesOf(false), kernels.One(b, kernels.Mul, nil, args[n+i], y))
		if total == nil {
			total = s
		} else {
			total = kernels.One(b, kernels.Add, nil, total, s)
		}
	}
	return []kernels.Val{total}
}

// weights are what scalar takes after the operands.
func (r *runner) weights() []kernels.Val {
	return r.cotangents(7)(r.apply(r.ref, vals(r.operands)))
}

// gradient returns the cotangents of the operands in want, for a scalar f.
func (r *runner) gradient(b kernels.Builder, f function, args []kernels.Val) []kernels.Val {
	dx := vjp(b, f, args, r.want, func(y []kernels.Val) []kernels.Val {
		return []kernels.Val{b.Full(1, y[0].Aval())}
	})
	return present(dx[:len(r.operands)])
}

// second returns the Hessian of scalar times a direction, by dual numbers on a
// tape's sweep and by a tape on dual numbers.
func (r *runner) second(b eager) (forwardOnReverse, reverseOnForward []kernels.Val) {
	args := append(vals(r.operands), r.weights()...)
	v := r.tangents(3)
	tangents := make([]kernels.Val, len(args))
	copy(tangents, v)
	_, forwardOnReverse = jvp(b, func(b kernels.Builder, args []kernels.Val) []kernels.Val {
		return r.gradient(b, r.scalar, args)
	}, args, tangents)
	n := len(args)
	reverseOnForward = r.gradient(b, func(b kernels.Builder, all []kernels.Val) []kernels.Val {
		dx := make([]kernels.Val, n)
		k := n
		for i := range v {
			if v[i] != nil {
				dx[i] = all[k]
				k++
			}
		}
		_, ds := jvp(b, r.scalar, all[:n], dx)
		return ds
	}, append(args, present(v)...))
	return forwardOnReverse, reverseOnForward
}

// present leaves out what is nil.
func present(list []kernels.Val) []kernels.Val {
	var out []kernels.Val
	for _, v := range list {
		if v != nil {
			out = append(out, v)
		}
	}
	return out
}

// checkDifferences compares first and second derivatives along a direction with
// central differences, extrapolated twice (Richardson), in float64.
func (r *runner) checkDifferences() {
	if !r.differentiable() || r.c.Kink || r.large || r.float != device.Float64 || r.c.Only64 {
		return
	}
	v := r.tangents(3)
	_, dy := jvp(r.ref, r.apply, vals(r.operands), v)
	r.compareDifference("JVP", dy, v, func(x []kernels.Val) []kernels.Val { return r.apply(r.ref, x) })
	fr, _ := r.second(r.ref)
	weights := r.weights()
	r.compareDifference("second derivative", fr, v, func(x []kernels.Val) []kernels.Val {
		return r.gradient(r.ref, r.scalar, append(x, weights...))
	})
}

func (r *runner) compareDifference(what string, got, v []kernels.Val, f func(x []kernels.Val) []kernels.Val) {
	const h = 1.0 / 1024
	table := [3][][]float64{}
	size := 1.0
	for level := range table {
		step := h / float64(int(1)<<level)
		up, down := f(r.moved(v, step)), f(r.moved(v, -step))
		for i := range up {
			a, b := elements(up[i].(*value).array), elements(down[i].(*value).array)
			d := make([]float64, len(a))
			for k := range d {
				d[k] = (a[k] - b[k]) / (2 * step)
				size = max(size, math.Abs(a[k]))
			}
			table[level] = append(table[level], d)
		}
	}
	r.counts.Compared++
	for i := range got {
		g := elements(got[i].(*value).array)
		for k := range g {
			d0, d1, d2 := table[0][i][k], table[1][i][k], table[2][i][k]
			e1, e2 := d1+(d1-d0)/3, d2+(d2-d1)/3
			want := e2 + (e2-e1)/15
			if tol := (1e-9 + 8*r.c.Tol/h) * (size + math.Abs(want)); math.Abs(g[k]-want) > tol || math.IsNaN(g[k]) {
				r.errorf("%s: element %d of %d is %v, by differences %v", what, k, i, g[k], want)
				return
			}
		}
	}
}

// moved returns the operands plus h times v.
func (r *runner) moved(v []kernels.Val, h float64) []kernels.Val {
	x := vals(r.operands)
	for i, d := range v {
		if d == nil {
			continue
		}
		list := elements(r.operands[i].array)
		for k, t := range elements(d.(*value).array) {
			list[k] += h * t
		}
		x[i] = dense.filled(x[i].Aval(), list)
	}
	return x
}
