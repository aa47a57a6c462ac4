package device

// Scopes: buffers that are given back together.

import "sync"

// Scope owns buffers until it is closed, so that the temporaries of a
// computation go back to the pool at its end and not when the garbage
// collector finds them. It may be used from several goroutines.
type Scope struct {
	mu    sync.Mutex
	owned []*Buffer
	kept  map[*Buffer]int
}

// NewScope returns an empty scope.
func NewScope() *Scope { return &Scope{} }

// Own hands the caller's reference to b over to the scope.
func (s *Scope) Own(b *Buffer) {
	s.mu.Lock()
	s.owned = append(s.owned, b)
	s.mu.Unlock()
}

// Keep takes one reference to b back out of the scope: Close will not release
// it, its release is the caller's again. It does nothing for a buffer that the
// scope does not own by then.
func (s *Scope) Keep(b *Buffer) {
	s.mu.Lock()
	if s.kept == nil {
		s.kept = map[*Buffer]int{}
	}
	s.kept[b]++
	s.mu.Unlock()
}

// Close releases what is owned and not kept. The scope is then empty and may
// be used again.
func (s *Scope) Close() {
	s.mu.Lock()
	owned, kept := s.owned, s.kept
	s.owned, s.kept = nil, nil
	s.mu.Unlock()
	for _, b := range owned {
		if kept[b] > 0 {
			kept[b]--
			continue
		}
		b.Release()
	}
}
