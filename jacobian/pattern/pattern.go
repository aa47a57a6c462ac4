// The structure of a program: sets of columns pushed through its instructions.

package pattern

import (
	"context"
	"fmt"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// An Option changes how a pattern is found.
type Option func(*shared)

// WithLimit bounds the bytes that sets and references to them may take; it is
// DefaultLimit otherwise.
func WithLimit(bytes int64) Option { return func(p *shared) { p.limit = bytes } }

// DefaultLimit is the default bound of WithLimit: 2 GiB.
const DefaultLimit = 2 << 30

// A LimitError says that a pattern does not fit the limit: a program whose
// Jacobian is not sparse, mostly. Instr is the instruction at which it happened,
// Op its name and Place the file:line that asked for it, if the program notes
// places.
type LimitError struct {
	Limit int64
	Instr int
	Op    string
	Place string
}

func (e *LimitError) Error() string {
	at := e.Op
	if e.Place != "" {
		at += " at " + e.Place
	}
	return fmt.Sprintf("pattern: the sets of columns take more than %d bytes (instruction %d, %s): the Jacobian has too many entries to be treated as sparse, or the limit is too low",
		e.Limit, e.Instr, at)
}

// Global returns the pattern of the Jacobian of a program at every argument.
// Rows are the elements of its floating-point outputs, one output after the
// other in row-major order; columns likewise those of its parameters. Entries
// that are zero by their values alone are in the pattern, but for those that a
// constant factor of zero makes.
//
// Errors: a *LimitError, the context's, and those of evaluating constants.
func Global(ctx context.Context, g *graph.Graph, opts ...Option) (*sparse.Pattern, error) {
	return find(ctx, g, nil, opts)
}

// At is Global near the given arguments: choices (Where, Maximum, gathers at
// computed indices) are made as there.
func At(ctx context.Context, g *graph.Graph, args []*kernels.Array, opts ...Option) (*sparse.Pattern, error) {
	if len(args) != len(g.Params) {
		return nil, &graph.InvalidError{Instr: -1, Reason: "a pattern at the wrong number of arguments"}
	}
	for i, a := range args {
		if want := g.Aval(g.Params[i]); a == nil || !kernels.EqualAval(a.Aval, want) {
			return nil, &graph.ArgError{Index: i, Want: want, Reason: "is of another type"}
		}
	}
	return find(ctx, g, args, opts)
}

// interpreter follows one program, or one run of a body of control flow.
type interpreter struct {
	*shared
	g     *graph.Graph
	known *values
	rows  [][]*part // of each value: its elements' sets are the unions of their sets in each part
	last  []int     // of each value the last instruction that reads it
	instr int
}

// shared is what a program and its bodies have in common.
type shared struct {
	table
	ctx  context.Context
	ieee bool
	free map[int][]*part // parts that nobody uses, by length
}

// part is one reference for each element of a value. Values share parts.
type part struct {
	ids   []ref
	users int
}

func find(ctx context.Context, g *graph.Graph, args []*kernels.Array, opts []Option) (*sparse.Pattern, error) {
	p := begin(ctx, g, args, opts)
	p.arguments()
	if err := p.run(); err != nil {
		return nil, err
	}
	return p.assemble()
}

// begin returns the interpreter of a program, near arguments if there are some.
func begin(ctx context.Context, g *graph.Graph, args []*kernels.Array, opts []Option) *interpreter {
	s := &shared{ctx: ctx, free: map[int][]*part{}}
	s.limit = DefaultLimit
	for _, o := range opts {
		if o != nil {
			o(s)
		}
	}
	in := make([]binding, len(g.Params))
	for i, a := range args {
		in[i].value = func() (*kernels.Array, error) { return graph.Within(a) }
	}
	return s.open(g, in)
}

// open returns the interpreter of a graph whose parameters are bound.
func (s *shared) open(g *graph.Graph, in []binding) *interpreter {
	p := &interpreter{shared: s, g: g, known: newValues(g, in), rows: make([][]*part, g.NumValues())}
	for i, b := range in {
		for _, x := range b.parts {
			p.give(g.Params[i], x)
		}
	}
	p.liveness()
	return p
}

func (p *interpreter) run() error {
	for i := range p.g.Instrs {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		p.instr = i
		if err := p.instruction(i); err != nil {
			return err
		}
		if p.used > p.limit {
			return p.exceeded()
		}
		p.release(i)
	}
	p.instr = len(p.g.Instrs)
	return nil
}

func (p *interpreter) exceeded() error {
	e := &LimitError{Limit: p.limit, Instr: p.instr, Op: "result"}
	if p.instr < len(p.g.Instrs) {
		e.Op, e.Place = p.g.Instrs[p.instr].Inst.Name, p.g.PlaceOf(p.instr)
	}
	return e
}

// arguments makes the parameters' elements the columns.
func (p *interpreter) arguments() {
	for _, v := range p.g.Params {
		a := p.g.Aval(v)
		if !a.DType.IsFloat() || a.Size() == 0 {
			continue
		}
		x := p.newPart(a.Size(), false)
		for i := range x.ids {
			x.ids[i] = ref(1 + p.cols + i)
		}
		p.cols += a.Size()
		p.give(v, x)
	}
}

// newPart returns a part for n elements, their sets not yet given: empty ones if
// clean is asked for.
func (p *shared) newPart(n int, clean bool) *part {
	p.spend(4 * n)
	if free := p.free[n]; len(free) > 0 {
		x := free[len(free)-1]
		p.free[n] = free[:len(free)-1]
		if clean {
			clear(x.ids)
		}
		return x
	}
	return &part{ids: make([]ref, n)}
}

// give adds a part to a value's.
func (p *interpreter) give(v graph.Ref, x *part) {
	for _, y := range p.rows[v] {
		if x == y {
			return
		}
	}
	x.users++
	p.rows[v] = append(p.rows[v], x)
}

// take forgets a value's parts.
func (p *interpreter) take(v graph.Ref) {
	p.drop(p.rows[v])
	p.rows[v] = nil
}

// hold and drop count users of parts; what nobody uses is used again.
func hold(parts []*part) {
	for _, x := range parts {
		x.users++
	}
}

func (p *shared) drop(parts []*part) {
	for _, x := range parts {
		if x.users--; x.users == 0 {
			p.used -= int64(4 * len(x.ids))
			p.free[len(x.ids)] = append(p.free[len(x.ids)], x)
		}
	}
}

// liveness notes the last reader of each value.
func (p *interpreter) liveness() {
	p.last = make([]int, p.g.NumValues())
	for i := range p.g.Instrs {
		for _, v := range p.g.Args(i) {
			p.last[v] = i
		}
	}
	for _, v := range p.g.Outputs {
		p.last[v] = len(p.g.Instrs)
	}
}

// release forgets what instruction i was the last to read.
func (p *interpreter) release(i int) {
	for _, v := range p.g.Args(i) {
		if p.last[v] == i {
			p.take(v)
		}
	}
}

// maxParts is the number of parts up to which a value's are kept apart: uniting
// them is the costly step, and mostly done once, at the end.
const maxParts = 32

// instruction finds the sets of an instruction's results.
func (p *interpreter) instruction(i int) error {
	x := &p.g.Instrs[i]
	args := p.g.Args(i)
	varied := false
	for _, v := range args {
		varied = varied || len(p.rows[v]) > 0
	}
	if !varied || !x.Inst.Differentiable() {
		return nil
	}
	if graph.ControlOf(x.Inst) == nil {
		for _, v := range args {
			p.complete(v)
		}
	}
	if err := p.effects(x, args); err != nil {
		return err
	}
	for k := range x.Inst.Out {
		if v := x.Out + graph.Ref(k); len(p.rows[v]) > maxParts {
			p.unite(v)
		}
	}
	return nil
}

// complete gives every element of a value a set, where only the rows that exist have
// one (see looping.row): the others are as the last.
func (p *interpreter) complete(v graph.Ref) {
	a := p.g.Aval(v)
	for k, y := range p.rows[v] {
		if len(y.ids) == a.Size() {
			continue
		}
		x := p.newPart(a.Size(), false)
		row := a.Size() / a.Shape[0]
		for at := copy(x.ids, y.ids); at < len(x.ids); at += row {
			copy(x.ids[at:], y.ids[len(y.ids)-row:])
		}
		x.users++
		p.drop(p.rows[v][k : k+1])
		p.rows[v][k] = x
	}
}

func (p *interpreter) effects(x *graph.Instr, args []graph.Ref) error {
	if x.Inst.Expr != nil {
		return p.add(x, x.Inst.Expr, args)
	}
	if c := graph.ControlOf(x.Inst); c != nil {
		return p.control(x, c, args)
	}
	if x.Inst.Op.Structure == nil {
		return fmt.Errorf("pattern: %s declares no structure", x.Inst.Name)
	}
	s := x.Inst.Op.Structure(x.Inst)
	for k, e := range s.Loops {
		var err error
		if s.Overwrite && k > 0 {
			err = p.replace(x, e, args)
		} else {
			err = p.add(x, e, args)
		}
		if err != nil {
			return err
		}
	}
	if s.Prefix != nil {
		for k := range x.Inst.Out {
			p.prefix(x.Out+graph.Ref(k), s.Prefix)
		}
	}
	return nil
}

// add adds what a loop's results depend on.
func (p *interpreter) add(x *graph.Instr, e *loop.Expr, args []graph.Ref) error {
	for o := range e.Outs {
		if !e.Outs[o].Aval.DType.IsFloat() || e.Outs[o].Aval.Size() == 0 {
			continue
		}
		err := p.eachRead(e, o, args, func(m *mapping, _ loop.Read, src graph.Ref) error {
			p.push(m, p.rows[src], x.Out+graph.Ref(o))
			if p.used > p.limit {
				return p.exceeded()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachRead calls f with how result o of e reads each value that has parts, until it
// returns an error.
func (p *interpreter) eachRead(e *loop.Expr, o int, args []graph.Ref, f func(m *mapping, r loop.Read, src graph.Ref) error) error {
	work, reads := p.reads(e, o, args)
	for _, r := range reads {
		src := args[work.Loads[r.Load].In]
		if len(p.rows[src]) == 0 {
			continue
		}
		m, err := p.newMapping(work, o, r, args)
		if err == nil {
			err = f(m, r, src)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *interpreter) reads(e *loop.Expr, o int, args []graph.Ref) (*loop.Expr, []loop.Read) {
	seen := func(in int) bool { return p.known.has(args[in]) }
	return e.Reads(o, func(in int) bool { return seen(in) && len(p.rows[args[in]]) == 0 }, seen)
}

// unite makes one part of a value's.
func (p *interpreter) unite(v graph.Ref) *part {
	if parts := p.rows[v]; len(parts) == 1 {
		return parts[0]
	}
	x := p.merge(p.rows[v], p.g.Aval(v).Size())
	p.take(v)
	p.give(v, x)
	return x
}

// merge returns the union of parts of n elements as one part, itself if it is one.
func (p *shared) merge(parts []*part, n int) *part {
	if len(parts) == 1 {
		return parts[0]
	}
	x := p.newPart(n, true)
	list := make([]ref, len(parts))
	for i := range x.ids {
		for k, y := range parts {
			list[k] = y.ids[i]
		}
		if x.ids[i] = p.union(list); p.used > p.limit {
			break
		}
	}
	return x
}

// prefix unites each element's set with those before it along an axis.
func (p *interpreter) prefix(v graph.Ref, s *kernels.Scan) {
	if len(p.rows[v]) == 0 {
		return
	}
	from := p.unite(v).ids
	_, n, step := p.g.Aval(v).Along(int(s.Axis))
	x := p.newPart(len(from), true)
	for outer := 0; outer < len(from) && p.used <= p.limit; outer += n * step {
		for inner := range step {
			all := empty
			for k := range n {
				if s.Reverse {
					k = n - 1 - k
				}
				at := outer + k*step + inner
				all = p.union([]ref{all, from[at]})
				x.ids[at] = all
			}
		}
	}
	p.take(v)
	p.give(v, x)
}
