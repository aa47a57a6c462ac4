package device

// What a device tells about its memory.

// Stats counts what a device lent since it was opened. Bytes are those of the
// blocks behind the buffers: a request rounded up to its size class.
type Stats struct {
	Outstanding int64 // bytes lent and not given back
	Peak        int64 // the largest Outstanding since ResetPeak
	Pooled      int64 // bytes that were given back and are kept for reuse
	Live        int64 // buffers lent and not given back

	Allocs      int64 // buffers lent
	Hits        int64 // ... of these, from the pool
	Releases    int64 // buffers given back, by Release or by the collector
	Forgotten   int64 // ... of these, by the collector: nobody released them
	Collections int64 // garbage collections that the pool asked for
	Failures    int64 // allocations that failed

	Misuses int64 // buffers used against their contract
	Err     error // the first of these, a *MisuseError, or nil
}
