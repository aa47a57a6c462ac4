// Plans as bytes, to prepare once and keep.
//
// An encoded plan holds the pattern, the colouring and the options; the recovery map
// is a function of these, and is made again, and so verified, when a plan is read.

package sparse

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
)

var planMagic = []byte("sparse.Plan/1\n")

// planHeader is the part of an encoded plan that is JSON; the arrays follow in binary.
type planHeader struct {
	Rows, Cols, Nnz int
	Options         PlanOptions
	Coloring        Coloring // without the colours
}

// MarshalBinary encodes the plan: a header in JSON; each row's length and columns
// as differences; a colour for each column and row; a checksum.
func (pl *Plan) MarshalBinary() ([]byte, error) {
	p, c := pl.pattern, *pl.coloring
	c.ColColor, c.RowColor, c.Tried = nil, nil, nil
	header, err := json.Marshal(planHeader{p.Rows, p.Cols, p.Nnz(), pl.opts, c})
	if err != nil {
		return nil, err
	}
	b := append([]byte(nil), planMagic...)
	b = binary.AppendUvarint(b, uint64(len(header)))
	b = append(b, header...)
	for i := range p.Rows {
		row := p.Row(i)
		b = binary.AppendUvarint(b, uint64(len(row)))
		last := int32(0)
		for _, j := range row {
			b = binary.AppendUvarint(b, uint64(j-last))
			last = j
		}
	}
	// Colours are written for every line, -1 as 0, so that no size in the header
	// takes memory that the bytes do not justify.
	b = appendColors(b, pl.coloring.ColColor, p.Cols)
	b = appendColors(b, pl.coloring.RowColor, p.Rows)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

func appendColors(b []byte, color []int32, lines int) []byte {
	if color == nil {
		return append(b, make([]byte, lines)...)
	}
	for _, c := range color {
		b = binary.AppendUvarint(b, uint64(c+1))
	}
	return b
}

// UnmarshalBinary decodes a plan, verifies its colouring and makes the recovery map.
// Errors are *DecodeError, or what NewPlan returns.
func (pl *Plan) UnmarshalBinary(data []byte) error {
	rest, ok := bytes.CutPrefix(data, planMagic)
	if !ok || len(rest) < 4 {
		return &DecodeError{"no header"}
	}
	end := len(data) - 4
	if crc32.ChecksumIEEE(data[:end]) != binary.LittleEndian.Uint32(data[end:]) {
		return &DecodeError{"checksum"}
	}
	d := decoder{rest: rest[:len(rest)-4]}
	n := d.length("header", len(d.rest))
	if n > len(d.rest) {
		d.fail("header")
	}
	if d.err != nil {
		return d.err
	}
	var h planHeader
	if err := json.Unmarshal(d.rest[:n], &h); err != nil {
		return &DecodeError{"header: " + err.Error()}
	}
	d.rest = d.rest[n:]
	if l := h.Coloring.Lattice; l != nil && !l.valid() {
		return &DecodeError{"lattice"}
	}
	// Every row, column and entry takes a byte at least.
	if h.Rows < 0 || h.Cols < 0 || h.Nnz < 0 || h.Rows > len(d.rest) || h.Cols > len(d.rest) || h.Nnz > len(d.rest) {
		return &DecodeError{fmt.Sprintf("%d x %d with %d entries in %d bytes", h.Rows, h.Cols, h.Nnz, len(d.rest))}
	}
	p := d.pattern(h)
	c := h.Coloring
	c.ColColor, c.RowColor = d.colors(h.Cols), d.colors(h.Rows)
	if c.Problem.Partition == ByRow {
		c.ColColor = nil
	}
	if c.Problem.Partition == ByColumn {
		c.RowColor = nil
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("%d bytes too many", len(d.rest))
	}
	if d.err != nil {
		return d.err
	}
	made, err := NewPlan(p, &c, h.Options)
	if err != nil {
		return err
	}
	*pl = *made
	return nil
}

// decoder reads numbers off the front of rest until something is wrong.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = &DecodeError{fmt.Sprintf(format, args...)}
	}
}

// length reads a number of at most limit.
func (d *decoder) length(what string, limit int) int {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || v > uint64(limit) {
		d.fail("%s", what)
	}
	if d.err != nil {
		return 0
	}
	d.rest = d.rest[n:]
	return int(v)
}

func (d *decoder) pattern(h planHeader) *Pattern {
	p := &Pattern{Rows: h.Rows, Cols: h.Cols, Ptr: make([]int, h.Rows+1), Idx: make([]int32, 0, h.Nnz)}
	for i := range h.Rows {
		last := 0
		for range d.length("row", h.Nnz-len(p.Idx)) {
			last += d.length("column", h.Cols-last)
			p.Idx = append(p.Idx, int32(last))
		}
		if d.err != nil {
			break
		}
		p.Ptr[i+1] = len(p.Idx)
	}
	return p
}

func (d *decoder) colors(lines int) []int32 {
	color := make([]int32, lines)
	for v := range color {
		color[v] = int32(d.length("colour", lines)) - 1
	}
	return color
}
