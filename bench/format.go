// Columns, durations and sizes as text.

package bench

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// columns aligns rows: the first two columns left, the others right; a row's
// last cell may be wider than its column.
func columns(rows [][]string) string {
	var width []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			if len(row) == len(rows[0]) {
				width[i] = max(width[i], utf8.RuneCountInString(cell))
			}
		}
	}
	var s strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", max(0, width[i]-utf8.RuneCountInString(cell)))
			switch {
			case i == len(row)-1 && i < 3:
				s.WriteString(cell)
			case i < 2:
				s.WriteString(cell + pad + "  ")
			default:
				s.WriteString(pad + cell + "  ")
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

// duration formats nanoseconds with three digits; 0 was not measured.
func duration(ns float64) string {
	switch {
	case ns == 0:
		return "-"
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}

// size formats bytes with three digits in binary units.
func size(n int64) string {
	v, unit := float64(n), "B"
	for _, u := range []string{"KiB", "MiB", "GiB"} {
		if v < 1000 {
			break
		}
		v, unit = v/1024, u
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}
