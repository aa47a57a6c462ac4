package gemm

// Scratch memory for packing.

import (
	"runtime"
	"sync"
	"unsafe"
)

// scratch lends the memory that our kernels pack into, a piece to each part that
// is being done. Pieces are kept for ever, and there are no more than can be of
// use: whoever comes when all are lent waits. It lies on Go's heap, which does
// not move it.
type scratch struct {
	mu   sync.Mutex
	back sync.Cond // a piece came back
	free []unsafe.Pointer
	left int // pieces that may still be made
}

// limit lets there be a piece for each worker, and for each caller that the
// processors can run beside them.
func (s *scratch) limit(workers Runner) {
	s.back.L = &s.mu
	s.left = runtime.GOMAXPROCS(0)
	if workers != nil {
		s.left += workers.N()
	}
	s.free = make([]unsafe.Pointer, 0, s.left)
}

func (s *scratch) take() unsafe.Pointer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.free) == 0 && s.left == 0 {
		s.back.Wait()
	}
	if n := len(s.free); n > 0 {
		w := s.free[n-1]
		s.free = s.free[:n-1]
		return w
	}
	s.left--
	const align = 64
	memory := make([]byte, workBytes+align)
	base := unsafe.Pointer(unsafe.SliceData(memory))
	return unsafe.Add(base, -uintptr(base)%align)
}

func (s *scratch) give(w unsafe.Pointer) {
	s.mu.Lock()
	s.free = append(s.free, w)
	s.mu.Unlock()
	s.back.Signal()
}
