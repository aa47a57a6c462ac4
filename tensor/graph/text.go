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
	for _, e := range list {
		fmt.Fprintf(tw, "%s = %s", refsText(e.results()), e.Op)
		switch {
		case e.Attr != "" && e.Input:
			fmt.Fprintf(tw, " %s", e.Attr)
		case e.Attr != "":
			fmt.Fprintf(tw, "(%s)", e.Attr)
		}
		if len(e.In) > 0 {
			fmt.Fprintf(tw, " %s", refsText(e.In))
		}
		fmt.Fprintf(tw, "\t%s", avalsText(e.Out))
		if e.Place != "" {
			fmt.Fprintf(tw, "\t%s", e.Place)
		}
		fmt.Fprintln(tw)
	}
	if len(outputs) > 0 {
		fmt.Fprintf(tw, "return %s\n", refsText(outputs))
	}
	return tw.Flush()
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
