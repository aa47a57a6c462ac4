// Lattice colourings of patterns on grids: the colour of a cell is a linear function
// of its index, modulo the number of colours (for stencils: Goldfarb and Toint 1984,
// "Optimal estimation of Jacobian and Hessian matrices that arise in finite
// difference calculations").

package sparse

import (
	"fmt"
	"strings"
)

// Lattice is the colouring c = (Σ Weight[a] x[a] + Shift[x[Axis]]) mod Modulus of the
// points of a grid of the given Shape, numbered with the last axis fastest; x is a
// point's index. Points are columns, or rows if it is they that are coloured. Colours
// that do not occur on a small grid are left out of a Coloring. Axis is -1 unless one axis counts unknowns of a cell (species)
// with a shift each.
type Lattice struct {
	Modulus int
	Shape   []int
	Weight  []int
	Axis    int
	Shift   []int
}

// valid reports whether the lengths agree, as they do in what Color returns.
func (l *Lattice) valid() bool {
	for _, n := range l.Shape {
		if n < 1 {
			return false
		}
	}
	if l.Modulus < 1 || len(l.Shape) == 0 || len(l.Weight) != len(l.Shape) || l.Axis < -1 || l.Axis >= len(l.Shape) {
		return false
	}
	return l.Axis < 0 || len(l.Shift) == l.Shape[l.Axis]
}

// Color returns the colour of the point with the given number.
func (l *Lattice) Color(point int) int {
	sum := 0
	for a := len(l.Shape) - 1; a >= 0; a-- {
		x := point % l.Shape[a]
		point /= l.Shape[a]
		if a == l.Axis {
			sum += l.Shift[x]
		} else {
			sum += l.Weight[a] * x
		}
	}
	return sum % l.Modulus
}

// fill writes the colours of all points.
func (l *Lattice) fill(color []int32) {
	k := int32(l.Modulus)
	last := len(l.Shape) - 1
	n := l.Shape[last]
	for at := 0; at < len(color); at += n {
		c := int32(l.Color(at))
		row := color[at : at+n]
		if last == l.Axis {
			c -= int32(l.Shift[0]) // Color(at) has the shift of x = 0 in it
			for x := range row {
				row[x] = (c + int32(l.Shift[x]) + k) % k
			}
			continue
		}
		w := int32(l.Weight[last])
		for x := range row {
			row[x] = c
			if c += w; c >= k {
				c -= k
			}
		}
	}
}

// String shows the formula, such as "(i + 2j) mod 5 on 100 x 100".
func (l *Lattice) String() string {
	names := []string{"i", "j", "k", "l", "m", "n"}
	var terms, shape []string
	for a, n := range l.Shape {
		shape = append(shape, fmt.Sprint(n))
		name := fmt.Sprintf("x%d", a)
		if a < len(names) {
			name = names[a]
		}
		switch {
		case a == l.Axis:
			terms = append(terms, fmt.Sprintf("%v[%s]", l.Shift, name))
		case l.Weight[a] == 1:
			terms = append(terms, name)
		case l.Weight[a] != 0:
			terms = append(terms, fmt.Sprintf("%d%s", l.Weight[a], name))
		}
	}
	if len(terms) == 0 {
		terms = []string{"0"}
	}
	return fmt.Sprintf("(%s) mod %d on %s", strings.Join(terms, " + "), l.Modulus, strings.Join(shape, " x "))
}
