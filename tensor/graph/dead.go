// Dead code: instructions whose results nothing reads.

package graph

import "slices"

// RemoveDead removes the instructions and constants that no output depends on,
// renumbers the values, and returns how many instructions it removed. Of control
// flow it removes results that nothing reads, with what only they need: carries,
// operands, instructions of bodies. Parameters stay. An index out of range in an
// instruction that is removed is no error of the program any more, nor is a loop
// without end.
func (g *Graph) RemoveDead() int {
	live, narrow := g.liveValues()
	number := make([]Ref, g.NumValues()) // old value -> new
	old := *g
	g.Record = Record{
		Instrs: old.Instrs[:0],
		args:   old.args[:0],
		def:    make([]int32, 0, len(old.def)),
		inputs: old.inputs[:0],
	}
	for v := 0; v < len(old.def); {
		d := old.def[v]
		if d < 0 {
			if live[v] {
				number[v] = g.Input(old.inputs[-1-d])
			}
			v++
			continue
		}
		x := old.Instrs[d]
		n := len(x.Inst.Out)
		switch nw := narrow[d]; {
		case nw != nil:
			g.moveNarrow(&old, int(d), x, nw, number)
		case live[v]: // all results of an instruction are alike
			g.moveInstr(&old, int(d), x, number)
		}
		v += n
	}
	clear(old.Instrs[len(g.Instrs):])
	if old.Places != nil {
		g.Places = old.Places[:min(len(old.Places), len(g.Instrs))]
	}
	g.renumber(live, number)
	return len(old.Instrs) - len(g.Instrs)
}

// moveInstr appends instruction d of old, whose memory g reuses from the front.
func (g *Graph) moveInstr(old *Graph, d int, x Instr, number []Ref) {
	in := old.args[x.args : int(x.args)+len(x.Inst.In)]
	for k, a := range in {
		in[k] = number[a]
	}
	if d < len(old.Places) {
		old.Places[len(g.Instrs)] = old.Places[d]
	}
	out := g.Emit(x.Inst, in...)
	for k := range x.Inst.Out {
		number[int(x.Out)+k] = out + Ref(k)
	}
}

// moveNarrow is moveInstr for what is left of a control instruction.
func (g *Graph) moveNarrow(old *Graph, d int, x Instr, nw *narrowed, number []Ref) {
	in := old.args[x.args : int(x.args)+len(x.Inst.In)]
	for k, from := range nw.in {
		in[k] = number[in[from]]
	}
	if d < len(old.Places) {
		old.Places[len(g.Instrs)] = old.Places[d]
	}
	out := g.Emit(nw.inst, in[:len(nw.in)]...)
	for k, from := range nw.out {
		number[int(x.Out)+from] = out + Ref(k)
	}
}

func (g *Graph) renumber(live []bool, number []Ref) {
	for i, v := range g.Params {
		g.Params[i] = number[v]
	}
	for i, v := range g.Outputs {
		g.Outputs[i] = number[v]
	}
	kept := g.Consts[:0]
	for _, c := range g.Consts {
		if !live[c.Ref] {
			if c.Array.Buf != nil {
				c.Array.Buf.Release()
			}
			continue
		}
		c.Ref = number[c.Ref]
		kept = append(kept, c)
	}
	clear(g.Consts[len(kept):])
	g.Consts = kept
}

// liveValues marks the values that outputs depend on, with all results of the
// instructions that make them, and the parameters. Of control instructions with
// parts that are not needed it returns what is left.
func (g *Graph) liveValues() (live []bool, narrow map[int32]*narrowed) {
	live = make([]bool, g.NumValues())
	for _, v := range g.Params {
		live[v] = true
	}
	for _, v := range g.Outputs {
		live[v] = true
	}
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		x := &g.Instrs[i]
		results := live[x.Out : int(x.Out)+len(x.Inst.Out)]
		if !slices.Contains(results, true) {
			continue
		}
		args := g.Args(i)
		if nw := narrowControl(x.Inst, results); nw != nil {
			if narrow == nil {
				narrow = map[int32]*narrowed{}
			}
			narrow[int32(i)] = nw
			for _, k := range nw.in {
				live[args[k]] = true
			}
			continue
		}
		for k := range results {
			results[k] = true
		}
		for _, a := range args {
			live[a] = true
		}
	}
	return live, narrow
}
