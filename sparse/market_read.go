// Reading MatrixMarket files (Boisvert, Pozo and Remington, NISTIR 5935, 1996):
// coordinate format; pattern, real and integer values; general, symmetric and
// skew-symmetric storage; plain or gzip.
//
// Files are not trusted: the header's sizes are compared with limits and never
// used to take memory, which grows with the entries that are really there; and a small
// compressed file must not hold very many.

package sparse

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Limits bounds what ReadMatrixMarket accepts. A zero field means the default.
type Limits struct {
	Dim     int   // rows, and columns; 2²⁴ by default, and no more than 2²⁰ or 64 an entry
	Entries int   // entries after symmetric storage is filled out; 2²⁸ by default
	Bytes   int64 // length of the file, decompressed; 2³⁴ by default
}

func (l Limits) withDefaults() Limits {
	if l.Dim == 0 {
		l.Dim = 1 << 24
	}
	if l.Entries == 0 {
		l.Entries = 1 << 28
	}
	if l.Bytes == 0 {
		l.Bytes = 1 << 34
	}
	l.Dim = min(l.Dim, math.MaxInt32)
	return l
}

// Field is the kind of a MatrixMarket file's values.
type Field uint8

// The kinds. A pattern's values are read as ones.
const (
	FieldReal Field = iota
	FieldInteger
	FieldPattern
)

// Symmetry is a MatrixMarket file's storage scheme.
type Symmetry uint8

// The schemes: all entries; the lower triangle of a symmetric matrix; the strictly
// lower triangle of a skew-symmetric one.
const (
	SymmetryGeneral Symmetry = iota
	SymmetrySymmetric
	SymmetrySkew
)

var (
	fieldNames    = [...]string{"real", "integer", "pattern"}
	symmetryNames = [...]string{"general", "symmetric", "skew-symmetric"}
)

// String returns the word in the file: "real", "integer" or "pattern".
func (f Field) String() string { return fieldNames[min(int(f), len(fieldNames)-1)] }

// String returns the word in the file: "general", "symmetric" or "skew-symmetric".
func (s Symmetry) String() string { return symmetryNames[min(int(s), len(symmetryNames)-1)] }

// Market is a matrix read from a MatrixMarket file. Entries are as listed, the
// stored triangle filled out to both; repeated ones stay repeated, and zeros stay.
type Market struct {
	COO[float64]
	Field    Field
	Symmetry Symmetry
}

// ReadMatrixMarket reads a file, decompressing gzip if that is what it is. Errors are
// *FormatError, with the line number; *LimitError; or the reader's.
func ReadMatrixMarket(r io.Reader, limits Limits) (*Market, error) {
	dense := limits.Dim == 0
	limits = limits.withDefaults()
	file := &countingReader{r: r}
	b := bufio.NewReader(file)
	if magic, _ := b.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, &FormatError{Line: 1, Reason: "gzip header", Err: err}
		}
		defer z.Close()
		b = bufio.NewReader(&limitedReader{r: &inflated{r: z, file: file}, left: limits.Bytes, limit: limits.Bytes})
	} else {
		b = bufio.NewReader(&limitedReader{r: b, left: limits.Bytes, limit: limits.Bytes})
	}
	m := &marketReader{in: b, limits: limits, dense: dense}
	if err := m.read(); err != nil {
		return nil, err
	}
	return &m.out, nil
}

