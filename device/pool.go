package device

// The pool: blocks that were given back wait here for the next request, since
// fresh memory costs its page faults.

import (
	"errors"
	"math"
	"sync"
)

// PoolConfig says what a pool lends.
type PoolConfig struct {
	Owner  Device
	Memory Memory
	Limit  int64 // bytes outstanding at most; 0 for no limit
	// Spare is the least that may be lent beyond what was alive after the last
	// collection before the next one is asked for; 0 for 32 MiB.
	Spare int64
	// Uncached makes every block fresh and of just the size asked for; what is
	// given back goes to Memory at once.
	Uncached bool
}

// Pool lends buffers over a Memory, for a Device to implement Alloc, Stats,
// Limit and SetLimit with. What it takes from Memory, lent or waiting, stays
// within its limit.
type Pool struct {
	owner    Device
	memory   Memory
	uncached bool
	spare    int64

	mu       sync.Mutex
	free     [numClasses]freeList
	reserved int64 // bytes taken from memory: outstanding and pooled
	limit    int64
	trigger  int64 // bytes outstanding beyond which the collector is asked for
	ages     int   // calls of age
	closed   bool
	stats    Stats
}

// NewPool returns an empty pool.
func NewPool(c PoolConfig) *Pool {
	if c.Spare <= 0 {
		c.Spare = leastSpare
	}
	return &Pool{
		owner: c.Owner, memory: c.Memory, uncached: c.Uncached, spare: c.Spare,
		limit: max(0, c.Limit), trigger: c.Spare,
	}
}

// Alloc lends a buffer of n bytes. Before it fails with an *OutOfMemoryError
// it empties the free lists and runs the garbage collector.
func (p *Pool) Alloc(n int) (*Buffer, error) {
	if n < 0 {
		return nil, &SizeError{Device: p.owner.Name(), Size: n}
	}
	if n > maxRequest {
		return nil, p.outOfMemory(n, nil)
	}
	class, bytes := 0, n
	if !p.uncached {
		class = classOf(n)
		bytes = classSize(class)
	}
	p.mu.Lock()
	if p.stats.Outstanding+int64(bytes) > p.trigger {
		p.mu.Unlock()
		p.collectSoon(bytes)
		p.mu.Lock()
	}
	if k := p.free[class].pop(); k != nil {
		p.stats.Hits++
		p.stats.Pooled -= int64(bytes)
		p.count(int64(bytes))
		p.mu.Unlock()
		return k.handle(n), nil
	}
	p.mu.Unlock()
	return p.allocFresh(n, class, bytes)
}

// count enters a buffer of a block of so many bytes as lent.
func (p *Pool) count(bytes int64) {
	s := &p.stats
	s.Allocs++
	s.Live++
	s.Outstanding += bytes
	s.Peak = max(s.Peak, s.Outstanding)
}

// allocFresh lends a block from memory, making room for it if need be.
func (p *Pool) allocFresh(n, class, bytes int) (*Buffer, error) {
	if limit := p.Limit(); limit > 0 && int64(bytes) > limit {
		return nil, p.outOfMemory(n, nil)
	}
	// A forgotten buffer that is held by an object with a finalizer is found
	// by the second collection only; and what one finds, other goroutines may
	// take first, which is no reason to give up soon.
	const fruitless, collections = 2, 10
	for idle, round := 0, 0; ; round++ {
		seen := collector.rounds.Load()
		k, err := p.take(class, bytes)
		if k != nil {
			return k.handle(n), nil
		}
		if err == ErrClosed || errors.Is(err, ErrLost) {
			return nil, err
		}
		if idle == fruitless || round == collections {
			return nil, p.outOfMemory(n, err)
		}
		before := p.Stats().Releases
		p.collectNow(seen)
		if p.Stats().Releases == before {
			idle++
		} else {
			idle = 0
		}
	}
}

// take returns a block, or nil where the limit leaves no room (the error is
// then nil too) or the system refuses.
func (p *Pool) take(class, bytes int) (*block, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if k := p.free[class].pop(); k != nil { // a collection filled it
		p.stats.Pooled -= int64(bytes)
		p.count(int64(bytes))
		p.mu.Unlock()
		return k, nil
	}
	var evicted *block
	if p.limit > 0 {
		if p.stats.Outstanding+int64(bytes) > p.limit {
			p.mu.Unlock()
			return nil, nil
		}
		evicted = p.evict(p.reserved + int64(bytes) - p.limit)
	}
	p.reserved += int64(bytes)
	p.count(int64(bytes))
	p.mu.Unlock()

	p.discard(evicted)
	ptr, err := p.memory.Take(bytes)
	if err != nil {
		p.Trim()
		ptr, err = p.memory.Take(bytes)
	}
	if err != nil {
		p.mu.Lock()
		p.reserved -= int64(bytes)
		p.stats.Outstanding -= int64(bytes)
		p.stats.Allocs--
		p.stats.Live--
		p.mu.Unlock()
		return nil, err
	}
	return &block{ptr: ptr, pool: p, class: class, bytes: bytes}, nil
}

