// Which values depend on which, by structure.

package graph

// Active returns which outputs carry derivatives where the marked parameters do.
func (g *Graph) Active(params []bool) []bool { return g.reached(params, true) }

// Depends returns which outputs depend on the marked parameters.
func (g *Graph) Depends(params []bool) []bool { return g.reached(params, false) }

func (g *Graph) reached(params []bool, smooth bool) []bool {
	on := make([]bool, g.NumValues())
	for i, v := range g.Params {
		on[v] = on[v] || params[i] && (!smooth || g.Aval(v).DType.IsFloat())
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		results := on[x.Out : int(x.Out)+len(x.Inst.Out)]
		args := pickRefs(on, g.Args(i))
		if c := ControlOf(x.Inst); c != nil && c.Form != Call {
			copy(results, c.reached(args, smooth))
			continue
		}
		if anyTrue(args) && (!smooth || x.Inst.Differentiable()) {
			for k, a := range x.Inst.Out {
				results[k] = !smooth || a.DType.IsFloat()
			}
		}
	}
	return pickRefs(on, g.Outputs)
}

// reached returns which results of a control instruction depend on the marked operands.
func (c *Control) reached(in []bool, smooth bool) []bool {
	if c.Form == Cond {
		out := c.Bodies[0].reached(in[1:], smooth)
		for k, on := range c.Bodies[1].reached(in[1:], smooth) {
			out[k] = out[k] || on || in[0] && !smooth
		}
		return out
	}
	body := c.Body()
	params := append([]bool(nil), in[:len(body.Params)]...)
	var out []bool
	test := false
	for grown := true; grown; {
		grown = false
		if c.Form == While && !smooth {
			test = c.Bodies[0].reached(params, false)[0]
		}
		out = body.reached(params, smooth)
		for j := range c.Carries {
			if on := out[j] || test; on && !params[c.Consts+j] {
				params[c.Consts+j], grown = true, true
			}
		}
	}
	results := append([]bool(nil), params[c.Consts:c.Consts+c.Carries]...)
	if c.Form == While {
		results = append(results, test)
	}
	for _, on := range out[c.Carries:] {
		results = append(results, on || test)
	}
	return results
}

// Useful returns which parameters the marked outputs depend on, by what carries derivatives.
func (g *Graph) Useful(outputs []bool) []bool {
	on := make([]bool, g.NumValues())
	for i, v := range g.Outputs {
		on[v] = on[v] || outputs[i] && g.Aval(v).DType.IsFloat()
	}
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		x := &g.Instrs[i]
		if !anyTrue(on[x.Out:int(x.Out)+len(x.Inst.Out)]) || !x.Inst.Differentiable() {
			continue
		}
		for _, a := range g.Args(i) {
			on[a] = on[a] || g.Aval(a).DType.IsFloat()
		}
	}
	return pickRefs(on, g.Params)
}

func pickRefs(on []bool, refs []Ref) []bool {
	out := make([]bool, len(refs))
	for i, v := range refs {
		out[i] = on[v]
	}
	return out
}

func anyTrue(list []bool) bool {
	for _, b := range list {
		if b {
			return true
		}
	}
	return false
}
