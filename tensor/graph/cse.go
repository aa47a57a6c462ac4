// Common subexpressions: what is computed twice is computed once.

package graph

import (
	"hash/maphash"
	"math"

	"github.com/cotangent-ad/cotangent/kernels"
)

// sharer finds instructions that do the same on the same operands.
type sharer struct {
	g     *Graph
	same  []Ref // of each value, the first that equals it
	seed  maphash.Seed
	class map[*kernels.Inst]int32    // instances that do the same have the same number
	alike map[uint64][]*kernels.Inst // one of each number, by hash
	done  map[uint64][]int32         // instructions, by hash
}

// share puts the first of equal values in place of the others, which are dead then.
func (g *Graph) share(known map[Ref]float64) {
	s := &sharer{
		g: g, same: make([]Ref, g.NumValues()), seed: maphash.MakeSeed(),
		class: map[*kernels.Inst]int32{}, alike: map[uint64][]*kernels.Inst{}, done: make(map[uint64][]int32, len(g.Instrs)),
	}
	for v := range s.same {
		s.same[v] = Ref(v)
	}
	s.constants(known)
	for i := range g.Instrs {
		for k, v := range g.Args(i) {
			g.Args(i)[k] = s.same[v]
		}
		s.instr(int32(i))
	}
	for k, v := range g.Outputs {
		g.Outputs[k] = s.same[v]
	}
}

// constants finds constants with the same elements: at the same place, or all of one value.
func (s *sharer) constants(known map[Ref]float64) {
	first := map[uint64][]*Const{}
	for i := range s.g.Consts {
		c := &s.g.Consts[i]
		v, uniform := known[c.Ref]
		var h maphash.Hash
		h.SetSeed(s.seed)
		if uniform {
			maphash.WriteComparable(&h, math.Float64bits(v))
		} else {
			maphash.WriteComparable(&h, c.Array.Ptr)
		}
		key := h.Sum64()
		for _, d := range first[key] {
			w, ok := known[d.Ref]
			if !kernels.EqualAval(c.Array.Aval, d.Array.Aval) || ok != uniform {
				continue
			}
			if uniform && math.Float64bits(v) == math.Float64bits(w) || c.Array.Ptr == d.Array.Ptr && sameStrides(&c.Array, &d.Array) {
				s.same[c.Ref] = d.Ref
				break
			}
		}
		if s.same[c.Ref] == c.Ref {
			first[key] = append(first[key], c)
		}
	}
}

// instr finds an earlier instruction that does what instruction i does.
func (s *sharer) instr(i int32) {
	x := &s.g.Instrs[i]
	class := s.classOf(x.Inst)
	args := s.g.Args(int(i))
	h := uint64(class)*0x9e3779b97f4a7c15 + 1
	for _, v := range args {
		h = (h ^ uint64(v)) * 0xff51afd7ed558ccd
		h ^= h >> 29
	}
	for _, j := range s.done[h] {
		y := &s.g.Instrs[j]
		if s.class[y.Inst] == class && equalRefs(args, s.g.Args(int(j))) {
			for k := range x.Inst.Out {
				s.same[x.Out+Ref(k)] = y.Out + Ref(k)
			}
			return
		}
	}
	s.done[h] = append(s.done[h], i)
}

func equalRefs(a, b []Ref) bool {
	for k := range a {
		if a[k] != b[k] {
			return false
		}
	}
	return len(a) == len(b)
}

// classOf returns the number of instances that do what inst does.
func (s *sharer) classOf(inst *kernels.Inst) int32 {
	if n, ok := s.class[inst]; ok {
		return n
	}
	n := int32(len(s.class))
	h := s.hash(inst)
	for _, other := range s.alike[h] {
		if doesSame(inst, other) {
			n = s.class[other]
			s.class[inst] = n
			return n
		}
	}
	s.class[inst] = n
	s.alike[h] = append(s.alike[h], inst)
	return n
}

// hash is the same for instances that do the same.
func (s *sharer) hash(inst *kernels.Inst) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	maphash.WriteComparable(&h, inst.Op)
	c := ControlOf(inst)
	switch {
	case c != nil:
		for _, b := range c.Bodies {
			maphash.WriteComparable(&h, len(b.Instrs))
		}
	case inst.Op != nil:
		maphash.WriteComparable(&h, inst.Attr)
	case inst.Expr != nil:
		maphash.WriteComparable(&h, inst.Expr.Hash())
	}
	for _, a := range inst.In {
		maphash.WriteComparable(&h, a.DType)
		for _, n := range a.Shape {
			maphash.WriteComparable(&h, n)
		}
	}
	return h.Sum64()
}
