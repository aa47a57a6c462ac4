// From a matrix's values to compressed products and back.

package sparse

// Recover writes the matrix's values from its products: byCol[i, c] is the sum of the
// entries of row i in columns of colour c, byRow[j, c] the sum of the entries of
// column j in rows of colour c, as the plan's layout has them; a side without colours
// may be nil. It allocates nothing and may be called concurrently. A *SizeError says
// that a length is wrong.
func Recover[T Float](pl *Plan, val, byCol, byRow []T) error {
	if err := pl.checkSizes("Recover", len(val), len(byCol), len(byRow)); err != nil {
		return err
	}
	switch {
	case pl.lessAt != nil:
		substitute(pl, val, byCol, byRow)
	case pl.coloring.RowColors == 0:
		for k, s := range pl.from {
			val[k] = byCol[s]
		}
	default:
		for k, s := range pl.from {
			if s >= 0 {
				val[k] = byCol[s]
			} else {
				val[k] = byRow[^s]
			}
		}
	}
	return nil
}

func substitute[T Float](pl *Plan, val, byCol, byRow []T) {
	for k, s := range pl.src {
		var v T
		if s >= 0 {
			v = byCol[s]
		} else {
			v = byRow[^s]
		}
		for _, q := range pl.less[pl.lessAt[k]:pl.lessAt[k+1]] {
			v -= val[q]
		}
		val[pl.dst[k]] = v
		val[pl.twin[k]] = v
	}
}

func (pl *Plan) checkSizes(op string, val, byCol, byRow int) error {
	switch {
	case val != pl.out.Nnz():
		return &SizeError{op, "number of values", val, pl.out.Nnz()}
	case byCol != pl.ColProducts():
		return &SizeError{op, "length of the column products", byCol, pl.ColProducts()}
	case byRow != pl.RowProducts():
		return &SizeError{op, "length of the row products", byRow, pl.RowProducts()}
	}
	return nil
}

// Compress computes the products from the matrix's values: what Recover undoes, and
// what automatic differentiation gives without knowing the values. It allocates
// nothing.
func Compress[T Float](pl *Plan, val, byCol, byRow []T) error {
	if err := pl.checkSizes("Compress", len(val), len(byCol), len(byRow)); err != nil {
		return err
	}
	clear(byCol)
	clear(byRow)
	c := pl.coloring
	add := func(i, j int, v T) {
		if c.ColColors > 0 && c.ColColor[j] >= 0 {
			byCol[pl.colAt(i, c.ColColor[j])] += v
		}
		if c.RowColors > 0 && c.RowColor[i] >= 0 {
			byRow[pl.rowAt(j, c.RowColor[i])] += v
		}
	}
	for i := range pl.out.Rows {
		for k := pl.out.Ptr[i]; k < pl.out.Ptr[i+1]; k++ {
			row, col := i, int(pl.out.Idx[k])
			if pl.opts.ByColumn {
				row, col = col, row
			}
			add(row, col, val[k])
			if pl.opts.Triangle != Full && row != col {
				add(col, row, val[k])
			}
		}
	}
	return nil
}

// Seed writes the seed matrix of the colours of n lines: ones at (line, colour) and
// zeros elsewhere, of n rows with one column a colour if interleaved, transposed if
// stacked. Column seeds come from ColColor and ColColors, row seeds from the others.
func Seed[T Float](dst []T, color []int32, colors int, layout Layout) error {
	if len(dst) != len(color)*colors {
		return &SizeError{"Seed", "length of dst", len(dst), len(color) * colors}
	}
	clear(dst)
	for v, c := range color {
		switch {
		case c < 0:
		case layout == Stacked:
			dst[int(c)*len(color)+v] = 1
		default:
			dst[v*colors+int(c)] = 1
		}
	}
	return nil
}
