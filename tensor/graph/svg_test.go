package graph

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/kernels"
)

// wellFormed reads XML to its end.
func wellFormed(t *testing.T, data []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
	}
}

func TestSVG(t *testing.T) {
	g := dumped(t)
	g.Times = []time.Duration{1000, 123456 * time.Nanosecond, 0, 1, 2, 3}
	var out bytes.Buffer
	if err := g.WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, out.Bytes())
	s := out.String()
	for _, want := range []string{">param 0<", "float64[2 1]", "48 bytes, 123µs", "dir &#34;with&#34; quotes/model.go:7", ">output 3<", "lt · 1", "6 instructions", "share of the time"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
	if n := strings.Count(s, "<title>"); n != 1+1+6+4 { // a parameter, a table, instructions, outputs
		t.Errorf("%d boxes", n)
	}
	// x to sum, sub; sum to sub; sub and table to mul; mul to lt, pad, slice; those to outputs
	if n := strings.Count(s, "<path"); n != 12 {
		t.Errorf("%d lines", n)
	}
	if a, b := heat(0), heat(1); a != "#ffffff" || b != "#ee604c" {
		t.Errorf("colours %s, %s", a, b)
	}
}

func TestSVGTooLarge(t *testing.T) {
	b := newBuilder(t)
	x := b.param(1)
	for range maxBoxes {
		x = b.apply(kernels.Exp, nil, x)
	}
	err := b.outputs(x).WriteSVG(io.Discard)
	if e := (*TooLargeError)(nil); !errors.As(err, &e) || e.Boxes != maxBoxes+2 {
		t.Errorf("%v", err)
	}
}
