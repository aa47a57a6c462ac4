// Recovery plans: which product gives which entry.

package sparse

import "math"

// Layout says how products lie in memory.
type Layout uint8

const (
	// Interleaved keeps the products of one line together: entry i of the column
	// product of colour c is at i*ColColors + c, entry j of the row product of colour
	// c at j*RowColors + c. Sweeps that carry all colours at once write this.
	Interleaved Layout = iota
	// Stacked keeps each product together: entry i of the column product of colour c
	// is at c*Rows + i, entry j of the row product of colour c at c*Cols + j.
	Stacked
)

// PlanOptions says where products come from and values go. The zero value is
// interleaved products and all entries by rows.
type PlanOptions struct {
	Layout   Layout
	Triangle Triangle // of a symmetric problem: the part that values are for
	ByColumn bool     // values in the order of compressed columns
}

// Plan recovers the values of a matrix from compressed products. It is immutable
// and safe for concurrent use: prepare once, recover many times.
type Plan struct {
	pattern  *Pattern
	coloring *Coloring
	opts     PlanOptions
	out      *Pattern // the output's structure; with ByColumn, of the transpose

	// Direct: value k is at from[k] of the column products, or at ^from[k] of the row
	// products.
	from []int32
	// Substitution: in this order, value dst[k] (and twin[k], its mirror image or
	// itself) is the product at src[k] less the values listed in
	// less[lessAt[k]:lessAt[k+1]], which are known by then.
	dst, twin, src []int32
	lessAt, less   []int32
}

// NewPlan returns the plan for a verified colouring of the pattern; the colouring is
// checked with Verify. Both must not change afterwards. A *LimitError says that the
// products would have more than 2³¹ elements.
func NewPlan(p *Pattern, c *Coloring, opts PlanOptions) (*Plan, error) {
	if err := Verify(p, c); err != nil {
		return nil, err
	}
	if opts.Triangle > Upper || opts.Layout > Stacked {
		return nil, &ProblemError{c.Problem, "unknown layout or triangle"}
	}
	if opts.Triangle != Full && c.Problem.Structure != Symmetric {
		return nil, &ProblemError{c.Problem, "a triangle of a matrix that is not symmetric"}
	}
	for _, n := range []int{p.Rows * c.ColColors, p.Cols * c.RowColors, 2 * p.Nnz()} {
		if n > math.MaxInt32 {
			return nil, &LimitError{"size of the products", int64(n), math.MaxInt32}
		}
	}
	pl := &Plan{pattern: p, coloring: c, opts: opts}
	entries := pl.layOut()
	if c.Problem.Recovery == Direct {
		pl.planDirect(entries)
	} else {
		pl.planSubstitution(entries)
	}
	return pl, nil
}

// layOut sets the output's structure and returns the position in the pattern of each
// output value, nil where value k is entry k.
func (pl *Plan) layOut() []int {
	out, entries := pl.pattern, []int(nil)
	if pl.opts.Triangle != Full {
		out, entries = out.Part(pl.opts.Triangle)
	}
	if pl.opts.ByColumn {
		t, from := out.TransposeMap()
		if entries != nil {
			for k, e := range from {
				from[k] = entries[e]
			}
		}
		out, entries = t, from
	}
	pl.out = out
	return entries
}

// colAt and rowAt are the positions of a product's entry.
func (pl *Plan) colAt(row int, color int32) int32 {
	if pl.opts.Layout == Stacked {
		return int32(int(color)*pl.pattern.Rows + row)
	}
	return int32(row*pl.coloring.ColColors + int(color))
}

func (pl *Plan) rowAt(col int, color int32) int32 {
	if pl.opts.Layout == Stacked {
		return int32(int(color)*pl.pattern.Cols + col)
	}
	return int32(col*pl.coloring.RowColors + int(color))
}

// planDirect finds a product that each entry is alone in.
func (pl *Plan) planDirect(entries []int) {
	p, c := pl.pattern, pl.coloring
	source := make([]int32, p.Nnz())
	// In a one-sided colouring, every entry is alone in its column's product, or row's.
	byCol := c.Problem == Columns
	var lone []bool
	if !byCol && c.Problem != Rows {
		lone = alone(p, c.ColColor, c.ColColors)
	}
	var mirror []int32
	if c.Problem.Structure == Symmetric {
		mirror, _ = p.Mirror()
	}
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			j := int(p.Idx[e])
			switch {
			case byCol || lone != nil && lone[e]:
				source[e] = pl.colAt(i, c.ColColor[j])
			case mirror != nil:
				source[e] = pl.colAt(j, c.ColColor[i])
			default:
				source[e] = ^pl.rowAt(j, c.RowColor[i])
			}
		}
	}
	if entries == nil {
		pl.from = source
		return
	}
	pl.from = make([]int32, len(entries))
	for k, e := range entries {
		pl.from[k] = source[e]
	}
}

