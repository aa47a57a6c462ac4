// Partial derivatives along with the sets: where each element of a value depends
// on few columns, the derivatives by them are tensors too, one for each part of
// the value, and a program computes them. No colours are needed then.

package pattern

import (
	"context"
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Partials are the entries of a Jacobian as tensors that a program computes.
type Partials struct {
	// Graph has the parameters of the program, and returns tangents. Its constants
	// are those of the program.
	Graph      *graph.Graph
	Blocks     []Block // each row is in one of them
	Rows, Cols int
}

// Block is some rows: for each element of an array the row
// Base + Σ Strides[d]*index[d], and its entries, at most one from each stream.
// Streams may meet in an entry, which is their sum.
type Block struct {
	Base           int
	Shape, Strides []int
	Streams        []Stream
}

// Stream gives an entry for each element of a block where Cols is not zero: in
// column Cols-1. It is the element of the graph's output, or, if Output is
// negative, Value.
type Stream struct {
	Cols   []int32
	Output int
	Value  float64
}

// A DirectError says why a program's entries are not computed directly: at
// instruction Instr, named Op.
type DirectError struct {
	Instr      int
	Op, Reason string
}

func (e *DirectError) Error() string {
	return fmt.Sprintf("pattern: no direct partial derivatives: instruction %d, %s, %s", e.Instr, e.Op, e.Reason)
}

// Bounds on direct partials: of the parts of a value, of the nodes of a loop whose
// sums are written out, and of the derived instructions.
const (
	maxStreams  = 64
	maxUnrolled = 1 << 14
	maxDerived  = 4096
)

// WithIEEE makes products of partial derivatives and tangents ordinary ones (see
// grad.IEEE).
func WithIEEE() Option { return func(p *shared) { p.ieee = true } }

// Direct returns the partial derivatives of a program, at every argument, or near
// the given ones (see At) if args is not nil. Columns are as in Global.
//
// Errors: a *DirectError where some element depends on too many columns, or in a
// way that tangents do not follow; those of Global.
func Direct(ctx context.Context, g *graph.Graph, args []*kernels.Array, opts ...Option) (*Partials, error) {
	g = split(g)
	defer g.ReleaseConsts()
	p := &tracer{interpreter: begin(ctx, g, args, opts), out: copyOf(g), tangents: make([][]tangent, g.NumValues())}
	p.arguments()
	for _, v := range g.Params {
		if len(p.rows[v]) > 0 {
			p.tangents[v] = []tangent{{value: 1}}
		}
	}
	res := &Partials{Graph: p.out, Cols: p.cols}
	for _, v := range g.Outputs {
		if a := g.Aval(v); a.DType.IsFloat() {
			p.peel(v, Block{Base: res.Rows, Shape: a.Shape, Strides: loop.RowMajor(a.Shape)})
			res.Rows += a.Size()
		}
	}
	if err := p.trace(); err != nil {
		return nil, err
	}
	outputs := map[graph.Ref]int{}
	for i, b := range p.blocks {
		v := p.source[i]
		for k, t := range p.tangents[v] {
			s := Stream{Cols: p.rows[v][k].ids, Output: -1, Value: t.value}
			if !t.uniform() {
				n, ok := outputs[t.ref]
				if !ok {
					n = len(outputs)
					outputs[t.ref] = n
					p.out.Output(t.ref)
				}
				s.Output = n
			}
			b.Streams = append(b.Streams, s)
		}
		res.Blocks = append(res.Blocks, b)
	}
	return res, nil
}

// tangent is the derivative of each element of a value by its column in a part: an
// array of the value's type, or a number.
type tangent struct {
	ref   graph.Ref // 0, which is a parameter, where it is a number
	value float64
}

func (t tangent) uniform() bool { return t.ref == 0 }

// tracer follows tangents beside the sets.
type tracer struct {
	*interpreter
	out      *graph.Graph
	tangents [][]tangent // of each value, for each of its parts
	blocks   []Block
	source   []graph.Ref // of each block its value
	derived  int
}

// copyOf returns a graph of the same instructions, without outputs, that holds no
// references of its own to the constants.
func copyOf(g *graph.Graph) *graph.Graph {
	h := *g
	h.Record = *g.Record.Clone()
	h.Consts = slices.Clone(g.Consts)
	h.Outputs, h.Places, h.Times = nil, nil, nil
	return &h
}

func (p *tracer) refuse(reason string) error {
	e := &DirectError{Instr: p.instr, Reason: reason}
	if p.instr < len(p.g.Instrs) {
		e.Op = p.g.Instrs[p.instr].Inst.Name
	}
	return e
}

// trace follows the instructions that the blocks need.
func (p *tracer) trace() error {
	need := make([]bool, len(p.g.Instrs))
	wanted := make([]bool, p.g.NumValues())
	for _, v := range p.source {
		wanted[v], p.last[v] = true, len(p.g.Instrs)
	}
	for i := len(need) - 1; i >= 0; i-- {
		x := &p.g.Instrs[i]
		for k := range x.Inst.Out {
			need[i] = need[i] || wanted[int(x.Out)+k]
		}
		if need[i] {
			for _, v := range p.g.Args(i) {
				wanted[v] = true
			}
		}
	}
	for i := range need {
		if !need[i] {
			continue
		}
		if err := p.ctx.Err(); err != nil {
			return err
		}
		p.instr = i
		if err := p.step(i); err != nil {
			return err
		}
		if p.used > p.limit {
			return p.exceeded()
		}
		p.release(i)
	}
	return nil
}

// step follows one instruction.
func (p *tracer) step(i int) error {
	x := &p.g.Instrs[i]
	args := p.g.Args(i)
	varied := slices.ContainsFunc(args, func(v graph.Ref) bool { return len(p.rows[v]) > 0 })
	switch {
	case !varied || !x.Inst.Differentiable():
		return nil
	case x.Inst.Expr != nil:
		return p.loop(x, args)
	case x.Inst.Op == kernels.Join:
		return p.join(x, args)
	case x.Inst.Op == kernels.Reshape:
		v := args[0]
		hold(p.rows[v])
		p.rows[x.Out] = slices.Clone(p.rows[v])
		p.tangents[x.Out] = make([]tangent, len(p.tangents[v]))
		for k, t := range p.tangents[v] {
			if p.tangents[x.Out][k] = t; !t.uniform() {
				p.tangents[x.Out][k].ref = p.emit(x.Inst, t.ref)
			}
		}
		return nil
	}
	return p.refuse("is no loop")
}

// emit adds a derived instruction.
func (p *tracer) emit(inst *kernels.Inst, args ...graph.Ref) graph.Ref {
	p.derived++
	return p.out.Emit(inst, args...)
}

// loop follows the results of a loop: all at once where nothing is reduced.
func (p *tracer) loop(x *graph.Instr, args []graph.Ref) error {
	if x.Inst.Expr.Maps() {
		return p.derive(x, x.Inst.Expr, 0, args)
	}
	for o := range x.Inst.Out {
		e, ok := x.Inst.Expr.Unroll(o, maxUnrolled)
		if !ok {
			return p.refuse("combines too many elements")
		}
		if err := p.derive(x, e, o, args); err != nil {
			return err
		}
	}
	return nil
}

// sums are the tangents of some results in the making: of each result and part of
// it the products, and the tangents that these refer to.
type sums struct {
	list  []loop.ProductSum
	parts []*part
	from  []tangent
}

// result adds the sums for result o of e.
func (p *tracer) result(s *sums, e *loop.Expr, o int, args []graph.Ref) error {
	begin := len(s.list)
	return p.eachRead(e, o, args, func(m *mapping, r loop.Read, v graph.Ref) error {
		if _, reduced := m.axes(); !m.oneToOne || len(reduced) > 0 {
			return p.refuse("reads or writes where is not known")
		}
		for k, src := range p.rows[v] {
			t := p.tangents[v][k]
			product := loop.Product{Load: r.Load, Tangent: -1, Value: t.value}
			if !t.uniform() {
				product.Tangent = len(s.from)
				s.from = append(s.from, t)
			}
			p.collect(s, begin, o, p.image(m, src), product)
		}
		if len(s.list)-begin > maxStreams || p.used > p.limit {
			return p.refuse("depends on too many elements")
		}
		return nil
	})
}

// image returns the part in which a result has what a load reads of a part.
func (p *tracer) image(m *mapping, src *part) *part {
	if len(m.out.columns) == 0 && m.identity(len(src.ids)) {
		return src
	}
	kept, _ := m.axes()
	x := p.interpreter.result(m)
	m.copyTo(x, kept, src)
	return x
}

// collect adds a product to the sum of its part, the same one or one of the same
// sets, among the sums of a result, which begin at a place.
func (p *tracer) collect(s *sums, begin, o int, x *part, product loop.Product) {
	for i, y := range s.parts[begin:] {
		if x == y || slices.Equal(x.ids, y.ids) {
			if x != y && x.users == 0 {
				x.users++
				p.drop([]*part{x})
			}
			sum := &s.list[begin+i]
			sum.Products = append(sum.Products, product)
			return
		}
	}
	s.list = append(s.list, loop.ProductSum{Out: o, Products: []loop.Product{product}})
	s.parts = append(s.parts, x)
}

// derive emits the tangents of the results of e, which are those of the instruction
// from the given one on.
func (p *tracer) derive(x *graph.Instr, e *loop.Expr, first int, args []graph.Ref) error {
	var s sums
	for o := range e.Outs {
		if a := e.Outs[o].Aval; a.DType.IsFloat() && a.Size() > 0 {
			if err := p.result(&s, e, o, args); err != nil {
				return err
			}
		}
	}
	avals, refs := make([]kernels.Aval, len(s.from)), slices.Clone(args)
	for i, t := range s.from {
		avals[i] = p.out.Aval(t.ref)
		refs = append(refs, t.ref)
	}
	c, kept := e.Chain(s.list, avals, p.ieee)
	found := make([]tangent, len(s.list))
	var rest []int // sums that are to be computed
	var list []loop.ProductSum
	for i := range found {
		var ok bool
		if found[i], ok = p.simple(c, i, kept, refs); !ok {
			rest, list = append(rest, i), append(list, s.list[i])
		}
	}
	if len(rest) > 0 {
		if p.derived += len(rest); p.derived > maxDerived {
			return p.refuse("needs too many derived loops")
		}
		c, kept = e.Chain(list, avals, p.ieee)
		in := make([]graph.Ref, len(kept))
		for k, i := range kept {
			in[k] = refs[i]
		}
		r := p.out.Emit(kernels.NewLoop(x.Inst.Name+".partial", c), in...)
		for k, i := range rest {
			found[i] = tangent{ref: r + graph.Ref(k)}
		}
	}
	for i, part := range s.parts {
		v := x.Out + graph.Ref(first+s.list[i].Out)
		part.users++
		p.rows[v], p.tangents[v] = append(p.rows[v], part), append(p.tangents[v], found[i])
	}
	return nil
}

// simple returns result i of a derived loop where it need not be computed: a number,
// or one of the operands.
func (p *tracer) simple(c *loop.Expr, i int, kept []int, refs []graph.Ref) (tangent, bool) {
	s := &c.Outs[i]
	switch n := c.Nodes[s.Value]; n.Fn {
	case loop.Const:
		return tangent{value: n.V}, true
	case loop.LoadFn:
		l := &c.Loads[n.K]
		a := c.Ins[l.In]
		if !c.Plain(s) || l.Guarded || !kernels.EqualAval(a, s.Aval) {
			break
		}
		if r := refs[kept[l.In]]; slices.EqualFunc(l.Index, s.Index, loop.Lin.Equal) && r != 0 {
			return tangent{ref: r}, true
		}
	}
	return tangent{}, false
}

// join follows operands that are put side by side: parts of different ones share
// a part of the result.
func (p *tracer) join(x *graph.Instr, args []graph.Ref) error {
	type share struct {
		part *part
		of   []tangent // by operand
		has  []bool
	}
	var shares []*share
	for k, e := range x.Inst.Op.Structure(x.Inst).Loops {
		v := args[k]
		if len(p.rows[v]) == 0 {
			continue
		}
		work, reads := p.reads(e, 0, args)
		m, err := p.newMapping(work, 0, reads[0], args)
		if err != nil {
			return err
		}
		kept, _ := m.axes()
		for i, src := range p.rows[v] {
			t := p.tangents[v][i]
			best := -1
			for j, s := range shares {
				if s.has[k] {
					continue
				}
				if best < 0 {
					best = j
				}
				if last := slices.Index(s.has, true); s.of[last] == t {
					best = j
					break
				}
			}
			if best < 0 {
				best = len(shares)
				shares = append(shares, &share{p.newPart(x.Inst.Out[0].Size(), true), make([]tangent, len(args)), make([]bool, len(args))})
			}
			s := shares[best]
			m.copyTo(s.part, kept, src)
			s.of[k], s.has[k] = t, true
		}
	}
	if len(shares) > maxStreams {
		return p.refuse("depends on too many elements")
	}
	for _, s := range shares {
		s.part.users++
		p.rows[x.Out] = append(p.rows[x.Out], s.part)
		p.tangents[x.Out] = append(p.tangents[x.Out], p.joined(x.Inst, s.of, s.has))
	}
	return nil
}

// joined returns the tangents of some operands, by operand, side by side.
func (p *tracer) joined(inst *kernels.Inst, of []tangent, has []bool) tangent {
	first := of[slices.Index(has, true)]
	same := first.uniform()
	for k, t := range of {
		same = same && (!has[k] || t == first)
	}
	if same {
		return first
	}
	in := make([]graph.Ref, len(of))
	for k, t := range of {
		if in[k] = t.ref; t.uniform() {
			in[k] = p.full(inst.In[k], t.value)
		}
	}
	return tangent{ref: p.emit(inst, in...)}
}

// full emits an array of one number.
func (p *tracer) full(a kernels.Aval, v float64) graph.Ref {
	e := loop.New(loop.Axes(a.Shape), nil)
	e.Store(loop.Store{Value: e.Const(a.DType, v), Index: loop.Ats(len(a.Shape)), Aval: a})
	return p.emit(kernels.NewLoop("full", e))
}
