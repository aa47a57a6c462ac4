//go:build cgo && linux

package cc

// Images: code that is loaded, shared by the libraries of the same code.

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// image is loaded code.
type image struct {
	key    string
	handle handle
	users  int // guarded by images
}

// table holds the images that are loaded and the keys that are being worked on.
type table struct {
	sync.Mutex
	by   map[string]*image
	busy map[string]chan struct{} // closed when the work is done
}

var images = table{by: map[string]*image{}, busy: map[string]chan struct{}{}}

// lock waits until nobody works on key, and then keeps others from it.
func (t *table) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		t.Lock()
		other, taken := t.busy[key]
		if !taken {
			mine := make(chan struct{})
			t.busy[key] = mine
			t.Unlock()
			return func() {
				t.Lock()
				delete(t.busy, key)
				t.Unlock()
				close(mine)
			}, nil
		}
		t.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
		}
	}
}

// share returns a library of the image of key, nil where none is loaded.
func (t *table) share(key string) *Library {
	t.Lock()
	defer t.Unlock()
	if im := t.by[key]; im != nil {
		return t.use(im)
	}
	return nil
}

// load makes an image of code, and a library of it.
func (t *table) load(key, name string, code []byte) (*Library, error) {
	h, err := open(name, code)
	if err != nil {
		return nil, err
	}
	t.Lock()
	defer t.Unlock()
	im := &image{key: key, handle: h}
	t.by[key] = im
	return t.use(im), nil
}

// use returns a library of im. The table is locked.
func (t *table) use(im *image) *Library {
	im.users++
	lib := &Library{loaded: loaded{image: im}}
	lib.drop = runtime.AddCleanup(lib, t.leave, im)
	return lib
}

// leave takes one user from an image, and unloads it after the last.
func (t *table) leave(im *image) {
	t.Lock()
	defer t.Unlock()
	if im.users--; im.users == 0 {
		delete(t.by, im.key)
		im.handle.close()
	}
}

// loaded is what a Library holds.
type loaded struct {
	image  *image
	closed atomic.Bool
	drop   runtime.Cleanup
}

// Symbol returns the address of an external function or variable. It is valid
// until the library is closed or unreachable.
func (l *Library) Symbol(name string) (unsafe.Pointer, error) {
	if l.closed.Load() {
		return nil, &Error{Step: Load, Name: name, Err: ErrClosed}
	}
	p := l.image.handle.symbol(name)
	runtime.KeepAlive(l)
	if p == nil {
		return nil, &Error{Step: Load, Name: name, Err: ErrNoSymbol}
	}
	return p, nil
}

// Close lets go of the library: none of its functions may be running, or run
// later. A second Close does nothing.
func (l *Library) Close() error {
	if l.closed.CompareAndSwap(false, true) {
		l.drop.Stop()
		images.leave(l.image)
	}
	return nil
}
