// Contractions: sums of products of two loads, which a matrix product computes.

package loop

// Contract describes out = Σ a*b: which operands are multiplied, and the axes by
// where they occur. With a's M and K axes, b's K and N axes and out's M and N
// axes each taken as one, it is a matrix product for every value of the Batch
// axes. Axes may be several or none, and in any order of dimensions; one of
// size 1 may be in out alone.
type Contract struct {
	A, B  int            // operands
	Batch []ContractAxis // in a, b and out
	M     []ContractAxis // in a and out
	N     []ContractAxis // in b and out
	K     []ContractAxis // in a and b, summed
}

// ContractAxis is an axis and the dimension that it runs along in each array,
// -1 where in none.
type ContractAxis struct{ Axis, Size, A, B, Out int }

// leastProduct is the number of multiplications of one product from which on a
// matrix product may beat a loop.
const leastProduct = 512

// Large reports whether the contraction is worth a matrix product. It depends on
// sizes only, so that a loop is always computed in the same way.
func (c Contract) Large() bool {
	m, n, k := Extent(c.M), Extent(c.N), Extent(c.K)
	return m*n >= 2 && m*n*k >= leastProduct && Extent(c.Batch) > 0
}

// Extent returns the product of the axes' sizes.
func Extent(axes []ContractAxis) int {
	n := 1
	for _, a := range axes {
		n *= a.Size
	}
	return n
}

// AsContraction returns e as a contraction, if it is one with a summed axis. A
// fused loop is none.
func (e *Expr) AsContraction() (Contract, bool) {
	if len(e.Outs) != 1 || e.Fused {
		return Contract{}, false
	}
	s := &e.Outs[0]
	x := &e.Nodes[s.Value]
	if x.Fn != Mul || s.Reduce != Sum || s.Scatter || s.Partial || !e.isLoad(x.Arg[0]) || !e.isLoad(x.Arg[1]) {
		return Contract{}, false
	}
	a, b := &e.Loads[e.Nodes[x.Arg[0]].K], &e.Loads[e.Nodes[x.Arg[1]].K]
	c := Contract{A: a.In, B: b.In}
	da, ok := e.dims(a)
	db, ok2 := e.dims(b)
	if !ok || !ok2 || a.In == b.In && x.Arg[0] == x.Arg[1] {
		return Contract{}, false
	}
	for axis, ax := range e.Axes {
		t := ContractAxis{axis, ax.Size, da[axis], db[axis], -1}
		if axis < len(s.Index) {
			t.Out = axis
		}
		switch inA, inB, inOut := t.A >= 0, t.B >= 0, t.Out >= 0; {
		case inA && inB && inOut:
			c.Batch = append(c.Batch, t)
		case inA && inOut:
			c.M = append(c.M, t)
		case inB && inOut:
			c.N = append(c.N, t)
		case inA && inB:
			c.K = append(c.K, t)
		case inOut && ax.Size == 1:
			c.M = append(c.M, t)
		case ax.Size != 1:
			return Contract{}, false
		}
	}
	return c, len(c.K) > 0
}

func (e *Expr) isLoad(n Node) bool { return e.Nodes[n].Fn == LoadFn }

// dims returns, for each axis, the dimension of the load that it is, or -1; not
// ok where an index is anything but a whole axis or 0 in a dimension of size 1.
func (e *Expr) dims(l *Load) (dims []int, ok bool) {
	dims = make([]int, len(e.Axes))
	for a := range dims {
		dims[a] = -1
	}
	for d, x := range l.Index {
		size := e.Ins[l.In].Shape[d]
		switch {
		case x.Via != None || x.Const != 0 || len(x.Terms) > 1 || len(x.Terms) == 0 && size != 1:
			return nil, false
		case len(x.Terms) == 0:
			continue
		}
		a := x.Terms[0].Axis
		if x.Terms[0].Coef != 1 || dims[a] >= 0 || e.Axes[a].Size != size {
			return nil, false
		}
		dims[a] = d
	}
	return dims, true
}
