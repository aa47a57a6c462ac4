// Sums over the results of contractions: Σ_i Σ_k a[i,k]·b[k,j] is Σ_k (Σ_i a[i,k])·b[k,j].

package loop

import "slices"

// Distribution is a sum over a contraction's results written as a contraction of sums.
type Distribution struct {
	// A and B are the sums of the contraction's operands (see [Contract]); nil where one
	// is read as it is.
	A, B *Expr
	// Product is the contraction of those two.
	Product *Expr
	// Rest is the sum's loop without the sum, which reads the product's result.
	Rest *Expr
}

// Distribute moves a sum over results of a contraction, which are operand in of the sum,
// into the contraction's operands. It is not ok where the summed axes are not axes of
// one of these each, where what is summed is no multiple of the results, or where that
// would not take fewer multiplications.
func Distribute(sum *Expr, in int, product *Expr) (d Distribution, ok bool) {
	c, isProduct := product.AsContraction()
	if !isProduct || len(sum.Outs) != 1 || sum.Fused {
		return d, false
	}
	out := &sum.Outs[0]
	load := slices.IndexFunc(sum.Loads, func(l Load) bool { return l.In == in })
	if load < 0 || out.Reduce != Sum || out.Scatter || out.Partial {
		return d, false
	}
	s := summation{e: sum, load: load, deps: sum.deps()}
	for _, a := range sum.Reduced(out) {
		s.axes |= 1 << a
	}
	if !s.linear(out.Value) || s.reads() != 1 {
		return d, false
	}
	dims, ok := sum.dims(&sum.Loads[load])
	if !ok {
		return d, false
	}
	lost := make([]bool, len(product.Axes)) // summed, an axis of the contraction
	for a, dim := range dims {
		if s.axes>>a&1 == 0 {
			continue
		}
		if dim < 0 {
			return d, false
		}
		lost[dim] = true
	}
	if d.A, d.B, d.Product, ok = c.summed(product, lost); ok {
		d.Rest = s.rest(in, lost, d.Product.Outs[0].Aval)
	}
	return d, ok
}

// summation is a loop that sums multiples of what a load reads.
type summation struct {
	e    *Expr
	load int
	axes uint64 // those summed over
	deps []uint64
}

// linear reports whether a node is a multiple of the load, by what is the same for all
// that is summed.
func (s *summation) linear(n Node) bool {
	switch x := &s.e.Nodes[n]; x.Fn {
	case LoadFn:
		return int(x.K) == s.load && !s.e.Loads[s.load].Guarded
	case Neg:
		return s.linear(x.Arg[0])
	case Mul, SMul:
		return s.linear(x.Arg[0]) && s.fixed(x.Arg[1]) || s.linear(x.Arg[1]) && s.fixed(x.Arg[0])
	}
	return false
}

func (s *summation) fixed(n Node) bool { return s.deps[n]&s.axes == 0 }

// reads returns how many loads are of the operand.
func (s *summation) reads() (n int) {
	for _, l := range s.e.Loads {
		if l.In == s.e.Loads[s.load].In {
			n++
		}
	}
	return n
}

// rest returns the loop over the other axes that reads sums, of type a, in place of
// operand in.
func (s *summation) rest(in int, lost []bool, a Aval) *Expr {
	var axes []Axis
	sub := make([]Lin, len(s.e.Axes))
	for k, x := range s.e.Axes {
		if s.axes>>k&1 == 0 {
			sub[k] = At(len(axes))
			axes = append(axes, x)
		} else {
			sub[k] = Fixed(0) // of nothing that is left
		}
	}
	dst := New(axes, slices.Clone(s.e.Ins))
	dst.Ins[in] = a
	r := newRebuild(s.e, dst, sub)
	r.load = func(l Load) Node {
		if l.In == in {
			l.Index = without(l.Index, lost)
		}
		return dst.load(l)
	}
	out := s.e.Outs[0]
	dst.Store(Store{Value: r.node(out.Value), Index: r.index(out.Index), Aval: out.Aval})
	return dst
}

// without returns the elements of a list that are not lost.
func without[E any](list []E, lost []bool) (kept []E) {
	for i, x := range list {
		if i >= len(lost) || !lost[i] {
			kept = append(kept, x)
		}
	}
	return kept
}

// summed returns the contraction e, which c describes, of operands that were summed over
// the axes that are lost, and these sums.
func (c Contract) summed(e *Expr, lost []bool) (a, b, product *Expr, ok bool) {
	inA, inB := make([]bool, len(e.Ins[c.A].Shape)), make([]bool, len(e.Ins[c.B].Shape))
	for _, x := range slices.Concat(c.Batch, c.M, c.N, c.K) {
		switch {
		case !lost[x.Axis]:
		case x.A >= 0 && x.B < 0:
			inA[x.A] = true
		case x.B >= 0 && x.A < 0:
			inB[x.B] = true
		default:
			return nil, nil, nil, false
		}
	}
	x := &e.Nodes[e.Outs[0].Value]
	axes := without(e.Axes, lost)
	sub := make([]Lin, len(e.Axes)) // a lost axis is in no index that is left
	for k, n := 0, 0; k < len(e.Axes); k++ {
		if !lost[k] {
			sub[k] = At(n)
			n++
		}
	}
	product = New(axes, make([]Aval, 2))
	product.Contraction = e.Contraction
	var factors [2]Node
	for i, lostHere := range [2][]bool{inA, inB} {
		l := &e.Loads[e.Nodes[x.Arg[i]].K]
		own := e.Ins[l.In]
		if slices.Contains(lostHere, true) {
			sum := sumOver(own, lostHere)
			own = sum.Outs[0].Aval
			if i == 0 {
				a = sum
			} else {
				b = sum
			}
		}
		product.Ins[i] = own
		index := without(l.Index, lostHere)
		for d := range index {
			index[d] = index[d].subst(sub)
		}
		factors[i] = product.Load(i, index...)
	}
	out := Aval{e.Outs[0].Aval.DType, without(e.Outs[0].Aval.Shape, lost)}
	product.Store(Store{Value: product.Mul(factors[0], factors[1]), Index: Ats(len(out.Shape)), Reduce: Sum, Aval: out})
	took := product.allAxes()
	if now := product.times(took) + summedOf(a) + summedOf(b); now >= e.times(e.allAxes()) {
		return nil, nil, nil, false
	}
	return a, b, product, true
}

// summedOf returns how many numbers a sum adds up; none where there is no sum.
func summedOf(sum *Expr) int64 {
	if sum == nil {
		return 0
	}
	return sum.times(sum.allAxes())
}

// sumOver returns the sum of an array over the dimensions that are lost.
func sumOver(a Aval, lost []bool) *Expr {
	out := Aval{a.DType, without(a.Shape, lost)}
	var axes []Axis
	index := make([]Lin, len(a.Shape))
	for _, pass := range [2]bool{false, true} { // what is left comes first
		for d, n := range a.Shape {
			if lost[d] == pass {
				index[d] = At(len(axes))
				axes = append(axes, Axis{AxisName(len(axes)), n})
			}
		}
	}
	e := New(axes, []Aval{a})
	e.Store(Store{Value: e.Load(0, index...), Index: Ats(len(out.Shape)), Reduce: Sum, Aval: out})
	return e
}
