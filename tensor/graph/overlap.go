// Destinations that a run must not write before its end: they share memory with
// what it reads, or the device does not reach them.

package graph

import (
	"cmp"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// span is the memory of an argument.
type span struct {
	lo, hi uintptr // first byte, and the one after the last
	source source
	index  int32
	host   bool // memory of the host that is no buffer's
}

func spanOf(a *kernels.Array, s source, index int) span {
	if a.Size() == 0 {
		return span{source: s, index: int32(index)}
	}
	lo, hi := a.Span()
	p := uintptr(a.Ptr)
	return span{p + uintptr(lo), p + uintptr(hi), s, int32(index), a.Buf == nil}
}

// overlaps knows which destinations of a run must not be written before the end.
// What it found for the last run it keeps, by addresses: programs are mostly run
// on the same tensors again.
type overlaps struct {
	spans  []span // the constants' first, then those of the last run
	last   []address
	fixed  int // how many constants there are
	sorted []span
	apart  bool   // the device has memory of its own
	staged []bool // of each output: it is written at the end
	any    bool
	asIs   bool // each argument and destination can be worked on where it lies
	err    error
}

// address is what tells the span of an argument, whose type is known, that is dense.
type address struct {
	at    uintptr
	dense bool
	host  bool
}

func newOverlaps(g *Graph, apart bool) *overlaps {
	o := &overlaps{fixed: len(g.Consts), apart: apart, staged: make([]bool, len(g.Outputs))}
	for i := range g.Consts {
		o.spans = append(o.spans, spanOf(&g.Consts[i].Array, ofConst, i))
	}
	o.spans = append(o.spans, make([]span, len(g.Params)+len(g.Outputs))...)
	o.sorted, o.last = make([]span, len(o.spans)), make([]address, len(o.spans))
	return o
}

// check finds the destinations to be staged. Its error is an *ArgError for one
// that shares memory with another or with a constant.
func (o *overlaps) check(g *Graph, in, out []*kernels.Array) error {
	changed, dense := false, true
	for i, a := range in {
		dense = dense && a.Strides == nil
		if !o.last[o.fixed+i].same(a) {
			changed = o.note(o.fixed+i, a, ofParam, i) || changed
		}
	}
	for i, a := range out {
		if !o.last[o.fixed+len(in)+i].same(a) {
			changed = o.note(o.fixed+len(in)+i, a, ofOutput, i) || changed
		}
	}
	if changed {
		o.find(g)
	}
	o.asIs = dense && !o.any
	return o.err
}

// same reports whether an argument is known to lie where it lay in the last run.
func (l *address) same(a *kernels.Array) bool {
	return l.dense && a.Strides == nil && l.at == uintptr(a.Ptr) && l.host == (a.Buf == nil)
}

// note keeps where an argument lies and reports whether that is elsewhere than in
// the last run.
func (o *overlaps) note(at int, a *kernels.Array, s source, index int) bool {
	o.last[at] = address{uintptr(a.Ptr), a.Strides == nil, a.Buf == nil}
	was := o.spans[at]
	o.spans[at] = spanOf(a, s, index)
	return o.spans[at] != was
}

// find sweeps over all spans in the order of their addresses.
func (o *overlaps) find(g *Graph) {
	clear(o.staged)
	o.any, o.err = false, nil
	copy(o.sorted, o.spans)
	slices.SortFunc(o.sorted, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
	var reach [ofOutput + 1]uintptr // how far the spans of each source reach so far
	var out int32                   // the last destination
	for _, s := range o.sorted {
		if s.lo == s.hi {
			continue
		}
		if s.source == ofOutput {
			out = s.index
		}
		hits := func(t source) bool {
			return s.lo < reach[t] && (s.source == ofOutput || t == ofOutput)
		}
		switch {
		case hits(ofConst) || s.source == ofConst && hits(ofOutput):
			o.fail(g, out, "shares memory with a tensor that the program has captured")
		case s.source == ofOutput && hits(ofOutput):
			o.fail(g, out, "shares memory with another destination")
		case hits(ofParam) || hits(ofOutput) || o.apart && s.host && s.source == ofOutput:
			o.staged[out], o.any = true, true
		}
		reach[s.source] = max(reach[s.source], s.hi)
	}
}

func (o *overlaps) fail(g *Graph, out int32, reason string) {
	if o.err == nil {
		o.err = &ArgError{Out: true, Index: int(out), Want: g.Aval(g.Outputs[out]), Reason: reason}
	}
}
