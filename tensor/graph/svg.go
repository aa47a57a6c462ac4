// Graphs as pictures, for a browser.

package graph

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/internal/layered"
)

// maxBoxes bounds the pictures: larger ones nobody could read.
const maxBoxes = 5000

// TooLargeError tells that a graph is too large for a picture.
type TooLargeError struct{ Boxes int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("graph: a picture of %d boxes could not be read (at most %d are drawn)", e.Boxes, maxBoxes)
}

// WriteSVG draws the graph, and beside it, or in rows below it, the bodies of its control
// flow: inputs are rounded, instructions boxes, values lines downwards. Boxes show shapes, bytes and, where the graph has them, times, which
// colour them by their share of the whole. What is cut short in a box is whole in
// its tooltip. Constants of one number are written into the boxes that read them.
// Errors: a *TooLargeError, w's.
func (g *Graph) WriteSVG(w io.Writer) error {
	var p picture
	if err := p.section(g, ""); err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	p.write(b)
	return b.Flush()
}

const (
	svgMargin   = 20.0
	svgHead     = 62.0 // height of what stands above the graph
	svgLine     = 14.0
	svgChar     = 6.3 // width of a character
	svgMaxChars = 34
)

// picture is what there is to draw: sections in rows.
type picture struct {
	sections []*section
	whole    time.Duration
	steps    int
	boxes    int
	bytes    int // of all results
}

// section is a graph, the program's own or a body.
type section struct {
	title string
	boxes []box
	sizes []layered.Size
	edges []layered.Edge
	place *layered.Drawing
	at    layered.Point // its upper left corner
}

type box struct {
	lines   []string
	tooltip string
	class   string
	time    time.Duration
}

