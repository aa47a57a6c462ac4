// Watching a context while kernels run.

package graph

import "sync/atomic"

// watcher sets a flag when a context ends. It is one goroutine that lives as long
// as the state it belongs to, because context.AfterFunc and a goroutine a run would
// allocate. A watch costs two hand-overs between goroutines, about a
// microsecond; so programs are watched only if one of their kernels may run for long
// (see slow). Between instructions the context is looked at directly.
type watcher struct {
	watch chan (<-chan struct{})
	stop  chan struct{}
}

// newWatcher starts a watcher. The goroutine knows the flag only, so that a state
// that is forgotten can be collected, and with it the watcher be ended.
func newWatcher(flag *atomic.Bool) *watcher {
	w := &watcher{watch: make(chan (<-chan struct{}), 1), stop: make(chan struct{})}
	go func() {
		for done := range w.watch {
			select {
			case <-done:
				flag.Store(true)
				<-w.stop
			case <-w.stop:
			}
		}
	}()
	return w
}

// begin watches for done to be closed, until end.
func (w *watcher) begin(done <-chan struct{}) { w.watch <- done }

// end returns when the flag will not be touched any more.
func (w *watcher) end() { w.stop <- struct{}{} }

// close ends the goroutine.
func (w *watcher) close() { close(w.watch) }
