package adbench

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/tensor"
)

// HandModel is what the files of a hand's model hold.
type HandModel struct {
	Names     []string
	Parents   []int     // of each bone, -1 for the root
	Relatives []float64 // [bones 4 4] at rest, from the bone to its parent
	Inverses  []float64 // [bones 4 4] at rest, from the world to the bone
	Positions []float64 // [vertices 4] at rest, homogeneous
	Weights   []float64 // [vertices bones]
	Triangles []int64   // [triangles 3] vertices
}

// ReadHandModel reads bones.txt, vertices.txt and triangles.txt, each possibly
// compressed and then possibly named so (.gz), from a folder. A bone's line holds its
// name, its parent, and the two matrices row by row; a vertex's its place, five numbers
// that are not used, how many bones move it, and of each the number and the weight.
// Errors are *FormatError and *LimitError, with the file's name, and the folder's.
func ReadHandModel(dir fs.FS, l Limits) (*HandModel, error) {
	l = l.withDefaults()
	m := new(HandModel)
	for _, part := range []struct {
		name string
		read func(*text, Limits) error
	}{{"bones.txt", m.bones}, {"vertices.txt", m.vertices}, {"triangles.txt", m.triangles}} {
		if err := readPart(dir, part.name, l, part.read); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return m, nil
}

func readPart(dir fs.FS, name string, l Limits, read func(*text, Limits) error) error {
	f, err := dir.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = dir.Open(name + ".gz")
	}
	if err != nil {
		return err
	}
	defer f.Close()
	t := newText(f, l)
	t.colon = true
	return read(t, l)
}

// maxFields is the longest line accepted; a vertex moved by 100 bones has 209.
const maxFields = 4096

// record reads the fields of the next line that is not blank; nil at the end.
func (t *text) record() []string {
	var fields []string
	for t.err == nil {
		w, end := t.word()
		if w == "" && len(fields) == 0 && end != ':' {
			if end == 0 {
				return nil
			}
			continue
		}
		if fields = append(fields, w); len(fields) > maxFields {
			t.fail("over %d fields", maxFields)
		} else if end != ':' {
			return fields
		}
	}
	return nil
}

// records calls read with the fields of each line.
func (t *text) records(fields int, what string, read func(f []string) error) error {
	for {
		f := t.record()
		if t.err != nil || f == nil {
			return t.err
		}
		if len(f) < fields {
			t.fail("%d fields for %s, which has %d", len(f), what, fields)
		} else if err := read(f); err != nil {
			t.keep(err)
		}
	}
}

func (m *HandModel) bones(t *text, _ Limits) error {
	err := t.records(34, "a bone", func(f []string) error {
		bone := len(m.Parents)
		m.Names = append(m.Names, f[0])
		m.Parents = append(m.Parents, t.parseInteger("the parent, a bone before", f[1], -1, bone-1))
		for k := range 16 {
			m.Relatives = append(m.Relatives, t.parseNumber("the relative matrix", f[2+k]))
			m.Inverses = append(m.Inverses, t.parseNumber("the inverse matrix", f[18+k]))
		}
		return nil
	})
	if err == nil && len(m.Parents) == 0 {
		t.fail("no bones")
	}
	return t.err
}

func (m *HandModel) vertices(t *text, l Limits) error {
	bones := len(m.Parents)
	err := t.records(9, "a vertex", func(f []string) error {
		vertex := len(m.Positions) / 4
		if err := l.elements("vertices", vertex+1, bones); err != nil {
			return err
		}
		for _, w := range f[:3] {
			m.Positions = append(m.Positions, t.parseNumber("a place", w))
		}
		m.Positions = append(m.Positions, 1)
		weights := make([]float64, bones)
		count := t.parseInteger("the number of bones", f[8], 0, (len(f)-9)/2)
		for k := range count {
			bone := t.parseInteger("a bone", f[9+2*k], 0, bones-1)
			weights[bone] += t.parseNumber("a weight", f[10+2*k])
		}
		m.Weights = append(m.Weights, weights...)
		return nil
	})
	if err == nil && len(m.Positions) == 0 {
		t.fail("no vertices")
	}
	return t.err
}

func (m *HandModel) triangles(t *text, _ Limits) error {
	vertices := len(m.Positions) / 4
	return t.records(3, "a triangle", func(f []string) error {
		for _, w := range f[:3] {
			m.Triangles = append(m.Triangles, int64(t.parseInteger("a vertex", w, 0, vertices-1)))
		}
		return nil
	})
}

// Hand is what a file of hand holds, with its model: points, each of which corresponds
// to a vertex or, where there are coordinates U, to a place on a triangle.
type Hand struct {
	Model           *HandModel
	Correspondences []int64   // [n]
	Points          []float64 // [n 3]
	U               []float64 // [n 2], or nil
	Theta           []float64 // [bench.HandPose]
}

// ReadHand reads a file of hand: n and the number of parameters; of each point its
// correspondence and its place; the coordinates on triangles, where there are any,
// which only the file's length tells; the parameters. Errors are *FormatError and
// *LimitError.
func ReadHand(r io.Reader, m *HandModel, l Limits) (*Hand, error) {
	t := newText(r, l.withDefaults())
	h := &Hand{Model: m}
	n := t.size("the number of points", 1)
	t.integer("the number of parameters", bench.HandPose, bench.HandPose)
	for range n {
		if t.err != nil {
			break
		}
		h.Correspondences = append(h.Correspondences, int64(t.size("a correspondence", 0)))
		h.Points = append(h.Points, t.numbers("a point", 1, 3)...)
	}
	// What is left are the parameters, or the coordinates and the parameters.
	for t.err == nil {
		w, _ := t.word()
		if w == "" {
			break
		}
		h.Theta = append(h.Theta, t.parseNumber("a coordinate or a parameter", w))
	}
	switch coordinates := len(h.Theta) - bench.HandPose; {
	case t.err != nil:
		return nil, t.err
	case coordinates == 2*n:
		h.U, h.Theta = h.Theta[:2*n:2*n], h.Theta[2*n:]
	case coordinates != 0:
		t.fail("%d numbers after the points, which are neither %d parameters nor as many and %d coordinates", len(h.Theta), bench.HandPose, 2*n)
		return nil, t.err
	}
	among := len(m.Positions) / 4
	if h.U != nil {
		among = len(m.Triangles) / 3
	}
	for i, c := range h.Correspondences {
		if c >= int64(among) {
			return nil, &FormatError{Line: t.line, Reason: fmt.Sprintf("correspondence %d is %d among %d", i, c, among)}
		}
	}
	return h, nil
}

// Problem returns the objective and its point.
func (h *Hand) Problem() (*bench.Hand, bench.HandParams, error) {
	m := h.Model
	bones, vertices, n := len(m.Parents), len(m.Positions)/4, len(h.Correspondences)
	v := bench.HandParams{Theta: tensor.FromSlice(h.Theta, len(h.Theta))}
	if h.U != nil {
		v.U = tensor.FromSlice(h.U, n, 2)
	}
	p, err := bench.NewHand(bench.HandModel{
		Parents:       m.Parents,
		Relatives:     tensor.FromSlice(m.Relatives, bones, 4, 4),
		Inverses:      tensor.FromSlice(m.Inverses, bones, 4, 4),
		BasePositions: tensor.FromSlice(m.Positions, vertices, 4),
		Weights:       tensor.FromSlice(m.Weights, vertices, bones),
		Triangles:     m.Triangles,
	}, h.Correspondences, tensor.FromSlice(h.Points, n, 3), v.U != nil)
	return p, v, err
}
