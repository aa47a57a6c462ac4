// The static graph: a record with parameters, constants and outputs.

package graph

import (
	"slices"
	"time"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Graph is a program in which control flow is instructions that hold graphs. It is built by one goroutine and not
// changed any more once it is compiled.
type Graph struct {
	Record
	Params  []Ref   // the inputs that a run is given, in order
	Consts  []Const // the inputs whose values are known
	Outputs []Ref   // what a run returns; a value may be there more than once

	// Places holds, where it is not nil, for each instruction the file:line of
	// the caller who asked for it.
	Places []string

	// Times holds, where it is not nil, for each instruction what it takes in a run,
	// as [Program.Profile] measured it.
	Times []time.Duration

	// Preaccumulated is what the pass of that name did.
	Preaccumulated Preaccumulated

	// Without holds the passes that Optimize left out: some are made when the graph is
	// compiled.
	Without Passes

	budget int // bytes that the arena may take; 0: any number
}

// Const is an input with its value. The graph holds a reference to the array's
// buffer until it is released.
type Const struct {
	Ref    Ref
	Array  kernels.Array
	Source any // what the interpreter that recorded it knows it by; keeps the memory
}

// Param adds an input whose value each run is given.
func (g *Graph) Param(a kernels.Aval) Ref {
	v := g.Input(a)
	g.Params = append(g.Params, v)
	return v
}

// Const adds an input with a known value. The elements must not change any more;
// source, which may be nil, is kept with them.
func (g *Graph) Const(a kernels.Array, source any) Ref {
	if a.Buf != nil {
		a.Buf.Retain()
	}
	v := g.Input(a.Aval)
	g.Consts = append(g.Consts, Const{v, a, source})
	return v
}

// Output appends v to what a run returns.
func (g *Graph) Output(v Ref) { g.Outputs = append(g.Outputs, v) }

// Place notes where the caller stood who asked for the last instruction.
func (g *Graph) Place(where string) {
	for len(g.Places) < len(g.Instrs)-1 {
		g.Places = append(g.Places, "")
	}
	g.Places = append(g.Places[:len(g.Instrs)-1], where)
}

// PlaceOf returns the place noted for instruction i, or "".
func (g *Graph) PlaceOf(i int) string {
	if i < len(g.Places) {
		return g.Places[i]
	}
	return ""
}

// TimeOf returns what instruction i takes, or 0 where that is not known.
func (g *Graph) TimeOf(i int) time.Duration {
	if i < len(g.Times) {
		return g.Times[i]
	}
	return 0
}

// Release gives up the references to the constants' buffers and empties the graph.
func (g *Graph) Release() {
	g.ReleaseConsts()
	*g = Graph{}
}

// ReleaseConsts gives up the references to the constants' buffers, once, and leaves
// the graph to be read as a record.
func (g *Graph) ReleaseConsts() {
	for _, c := range g.Consts {
		if c.Array.Buf != nil {
			c.Array.Buf.Release()
		}
	}
}

// Clone returns a graph with the same contents that can be changed on its own, with
// references of its own to the constants.
func (g *Graph) Clone() *Graph {
	c := g.alias()
	c.Record = *g.Record.Clone()
	c.Params, c.Outputs, c.Places = slices.Clone(g.Params), slices.Clone(g.Outputs), slices.Clone(g.Places)
	return c
}

// alias returns a graph with the same contents and references of its own to the constants.
func (g *Graph) alias() *Graph {
	s := *g
	s.Consts = slices.Clone(g.Consts)
	for _, c := range s.Consts {
		if c.Array.Buf != nil {
			c.Array.Buf.Retain()
		}
	}
	return &s
}
