// Bicolourings with the densest rows taken apart: they are found by row colours and
// put no constraint on the columns, whose colours find the rest. On arrowheads and
// on bands with a few dense lines this is all there is to do.

package sparse

import "slices"

// denseRowsApart tries up to so many numbers of rows and returns the best.
func (in *instance) denseRowsApart(tries int, h *halter) *attempt {
	rows := make([]int32, in.p.Rows)
	for i := range rows {
		rows[i] = int32(i)
	}
	length := func(i int32) int { return in.p.Ptr[i+1] - in.p.Ptr[i] }
	slices.SortStableFunc(rows, func(a, b int32) int { return length(b) - length(a) })
	var best *attempt
	for _, n := range splits(rows, tries, length) {
		if h.stopped() {
			return nil
		}
		a := in.apart(rows[:n], bestOr(best), h)
		if a != nil && (best == nil || a.colors() < best.colors()) {
			best = a
		}
	}
	return best
}

// denseColsApart does the same for columns.
func (in *instance) denseColsApart(tries int, h *halter) *attempt {
	a := in.transposed().denseRowsApart(tries, h)
	if a == nil {
		return nil
	}
	a.row, a.rows, a.col, a.cols = a.col, a.cols, a.row, a.rows
	return a
}

// From minSplits to maxSplits numbers of rows are tried.
const (
	minSplits = 2
	maxSplits = 12
)

// splits returns up to limit numbers of rows to take apart: where the longest row
// left becomes shorter by a tenth or more, and before that at each of the first.
func splits(rows []int32, limit int, length func(int32) int) []int {
	var at []int
	last := -1
	for n, i := range rows {
		l := length(i)
		if l == 0 || len(at) == limit {
			break
		}
		if n > 0 && l < last && (n < 4 || 10*l <= 9*last) {
			at = append(at, n)
		}
		if n == 0 || len(at) > 0 && at[len(at)-1] == n {
			last = l
		}
	}
	return at
}

func bestOr(a *attempt) int {
	if a == nil {
		return int(^uint(0) >> 1)
	}
	return a.colors()
}

// apart colours the given rows by rows and the rest by columns, nil if that cannot
// take fewer colours than limit.
func (in *instance) apart(taken []int32, limit int, h *halter) *attempt {
	mine := make([]bool, in.p.Rows)
	for _, i := range taken {
		mine[i] = true
	}
	dense := in.p.filterRows(func(i int) bool { return mine[i] })
	rest := in.p.filterRows(func(i int) bool { return !mine[i] })
	denseT := dense.Transpose()
	if rest.MaxRow()+denseT.MaxRow() >= limit {
		return nil
	}
	a := &attempt{row: make([]int32, in.p.Rows), col: make([]int32, in.p.Cols)}
	byRow := newColumnGreedy(denseT, dense)
	byCol := newColumnGreedy(rest, rest.Transpose())
	var ok bool
	if a.rows, ok = byRow.run(a.row, nil, h); !ok {
		return nil
	}
	if a.cols, ok = byCol.run(a.col, nil, h); !ok {
		return nil
	}
	// The columns in largest-first order too, which is often better.
	order, ok := orderOf(LargestFirst, func() adjacency { return newMeeting(rest, byCol.byCol) }, rest.Cols, 0, h)
	if !ok {
		return nil
	}
	again := make([]int32, in.p.Cols)
	if n, ok := byCol.run(again, order, h); ok && n < a.cols {
		a.col, a.cols = again, n
	}
	return a
}

// filterRows returns the pattern with the rows that keep refuses emptied.
func (p *Pattern) filterRows(keep func(i int) bool) *Pattern {
	q := &Pattern{Rows: p.Rows, Cols: p.Cols, Ptr: make([]int, p.Rows+1)}
	for i := range p.Rows {
		if keep(i) {
			q.Idx = append(q.Idx, p.Row(i)...)
		}
		q.Ptr[i+1] = len(q.Idx)
	}
	return q
}
