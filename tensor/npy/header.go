// The header of an .npy file: a magic string, a version, and the text of a
// Python dictionary that tells dtype, order and shape
// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Here it is
// held to that, and told again in the one spelling that npyio takes.

package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
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
	maxHeader = 1 << 14 // bytes of dictionary: some hundred do for any dtype and shape taken here
)

// kinds are the type strings behind the byte order.
var kinds = map[string]tensor.DType{
	"f8": tensor.Float64, "f4": tensor.Float32, "i8": tensor.Int64, "i4": tensor.Int32, "b1": tensor.Bool,
}

// The entries of the dictionary, and what is left of it without them.
var (
	descrEntry = regexp.MustCompile(`['"]descr['"]\s*:\s*(?:['"]([^'"]*)['"]|\[[^\]]*\])`)
	orderEntry = regexp.MustCompile(`['"]fortran_order['"]\s*:\s*(True|False)`)
	shapeEntry = regexp.MustCompile(`['"]shape['"]\s*:\s*\(((?:\s*\d+L?\s*,)*(?:\s*\d+L?)?)\s*\)`) // Python 2 wrote 3L
	rest       = regexp.MustCompile(`^\s*\{(?:\s*,)*\s*\}\s*$`)
)

// readHeader reads a header and returns the same one in npyio's spelling, and
// the dtype.
func readHeader(r io.Reader) ([]byte, tensor.DType, error) {
	var start [8]byte
	if err := readFull(r, start[:], "the header"); err != nil {
		return nil, 0, err
	}
	if string(start[:6]) != magic {
		return nil, 0, malformed("not an .npy file")
	}
	var length [4]byte
	switch start[6] {
	case 1:
		if err := readFull(r, length[:2], "the header"); err != nil {
			return nil, 0, err
		}
	case 2, 3:
		if err := readFull(r, length[:], "the header"); err != nil {
			return nil, 0, err
		}
	default:
		return nil, 0, malformed("version %d of the format", start[6])
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n > maxHeader {
		return nil, 0, malformed("a header of %d bytes", n)
	}
	text := make([]byte, n)
	if err := readFull(r, text, "the header"); err != nil {
		return nil, 0, err
	}
	return respelled(string(text))
}

// readFull is io.ReadFull; the error of an early end tells what is missing.
func readFull(r io.Reader, buf []byte, what string) error {
	_, err := io.ReadFull(r, buf)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("%s is cut short", what)
	}
	return err
}

// respelled returns the header with the given dictionary in npyio's spelling.
func respelled(text string) ([]byte, tensor.DType, error) {
	var entry [3]string
	left := text
	for i, e := range []*regexp.Regexp{descrEntry, orderEntry, shapeEntry} {
		at := e.FindStringSubmatchIndex(left)
		if at == nil {
			return nil, 0, malformed("a header without descr, fortran_order or shape: %.200q", text)
		}
		if entry[i] = left[at[0]:at[1]]; at[2] >= 0 {
			entry[i] = left[at[2]:at[3]]
		}
		left = left[:at[0]] + left[at[1]:]
	}
	if !rest.MatchString(left) {
		return nil, 0, malformed("more than a dictionary of descr, fortran_order and shape in the header: %.200q", text)
	}
	kind := strings.TrimLeft(entry[0], "<>=|")
	dtype, ok := kinds[kind]
	order := strings.TrimLeft(strings.TrimSuffix(entry[0], kind), "=")
	if !ok || len(order) > 1 {
		return nil, 0, &tensor.DTypeError{Op: "npy", DTypes: []string{entry[0]}, Reason: "no dtype of tensors"}
	}
	if order == ">" && dtype.Size() == 1 {
		order = "|"
	}
	return header(order+kind, entry[1], strings.ReplaceAll(entry[2], "L", "")), dtype, nil
}

// header returns a header, padded so that the elements begin at a multiple of 64
// bytes.
func header(descr, fortran, shape string) []byte {
	const prefix = len(magic) + 4
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }", descr, fortran, shape)
	total := (prefix + len(dict) + 1 + 63) / 64 * 64
	dict += strings.Repeat(" ", total-prefix-len(dict)-1) + "\n"
	out := append([]byte(magic), 1, 0)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(dict)))
	return append(out, dict...)
}

// elements returns the number of elements, which fits an int together with their
// bytes; shapes that no tensor can have are refused.
func elements(shape []int, d tensor.DType) (int, error) {
	if len(shape) > kernels.MaxRank {
		return 0, malformed("%d dimensions, more than %d", len(shape), kernels.MaxRank)
	}
	n, bytes := 1, d.Size()
	for _, k := range shape {
		if k > 0 && bytes > math.MaxInt/64/k {
			return 0, malformed("the shape %v is too large", shape)
		}
		bytes *= max(k, 1)
		n *= k
	}
	return n, nil
}
