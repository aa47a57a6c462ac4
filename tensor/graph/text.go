// Records and graphs as text: one line a value.

package graph

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the record as lines such as
//
//	%2 = add %0, %1   float64[3]
func (r *Record) WriteText(w io.Writer) error { return writeText(w, r.list(), nil) }

// WriteText is [Record.WriteText] with parameters and constants told apart, the
// values of scalar constants, places where they are kept, and the outputs.
func (g *Graph) WriteText(w io.Writer) error { return writeText(w, g.list(), g.Outputs) }

// String returns what WriteText writes.
func (r *Record) String() string { return textOf(r.WriteText) }

// String returns what WriteText writes.
func (g *Graph) String() string { return textOf(g.WriteText) }

func textOf(write func(io.Writer) error) string {
	var s strings.Builder
	_ = write(&s) // a Builder takes everything
	return s.String()
}

func writeText(w io.Writer, list []entry, outputs []Ref) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	writeLines(tw, "", list, outputs)
	return tw.Flush()
}

// writeLines writes a listing, and the bodies of control flow below what they belong to.
func writeLines(w io.Writer, indent string, list []entry, outputs []Ref) {
	for _, e := range list {
		fmt.Fprintf(w, "%s%s = %s", indent, refsText(e.results()), e.Op)
		switch {
		case e.Attr != "" && e.Input:
			fmt.Fprintf(w, " %s", e.Attr)
		case e.Attr != "":
			fmt.Fprintf(w, "(%s)", e.Attr)
		}
		if len(e.In) > 0 {
			fmt.Fprintf(w, " %s", refsText(e.In))
		}
		fmt.Fprintf(w, "\t%s", avalsText(e.Out))
		if e.Time > 0 {
			fmt.Fprintf(w, "\t%v", e.Time)
		}
		if e.Place != "" {
			fmt.Fprintf(w, "\t%s", e.Place)
		}
		fmt.Fprintln(w)
		for k, b := range e.Bodies {
			fmt.Fprintf(w, "%s  %s:\n", indent, e.Roles[k])
			writeLines(w, indent+"    ", b.list(), b.Outputs)
		}
	}
	if len(outputs) > 0 {
		fmt.Fprintf(w, "%sreturn %s\n", indent, refsText(outputs))
	}
}

func (e *entry) results() []Ref {
	refs := make([]Ref, len(e.Out))
	for k := range refs {
		refs[k] = e.First + Ref(k)
	}
	return refs
}

// refsText prints values as %0, %1; an operand from outside the record as _.
func refsText(refs []Ref) string {
	parts := make([]string, len(refs))
	for i, v := range refs {
		if parts[i] = "_"; v != Untracked {
			parts[i] = fmt.Sprintf("%%%d", v)
		}
	}
	return strings.Join(parts, ", ")
}
