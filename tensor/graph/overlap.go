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

// overlaps looks at the arguments and destinations of a run, and knows which
// destinations must not be written before the end. What it found for the last run it
// keeps, by addresses: programs are mostly run on the same tensors again.
type overlaps struct {
	slots  []slot // of the parameters, then of the outputs
	params int
	spans  []span // the constants' first, then those of the slots
	moved  bool   // the spans are not those that find looked at
	sorted []span
	apart  bool   // the device has memory of its own
	staged []bool // of each output: it is written at the end
	any    bool
	asIs   bool // each argument and destination can be worked on where it lies
	err    error
}

// slot is a parameter or an output: its type, and where the last argument or
// destination lay.
type slot struct {
	want  kernels.Aval
	at    uintptr
	plain bool // there is one, and it has no strides
	host  bool
}

func newOverlaps(p *Program) *overlaps {
	o := &overlaps{params: len(p.ins), moved: true, apart: p.apart(), staged: make([]bool, len(p.outs))}
	for _, want := range slices.Concat(p.ins, p.outs) {
		o.slots = append(o.slots, slot{want: want})
	}
	for i := range p.g.Consts {
		o.spans = append(o.spans, spanOf(&p.g.Consts[i].Array, ofConst, i))
	}
	o.spans = append(o.spans, make([]span, len(o.slots))...)
	o.sorted = make([]span, len(o.spans))
	return o
}

// check finds the destinations to be staged. Its error is an *ArgError for what is of
// another type than the program's, and for a destination that is not dense or shares
// memory with another or with a constant.
func (o *overlaps) check(in, out []*kernels.Array) error {
	if o.moved || !known(o.slots[:o.params], in) || !known(o.slots[o.params:], out) {
		return o.look(in, out)
	}
	return o.err
}

// known reports whether all is of the right type and lies where it lay in the last run.
func known(slots []slot, arrays []*kernels.Array) bool {
	for i, a := range arrays {
		s := &slots[i]
		if a == nil || a.Strides != nil || s.at != uintptr(a.Ptr) || !s.plain || s.host != (a.Buf == nil) || !a.Is(&s.want) {
			return false
		}
	}
	return true
}

// look is check for what is not known.
func (o *overlaps) look(in, out []*kernels.Array) error {
	plain := true
	for i := range o.slots {
		s, k, from, a := &o.slots[i], i, ofParam, (*kernels.Array)(nil)
		if i < o.params {
			a = in[i]
		} else {
			k, from = i-o.params, ofOutput
			a = out[k]
		}
		bad := ""
		switch {
		case a == nil || !a.Is(&s.want):
			bad = "is of another type"
		case from == ofOutput && !a.Dense():
			bad = "is not dense: its elements do not lie one after the other"
		}
		if bad != "" {
			return &ArgError{Out: from == ofOutput, Index: k, Want: s.want, Reason: bad}
		}
		s.at, s.plain, s.host = uintptr(a.Ptr), a.Strides == nil, a.Buf == nil
		plain = plain && (s.plain || from == ofOutput)
		was := &o.spans[len(o.spans)-len(o.slots)+i]
		if now := spanOf(a, from, k); now != *was {
			*was, o.moved = now, true
		}
	}
	if o.moved {
		o.find()
	}
	o.asIs = plain && !o.any
	return o.err
}

// find sweeps over all spans in the order of their addresses.
func (o *overlaps) find() {
	clear(o.staged)
	o.any, o.moved, o.err = false, false, nil
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
			o.fail(out, "shares memory with a tensor that the program has captured")
		case s.source == ofOutput && hits(ofOutput):
			o.fail(out, "shares memory with another destination")
		case hits(ofParam) || hits(ofOutput) || o.apart && s.host && s.source == ofOutput:
			o.staged[out], o.any = true, true
		}
		reach[s.source] = max(reach[s.source], s.hi)
	}
}

func (o *overlaps) fail(out int32, reason string) {
	if o.err == nil {
		o.err = &ArgError{Out: true, Index: int(out), Want: o.slots[o.params+int(out)].want, Reason: reason}
	}
}
