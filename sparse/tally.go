// Counting colours along lines: what verification, neutral colours and recovery
// need to know of a coloured pattern.

package sparse

// alone returns, for each entry of p, whether its column is the only one of its
// colour in its row. Columns without a colour are never alone.
func alone(p *Pattern, color []int32, colors int) []bool {
	lone := make([]bool, p.Nnz())
	// at[c] is the entry (from 1) of colour c seen last; entries before the row's
	// first are of earlier rows.
	at := make([]int, colors)
	for i := range p.Rows {
		first := p.Ptr[i] + 1
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			c := color[p.Idx[e]]
			if c < 0 {
				continue
			}
			if at[c] >= first {
				lone[at[c]-1] = false
			} else {
				lone[e] = true
			}
			at[c] = e + 1
		}
	}
	return lone
}

// equations numbers the distinct colours of each row: the number of entry e is
// id[e], from 0 and ascending with rows, or -1 where the column has no colour. One
// number stands for one value of the compressed products. It returns the count.
func equations(p *Pattern, color []int32, colors int, id []int32) int {
	at := make([]int32, colors) // the number given to colour c last, plus one
	n := int32(0)
	for i := range p.Rows {
		first := n
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			c := color[p.Idx[e]]
			if c < 0 {
				id[e] = -1
				continue
			}
			if at[c] <= first {
				n++
				at[c] = n
			}
			id[e] = at[c] - 1
		}
	}
	return int(n)
}
