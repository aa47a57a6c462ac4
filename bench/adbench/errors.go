package adbench

import "fmt"

// A FormatError says what is wrong with a file, and on which line (from 1).
type FormatError struct {
	Line   int
	Reason string
	Err    error // the cause, if another package found it
}

func (e *FormatError) Error() string {
	s := fmt.Sprintf("adbench: line %d: %s", e.Line, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// A LimitError says that a file asks for more than [Limits] allows.
type LimitError struct {
	What       string
	Got, Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("adbench: %s: %d, over the limit of %d", e.What, e.Got, e.Limit)
}

// A NameError says that a file's name does not tell its problem.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("adbench: %q starts with none of gmm, ba, lstm, hand", e.Name)
}

// Limits bounds what the readers accept. A zero field means the default.
type Limits struct {
	Bytes    int64 // length of a file, decompressed; 2³⁰ by default
	Elements int   // of an array that is larger than the file (observations of ba times 32, weights of a hand); 2²⁸ by default
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 1 << 30
	}
	if l.Elements == 0 {
		l.Elements = 1 << 28
	}
	return l
}

// elements checks the size of an array that stands for more than the file holds.
func (l Limits) elements(what string, rows, cols int) error {
	if rows > l.Elements/max(cols, 1) {
		return &LimitError{what, int64(rows), int64(l.Elements / max(cols, 1))}
	}
	return nil
}
