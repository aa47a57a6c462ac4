package device

// When the garbage collector is asked to find forgotten buffers.
//
// Go's collector runs when Go's heap has grown, and does not see the memory
// behind a buffer: a loop that forgets one large temporary after another would
// never be stopped by it. So a pool asks for a collection of its own when the
// bytes it lent have grown, since the last one, by as much as Go would let its
// heap grow: GOGC percent of what was alive, the pool's bytes and Go's heap
// together, but at least so much as its device can spare.

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

const (
	leastSpare = 32 << 20 // of a device that says nothing of it
	// How long a collection is waited for: for a cleanup that is stuck, so
	// longer where the alternative is to be out of memory.
	softWait = 100 * time.Millisecond
	hardWait = 2 * time.Second
)

// collector runs one collection at a time, for all pools.
var collector struct {
	mu     sync.Mutex
	rounds atomic.Uint64 // collections done
}

// collectSoon lets the collector run if a block of so many bytes would pass the
// trigger. While another goroutine collects, the caller goes on.
func (p *Pool) collectSoon(bytes int) {
	if !collector.mu.TryLock() {
		return
	}
	defer collector.mu.Unlock()
	p.mu.Lock()
	passed := p.stats.Outstanding+int64(bytes) > p.trigger
	p.mu.Unlock()
	if passed {
		p.collect(softWait)
	}
}

// collectNow lets the collector run because there is no memory left. If
// another goroutine has done that since the round seen, that is enough.
func (p *Pool) collectNow(seen uint64) {
	collector.mu.Lock()
	defer collector.mu.Unlock()
	if collector.rounds.Load() == seen {
		p.collect(hardWait)
	}
}

// Collect runs the garbage collector and takes back the buffers that it finds
// forgotten. It also gives the blocks back to the system that the pool has not
// needed since the last collection.
func (p *Pool) Collect() {
	collector.mu.Lock()
	defer collector.mu.Unlock()
	p.collect(hardWait)
}

// collect runs the garbage collector, waits for what it found, and sets the
// next trigger. Where GOGC is off, a soft wait is for nothing but the trigger:
// collections are then only for want of memory. The caller holds the
// collector's lock.
func (p *Pool) collect(wait time.Duration) {
	samples := [...]metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples[:1])
	gogc := samples[0].Value.Uint64() // its maximum where it is off
	ran := wait == hardWait || gogc < math.MaxUint64
	if ran {
		runtime.GC()
		awaitCleanups(wait)
		metrics.Read(samples[1:])
		collector.rounds.Add(1)
	}

	p.mu.Lock()
	alive := p.stats.Outstanding
	growth := p.spare
	if gogc < math.MaxUint64 {
		heap := int64(samples[1].Value.Uint64())
		if onHeap {
			heap = max(0, heap-p.reserved)
		}
		both := float64(alive) + float64(heap)
		growth = max(growth, int64(both*float64(gogc)/100))
	} else {
		growth = max(growth, alive)
	}
	p.trigger = alive + growth
	var unneeded *block
	if ran {
		p.stats.Collections++
		unneeded = p.age(wait == hardWait)
	}
	p.mu.Unlock()
	if unneeded != nil {
		p.discard(unneeded)
		p.trimMemory()
	}
}

// awaitCleanups waits until the cleanups that are queued have run, and, where
// memory is wanted, the finalizers: what these hold is free only then.
func awaitCleanups(wait time.Duration) {
	samples := [...]metrics.Sample{
		{Name: "/gc/cleanups/executed:cleanups"}, {Name: "/gc/finalizers/executed:finalizers"},
		{Name: "/gc/cleanups/queued:cleanups"}, {Name: "/gc/finalizers/queued:finalizers"},
	}
	metrics.Read(samples[:])
	cleanups, finalizers := samples[2].Value.Uint64(), samples[3].Value.Uint64()
	if wait == softWait {
		finalizers = 0
	}
	deadline := time.Now().Add(wait)
	for pause := time.Microsecond; time.Now().Before(deadline); pause *= 2 {
		if samples[0].Value.Uint64() >= cleanups && samples[1].Value.Uint64() >= finalizers {
			return
		}
		time.Sleep(min(pause, time.Millisecond))
		metrics.Read(samples[:2])
	}
}
