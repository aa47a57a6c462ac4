package device

// Buffers: reference-counted handles on a device's memory.

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Buffer is a piece of a device's memory. Whoever got it from Alloc holds one
// reference; the last Release gives the memory back to the device's pool. A
// buffer that nobody released is given back when the garbage collector finds
// its handle unreachable: a safety net, later than Release would be.
//
// After the last Release the handle is dead for ever: it is never used for
// another buffer, so releasing it once more harms nobody and is only counted
// (Stats.Misuses).
type Buffer struct {
	blk  *block
	size int
	refs atomic.Int32
	next *Buffer // the next handle of the same group (see block)
}

// Ptr returns the address of the first byte, aligned to 64 bytes: a host
// address on "cpu", "ref" and "sim".
//
// The address does not keep the memory: a caller that works on it makes sure
// that b is released or forgotten only afterwards, by runtime.KeepAlive(b)
// behind the last access if need be.
func (b *Buffer) Ptr() unsafe.Pointer { return b.blk.ptr }

// Size returns the bytes that were asked for.
func (b *Buffer) Size() int { return b.size }

// Device returns the device that the memory is of.
func (b *Buffer) Device() Device { return b.blk.pool.owner }

// Refs returns the number of references held, 0 after the last release.
func (b *Buffer) Refs() int { return int(b.refs.Load()) }

// Retain takes one more reference.
func (b *Buffer) Retain() {
	for {
		n := b.refs.Load()
		if n <= 0 {
			b.blk.pool.misused(b.size, "retained after its last release")
			return
		}
		if b.refs.CompareAndSwap(n, n+1) {
			return
		}
	}
}

// Release gives one reference up. At the last one the memory goes back to the
// pool at once. One release too many is counted in Stats and does nothing.
func (b *Buffer) Release() {
	for {
		n := b.refs.Load()
		if n <= 0 {
			b.blk.pool.misused(b.size, "released below zero")
			return
		}
		if b.refs.CompareAndSwap(n, n-1) {
			if n == 1 {
				b.giveBack()
			}
			return
		}
	}
}

// giveBack ends the loan of b's memory.
func (b *Buffer) giveBack() {
	k := b.blk
	k.spare = b.next
	if k.spare == nil {
		k.cleanup.Stop()
	}
	k.pool.takeBack(k, false)
	// The collector must not give back what is being given back here.
	runtime.KeepAlive(b)
}

// block is one piece of memory, lent over and over through different handles.
//
// Registering a cleanup costs some hundred nanoseconds, ten times what the
// rest of Alloc does, so handles are made in groups: one Go object, one
// cleanup, each handle in it used once. An interior pointer keeps its whole
// object alive, so the group becomes unreachable just when the handle that was
// lent does (the handles before it are dead; one that is still held somewhere
// merely delays the collector). While the block is lent nothing reachable from
// it points to the group; while it lies in the pool, spare does.
type block struct {
	ptr     unsafe.Pointer
	pool    *Pool
	class   int     // of the free list that it belongs to
	bytes   int     // at ptr
	next    *block  // below it in a free list
	spare   *Buffer // the next unused handle, nil where the group is used up
	group   int     // handles in the next group
	cleanup runtime.Cleanup
}

// maxGroup is the most handles in a group.
const maxGroup = 16

// handle takes the block's next handle. A block whose owner forgot it gets a
// group of one: its owner will forget it again, and the rest would be wasted.
func (k *block) handle(size int) *Buffer {
	b := k.spare
	if b == nil {
		g := make([]Buffer, max(1, k.group))
		for i := range g {
			g[i].blk = k
			if i > 0 {
				g[i-1].next = &g[i]
			}
		}
		b = &g[0]
		k.group = min(4*len(g), maxGroup)
		k.cleanup = runtime.AddCleanup(b, forgotten, k)
	}
	k.spare = nil
	b.size = size
	b.refs.Store(1)
	return b
}

// retire ends the duty of the unused handles of a block that is given up.
func (k *block) retire() {
	if k.spare != nil {
		k.cleanup.Stop()
		k.spare = nil
	}
}

// forgotten takes back a block whose lent handle became unreachable.
func forgotten(k *block) {
	k.group = 1
	k.pool.takeBack(k, true)
}
