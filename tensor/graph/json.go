// Records and graphs as JSON, for tools.

package graph

import (
	"encoding/json"
	"io"
)

// The JSON of a record: nodes in order, each with its operands and results by
// the values' numbers; -1 is an operand from outside the record. The values of
// bodies, which are graphs in turn, are numbered on their own.
type jsonGraph struct {
	Nodes   []jsonNode `json:"nodes"`
	Outputs []Ref      `json:"outputs"`
}

type jsonNode struct {
	Op    string      `json:"op"`
	Attr  string      `json:"attr,omitempty"`
	In    []Ref       `json:"in,omitempty"`
	Out   []jsonValue `json:"out"`
	Place string      `json:"place,omitempty"`
	Time  int64       `json:"ns,omitempty"`

	Bodies map[string]jsonGraph `json:"bodies,omitempty"`
}

type jsonValue struct {
	ID    Ref    `json:"id"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	Bytes int    `json:"bytes"`
}

// WriteJSON writes the record as an object {"nodes": [...], "outputs": [...]}.
func (r *Record) WriteJSON(w io.Writer) error { return writeJSON(w, r.list(), nil) }

// WriteJSON is [Record.WriteJSON] with parameters, constants and outputs.
func (g *Graph) WriteJSON(w io.Writer) error { return writeJSON(w, g.list(), g.Outputs) }

func writeJSON(w io.Writer, list []entry, outputs []Ref) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(jsonOf(list, outputs))
}

func jsonOf(list []entry, outputs []Ref) jsonGraph {
	out := jsonGraph{Nodes: make([]jsonNode, len(list)), Outputs: append([]Ref{}, outputs...)}
	for i, e := range list {
		n := jsonNode{Op: e.Op, Attr: e.Attr, In: e.In, Place: e.Place, Time: e.Time.Nanoseconds()}
		for k, a := range e.Out {
			n.Out = append(n.Out, jsonValue{e.First + Ref(k), a.DType.String(), append([]int{}, a.Shape...), bytesOf(a)})
		}
		for k, b := range e.Bodies {
			if n.Bodies == nil {
				n.Bodies = map[string]jsonGraph{}
			}
			n.Bodies[e.Roles[k]] = jsonOf(b.list(), b.Outputs)
		}
		out.Nodes[i] = n
	}
	return out
}
