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
	writeNodes(b, "", list, outputs)
	fmt.Fprint(b, "}\n")
	return b.Flush()
}

// writeNodes writes a listing; names begin with prefix. Bodies are clusters, joined
// to what they belong to by a dotted edge.
func writeNodes(b *bufio.Writer, prefix string, list []entry, outputs []Ref) {
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
		if e.Time > 0 {
			label += fmt.Sprintf("\n%v", e.Time)
		}
		style := "shape=box"
		if e.Input {
			style = dotStyle[e.Op]
		}
		fmt.Fprintf(b, "\t%sn%d [label=%s, %s];\n", prefix, i, quoted(label), style)
		for _, v := range e.In {
			if v != Untracked {
				fmt.Fprintf(b, "\t%sn%d -> %sn%d [label=%s];\n", prefix, node[v], prefix, i, quoted(refsText([]Ref{v})))
			}
		}
		for k, body := range e.Bodies {
			inner := fmt.Sprintf("%sn%d_%d_", prefix, i, k)
			fmt.Fprintf(b, "\tsubgraph cluster_%s {\n\tlabel=%s; fontname=\"Helvetica\"; fontsize=10; style=rounded;\n", inner, quoted(e.Op+": "+e.Roles[k]))
			writeNodes(b, inner, body.list(), body.Outputs)
			fmt.Fprint(b, "\t}\n")
			if len(body.Outputs) > 0 {
				fmt.Fprintf(b, "\t%sout0 -> %sn%d [style=dotted, arrowhead=none];\n", inner, prefix, i)
			}
		}
	}
	for i, v := range outputs {
		fmt.Fprintf(b, "\t%sout%d [label=\"output %d\", shape=ellipse, peripheries=2];\n", prefix, i, i)
		fmt.Fprintf(b, "\t%sn%d -> %sout%d [label=%s];\n", prefix, node[v], prefix, i, quoted(refsText([]Ref{v})))
	}
}

// quoted returns s as a DOT string: of its escapes only those of quotes and line ends.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
