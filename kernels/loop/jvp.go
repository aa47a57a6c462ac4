// The forward derivative: tangents of results from those of operands.

package loop

// JVP returns the loops that give the tangents of the results from those of the
// operands in mask, bit i for operand i; the tangents of integers and bools are
// zero. A Contraction gives one loop for each load of such an operand, each a
// contraction. Products of partial derivatives and tangents are strong, unless ieee is
// set. Panics on reductions by Prod, Max and Min, for which the op must give a rule.
func JVP(e *Expr, mask uint64, ieee bool) []Derived {
	if !e.Contraction {
		if d, ok := jvp(e, ieee, func(l *Load) bool { return mask>>l.In&1 != 0 }); ok {
			return []Derived{d}
		}
		return nil
	}
	var ds []Derived
	for i := range e.Loads {
		if mask>>e.Loads[i].In&1 == 0 {
			continue
		}
		if d, ok := jvp(e, ieee, func(l *Load) bool { return l == &e.Loads[i] }); ok {
			ds = append(ds, d)
		}
	}
	return ds
}

// jvp returns the loop of all tangents, those of the varied loads being given.
func jvp(e *Expr, ieee bool, varied func(l *Load) bool) (Derived, bool) {
	s := newSweep(e, Tangent, ieee)
	tan := s.forward(varied)
	tangents := make([]Node, len(e.Outs))
	g := &group{dst: s.target(e.Axes)}
	for i := range e.Outs {
		tangents[i] = s.reduction(i, tan[e.Outs[i].Value])
	}
	r := newRebuild(s.Expr, g.dst, Ats(len(e.Axes)))
	r.alias = s.alias
	var stores []Store
	for i, o := range e.Outs {
		if tangents[i] == None {
			continue
		}
		o.Value, o.Index = r.node(tangents[i]), r.index(o.Index)
		if o.Reduce != NoReduce {
			o.Reduce = Sum
		}
		stores, g.to = append(stores, o), append(g.to, i)
	}
	if len(stores) == 0 {
		return Derived{}, false
	}
	return s.finish(g, stores), true
}

// forward returns the tangent of every node of the base, None where it is zero.
func (s *sweep) forward(varied func(l *Load) bool) []Node {
	tan := make([]Node, len(s.base.Nodes))
	for n, on := range s.active(varied) {
		tan[n] = None
		if on {
			tan[n] = s.tangent(Node(n), tan)
		}
	}
	return tan
}

func (s *sweep) tangent(n Node, tan []Node) Node {
	x := s.Nodes[n]
	switch x.Fn {
	case LoadFn:
		l := s.Loads[x.K]
		return s.seed(l.In, &l)
	case Select:
		return s.Select(x.Arg[0], tan[x.Arg[1]], tan[x.Arg[2]])
	}
	sum := None
	for i := range x.Fn.Arity() {
		if a := x.Arg[i]; tan[a] != None && (x.Fn == Cast || partials[x.Fn][i] != nil) {
			sum = s.Add(sum, s.Cast(x.DType, s.chain(n, i, tan[a])))
		}
	}
	return sum
}
