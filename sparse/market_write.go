// Writing MatrixMarket files.

package sparse

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
)

// WriteMatrixMarket writes m in coordinate format. Symmetric and skew-symmetric
// storage writes the lower triangle only; that m is so is checked (entries present
// and equal up to the sign), as is that integers are. Real values are written so
// that reading gives them back exactly.
func WriteMatrixMarket[T Float](w io.Writer, m *CSR[T], field Field, symmetry Symmetry) error {
	if err := m.check(); err != nil {
		return err
	}
	if int(field) >= len(fieldNames) || int(symmetry) >= len(symmetryNames) {
		return &FormatError{Line: 1, Reason: fmt.Sprintf("field %d, symmetry %d", field, symmetry)}
	}
	if err := checkWritable(m, field, symmetry); err != nil {
		return err
	}
	stored := func(i int, j int32) bool {
		switch symmetry {
		case SymmetrySymmetric:
			return int(j) <= i
		case SymmetrySkew:
			return int(j) < i
		}
		return true
	}
	count := 0
	for i := range m.Rows {
		for _, j := range m.Row(i) {
			if stored(i, j) {
				count++
			}
		}
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%%%%MatrixMarket matrix coordinate %v %v\n%d %d %d\n", field, symmetry, m.Rows, m.Cols, count)
	var line []byte
	for i := range m.Rows {
		for k := m.Ptr[i]; k < m.Ptr[i+1]; k++ {
			if !stored(i, m.Idx[k]) {
				continue
			}
			line = strconv.AppendInt(line[:0], int64(i)+1, 10)
			line = append(line, ' ')
			line = strconv.AppendInt(line, int64(m.Idx[k])+1, 10)
			if field != FieldPattern {
				line = append(line, ' ')
				line = appendValue(line, m.Val[k])
			}
			line = append(line, '\n')
			b.Write(line) // an error sticks to b and is returned by Flush
		}
	}
	return b.Flush()
}

// WritePattern writes the structure p as a MatrixMarket pattern, by its lower
// triangle if it is symmetric.
func WritePattern(w io.Writer, p *Pattern) error {
	if err := p.Check(); err != nil {
		return err
	}
	symmetry := SymmetryGeneral
	if p.Symmetric() {
		symmetry = SymmetrySymmetric
	}
	return WriteMatrixMarket(w, NewCSR[float32](p), FieldPattern, symmetry)
}

// appendValue prints v in the fewest digits that read back as v.
func appendValue[T Float](line []byte, v T) []byte {
	if float64(v) == math.Trunc(float64(v)) && math.Abs(float64(v)) < 1e15 && v != 0 {
		return strconv.AppendInt(line, int64(v), 10)
	}
	size := 64
	if _, ok := any(v).(float32); ok {
		size = 32
	}
	return strconv.AppendFloat(line, float64(v), 'g', -1, size)
}

// checkWritable checks that m has the symmetry and kind of values that it is to be
// written with.
func checkWritable[T Float](m *CSR[T], field Field, symmetry Symmetry) error {
	bad := func(i int, j int32, reason string) error {
		return &StructureError{Row: i, Reason: fmt.Sprintf("entry in column %d %s", j, reason)}
	}
	if symmetry == SymmetrySkew && field == FieldPattern {
		return &StructureError{Row: -1, Reason: "a pattern cannot be skew-symmetric"}
	}
	mirror, ok := []int32(nil), true
	if symmetry != SymmetryGeneral {
		if mirror, ok = m.Mirror(); !ok {
			return &StructureError{Row: -1, Reason: fmt.Sprintf("the structure is not %v", symmetry)}
		}
	}
	for i := range m.Rows {
		for k := m.Ptr[i]; k < m.Ptr[i+1]; k++ {
			j, v := m.Idx[k], float64(m.Val[k])
			switch {
			case field == FieldInteger && v != math.Trunc(v):
				return bad(i, j, "is no integer")
			case field == FieldPattern:
			case symmetry == SymmetrySymmetric && m.Val[mirror[k]] != m.Val[k] && v == v,
				symmetry == SymmetrySkew && m.Val[mirror[k]] != -m.Val[k] && v == v:
				return bad(i, j, fmt.Sprintf("breaks that the matrix is %v", symmetry))
			}
		}
	}
	return nil
}
