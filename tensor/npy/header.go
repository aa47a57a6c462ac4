// The header of an .npy file: a magic string, a version, and the text of a
// Python dictionary that tells dtype, order and shape
// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).

package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// FormatError reports a file that is not what its name says, or is cut short.
type FormatError struct{ Reason string }

func (e *FormatError) Error() string { return "npy: " + e.Reason }

func malformed(format string, args ...any) error {
	return &FormatError{fmt.Sprintf(format, args...)}
}

const (
	magic     = "\x93NUMPY"
	maxHeader = 1 << 16 // bytes of dictionary: some hundred do for any dtype and shape taken here
)

// header is what the dictionary tells.
type header struct {
	dtype   tensor.DType
	big     bool // most significant byte first
	fortran bool // the first index runs fastest
	shape   []int
}

// elements returns the number of elements, which fits an int together with
// their bytes.
func (h *header) elements() int {
	n := 1
	for _, d := range h.shape {
		n *= d
	}
	return n
}

// kinds are the type strings behind the byte order.
var kinds = map[string]tensor.DType{
	"f8": tensor.Float64, "f4": tensor.Float32, "i8": tensor.Int64, "i4": tensor.Int32, "b1": tensor.Bool,
}

func readHeader(r io.Reader) (*header, error) {
	var start [8]byte
	if err := readFull(r, start[:], "the header"); err != nil {
		return nil, err
	}
	if string(start[:6]) != magic {
		return nil, malformed("not an .npy file")
	}
	length := make([]byte, 2)
	switch start[6] {
	case 1:
	case 2, 3:
		length = make([]byte, 4)
	default:
		return nil, malformed("version %d of the format", start[6])
	}
	if err := readFull(r, length, "the header"); err != nil {
		return nil, err
	}
	var n uint32
	if len(length) == 2 {
		n = uint32(binary.LittleEndian.Uint16(length))
	} else {
		n = binary.LittleEndian.Uint32(length)
	}
	if n > maxHeader {
		return nil, malformed("a header of %d bytes", n)
	}
	text := make([]byte, n)
	if err := readFull(r, text, "the header"); err != nil {
		return nil, err
	}
	return parseHeader(string(text))
}

// readFull is io.ReadFull; the error of an early end tells what is missing.
func readFull(r io.Reader, buf []byte, what string) error {
	_, err := io.ReadFull(r, buf)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("%s is cut short", what)
	}
	return err
}

// parser reads a dictionary literal.
type parser struct {
	rest string
	err  error
}

func parseHeader(text string) (*header, error) {
	p := &parser{rest: text}
	h := new(header)
	seen := map[string]bool{}
	p.expect("{")
	for p.err == nil && !p.accept("}") {
		key := p.quoted()
		p.expect(":")
		if seen[key] {
			p.fail("the key %q twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			p.descr(h)
		case "fortran_order":
			h.fortran = p.boolean()
		case "shape":
			h.shape = p.tuple()
		default:
			p.fail("the key %q", key)
		}
		if !p.accept(",") {
			p.expect("}")
			break
		}
	}
	switch {
	case p.err != nil:
		return nil, p.err
	case strings.TrimSpace(p.rest) != "":
		return nil, malformed("text behind the header's dictionary")
	case !seen["descr"] || !seen["fortran_order"] || !seen["shape"]:
		return nil, malformed("a key is missing in the header")
	}
	return h, h.check()
}

// check refuses shapes that no tensor can have.
func (h *header) check() error {
	if len(h.shape) > kernels.MaxRank {
		return malformed("%d dimensions, more than %d", len(h.shape), kernels.MaxRank)
	}
	n := h.dtype.Size()
	for _, d := range h.shape {
		if d > 0 && n > math.MaxInt/64/d {
			return malformed("the shape %v is too large", h.shape)
		}
		n *= max(d, 1)
	}
	return nil
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = malformed("header: "+format, args...)
	}
}

// accept skips white space and then s, if it comes next.
func (p *parser) accept(s string) bool {
	p.rest = strings.TrimLeft(p.rest, " \t\n")
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *parser) expect(s string) {
	if !p.accept(s) {
		p.fail("no %q where it should be", s)
	}
}

func (p *parser) quoted() string {
	quote := "'"
	if p.accept(`"`) {
		quote = `"`
	} else {
		p.expect(quote)
	}
	s, rest, ok := strings.Cut(p.rest, quote)
	if !ok {
		p.fail("a string without an end")
		return ""
	}
	p.rest = rest
	return s
}

func (p *parser) boolean() bool {
	if p.accept("True") {
		return true
	}
	p.expect("False")
	return false
}

// tuple reads sizes in parentheses.
func (p *parser) tuple() []int {
	list := []int{}
	p.expect("(")
	for p.err == nil && !p.accept(")") {
		p.accept("") // white space
		digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
		n, err := strconv.Atoi(p.rest[:digits])
		if err != nil {
			p.fail("a size that is no number, or too large")
			break
		}
		p.rest = p.rest[digits:]
		p.accept("L") // as Python 2 wrote
		list = append(list, n)
		if !p.accept(",") {
			p.expect(")")
			break
		}
	}
	return list
}

// descr reads the type string. Structured types are lists, which are refused
// like all others that no tensor has.
func (p *parser) descr(h *header) {
	if p.accept("[") {
		p.err = &tensor.DTypeError{Op: "npy", DTypes: []string{"structured"}, Reason: "no dtype of tensors"}
		return
	}
	s := p.quoted()
	kind := strings.TrimLeft(s, "<>=|")
	d, ok := kinds[kind]
	if p.err != nil {
		return
	}
	if !ok || len(s)-len(kind) > 1 {
		p.err = &tensor.DTypeError{Op: "npy", DTypes: []string{s}, Reason: "no dtype of tensors"}
		return
	}
	h.dtype, h.big = d, s[0] == '>'
}

// text returns the header of a tensor as written: version 1, padded so that the
// elements begin at a multiple of 64 bytes.
func (h *header) text() []byte {
	const prefix = len(magic) + 4
	kind := ""
	for k, d := range kinds {
		if d == h.dtype {
			kind = k
		}
	}
	order := "<"
	if h.dtype.Size() == 1 {
		order = "|"
	}
	shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(h.shape), " ", ", "), "[]")
	if len(h.shape) == 1 {
		shape += ","
	}
	dict := fmt.Sprintf("{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }", order, kind, shape)
	total := (prefix + len(dict) + 1 + 63) / 64 * 64
	dict += strings.Repeat(" ", total-prefix-len(dict)-1) + "\n"
	out := append([]byte(magic), 1, 0)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(dict)))
	return append(out, dict...)
}
