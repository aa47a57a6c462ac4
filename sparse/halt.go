// Stopping early: because the caller's context ended, or because a better-placed
// member of a portfolio has reached the bound.

package sparse

import "sync/atomic"

// haltMask: loops ask whether to stop once in so many vertices, plus one.
const haltMask = 1<<11 - 1

// halter tells one member of a portfolio whether to stop. A nil one never does.
type halter struct {
	done <-chan struct{}
	won  *atomic.Int64 // the least rank that has reached the bound
	rank int64
}

func (h *halter) stopped() bool {
	if h == nil {
		return false
	}
	if h.won != nil && h.won.Load() < h.rank {
		return true
	}
	select {
	case <-h.done:
		return true
	default:
		return false
	}
}
