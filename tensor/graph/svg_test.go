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

// Bodies lie in rows, apart from each other and within the picture, which is no strip.
func TestSVGRows(t *testing.T) {
	b := newBuilder(t)
	k, x, xs := b.param(2), b.param(2), b.param(4, 2)
	for range 12 {
		x = b.emit(&Control{Form: Scan, Bodies: []*Graph{scanBody(t)}, Consts: 1, Carries: 1, Xs: 1, Ys: 1, Sums: 2, Length: 4}, k, x, xs)
	}
	var p picture
	if err := p.section(b.outputs(x), ""); err != nil {
		t.Fatal(err)
	}
	whole := p.arrange()
	if whole.Width > 2.5*whole.Height || whole.Height > 2.5*whole.Width {
		t.Errorf("a picture of %v", whole)
	}
	if len(p.sections) != 13 {
		t.Errorf("%d sections", len(p.sections))
	}
	for i, s := range p.sections {
		a := s.size()
		if s.at.X < 0 || s.at.Y < svgHead || s.at.X-svgMargin+a.Width > whole.Width || s.at.Y-svgMargin+a.Height > whole.Height {
			t.Errorf("section %d at %v of %v is not within %v", i, s.at, a, whole)
		}
		for j, r := range p.sections[:i] {
			b := r.size()
			if s.at.X < r.at.X+b.Width && r.at.X < s.at.X+a.Width && s.at.Y < r.at.Y+b.Height && r.at.Y < s.at.Y+a.Height {
				t.Errorf("sections %d and %d overlap", i, j)
			}
		}
	}
}
