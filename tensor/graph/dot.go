// Records and graphs as DOT, Graphviz's language.

package graph

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteDOT writes the record as a digraph: inputs are ellipses, instructions boxes,
// edges values. "dot -Tsvg" draws it.
func (r *Record) WriteDOT(w io.Writer) error { return writeDOT(w, r.list(), nil) }

// WriteDOT is [Record.WriteDOT] with constants and outputs.
func (g *Graph) WriteDOT(w io.Writer) error { return writeDOT(w, g.list(), g.Outputs) }

// dotStyle is how the entries that are inputs look.
var dotStyle = map[string]string{
	"input": `shape=ellipse, style=filled, fillcolor="#dbe9f6"`,
	"param": `shape=ellipse, style=filled, fillcolor="#dbe9f6"`,
	"const": `shape=ellipse, style="filled,dashed", fillcolor="#f2f2f2"`,
}

func writeDOT(w io.Writer, list []entry, outputs []Ref) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "digraph program {\n\tnode [fontname=\"Helvetica\", fontsize=11];\n\tedge [fontname=\"Helvetica\", fontsize=9];\n")
	node := make(map[Ref]int) // of each value the entry that makes it
	for i, e := range list {
		label := e.Op
		if e.Attr != "" {
			label += " " + e.Attr
		}
		bytes := 0
		for k, a := range e.Out {
			node[e.First+Ref(k)] = i
			bytes += bytesOf(a)
		}
		label += fmt.Sprintf("\n%s\n%d bytes", avalsText(e.Out), bytes)
		style := "shape=box"
		if e.Input {
			style = dotStyle[e.Op]
		}
		fmt.Fprintf(b, "\tn%d [label=%s, %s];\n", i, quoted(label), style)
		for _, v := range e.In {
			if v != Untracked {
				fmt.Fprintf(b, "\tn%d -> n%d [label=%s];\n", node[v], i, quoted(refsText([]Ref{v})))
			}
		}
	}
	for i, v := range outputs {
		fmt.Fprintf(b, "\tout%d [label=\"output %d\", shape=ellipse, peripheries=2];\n", i, i)
		fmt.Fprintf(b, "\tn%d -> out%d [label=%s];\n", node[v], i, quoted(refsText([]Ref{v})))
	}
	fmt.Fprint(b, "}\n")
	return b.Flush()
}

// quoted returns s as a DOT string: of its escapes only those of quotes and line ends.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
