// Dead code in control flow: results that nothing reads, carries that nothing
// depends on, operands that no body reads.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// narrowed is a control instruction with only the parts that are needed: which of
// the operands and results it has.
type narrowed struct {
	inst    *kernels.Inst
	in, out []int
}

// Narrow returns a control instruction with only the results that are live and what
// they need, and which operands and results of inst it has.
func Narrow(inst *kernels.Inst, live []bool) (_ *kernels.Inst, in, out []int) {
	if nw := narrowControl(inst, live); nw != nil {
		return nw.inst, nw.in, nw.out
	}
	for i := range inst.In {
		in = append(in, i)
	}
	for i := range inst.Out {
		out = append(out, i)
	}
	return inst, in, out
}

// narrowControl returns what is left of a control instruction of whose results only
// those that are live are needed, or nil where that is all of it.
func narrowControl(inst *kernels.Inst, live []bool) *narrowed {
	c := ControlOf(inst)
	if c == nil || c.Form == Call {
		return nil
	}
	var in, outputs []bool
	d := *c
	if c.Form == Cond {
		in, outputs = c.needsOfCond(live)
	} else {
		in, outputs = c.needsOfLoop(live)
		d.Consts = countTrue(in[:c.Consts])
		d.Carries = countTrue(outputs[:c.Carries])
		d.Xs = countTrue(in[c.Consts+c.Carries : c.Consts+c.Carries+c.Xs])
		d.Ys = countTrue(outputs[c.Carries : c.Carries+c.Ys])
		d.Sums = countTrue(outputs[c.Carries+c.Ys:])
	}
	results := slices.Clone(outputs)
	if c.Form == While {
		results = slices.Insert(results, c.Carries, true)
	}
	if !slices.Contains(in, false) && !slices.Contains(results, false) {
		return nil
	}
	params := in
	switch {
	case c.Form == Cond:
		params = in[1:]
	case c.Counted:
		params = in[:len(in)-1]
	}
	d.Bodies = nil
	for i, b := range c.Bodies {
		keep := outputs
		if c.Form == While && i == 0 {
			keep = []bool{true}
		}
		part, err := b.Extract(pick(b.Params, params), pick(b.Outputs, keep))
		if err != nil {
			return nil // not well-formed: left as it is for Verify
		}
		if d.Ys > 0 {
			part.Preaccumulated = b.Preaccumulated
		}
		d.Bodies = append(d.Bodies, part)
	}
	return &narrowed{inst: d.Inst(inst.Op), in: positions(in), out: positions(results)}
}

// needsOfCond returns which operands and which outputs of the bodies are needed.
func (c *Control) needsOfCond(live []bool) (in, outputs []bool) {
	in = make([]bool, 1+len(c.Body().Params))
	in[0] = true
	for _, b := range c.Bodies {
		for i, need := range b.reads(live) {
			in[1+i] = in[1+i] || need
		}
	}
	return in, slices.Clone(live)
}

// needsOfLoop is needsOfCond for Scan and While: a carry is needed where its result
// is, or where what is needed of the next step, or whether there is one, depends on it.
func (c *Control) needsOfLoop(live []bool) (in, outputs []bool) {
	body := c.Body()
	outputs = slices.Clone(live)
	if c.Form == While {
		outputs = slices.Delete(outputs, c.Carries, c.Carries+1)
	}
	in = make([]bool, len(body.Params))
	if c.Form == While {
		copy(in, c.Bodies[0].reads([]bool{true}))
	}
	for grown := true; grown; {
		grown = false
		for i, need := range body.reads(outputs) {
			in[i] = in[i] || need
		}
		for j := range c.Carries {
			if in[c.Consts+j] && !outputs[j] {
				outputs[j], grown = true, true
			}
			in[c.Consts+j] = outputs[j] // with or without the initial value being read
		}
	}
	if c.Counted {
		in = append(in, true)
	}
	return in, outputs
}

// reads returns which parameters the outputs that are marked depend on.
func (g *Graph) reads(outputs []bool) []bool {
	need := make([]bool, g.NumValues())
	for i, v := range g.Outputs {
		need[v] = need[v] || outputs[i]
	}
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		x := &g.Instrs[i]
		if slices.Contains(need[x.Out:int(x.Out)+len(x.Inst.Out)], true) {
			for _, a := range g.Args(i) {
				need[a] = true
			}
		}
	}
	out := make([]bool, len(g.Params))
	for i, v := range g.Params {
		out[i] = need[v]
	}
	return out
}

func countTrue(list []bool) (n int) {
	for _, b := range list {
		if b {
			n++
		}
	}
	return n
}

// positions returns where list is true.
func positions(list []bool) []int {
	out := []int{}
	for i, b := range list {
		if b {
			out = append(out, i)
		}
	}
	return out
}

// pick returns the elements whose position is marked.
func pick[T any](list []T, marked []bool) []T {
	out := []T{}
	for i, x := range list {
		if marked[i] {
			out = append(out, x)
		}
	}
	return out
}