// section adds a graph, and then the bodies in it.
func (p *picture) section(g *Graph, title string) error {
	s := &section{title: title}
	list := g.list()
	s.fill(list, g.Outputs)
	if p.boxes += len(s.boxes); p.boxes > maxBoxes {
		return &TooLargeError{p.boxes}
	}
	var err error
	if s.place, err = layered.Draw(s.sizes, s.edges, layered.Gaps{Nodes: 18, Lines: 9, Layers: 30}); err != nil {
		return err
	}
	p.sections = append(p.sections, s)
	for _, e := range list {
		if e.Input {
			continue
		}
		p.steps++
		if title == "" {
			p.whole += e.Time
		}
		for _, a := range e.Out {
			p.bytes += bytesOf(a)
		}
		for k, body := range e.Bodies {
			inner := strings.TrimPrefix(fmt.Sprintf("%s, %s of %s %s", title, e.Roles[k], e.Op, refsText(e.results()[:min(1, len(e.Out))])), ", ")
			if err := p.section(body, inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill makes the boxes and edges.
func (s *section) fill(list []entry, outputs []Ref) {
	node := map[Ref]int{}      // of each value its box
	number := map[Ref]string{} // constants that are written where they are read
	edges := map[layered.Edge]bool{}
	join := func(v Ref) {
		e := layered.Edge{From: node[v], To: len(s.boxes)}
		if _, ok := node[v]; ok && !edges[e] {
			edges[e] = true
			s.edges = append(s.edges, e)
		}
	}
	for i := range list {
		e := &list[i]
		if e.Op == "const" && e.Attr != "" {
			number[e.First] = e.Attr
			continue
		}
		for _, v := range e.In {
			join(v)
		}
		for k := range e.Out {
			node[e.First+Ref(k)] = len(s.boxes)
		}
		s.add(entryBox(e, number))
	}
	for i, v := range outputs {
		join(v)
		text := fmt.Sprintf("output %d", i)
		if c, ok := number[v]; ok {
			text += " = " + c
		}
		s.add(box{lines: []string{text}, tooltip: fmt.Sprintf("output %d is %%%d", i, v), class: "output"})
	}
}

// add appends a box.
func (s *section) add(b box) {
	longest := 0
	for i, l := range b.lines {
		if r := []rune(l); len(r) > svgMaxChars {
			b.lines[i] = string(r[:svgMaxChars-1]) + "…"
		}
		longest = max(longest, len([]rune(b.lines[i])))
	}
	s.boxes = append(s.boxes, b)
	s.sizes = append(s.sizes, layered.Size{Width: float64(longest)*svgChar + 14, Height: float64(len(b.lines))*svgLine + 8})
}

// entryBox returns the box of an input or instruction.
func entryBox(e *entry, number map[Ref]string) box {
	title, bytes := e.Op, 0
	if e.Input || e.Attr != "" {
		title = strings.TrimSpace(title + " " + e.Attr)
	}
	for _, v := range e.In {
		if c, ok := number[v]; ok {
			title += " · " + c
		}
	}
	for _, a := range e.Out {
		bytes += bytesOf(a)
	}
	facts := device.FormatBytes(int64(bytes))
	if e.Time > 0 {
		facts += ", " + timeText(e.Time)
	}
	b := box{lines: []string{title, avalsText(e.Out), facts}, time: e.Time, class: "step"}
	if e.Input {
		b.class = e.Op
	}
	b.tooltip = fmt.Sprintf("%s = %s %s\n%s\n%s", refsText(e.results()), e.Op, strings.TrimSpace(e.Attr+" "+refsText(e.In)), avalsText(e.Out), facts)
	if e.Place != "" {
		b.tooltip += "\n" + e.Place
	}
	return b
}

// timeText formats a time with three digits.
func timeText(d time.Duration) string {
	digits := time.Duration(math.Pow10(max(0, int(math.Log10(float64(max(d, 1))))-2)))
	return d.Round(digits).String()
}

const svgStyle = `
text { font: 11px "DejaVu Sans Mono", Menlo, Consolas, monospace; text-anchor: middle; fill: #1b1b1b }
.head text { text-anchor: start; font-size: 13px }
.name { font-weight: bold }
rect { stroke: #707070; fill: #ffffff }
.param rect { fill: #dbe9f6 }
.const rect { fill: #efefef; stroke-dasharray: 3 2 }
.output rect { fill: #e3f2dc; stroke-width: 2 }
path { fill: none; stroke: #8a8f98; stroke-width: 1.1 }
`

// size is what a section takes with its title and the space around it.
func (s *section) size() layered.Size {
	return layered.Size{Width: math.Max(s.place.Width, float64(len(s.title))*8) + 2*svgMargin, Height: s.place.Height + 2*svgMargin}
}

// arrange places the sections in rows, so that the picture is no strip, and returns its size.
func (p *picture) arrange() (whole layered.Size) {
	area, widest := 0.0, 0.0
	for _, s := range p.sections {
		size := s.size()
		area += size.Width * size.Height
		widest = math.Max(widest, size.Width)
	}
	most := math.Max(widest, 1.6*math.Sqrt(area))
	x, y, row := 0.0, svgHead, 0.0
	for _, s := range p.sections {
		size := s.size()
		if x > 0 && x+size.Width > most {
			x, y, row = 0, y+row+svgMargin, 0
		}
		s.at = layered.Point{X: x + svgMargin, Y: y + svgMargin}
		x, row = x+size.Width, math.Max(row, size.Height)
		whole.Width, whole.Height = math.Max(whole.Width, x), y+row
	}
	return layered.Size{Width: math.Ceil(math.Max(whole.Width, 520)), Height: math.Ceil(whole.Height)}
}

func (p *picture) write(b *bufio.Writer) {
	whole := p.arrange()
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %[1]g %[2]g">`+"\n", whole.Width, whole.Height)
	fmt.Fprintf(b, "<style>%s</style>\n<rect width=\"100%%\" height=\"100%%\" style=\"stroke:none\"/>\n", svgStyle)
	p.head(b)
	for _, s := range p.sections {
		fmt.Fprintf(b, `<g transform="translate(%.1f %.1f)">`+"\n", s.at.X, s.at.Y)
		p.draw(b, s)
		fmt.Fprint(b, "</g>\n")
	}
	fmt.Fprint(b, "</svg>\n")
}

// draw writes a section, its upper left corner at the origin.
func (p *picture) draw(b *bufio.Writer, s *section) {
	if s.title != "" {
		fmt.Fprintf(b, `<g class="head"><text y="-10">%s</text></g>`+"\n", html.EscapeString(s.title))
	}
	for _, line := range s.place.Lines {
		fmt.Fprintf(b, `<path d="%s"/>`+"\n", curve(line))
	}
	for i, x := range s.boxes {
		p.box(b, x, s.sizes[i], s.place.Nodes[i])
	}
}

// head writes what the picture shows as a whole, and what its colours mean.
func (p *picture) head(b *bufio.Writer) {
	fmt.Fprintf(b, `<g class="head"><text x="%g" y="26">%s, results of %s`, svgMargin, strings.TrimSuffix(fmt.Sprintf("%d instructions", p.steps), map[bool]string{true: "s"}[p.steps == 1]), device.FormatBytes(int64(p.bytes)))
	if p.whole > 0 {
		fmt.Fprintf(b, ", %s", timeText(p.whole))
	}
	fmt.Fprint(b, "</text>\n")
	if p.whole > 0 {
		fmt.Fprintf(b, `<text x="%g" y="47">share of the time:</text>`+"\n", svgMargin)
		for i, share := range []float64{0, 0.01, 0.05, 0.2, 0.5} {
			x := svgMargin + 155 + 62*float64(i)
			fmt.Fprintf(b, `<rect x="%g" y="36" width="14" height="14" style="fill:%s"/><text x="%g" y="47">%g %%</text>`+"\n", x, heat(share), x+19, 100*share)
		}
	}
	fmt.Fprint(b, "</g>\n")
}

// box writes a box around its centre.
func (p *picture) box(b *bufio.Writer, x box, s layered.Size, at layered.Point) {
	fmt.Fprintf(b, `<g class="%s"><title>%s</title><rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%g"`, x.class,
		html.EscapeString(x.tooltip), at.X-s.Width/2, at.Y-s.Height/2, s.Width, s.Height, map[bool]float64{true: 3, false: 10}[x.class == "step"])
	if x.time > 0 && p.whole > 0 {
		fmt.Fprintf(b, ` style="fill:%s"`, heat(float64(x.time)/float64(p.whole)))
	}
	fmt.Fprint(b, "/>")
	for k, l := range x.lines {
		class := ""
		if k == 0 {
			class = ` class="name"`
		}
		fmt.Fprintf(b, `<text%s x="%.1f" y="%.1f">%s</text>`, class, at.X, at.Y-s.Height/2+15+svgLine*float64(k), html.EscapeString(l))
	}
	fmt.Fprint(b, "</g>\n")
}

// curve joins points by curves that leave and arrive straight down.
func curve(line []layered.Point) string {
	var s strings.Builder
	fmt.Fprintf(&s, "M%.1f %.1f", line[0].X, line[0].Y)
	for i, to := range line[1:] {
		from := line[i]
		if from.X == to.X {
			fmt.Fprintf(&s, "V%.1f", to.Y)
			continue
		}
		middle := (from.Y + to.Y) / 2
		fmt.Fprintf(&s, "C%.1f %.1f %.1f %.1f %.1f %.1f", from.X, middle, to.X, middle, to.X, to.Y)
	}
	return s.String()
}

// heat returns the colour of a share of the time, from white by yellow to red; a
// small share is to be told from none.
func heat(share float64) string {
	t := math.Sqrt(math.Min(share/0.5, 1))
	mix := func(a, b [3]float64, t float64) string {
		return fmt.Sprintf("#%02x%02x%02x", int(a[0]+(b[0]-a[0])*t), int(a[1]+(b[1]-a[1])*t), int(a[2]+(b[2]-a[2])*t))
	}
	white, yellow, red := [3]float64{255, 255, 255}, [3]float64{255, 221, 120}, [3]float64{238, 96, 76}
	if t < 0.5 {
		return mix(white, yellow, 2*t)
	}
	return mix(yellow, red, 2*t-1)
}
