// The rows of a pattern, put together from the sets of a program's outputs.

package pattern

import (
	"github.com/cotangent-ad/cotangent/sparse"
)

// assemble collects the outputs' rows.
func (p *interpreter) assemble() (*sparse.Pattern, error) {
	rows, bound := 0, 0
	for _, v := range p.g.Outputs {
		if a := p.g.Aval(v); a.DType.IsFloat() {
			rows += a.Size()
			bound += len(p.rows[v]) * a.Size()
		}
	}
	out := &sparse.Pattern{Rows: rows, Cols: p.cols, Ptr: make([]int, 1, rows+1)}
	if !p.spend(8*rows + 4*bound) {
		return nil, p.exceeded()
	}
	out.Idx = make([]int32, 0, bound)
	for _, v := range p.g.Outputs {
		a := p.g.Aval(v)
		if !a.DType.IsFloat() {
			continue
		}
		if err := p.ctx.Err(); err != nil {
			return nil, err
		}
		if !p.appendRows(out, p.rows[v], a.Size()) {
			return nil, p.exceeded()
		}
	}
	return out, nil
}

// appendRows appends the rows of an output of n elements, and reports whether they
// are within the limit.
func (p *interpreter) appendRows(out *sparse.Pattern, parts []*part, n int) bool {
	a := appender{t: &p.table, idx: out.Idx}
	for k, x := range parts {
		a.ids, a.order = append(a.ids, x.ids), append(a.order, k)
	}
	a.list = make([]ref, len(parts))
	room := cap(out.Idx)
	for i := range n {
		a.row(i)
		if c := cap(a.idx); c != room {
			if !p.spend(4 * (c - room)) {
				return false
			}
			room = c
		}
		out.Ptr = append(out.Ptr, len(a.idx))
	}
	out.Idx = a.idx
	return p.used <= p.limit
}

// appender puts rows together from parts. Neighbouring rows mostly want the
// parts in one order, in which their columns ascend.
type appender struct {
	t     *table
	idx   []int32
	ids   [][]ref // of the parts
	order []int   // of the parts in the last row that was out of order
	list  []ref
}

// row appends the columns of row i.
func (a *appender) row(i int) {
	base, prev := len(a.idx), empty
	for _, k := range a.order {
		r := a.ids[k][i]
		if r > prev {
			a.idx = append(a.idx, r-1)
			prev = r
		} else if r < empty || r != empty && r < prev {
			a.idx = a.idx[:base]
			a.shuffled(i)
			return
		}
	}
}

// shuffled appends a row that is out of order, or has sets of several columns.
func (a *appender) shuffled(i int) {
	single := len(a.ids) <= few
	for m, k := range a.order {
		a.list[m] = a.ids[k][i]
		single = single && a.list[m] >= empty
	}
	if !single {
		a.idx = a.t.appendTo(a.idx, a.t.union(a.list))
		return
	}
	for m := range a.list {
		for ; m > 0 && a.list[m-1] > a.list[m]; m-- {
			a.list[m-1], a.list[m] = a.list[m], a.list[m-1]
			a.order[m-1], a.order[m] = a.order[m], a.order[m-1]
		}
	}
	prev := empty
	for _, r := range a.list {
		if r > prev {
			a.idx = append(a.idx, r-1)
			prev = r
		}
	}
}
