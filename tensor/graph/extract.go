// Parts of graphs: what computes some values from others.

package graph

// Extract returns the graph that computes outputs from params, which are values of
// g of any kind: an instruction whose results are all params or not needed is left
// out. Constants come along. What a needed value depends on must be params,
// constants, or computed from them: other inputs of g are an *InvalidError.
func (g *Graph) Extract(params, outputs []Ref) (*Graph, error) {
	const unknown = -1
	number := make([]Ref, g.NumValues())
	for v := range number {
		number[v] = unknown
	}
	h := new(Graph)
	for _, v := range params {
		if p := h.Param(g.Aval(v)); number[v] == unknown {
			number[v] = p
		}
	}
	need := make([]bool, g.NumValues())
	for _, v := range outputs {
		need[v] = true
	}
	needs := func(x *Instr) bool {
		for k := range x.Inst.Out {
			if v := x.Out + Ref(k); need[v] && number[v] == unknown {
				return true
			}
		}
		return false
	}
	keep := make([]bool, len(g.Instrs))
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		if keep[i] = needs(&g.Instrs[i]); keep[i] {
			for _, a := range g.Args(i) {
				need[a] = true
			}
		}
	}
	for i := range g.Consts {
		if c := &g.Consts[i]; need[c.Ref] && number[c.Ref] == unknown {
			number[c.Ref] = h.Const(c.Array, c.Source)
		}
	}
	for i := range g.Instrs {
		if !keep[i] {
			continue
		}
		x := &g.Instrs[i]
		args := make([]Ref, len(x.Inst.In))
		for k, a := range g.Args(i) {
			if args[k] = number[a]; args[k] == unknown {
				h.Release()
				return nil, &InvalidError{i, "a part of the graph depends on an input that it is not given"}
			}
		}
		out := h.Emit(x.Inst, args...)
		if g.Places != nil {
			h.Place(g.PlaceOf(i))
		}
		for k := range x.Inst.Out {
			if v := x.Out + Ref(k); number[v] == unknown {
				number[v] = out + Ref(k)
			}
		}
	}
	for _, v := range outputs {
		if number[v] == unknown {
			h.Release()
			return nil, &InvalidError{-1, "an output of a part of the graph is an input that it is not given"}
		}
		h.Output(number[v])
	}
	h.RemoveDead()
	return h, nil
}