// takeBack ends a block's loan.
func (p *Pool) takeBack(k *block, forgotten bool) {
	bytes := int64(k.bytes)
	p.mu.Lock()
	s := &p.stats
	s.Releases++
	s.Live--
	s.Outstanding -= bytes
	if forgotten {
		s.Forgotten++
	}
	keep := !p.uncached && !p.closed && (p.limit == 0 || p.reserved <= p.limit)
	if keep {
		s.Pooled += bytes
		p.free[k.class].push(k)
	} else {
		p.reserved -= bytes
	}
	p.mu.Unlock()
	if !keep {
		k.next = nil
		p.discard(k)
	}
}

// evict takes blocks of at least so many bytes out of the free lists, the
// largest first, or all there are. The caller holds the lock, and discards
// them when it has given it up.
func (p *Pool) evict(bytes int64) (evicted *block) {
	for c := numClasses - 1; c >= 0 && bytes > 0; c-- {
		for bytes > 0 {
			k := p.free[c].pop()
			if k == nil {
				break
			}
			bytes -= int64(k.bytes)
			evicted = p.unpool(k, evicted)
		}
	}
	return evicted
}

// age takes out of the free lists the blocks that nobody needed since it was called
// last, if at once, else every eighth time those that nobody needed all the while: of
// each list as many as it never fell below. Between two collections a steady loop does
// without some by chance, since these fall anywhere in its rounds.
func (p *Pool) age(atOnce bool) (evicted *block) {
	p.ages++
	long := p.ages%8 == 0
	for c := range p.free {
		l := &p.free[c]
		unneeded := 0
		if atOnce {
			unneeded = l.low
		} else if long {
			unneeded = l.lowest
		}
		for range unneeded {
			evicted = p.unpool(l.pop(), evicted)
		}
		l.low = l.n
		if long {
			l.lowest = l.n
		}
	}
	return evicted
}

// unpool counts k, which was popped, as given up, and puts it before list.
func (p *Pool) unpool(k, list *block) *block {
	p.stats.Pooled -= int64(k.bytes)
	p.reserved -= int64(k.bytes)
	k.next = list
	return k
}

// discard gives a list of blocks back to the memory. The caller does not hold
// the lock: the system may take its time.
func (p *Pool) discard(k *block) {
	for k != nil {
		next := k.next
		k.retire()
		p.memory.Give(k.ptr, k.bytes)
		k = next
	}
}

// Trim gives the blocks that wait in the pool back to the system, and returns
// how many bytes they had.
func (p *Pool) Trim() int64 {
	p.mu.Lock()
	bytes := p.stats.Pooled
	evicted := p.evict(math.MaxInt64)
	p.mu.Unlock()
	p.discard(evicted)
	p.trimMemory()
	return bytes
}

func (p *Pool) trimMemory() {
	if m, ok := p.memory.(Trimmer); ok {
		m.Trim()
	}
}

// Stats tells what was lent so far.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// ResetPeak starts Stats.Peak afresh from what is outstanding now.
func (p *Pool) ResetPeak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Peak = p.stats.Outstanding
}

// Limit is the bound on bytes outstanding, 0 where there is none.
func (p *Pool) Limit() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit
}

// SetLimit bounds the bytes outstanding; zero or less removes the bound.
func (p *Pool) SetLimit(bytes int64) {
	p.mu.Lock()
	p.limit = max(0, bytes)
	var evicted *block
	if p.limit > 0 {
		evicted = p.evict(p.reserved - p.limit)
	}
	p.mu.Unlock()
	p.discard(evicted)
	p.trimMemory()
}

// Close gives the pooled blocks back to the memory. Alloc then fails; buffers
// that are outstanding stay valid, and go back to the memory when they are
// released. Close returns an *OutstandingError if there are any.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	live, bytes := p.stats.Live, p.stats.Outstanding
	p.mu.Unlock()
	p.Trim()
	if live > 0 {
		return &OutstandingError{Device: p.owner.Name(), Buffers: live, Bytes: bytes}
	}
	return nil
}

func (p *Pool) outOfMemory(n int, cause error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Failures++
	return &OutOfMemoryError{
		Device: p.owner.Name(), Requested: int64(n), Outstanding: p.stats.Outstanding,
		Limit: p.limit, Cause: cause,
	}
}

// freeList is a stack of blocks of one class: what was in use last, and may be
// in the processor's caches, is lent first.
type freeList struct {
	top *block
	n   int
	// The smallest n since the last age, and since the last that looked far back.
	low, lowest int
}

func (l *freeList) push(k *block) {
	k.next = l.top
	l.top = k
	l.n++
}

// pop returns the top block, nil where the list is empty.
func (l *freeList) pop() *block {
	k := l.top
	if k != nil {
		l.top, k.next = k.next, nil
		l.n--
		l.low, l.lowest = min(l.low, l.n), min(l.lowest, l.n)
	}
	return k
}
