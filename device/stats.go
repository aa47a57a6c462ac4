package device

import "fmt"

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

// String tells in a line what is lent and kept, and how often.
func (s Stats) String() string {
	text := fmt.Sprintf("%s in %d buffers, at most %s, %s kept; %d lent (%d from the pool), %d given back (%d by the collector), %d collections, %d failures",
		FormatBytes(s.Outstanding), s.Live, FormatBytes(s.Peak), FormatBytes(s.Pooled), s.Allocs, s.Hits, s.Releases, s.Forgotten, s.Collections, s.Failures)
	if s.Misuses > 0 {
		text += fmt.Sprintf(", %d misuses: %v", s.Misuses, s.Err)
	}
	return text
}
