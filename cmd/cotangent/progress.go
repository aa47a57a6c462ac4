// How far a command is: a line on the terminal that is drawn over, and gone in the end.

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// statusLine is a line drawn over at most every tenth of a second.
type statusLine struct {
	w     io.Writer
	width int // characters on a line
	drawn time.Time
}

// status returns the line on standard error, nil where that is no terminal.
func status() *statusLine {
	fd := int(os.Stderr.Fd())
	if !term.IsTerminal(fd) {
		return nil
	}
	width, _, err := term.GetSize(fd)
	if err != nil || width <= 0 {
		width = 80
	}
	return &statusLine{w: os.Stderr, width: width}
}

const (
	lineStart = "\r"
	lineErase = "\x1b[K" // from here to the end
)

// draw draws what is done of a total.
func (s *statusLine) draw(done, total int64, what string) {
	if time.Since(s.drawn) < 100*time.Millisecond {
		return
	}
	s.drawn = time.Now()
	const length = 20
	full := 0
	if total > 0 {
		full = int(min(max(float64(done)/float64(total), 0), 1) * length)
	}
	line := []rune(fmt.Sprintf("%3d%% [%s%s] %s", full*100/length, strings.Repeat("=", full), strings.Repeat(" ", length-full), what))
	fmt.Fprint(s.w, lineStart, string(line[:min(len(line), s.width-1)]), lineErase)
}

// erase leaves no trace of the line.
func (s *statusLine) erase() { fmt.Fprint(s.w, lineStart, lineErase) }

// progress draws a bar on a terminal, else nothing.
func progress() func(done, total int, what string) {
	s := status()
	if s == nil {
		return nil
	}
	return func(done, total int, what string) {
		if done == total {
			s.erase()
			return
		}
		s.draw(int64(done), int64(total), fmt.Sprintf("%d of %d: %s", done, total, what))
	}
}

// waiting shows on a terminal that something is going on, until done is called.
func waiting(what string) (done func()) {
	s := status()
	if s == nil {
		return func() {}
	}
	stop, stopped, start := make(chan struct{}), make(chan struct{}), time.Now()
	go func() {
		defer close(stopped)
		for {
			select {
			case <-time.After(time.Second):
				fmt.Fprint(s.w, lineStart, what, " for ", time.Since(start).Round(time.Second), lineErase)
			case <-stop:
				s.erase()
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// counter draws how much has been read of size bytes.
type counter struct {
	r          io.Reader
	line       *statusLine
	read, size int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read += int64(n)
	c.line.draw(c.read, c.size, "reading")
	return n, err
}
