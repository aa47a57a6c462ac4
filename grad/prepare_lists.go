// Lists of the tensors of runs in progress, made once and used again.

package grad

import (
	"sync"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/tensor"
)

// leafList is where the tensors of an argument are put that do not lie in a row.
type leafList struct{ tensors []*tensor.Tensor }

// leafLists keeps lists for later runs: one where it costs least to take it, for runs
// one after the other, and a list. It is no sync.Pool, which would forget them at every
// collection.
type leafLists struct {
	next atomic.Pointer[leafList]
	mu   sync.Mutex
	free []*leafList
}

func (p *leafLists) take() *leafList {
	if l := p.next.Swap(nil); l != nil {
		return l
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		l := p.free[n-1]
		p.free = p.free[:n-1]
		return l
	}
	return new(leafList)
}

// put takes a list back, without its tensors, or none.
func (p *leafLists) put(l *leafList) {
	if l != nil {
		p.keep(l)
	}
}

func (p *leafLists) keep(l *leafList) {
	clear(l.tensors)
	if p.next.CompareAndSwap(nil, l) {
		return
	}
	p.mu.Lock()
	p.free = append(p.free, l)
	p.mu.Unlock()
}
