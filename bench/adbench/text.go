// The text of the files: words and their numbers.

package adbench

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// text reads words. The first error sticks: from then on words are empty and numbers
// zero, so that readers look at it once, at the end.
type text struct {
	in    *bufio.Reader
	line  int  // of the last word
	ended bool // the last word ended its line
	colon bool // words end at colons and ends of lines, and may be empty, as in a model's files
	buf   []byte
	err   error
}

// newText decompresses r if it is gzip.
func newText(r io.Reader, l Limits) *text {
	t := &text{line: 1}
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			t.err = &FormatError{Line: 1, Reason: "gzip header", Err: err}
			return t
		}
		t.in = bufio.NewReader(&limited{z, l.Bytes, l.Bytes})
		return t
	}
	t.in = bufio.NewReader(&limited{b, l.Bytes, l.Bytes})
	return t
}

// limited fails, where io.LimitedReader ends, once more than left bytes come.
type limited struct {
	r           io.Reader
	left, limit int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, &LimitError{"length in bytes (at least)", l.limit - l.left, l.limit}
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

func (t *text) fail(format string, args ...any) {
	t.keep(&FormatError{Line: t.line, Reason: fmt.Sprintf(format, args...)})
}

func (t *text) keep(err error) {
	if t.err == nil {
		t.err = err
	}
}

// maxWord is the longest word accepted; numbers have about 25 characters.
const maxWord = 512

// word returns the next word and what ended it, which is 0 at the end of the file.
func (t *text) word() (w string, end byte) {
	t.buf = t.buf[:0]
	if t.ended {
		t.line, t.ended = t.line+1, false
	}
	for t.err == nil {
		c, err := t.in.ReadByte()
		switch inside := len(t.buf) > 0; {
		case errors.Is(err, io.EOF):
			return string(t.buf), 0
		case err != nil:
			t.failed(err)
		case c == '\n' && (inside || t.colon):
			t.ended = true
			return string(t.buf), c
		case c == '\n':
			t.line++
		case c == ':' && t.colon, isSpace(c) && inside && !t.colon:
			return string(t.buf), c
		case isSpace(c):
		case len(t.buf) == maxWord:
			t.fail("a word of over %d characters", maxWord)
		default:
			t.buf = append(t.buf, c)
		}
	}
	return "", 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// failed keeps an error of reading.
func (t *text) failed(err error) {
	var limit *LimitError
	if errors.As(err, &limit) {
		t.keep(limit)
		return
	}
	t.keep(&FormatError{Line: t.line, Reason: "reading", Err: err})
}

// integer reads a number from low to high.
func (t *text) integer(what string, low, high int) int {
	w, _ := t.word()
	return t.parseInteger(what, w, low, high)
}

func (t *text) parseInteger(what, w string, low, high int) int {
	if t.err != nil {
		return 0
	}
	v, err := strconv.Atoi(w)
	switch {
	case w == "":
		t.fail("the end, where the file should have %s", what)
	case err != nil:
		t.fail("%q for %s", w, what)
	case v < low || v > high:
		t.fail("%d for %s, which is between %d and %d", v, what, low, high)
	}
	if t.err != nil {
		return 0
	}
	return v
}

// maxSize is the largest size in a header: products of two of them are no overflow.
const maxSize = 1 << 30

// size reads a size of at least low.
func (t *text) size(what string, low int) int { return t.integer(what, low, maxSize) }

// number reads a finite number.
func (t *text) number(what string) float64 {
	w, _ := t.word()
	return t.parseNumber(what, w)
}

func (t *text) parseNumber(what, w string) float64 {
	if t.err != nil {
		return 0
	}
	v, err := strconv.ParseFloat(w, 64)
	switch {
	case w == "":
		t.fail("the end, where the file should have %s", what)
	case err != nil || math.IsInf(v, 0) || math.IsNaN(v):
		t.fail("%q for %s", w, what)
	}
	return v
}

// numbers reads rows x cols numbers.
func (t *text) numbers(what string, rows, cols int) []float64 {
	var v []float64
	for i := 0; i < rows && t.err == nil; i++ {
		for j := 0; j < cols && t.err == nil; j++ {
			v = append(v, t.number(what))
		}
	}
	return v
}

// end wants nothing more to come, and returns the first error of all.
func (t *text) end() error {
	if w, _ := t.word(); w != "" {
		t.fail("%q after the last number", w)
	}
	return t.err
}