// limitedReader fails, where io.LimitedReader ends, once more than left bytes come.
type limitedReader struct {
	r           io.Reader
	left, limit int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, &LimitError{"file length (at least)", l.limit - l.left, l.limit}
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

// countingReader counts what comes.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Beyond so many bytes, a compressed file may hold at most so many times its length;
// numbered entries are compressed 3 to 50 times.
const (
	freeInflation = 1 << 24
	maxInflation  = 200
)

// inflated fails once a compressed file turns out to hold far more than entries
// would come to: it was made to take time and memory.
type inflated struct {
	r    io.Reader
	file *countingReader
	n    int64
}

func (z *inflated) Read(p []byte) (int, error) {
	if most := max(freeInflation, maxInflation*z.file.n); z.n > most {
		return 0, &LimitError{"decompressed length (at least)", z.n, most}
	}
	n, err := z.r.Read(p)
	z.n += int64(n)
	return n, err
}

type marketReader struct {
	in     *bufio.Reader
	limits Limits
	dense  bool // lines are limited by the entries
	line   int
	out    Market
	listed int // entries that the header announces
}

func (m *marketReader) fail(format string, args ...any) error {
	return &FormatError{Line: m.line, Reason: fmt.Sprintf(format, args...)}
}

// maxLineBytes is the longest line accepted. The format says 1024 characters.
const maxLineBytes = 1 << 16

// next returns the next line without its end; it is valid until the next call.
func (m *marketReader) next() ([]byte, error) {
	m.line++
	line, err := m.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		// A long comment: read on, up to a limit.
		long := append([]byte(nil), line...)
		for errors.Is(err, bufio.ErrBufferFull) && len(long) < maxLineBytes {
			line, err = m.in.ReadSlice('\n')
			long = append(long, line...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, m.fail("over %d bytes long", maxLineBytes)
		}
		line = long
	}
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	if err == io.EOF {
		return nil, io.EOF
	}
	if err != nil {
		var limit *LimitError
		if errors.As(err, &limit) {
			return nil, limit
		}
		return nil, &FormatError{Line: m.line, Reason: "reading", Err: err}
	}
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line, nil
}

// nextData returns the next line that is neither blank nor a comment.
func (m *marketReader) nextData() ([]byte, error) {
	for {
		line, err := m.next()
		if err != nil {
			return nil, err
		}
		if word, _ := cutWord(line); len(word) > 0 && word[0] != '%' {
			return line, nil
		}
	}
}

func (m *marketReader) read() error {
	if err := m.banner(); err != nil {
		return err
	}
	if err := m.sizes(); err != nil {
		return err
	}
	for k := range m.listed {
		line, err := m.nextData()
		if err == io.EOF {
			return m.fail("the file ends after %d of %d entries", k, m.listed)
		}
		if err != nil {
			return err
		}
		if err := m.entry(line); err != nil {
			return err
		}
	}
	switch _, err := m.nextData(); err {
	case io.EOF:
		return nil
	case nil:
		return m.fail("more than the announced %d entries", m.listed)
	default:
		return err
	}
}

// banner reads "%%MatrixMarket matrix coordinate <field> <symmetry>".
func (m *marketReader) banner() error {
	line, err := m.next()
	if err == io.EOF {
		return m.fail("the file is empty")
	}
	if err != nil {
		return err
	}
	var words [5]string
	for k := range words {
		var w []byte
		w, line = cutWord(line)
		words[k] = lower(w)
	}
	switch {
	case words[0] != "%%matrixmarket":
		return m.fail("no %%%%MatrixMarket banner")
	case words[1] != "matrix":
		return m.fail("object %q, want matrix", words[1])
	case words[2] != "coordinate":
		return m.fail("format %q, want coordinate", words[2])
	}
	field, ok := wordIndex(fieldNames[:], words[3])
	if !ok {
		return m.fail("values %q, want real, integer or pattern", words[3])
	}
	symmetry, ok := wordIndex(symmetryNames[:], words[4])
	if !ok {
		return m.fail("symmetry %q, want general, symmetric or skew-symmetric", words[4])
	}
	m.out.Field, m.out.Symmetry = Field(field), Symmetry(symmetry)
	if m.out.Field == FieldPattern && m.out.Symmetry == SymmetrySkew {
		return m.fail("a pattern cannot be skew-symmetric")
	}
	return nil
}

// By default a matrix may have freeLines rows and columns, and more if there are
// entries: each takes a few words of whatever is done with the matrix.
const (
	freeLines    = 1 << 20
	linesAnEntry = 64
)

// sizes reads "rows columns entries".
func (m *marketReader) sizes() error {
	line, err := m.nextData()
	if err == io.EOF {
		return m.fail("the file ends before the size line")
	}
	if err != nil {
		return err
	}
	var n [3]int64
	for k, what := range []string{"rows", "columns", "entries"} {
		var w []byte
		w, line = cutWord(line)
		v, err := strconv.ParseInt(string(w), 10, 64)
		if err != nil || v < 0 {
			return m.fail("%q for the number of %s", w, what)
		}
		n[k] = v
	}
	if w, _ := cutWord(line); len(w) > 0 {
		return m.fail("%q after the sizes", w)
	}
	dim := int64(m.limits.Dim)
	if m.dense && n[2] < dim/linesAnEntry {
		dim = max(freeLines, linesAnEntry*n[2])
	}
	limits := [3]int64{dim, dim, int64(m.limits.Entries)}
	for k, what := range []string{"number of rows", "number of columns", "number of entries"} {
		if n[k] > limits[k] {
			return &LimitError{what, n[k], limits[k]}
		}
	}
	if m.out.Symmetry != SymmetryGeneral && n[0] != n[1] {
		return m.fail("a %d x %d matrix cannot be %v", n[0], n[1], m.out.Symmetry)
	}
	m.out.Rows, m.out.Cols, m.listed = int(n[0]), int(n[1]), int(n[2])
	return nil
}

// entry reads "row column value", from 1.
func (m *marketReader) entry(line []byte) error {
	a, line := cutWord(line)
	b, line := cutWord(line)
	i, ok := parseIndex(a, m.out.Rows)
	if !ok {
		return m.fail("row %q of %d", a, m.out.Rows)
	}
	j, ok := parseIndex(b, m.out.Cols)
	if !ok {
		return m.fail("column %q of %d", b, m.out.Cols)
	}
	v := 1.0
	if m.out.Field != FieldPattern {
		var w []byte
		w, line = cutWord(line)
		var err error
		if v, err = strconv.ParseFloat(string(w), 64); err != nil {
			return m.fail("value %q", w)
		}
		if m.out.Field == FieldInteger && v != math.Trunc(v) {
			return m.fail("%q is no integer", w)
		}
	}
	if w, _ := cutWord(line); len(w) > 0 {
		return m.fail("%q after the entry", w)
	}
	m.out.Append(i, j, v)
	if m.out.Symmetry == SymmetryGeneral {
		return nil
	}
	if i < j {
		return m.fail("entry (%d, %d) is above the diagonal of a %v matrix", i+1, j+1, m.out.Symmetry)
	}
	if i == j {
		if m.out.Symmetry == SymmetrySkew && v != 0 {
			return m.fail("entry (%d, %d) on the diagonal of a skew-symmetric matrix", i+1, j+1)
		}
		return nil
	}
	if m.out.Symmetry == SymmetrySkew {
		v = -v
	}
	m.out.Append(j, i, v)
	if len(m.out.Val) > m.limits.Entries {
		return &LimitError{"number of entries", int64(len(m.out.Val)), int64(m.limits.Entries)}
	}
	return nil
}

// cutWord splits off the first word, delimited by spaces and tabs.
func cutWord(s []byte) (word, rest []byte) {
	k := 0
	for k < len(s) && (s[k] == ' ' || s[k] == '\t') {
		k++
	}
	s = s[k:]
	k = 0
	for k < len(s) && s[k] != ' ' && s[k] != '\t' {
		k++
	}
	return s[:k], s[k:]
}

// parseIndex reads a decimal from 1 to n and returns it from 0.
func parseIndex(s []byte, n int) (int, bool) {
	if len(s) == 0 || len(s) > 10 {
		return 0, false
	}
	v := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = 10*v + int(c-'0')
	}
	return v - 1, v >= 1 && v <= n
}

// lower returns an ASCII word in lower case.
func lower(w []byte) string {
	b := make([]byte, len(w))
	for k, c := range w {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b[k] = c
	}
	return string(b)
}

func wordIndex(words []string, w string) (int, bool) {
	for k, s := range words {
		if s == w {
			return k, true
		}
	}
	return 0, false
}
