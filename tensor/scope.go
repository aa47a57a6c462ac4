// Scopes: temporaries given back at once.
//
// The garbage collector gives the memory of forgotten tensors back in time to
// stay within a device's limit, but later than their last use. A Scope knows
// the tensors that were computed from what entered it, and gives their memory
// back when it is closed. Like a transformation it is carried by the values: it
// is a level whose interpreter notes what it computes, so that it needs no
// global state and nests with transformations either way.

package tensor

import (
	"slices"
	"sync"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Scope owns the tensors that are computed from those that entered it. It may
// be used from several goroutines.
type Scope struct {
	lv   *Level
	mu   sync.Mutex
	made []*Tensor
}

// NewScope returns an open scope.
//
//	s := tensor.NewScope()
//	x := s.Enter(w)
//	w = s.Keep(x.Sub(step.Mul(x.Exp().Add(x))))
//	s.Close() // all temporaries are given back, the new w is not
func NewScope() *Scope {
	s := new(Scope)
	s.lv = Open("a scope", noting{s})
	return s
}

// Scoped returns f(xs...) computed in a scope of its own, which a panic of f
// closes on its way to the caller.
func Scoped(f func(xs ...*Tensor) *Tensor, xs ...*Tensor) *Tensor {
	s := NewScope()
	defer s.Close()
	in := make([]*Tensor, len(xs))
	for i, x := range xs {
		in[i] = s.Enter(x)
	}
	return s.Keep(f(in...))
}

// Enter returns t as seen inside the scope. The scope does not own t.
func (s *Scope) Enter(t *Tensor) *Tensor {
	if t.bad() || t.lv == s.lv {
		return failedOn("enter", t)
	}
	return s.lv.Trace(t, nil, 0)
}

// Keep returns t, a tensor of the scope, as the caller's: it outlives the scope.
func (s *Scope) Keep(t *Tensor) *Tensor {
	if t.bad() || t.lv != s.lv {
		return failedOn("keep", t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.made, t.primal); i >= 0 {
		s.made[i] = nil
	}
	return t.primal
}

// Close gives back the memory of all tensors of the scope that were not kept.
// Those still held are errors from now on.
func (s *Scope) Close() {
	s.lv.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.made {
		Free(t)
	}
	s.made = nil
}

// lower returns tensors as seen below the scope.
func (s *Scope) lower(in []*Tensor) []*Tensor {
	low := make([]*Tensor, len(in))
	for i, t := range in {
		low[i] = t.Lower(s.lv)
	}
	return low
}

// noting is the interpreter of a scope's level.
type noting struct{ s *Scope }

// Process carries out the operation and notes its results.
func (n noting) Process(_ *Level, inst *kernels.Inst, in, out []*Tensor) {
	low := n.s.lower(in)
	Dispatch(inst, low, out)
	n.s.enter(low, out)
}

// Call runs the function inside the scope where nothing below that traces the
// operands, so that its temporaries are noted too.
func (n noting) Call(_ *Level, fn *Function, in []*Tensor) []*Tensor {
	low := n.s.lower(in)
	if top, _ := highest(low); top == nil {
		return fn.Run(in)
	}
	out := fn.Apply(low)
	n.s.enter(low, out)
	return out
}

// Read returns the value.
func (noting) Read(_ *Level, t *Tensor) (*Tensor, error) { return t.primal, nil }

// enter replaces results by what they are inside the scope. Only plain ones that are
// new are the scope's own: others belong to the transformations below it.
func (s *Scope) enter(low, out []*Tensor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range out {
		if t.bad() {
			continue
		}
		if t.lv == nil && t.arr.Buf != nil && !slices.Contains(low, t) {
			s.made = append(s.made, t)
		}
		out[i] = s.lv.Trace(t, nil, 0)
	}
}
