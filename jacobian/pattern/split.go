// Loops over joined arrays, written as one loop for each of the pieces. Mostly
// these are then one loop with what computes the pieces, and outputs are joined
// last, which is no work where each row goes to its place on its own.

package pattern

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// maxPieces bounds the pieces of a loop, so that graphs stay small.
const maxPieces = 4

// split returns g with loops over joined arrays split, and fused anew. It holds
// references of its own to the constants.
func split(g *graph.Graph) *graph.Graph {
	s := &splitter{g: new(graph.Graph), number: make([]graph.Ref, g.NumValues()), joins: map[graph.Ref]pieces{}}
	for _, v := range g.Params {
		s.number[v] = s.g.Param(g.Aval(v))
	}
	for i := range g.Consts {
		c := &g.Consts[i]
		s.number[c.Ref] = s.g.Const(c.Array, c.Source)
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		args := slices.Clone(g.Args(i))
		for k, v := range args {
			args[k] = s.number[v]
		}
		out, ok := s.pieces(x.Inst, args)
		if !ok {
			r := s.g.Emit(x.Inst, args...)
			for k := range x.Inst.Out {
				out = append(out, r+graph.Ref(k))
			}
			if x.Inst.Op == kernels.Join {
				s.note(r, x.Inst, args)
			}
		}
		copy(s.number[x.Out:], out)
	}
	for _, v := range g.Outputs {
		s.g.Output(s.number[v])
	}
	if s.any {
		s.g.Fuse()
	}
	return s.g
}

// pieces is how a value was joined: from which values along which axis, where each
// begins, and where the last ends.
type pieces struct {
	axis   int
	at     []int
	values []graph.Ref
}

type splitter struct {
	g      *graph.Graph
	number []graph.Ref // of each value of the old graph
	joins  map[graph.Ref]pieces
	any    bool
}

// note notes a join of few operands of one type.
func (s *splitter) note(v graph.Ref, inst *kernels.Inst, args []graph.Ref) {
	if len(args) > maxPieces {
		return
	}
	p := pieces{values: args, at: []int{0}}
	for k, e := range inst.Op.Structure(inst).Loops {
		if inst.In[k].DType != inst.Out[0].DType || inst.In[k].Size() == 0 {
			return
		}
		for d, l := range e.Outs[0].Index {
			if l.Const != 0 {
				p.axis = d
			}
		}
	}
	for _, a := range inst.In {
		p.at = append(p.at, p.at[len(p.at)-1]+a.Shape[p.axis])
	}
	s.joins[v] = p
}

// pieces emits a loop that reads joined arrays element by element as one loop a
// piece, and joins their results.
func (s *splitter) pieces(inst *kernels.Inst, args []graph.Ref) (out []graph.Ref, ok bool) {
	if inst.Expr == nil {
		return nil, false
	}
	dim := slices.Repeat([]int{-1}, len(args))
	var first *pieces
	for k, v := range args {
		p, joined := s.joins[v]
		switch {
		case !joined:
			continue
		case first == nil:
			first = &p
		case p.axis != first.axis || !slices.Equal(p.at, first.at):
			return nil, false
		}
		dim[k] = p.axis
	}
	if first == nil {
		return nil, false
	}
	parts := make([][]graph.Ref, len(inst.Out))
	for n := range first.values {
		e, ok := inst.Expr.Part(first.axis, first.at[n], first.at[n+1]-first.at[n], dim)
		if !ok {
			return nil, false
		}
		in := slices.Clone(args)
		for k, v := range args {
			if dim[k] >= 0 {
				in[k] = s.joins[v].values[n]
			}
		}
		r := s.g.Emit(kernels.NewLoop(inst.Name, e), in...)
		for k := range parts {
			parts[k] = append(parts[k], r+graph.Ref(k))
		}
	}
	for k, list := range parts {
		var in []kernels.Aval
		for _, v := range list {
			in = append(in, s.g.Aval(v))
		}
		join, err := kernels.Join.Inst(kernels.AxesOf(false, first.axis), in...)
		if err != nil {
			return nil, false
		}
		v := s.g.Emit(join, list...)
		s.joins[v] = pieces{first.axis, first.at, parts[k]}
		out = append(out, v)
	}
	s.any = true
	return out, true
}
