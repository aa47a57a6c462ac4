package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// The line tells how far the work is, fits the terminal, and is not drawn all the time.
func TestStatusLine(t *testing.T) {
	var out strings.Builder
	s := &statusLine{w: &out, width: 40}
	s.draw(1, 4, "a scenario with a name that is too long for the line")
	s.draw(2, 4, "so soon")
	if got, want := out.String(), "\r 25% [=====               ] a scenario \x1b[K"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, c := range []struct {
		done, total int64
		want        string
	}{{0, 0, "  0% [    "}, {9, 3, "100% ["}, {-1, 3, "  0% ["}} {
		out.Reset()
		s.drawn = time.Time{}
		if s.draw(c.done, c.total, ""); !strings.HasPrefix(out.String(), lineStart+c.want) {
			t.Errorf("%d of %d: %q", c.done, c.total, out.String())
		}
	}
}

// What is read passes through.
func TestCounter(t *testing.T) {
	const text = "%%MatrixMarket"
	var out strings.Builder
	c := &counter{r: strings.NewReader(text), line: &statusLine{w: &out, width: 80}, size: int64(len(text))}
	if b, err := io.ReadAll(c); string(b) != text || err != nil || c.read != c.size {
		t.Errorf("%q %v, %d bytes", b, err, c.read)
	}
	if !strings.Contains(out.String(), "100% [") {
		t.Errorf("drew %q", out.String())
	}
}
