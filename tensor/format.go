// Printing: arrays as NumPy prints them.

package tensor

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

const (
	lineWidth      = 75   // characters of a line
	summarySize    = 1000 // elements above which only the edges are printed
	edgeItems      = 3    // elements or rows at each edge of a dimension
	floatPrecision = 8    // digits behind the point
	meaningful32   = 1e6  // from here on not all digits of a float32 before the point mean something
)

// String returns the elements as NumPy's str prints them: nested in brackets,
// aligned, floats to 8 digits behind the point at most, and the edges alone of
// more than 1000 elements. It waits for queued work. A tensor that carries an
// error, or whose value cannot be seen, says so.
func (t *Tensor) String() string { return fmt.Sprintf("%v", t) }

// Format prints the tensor for %v and %s as String does; a precision sets the
// digits behind the point. With %+v the elements are separated by commas, and
// the dtype is told where the elements do not show it, the shape where they
// are none or too many: tensor([1, 2, 3], dtype=int32). The verbs of floats,
// as in %.3f or %8.2e, print each element by itself in Go's way.
func (t *Tensor) Format(s fmt.State, verb rune) {
	numeric := strings.ContainsRune("eEfFgG", verb)
	if verb != 'v' && verb != 's' && !numeric {
		fmt.Fprintf(s, "%%!%c(*tensor.Tensor)", verb)
		return
	}
	a, err := t.read("format")
	if err != nil {
		if t.Err() != nil {
			fmt.Fprintf(s, "tensor(error: %v)", err)
		} else {
			fmt.Fprintf(s, "tensor(traced %v)", t.Aval())
		}
		return
	}
	precision, ok := s.Precision()
	if !ok {
		precision = floatPrecision
	}
	p := printer{a: a, separator: " ", width: lineWidth, summary: a.Size() > summarySize}
	if numeric {
		spec := fmt.FormatString(s, verb)
		p.word = func(e unsafe.Pointer) string {
			if a.DType == Float32 {
				return fmt.Sprintf(spec, *(*float32)(e)) // of which fewer digits are shortest
			}
			return fmt.Sprintf(spec, load(a.DType, e))
		}
	}
	if numeric || !s.Flag('+') {
		p.print(s, "", precision)
	} else {
		const open = "tensor("
		p.separator = ", "
		fmt.Fprint(s, open)
		p.print(s, strings.Repeat(" ", len(open)), precision)
		if p.summary || a.Size() == 0 {
			fmt.Fprintf(s, ", shape=%v", a.Shape)
		}
		if a.DType == Int32 || a.DType == Float32 || a.Size() == 0 {
			fmt.Fprintf(s, ", dtype=%v", a.DType)
		}
		fmt.Fprint(s, ")")
	}
	runtime.KeepAlive(a.Buf)
}

// printer prints one array.
type printer struct {
	a         *kernels.Array
	separator string
	width     int
	summary   bool
	word      func(p unsafe.Pointer) string // prints an element; nil: as NumPy does
}

func (p *printer) print(s fmt.State, indent string, precision int) {
	switch {
	case p.a.Size() == 0:
		fmt.Fprint(s, "[]")
	case len(p.a.Shape) == 0 && p.word != nil:
		fmt.Fprint(s, p.word(p.a.Ptr))
	case len(p.a.Shape) == 0 && p.separator == " ":
		fmt.Fprint(s, scalarText(p.a.DType, p.a.Ptr, precision))
	default:
		shown, width := p.shown(), 0
		if p.word == nil {
			p.word = style(p.a.DType, shown, precision)
			if p.a.DType == Bool && len(p.a.Shape) > 0 {
				width = len("False") // even if none is
			}
		}
		p.word = aligned(p.word, shown, width)
		fmt.Fprint(s, p.nested(0, 0, indent, p.width))
	}
}

// items returns the indices of dimension d that are printed, -1 standing for
// those left out.
func (p *printer) items(d int) []int {
	n := p.a.Shape[d]
	list := make([]int, 0, min(n, 2*edgeItems+1))
	for i := 0; i < n; i++ {
		if p.summary && n > 2*edgeItems && i == edgeItems {
			list = append(list, -1)
			i = n - edgeItems
		}
		list = append(list, i)
	}
	return list
}

// at returns the address of the element at an offset.
func (p *printer) at(offset int) unsafe.Pointer {
	return unsafe.Add(p.a.Ptr, offset*p.a.DType.Size())
}

// shown returns the addresses of all elements that are printed.
func (p *printer) shown() []unsafe.Pointer {
	offsets := []int{0}
	for d := range p.a.Shape {
		items, stride := p.items(d), p.a.Stride(d)
		next := make([]int, 0, len(offsets)*len(items))
		for _, o := range offsets {
			for _, i := range items {
				if i >= 0 {
					next = append(next, o+i*stride)
				}
			}
		}
		offsets = next
	}
	list := make([]unsafe.Pointer, len(offsets))
	for i, o := range offsets {
		list[i] = p.at(o)
	}
	return list
}

// nested returns the text of dimension d and those within it at an offset.
func (p *printer) nested(d, offset int, indent string, width int) string {
	rank := len(p.a.Shape)
	if d == rank {
		return p.word(p.at(offset))
	}
	stride := p.a.Stride(d)
	items := p.items(d)
	words := make([]string, len(items))
	for k, i := range items {
		if i < 0 {
			words[k] = "..."
		} else {
			words[k] = p.nested(d+1, offset+i*stride, indent+" ", width-1)
		}
	}
	if d < rank-1 {
		between := strings.TrimRight(p.separator, " ") + strings.Repeat("\n", rank-1-d) + indent + " "
		return "[" + strings.Join(words, between) + "]"
	}
	return "[" + p.wrapped(words, indent+" ", width-1) + "]"
}

