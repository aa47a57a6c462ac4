// Samples of sparse matrices.

package kernels

import "slices"

// sparseCase is two factors and the structure of a matrix with entries at rows and
// columns in pairs, the rows ascending.
func sparseCase(left, right Sample, rows, cols int, pairs ...int) []Sample {
	n := len(pairs) / 2
	list := make([][]float64, sparseOperands)
	list[rowStart], list[colStart] = make([]float64, rows+1), make([]float64, cols+1)
	for _, i := range []int{entryCol, entryRow, byColRow, byColumns} {
		list[i] = []float64{}
	}
	for e := range n {
		list[entryRow] = append(list[entryRow], float64(pairs[2*e]))
		list[entryCol] = append(list[entryCol], float64(pairs[2*e+1]))
		for r := pairs[2*e] + 1; r <= rows; r++ {
			list[rowStart][r]++
		}
		for c := pairs[2*e+1] + 1; c <= cols; c++ {
			list[colStart][c]++
		}
	}
	for c := range cols {
		for e := range n {
			if pairs[2*e+1] == c {
				list[byColRow] = append(list[byColRow], float64(pairs[2*e]))
				list[byColumns] = append(list[byColumns], float64(e))
			}
		}
	}
	s := []Sample{left, right}
	for _, v := range list[rowStart:] {
		of := ints(v...)
		of.Fixed = true // which agree with each other
		s = append(s, of)
	}
	return s
}

// replaced has an element of an operand replaced.
func replaced(s []Sample, operand, at int, v float64) []Sample {
	s[operand].Values = slices.Clone(s[operand].Values)
	s[operand].Values[at] = v
	return s
}

// spoiled is a small product with an element of the structure replaced.
func spoiled(operand, at int, v float64) []Sample {
	return replaced(sparseCase(random(3), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), operand, at, v)
}

// shortened is a small product with an operand of the structure too short, emptied one
// with none of it.
func shortened(operand int) []Sample {
	s := spoiled(operand, 0, 0)
	s[operand] = ints(s[operand].Values[1:]...)
	return s
}

func emptied(operand int) []Sample {
	s := spoiled(operand, 0, 0)
	s[operand] = ints()
	return s
}

// inInt32 has the structure in int32.
func inInt32(s []Sample) []Sample {
	for i := range s[rowStart:] {
		s[rowStart+i].DType = "int32"
	}
	return s
}

// largePairs are entries of a matrix of 90 rows and 70 columns: rows of many, of few
// and of none, in no order, some at one place.
func largePairs() (pairs []int) {
	for r := range 90 {
		n := r % 7
		if r == 40 {
			n = 300
		}
		for k := range n {
			pairs = append(pairs, r, (r*31+k*k*13+k)%70)
		}
	}
	return pairs
}

func largeSparse(width int) []Sample {
	p := largePairs()
	rows := 70
	if width == 1 { // transposed
		rows = 90
	}
	return sparseCase(random(len(p)/2), random(rows, width), 90, 70, p...)
}

func sampledLarge() []Sample {
	return sparseCase(random(90, 5), random(70, 5), 90, 70, largePairs()...)
}
