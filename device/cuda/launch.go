//go:build cuda && cgo

package cuda

// What kernels need: functions, launches, scratch memory, flags. All of it is
// called within Stream.Do.

import (
	"errors"
	"sync"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/cotangent-ad/cotangent/device"
)

// Function is a compiled kernel, loaded on a device.
type Function struct {
	mu     sync.Mutex
	module unsafe.Pointer
	fn     unsafe.Pointer
	shared int   // dynamic shared memory allowed so far
	err    error // of compiling it
}

// everyCard is the dynamic shared memory that a block may have on every card.
const everyCard = 48 << 10

// Function returns the kernel of that name in a source, compiled for the device
// unless that was done before. Its error is a *CompileError, *StatusError or *DriverError.
func (d *Device) Function(source, name string) (*Function, error) {
	d.mu.Lock()
	f := d.functions[source]
	if f == nil {
		f = &Function{shared: everyCard}
		d.functions[source] = f
	}
	d.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fn != nil || f.err != nil {
		return f, f.err
	}
	image, err := Compile(source, d.arch)
	if err != nil {
		if bad := (*CompileError)(nil); errors.As(err, &bad) { // it will not compile another time
			f.err = err
		}
		return nil, err
	}
	err = d.with(func() (err error) {
		f.module, f.fn, err = loadModule(image, name)
		return err
	})
	return f, err
}

// Launch is how a kernel is launched: the grid and the block in two dimensions,
// and the bytes of dynamic shared memory.
type Launch struct {
	Grid, Block [2]int
	Shared      int
}

// Launch queues a kernel. The arguments are laid out as the kernel's parameters
// are: each at a multiple of its own alignment.
func (s *Stream) Launch(f *Function, l Launch, args []byte) error {
	if l.Shared > everyCard {
		if err := f.allow(l.Shared); err != nil {
			return err
		}
	}
	return launch(s.d.name, f.fn, l, handle(&s.cu), args)
}

// allow lets the kernel have more dynamic shared memory than it may so far.
func (f *Function) allow(shared int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if shared <= f.shared {
		return nil
	}
	err := sharedBytes(f.fn, shared)
	if err == nil {
		f.shared = shared
	}
	return err
}

// Zero queues the clearing of memory.
func (s *Stream) Zero(p unsafe.Pointer, bytes int) error {
	if bytes == 0 {
		return nil
	}
	return wrap(s.d.name, "cuMemsetD8Async", cu.MemsetD8Async(address(p), 0, int64(bytes), s.cu))
}

// Copy queues a copy from one place of the device's memory to another.
func (s *Stream) Copy(dst, src unsafe.Pointer, bytes int) error {
	if bytes == 0 {
		return nil
	}
	return wrap(s.d.name, "cuMemcpyDtoDAsync", cu.MemcpyDtoDAsync(address(dst), address(src), int64(bytes), s.cu))
}

// Upload queues a copy from host memory that may change as soon as it returns.
func (s *Stream) Upload(dst unsafe.Pointer, src []byte) error { return s.d.staging.in(dst, src) }

// Download copies device memory to the host, behind the work queued so far, and
// waits for it.
func (s *Stream) Download(dst []byte, src unsafe.Pointer) error { return s.d.staging.out(dst, src) }

// Scratch lends memory for the work queued until its Release: on a stream that
// works in order, what is queued later may use it again. A recording keeps it.
func (s *Stream) Scratch(bytes int) (*device.Buffer, error) {
	for _, b := range s.scratch {
		if b.Refs() == 1 && b.Size() >= bytes { // released, but for the recording
			b.Retain()
			return b, nil
		}
	}
	b, err := s.d.Alloc(bytes)
	if err == nil && s.recording != nil {
		b.Retain()
		s.scratch = append(s.scratch, b)
		s.recording.kept = append(s.recording.kept, b)
	}
	return b, err
}

// Checked launches work that sets a word, at the address given, to tell that an
// index was out of range, and returns failed's error when it did. Of a recording that
// is known only when it was done: see Recording.Failed.
func (s *Stream) Checked(launch func(flag unsafe.Pointer) error, failed func() error) error {
	if r := s.recording; r != nil {
		if r.flag == nil {
			var err error
			if r.flag, err = s.d.flags.take(); err != nil {
				return err
			}
		}
		return launch(unsafe.Pointer(r.flag))
	}
	f, err := s.d.flags.take()
	if err != nil {
		return err
	}
	defer s.d.flags.put(f)
	if err = launch(unsafe.Pointer(f)); err == nil {
		err = s.finish()
	}
	if err == nil && *f != 0 {
		err = failed()
	}
	return err
}

// flags are words in pinned memory that kernels set: one for each operation under way and
// for each recording that has indices.
type flags struct {
	mu    sync.Mutex
	pages []unsafe.Pointer
	free  []*uint64
}

const flagsBytes = 4096

func (l *flags) take() (*uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.free) == 0 {
		p, err := pinned(flagsBytes)
		if err != nil {
			return nil, err
		}
		l.pages = append(l.pages, p)
		for i := range flagsBytes / 8 {
			l.free = append(l.free, (*uint64)(unsafe.Add(p, 8*i)))
		}
	}
	last := len(l.free) - 1
	f := l.free[last]
	l.free = l.free[:last]
	*f = 0
	return f, nil
}

func (l *flags) put(f *uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, f)
}

func (l *flags) close() error {
	var err error
	for _, p := range l.pages {
		err = errors.Join(err, unpin(p))
	}
	return err
}
