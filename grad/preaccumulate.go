// Preaccumulation in loops: of a step the sweep reads derivatives in place of what they are
// made of. The pass is package graph's; it goes to work before it is decided what each step
// keeps, since a body and the sweep over it are in different loops from then on.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// preaccumulated returns s with derivatives that the sweep reads as values of the body,
// nil where none are worth it.
func (s *swept) preaccumulated(passes graph.Passes, c *graph.Control) *swept {
	if !passes.Has(graph.Preaccumulate) {
		return nil
	}
	t := &swept{g: s.g.Clone(), captured: s.captured, cts: slices.Clone(s.cts), grads: slices.Clone(s.grads)}
	step := graph.Step{Carries: s.params[c.Consts : c.Consts+c.Carries], Rows: s.outs[c.Carries : c.Carries+c.Ys], Times: timesOf(c)}
	for _, v := range s.cts {
		if v != none {
			step.Cotangents = append(step.Cotangents, v)
		}
	}
	g := t.g
	g.Params = slices.Concat(s.inputs, s.params, step.Cotangents)
	g.Outputs = slices.Clone(s.outs)
	for _, v := range s.grads {
		if v != none {
			g.Outputs = append(g.Outputs, v)
		}
	}
	if t.partial = g.PreaccumulateStep(passes, step); t.partial == nil {
		return nil
	}
	t.inputs, t.params = g.Params[:len(s.inputs)], g.Params[len(s.inputs):][:len(s.params)]
	t.outs = g.Outputs[:len(s.outs)]
	renumber(t.cts, g.Params[len(s.inputs)+len(s.params):])
	renumber(t.grads, g.Outputs[len(s.outs):])
	return t
}

// renumber gives those of the values that there are new numbers.
func renumber(values, numbers []graph.Ref) {
	for i, v := range values {
		if v != none {
			values[i], numbers = numbers[0], numbers[1:]
		}
	}
}

// only returns s where only the marked outputs have cotangents: others are left out of
// sums, and zero where they are read otherwise.
func (s *swept) only(seeds []bool) *swept {
	t := *s
	t.g, t.cts, t.grads = s.g.Clone(), slices.Clone(s.cts), slices.Clone(s.grads)
	now := make([]graph.Ref, s.g.NumValues()) // what each value is, or none
	for v := range now {
		now[v] = graph.Ref(v)
	}
	for i, v := range s.cts {
		if v != none && !seeds[i] {
			now[v], t.cts[i] = none, none
		}
	}
	late := s.late()
	for i := range t.g.Instrs {
		x, args := &t.g.Instrs[i], t.g.Args(i)
		some := false
		for k, v := range args {
			some = some || late[v] && now[v] != none
			args[k] = now[v]
		}
		switch n := slices.Index(args, none); {
		case n < 0:
		case !some:
			for k := range x.Inst.Out {
				now[int(x.Out)+k] = none
			}
		case x.Inst.Op == kernels.Add && kernels.EqualAval(x.Inst.In[1-n], x.Inst.Out[0]):
			now[x.Out] = args[1-n]
		default:
			for k, v := range args {
				if v == none {
					args[k] = constant(t.g, zerosOf(x.Inst.In[k]))
				}
			}
		}
	}
	for i, v := range t.grads {
		if v != none {
			t.grads[i] = now[v]
		}
	}
	return &t
}

// timesOf returns how many steps a loop is taken to have.
func timesOf(c *graph.Control) int {
	if c.Dynamic() {
		return graph.UnknownSteps
	}
	return c.Length
}