// wrapped joins words into lines of a width, those after the first indented; no
// blanks end a line but the last.
func (p *printer) wrapped(words []string, indent string, width int) string {
	var text strings.Builder
	line := ""
	for k, w := range words {
		switch {
		case k == 0:
		case len(indent)+len(line)+len(p.separator)+len(w) > width && line != "":
			text.WriteString(strings.TrimRight(line+p.separator, " ") + "\n" + indent)
			line = ""
		default:
			line += p.separator
		}
		line += w
	}
	return text.String() + line
}

// scalarText returns one element by itself, in the fewest digits that tell it
// from its neighbours, or in precision digits behind the point if that is less.
func scalarText(d DType, p unsafe.Pointer, precision int) string {
	if !d.IsFloat() {
		return wholeText(d, p)
	}
	v := load(d, p)
	if precision != floatPrecision {
		return strings.TrimSpace(style(d, []unsafe.Pointer{p}, precision)(p))
	}
	bits, most := 8*d.Size(), 1e16
	if d == Float32 {
		most = meaningful32
	}
	if abs := max(v, -v); abs != 0 && (abs < 1e-4 || abs >= most) && v-v == 0 {
		return strconv.FormatFloat(v, 'e', -1, bits)
	}
	s := floatText(v, 'f', -1, bits)
	if v-v == 0 && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// wholeText returns an element that is no float.
func wholeText(d DType, p unsafe.Pointer) string {
	switch d {
	case Bool:
		if *(*bool)(p) {
			return "True"
		}
		return "False"
	case Int32:
		return strconv.FormatInt(int64(*(*int32)(p)), 10)
	}
	return strconv.FormatInt(*(*int64)(p), 10)
}

// style returns how NumPy prints any of the given elements beside the others.
func style(d DType, shown []unsafe.Pointer, precision int) func(p unsafe.Pointer) string {
	if d.IsFloat() {
		return floatStyle(d, shown, precision)
	}
	return func(p unsafe.Pointer) string { return wholeText(d, p) }
}

// aligned returns a function that prints any of the given elements in one width,
// the given one at least.
func aligned(text func(p unsafe.Pointer) string, shown []unsafe.Pointer, width int) func(p unsafe.Pointer) string {
	for _, p := range shown {
		width = max(width, len(text(p)))
	}
	return func(p unsafe.Pointer) string { return fmt.Sprintf("%*s", width, text(p)) }
}

// floatStyle decides how floats that stand together are printed: in scientific
// notation if one is large or small or their ratio is, and with as many digits
// behind the point as the longest needs. In scientific notation all have that
// many, exact ones; otherwise blanks stand for what an element does not need.
func floatStyle(d DType, shown []unsafe.Pointer, precision int) func(p unsafe.Pointer) string {
	bits := 8 * d.Size()
	least, most := 0.0, 0.0
	for _, p := range shown {
		if v := load(d, p); v-v == 0 && v != 0 {
			v = max(v, -v)
			most = max(most, v)
			if least == 0 || v < least {
				least = v
			}
		}
	}
	verb, large := byte('f'), 1e8
	if d == Float32 {
		large = meaningful32
	}
	if most >= large || least < 1e-4 && most > 0 || most/least > 1000 {
		verb = 'e'
	}
	digits, expDigits := 0, 0
	for _, p := range shown {
		_, frac, exp := splitFloat(floatText(load(d, p), verb, precision, bits))
		digits, expDigits = max(digits, len(frac)), max(expDigits, len(exp))
	}
	return func(p unsafe.Pointer) string {
		v := load(d, p)
		s := floatText(v, verb, precision, bits)
		if v-v != 0 {
			return s
		}
		if verb == 'f' {
			whole, frac, _ := splitFloat(s)
			return whole + "." + frac + strings.Repeat(" ", digits-len(frac))
		}
		whole, frac, exp := splitFloat(strconv.FormatFloat(v, 'e', digits, 64))
		return whole + "." + frac + exp[:2] + strings.Repeat("0", expDigits-len(exp)) + exp[2:]
	}
}

// floatText prints v with at most precision digits behind the point (-1: as
// many as needed), those alone that are needed to tell it from its neighbours.
func floatText(v float64, verb byte, precision, bits int) string {
	switch {
	case v != v:
		return "nan"
	case v > 0 && v-v != 0:
		return "inf"
	case v-v != 0:
		return "-inf"
	}
	s := strconv.FormatFloat(v, verb, -1, bits)
	if _, frac, _ := splitFloat(s); precision < 0 || len(frac) <= precision {
		return s
	}
	whole, frac, exp := splitFloat(strconv.FormatFloat(v, verb, precision, bits))
	return whole + "." + strings.TrimRight(frac, "0") + exp
}

// splitFloat cuts a number into what stands before the point, behind it, and the exponent.
func splitFloat(s string) (whole, frac, exp string) {
	if i := strings.IndexByte(s, 'e'); i >= 0 {
		s, exp = s[:i], s[i:]
	}
	whole, frac, _ = strings.Cut(s, ".")
	return whole, frac, exp
}
