package jacobian

import "sync"

// idle is what runs that have ended worked in, for those to come: as many as there were
// at the same time.
type idle[T any] struct {
	mu   sync.Mutex
	list []*T
}

// take returns one of them, or what makes returns where there is none.
func (p *idle[T]) take(makes func() (*T, error)) (*T, error) {
	p.mu.Lock()
	if n := len(p.list); n > 0 {
		x := p.list[n-1]
		p.list = p.list[:n-1]
		p.mu.Unlock()
		return x, nil
	}
	p.mu.Unlock()
	return makes()
}

func (p *idle[T]) give(x *T) {
	p.mu.Lock()
	p.list = append(p.list, x)
	p.mu.Unlock()
}