// planSubstitution orders the entries so that each follows from a product and
// entries before it.
func (pl *Plan) planSubstitution(entries []int) {
	p, c := pl.pattern, pl.coloring
	at := make([]int32, p.Nnz()) // the output position of a pattern entry, or -1
	for e := range at {
		if at[e] = int32(e); entries != nil {
			at[e] = -1
		}
	}
	for k, e := range entries {
		at[e] = int32(k)
	}
	var s *system
	var dst, twin []int32  // by unknown
	var sources [2][]int32 // by unknown: where its equations' values are
	rowOf := entryRows(p)
	if c.Problem.Structure == Symmetric {
		mirror, _ := p.Mirror()
		var unknowns []int32
		s, unknowns = symmetricSystem(p, mirror, c.ColColor, c.ColColors)
		dst, twin = make([]int32, 0, len(unknowns)), make([]int32, 0, len(unknowns))
		sources[0], sources[1] = make([]int32, 0, len(unknowns)), make([]int32, 0, len(unknowns))
		for _, e := range unknowns {
			i, j := int(rowOf[e]), int(p.Idx[e])
			a, b := at[e], at[mirror[e]]
			dst, twin = append(dst, max(a, b)), append(twin, min(a, b))
			if a < 0 || b < 0 {
				twin[len(twin)-1] = max(a, b)
			}
			sources[0] = append(sources[0], pl.colAt(i, c.ColColor[j]))
			sources[1] = append(sources[1], pl.colAt(j, c.ColColor[i]))
		}
	} else {
		byCol, from := p.TransposeMap()
		s = bicoloredSystem(p, byCol, from, c)
		dst, twin = at, at
		for e, j := range p.Idx {
			i := int(rowOf[e])
			sources[0] = append(sources[0], pl.colAt(i, max(c.ColColor[j], 0)))
			sources[1] = append(sources[1], ^pl.rowAt(int(j), max(c.RowColor[i], 0)))
		}
	}
	pl.follow(s, s.solve(), dst, twin, sources)
}

// follow writes the steps down as destinations, sources and what to subtract: all
// unknowns of the equation that were found before.
func (pl *Plan) follow(s *system, steps []step, dst, twin []int32, sources [2][]int32) {
	// found[e] heads the list of equation e's unknowns found so far, as 2u+side+1.
	found := make([]int32, s.equations)
	var next [2][]int32
	next[0], next[1] = make([]int32, len(dst)), make([]int32, len(dst))
	pl.lessAt = append(make([]int32, 0, len(steps)+1), 0)
	pl.dst, pl.twin = make([]int32, 0, len(steps)), make([]int32, 0, len(steps))
	pl.src = make([]int32, 0, len(steps))
	for _, st := range steps {
		u := st.unknown
		pl.dst, pl.twin = append(pl.dst, dst[u]), append(pl.twin, twin[u])
		pl.src = append(pl.src, sources[st.side][u])
		for l := found[s.eq[st.side][u]]; l != 0; l = next[(l-1)&1][(l-1)>>1] {
			pl.less = append(pl.less, dst[(l-1)>>1])
		}
		pl.lessAt = append(pl.lessAt, int32(len(pl.less)))
		for side := range int32(2) {
			if e := s.eq[side][u]; e >= 0 {
				next[side][u] = found[e]
				found[e] = 2*u + side + 1
			}
		}
	}
}

// entryRows returns the row of each entry.
func entryRows(p *Pattern) []int32 {
	rows := make([]int32, p.Nnz())
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			rows[e] = int32(i)
		}
	}
	return rows
}

// Pattern returns the pattern that the plan is for.
func (pl *Plan) Pattern() *Pattern { return pl.pattern }

// Coloring returns the colouring that the plan is for.
func (pl *Plan) Coloring() *Coloring { return pl.coloring }

// Options returns what the plan was made with.
func (pl *Plan) Options() PlanOptions { return pl.opts }

// Output returns the structure that recovered values are for: the pattern or its
// triangle, and with ByColumn the transpose of that, whose rows are the columns.
func (pl *Plan) Output() *Pattern { return pl.out }

// ColProducts returns the number of elements of the column products: Rows times
// ColColors.
func (pl *Plan) ColProducts() int { return pl.pattern.Rows * pl.coloring.ColColors }

// RowProducts returns the number of elements of the row products: Cols times
// RowColors.
func (pl *Plan) RowProducts() int { return pl.pattern.Cols * pl.coloring.RowColors }

// Sources returns, for each output value of a direct plan, its position in the
// column products, or if negative the complement (^) of its position in the row
// products: a gather that a device can do by itself. It is nil for plans with
// substitution. It belongs to the plan.
func (pl *Plan) Sources() []int32 { return pl.from }

// Substitutions returns how many values need others to be known, the number of
// subtractions, and the longest chain in which each value needs the one before: what
// substitution costs beyond a gather, and how many rounding errors can add up. Fewer
// colours often mean longer chains.
func (pl *Plan) Substitutions() (values, subtractions, depth int) {
	if pl.lessAt == nil {
		return 0, 0, 0
	}
	at := make([]int, pl.out.Nnz()) // the length of the chain that ends at a value
	for k, d := range pl.dst {
		less := pl.less[pl.lessAt[k]:pl.lessAt[k+1]]
		if len(less) == 0 {
			continue
		}
		values++
		for _, q := range less {
			at[d] = max(at[d], at[q]+1)
		}
		depth = max(depth, at[d])
	}
	return values, len(pl.less), depth
}
