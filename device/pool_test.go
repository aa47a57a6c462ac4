package device_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
)

const mib = 1 << 20

// newHost returns a device of the test's own, which is closed at its end when
// all its buffers have been given back.
func newHost(t testing.TB, limit int64) *device.Host {
	t.Helper()
	h := device.NewHost(device.HostConfig{Name: "test", Kind: "cpu", Workers: 1, Limit: limit})
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if s := h.Stats(); s.Outstanding != 0 || s.Live != 0 || s.Pooled != 0 || s.Releases != s.Allocs {
			t.Errorf("after Close: %+v", s)
		}
	})
	devicetest.NoLeaks(t, h)
	return h
}

func alloc(t testing.TB, d device.Device, bytes int) *device.Buffer {
	t.Helper()
	b, err := d.Alloc(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bytesOf is the buffer's memory.
func bytesOf(b *device.Buffer) []byte { return unsafe.Slice((*byte)(b.Ptr()), b.Size()) }

func TestAlloc(t *testing.T) {
	h := newHost(t, 0)
	for _, n := range []int{0, 1, 63, 64, 65, 1000, 4096, mib, 2*mib - 1, 2 * mib, 2*mib + 1, 9 * mib} {
		b := alloc(t, h, n)
		if b.Size() != n || b.Device() != h || b.Refs() != 1 || uintptr(b.Ptr())%64 != 0 || b.Ptr() == nil {
			t.Errorf("%d bytes: size %d, refs %d, at %p", n, b.Size(), b.Refs(), b.Ptr())
		}
		for i := range bytesOf(b) { // all of it can be written
			bytesOf(b)[i] = 1
		}
		b.Release()
	}
	var size *device.SizeError
	if _, err := h.Alloc(-1); !errors.As(err, &size) || size.Size != -1 {
		t.Errorf("Alloc(-1): %v", err)
	}
	var oom *device.OutOfMemoryError
	for _, n := range []int{math.MaxInt, 1 << 60, 1<<47 + 1} {
		if _, err := h.Alloc(n); !errors.As(err, &oom) || oom.Requested != int64(n) {
			t.Errorf("Alloc(%d): %v", n, err)
		}
	}
	if f := h.Stats().Failures; f != 3 {
		t.Errorf("%d failures counted, want 3", f)
	}
}

// What the machine does not have is refused by the system, told as such, and
// the books stay right.
func TestAllocRefusedBySystem(t *testing.T) {
	h := newHost(t, 0)
	alloc(t, h, mib).Release()
	_, err := h.Alloc(1 << 46)
	var oom *device.OutOfMemoryError
	if !errors.As(err, &oom) || !errors.Is(err, syscall.ENOMEM) || oom.Limit != 0 {
		t.Fatalf("got %v", err)
	}
	s := h.Stats()
	if s.Outstanding != 0 || s.Live != 0 || s.Allocs != 1 || s.Failures != 1 || s.Pooled != 0 {
		t.Errorf("%+v", s)
	}
}

func TestPoolLendsAgain(t *testing.T) {
	h := newHost(t, 0)
	a, b := alloc(t, h, 5000), alloc(t, h, 5000)
	atA, atB := a.Ptr(), b.Ptr()
	a.Release()
	b.Release()
	if s := h.Stats(); s.Outstanding != 0 || s.Pooled < 10000 || s.Hits != 0 || s.Releases != 2 {
		t.Errorf("%+v", s)
	}
	// Last in, first out; a request of the same class finds them too.
	c, d := alloc(t, h, 5000), alloc(t, h, 5100)
	if c.Ptr() != atB || d.Ptr() != atA {
		t.Error("not lent in the order last in, first out")
	}
	if c == b || c.Size() != 5000 || d.Size() != 5100 {
		t.Error("the handle is an old one, or has an old one's size")
	}
	if s := h.Stats(); s.Hits != 2 || s.Allocs != 4 || s.Pooled != 0 || s.Live != 2 {
		t.Errorf("%+v", s)
	}
	c.Release()
	d.Release()
	if got := h.Trim(); got < 10000 {
		t.Errorf("Trim gave %d bytes back", got)
	}
	if s := h.Stats(); s.Pooled != 0 {
		t.Errorf("%d bytes pooled after Trim", s.Pooled)
	}
}

func TestStatsPeak(t *testing.T) {
	h := newHost(t, 0)
	a := alloc(t, h, mib)
	alloc(t, h, 3*mib).Release()
	if s := h.Stats(); s.Peak != 4*mib || s.Outstanding != mib {
		t.Errorf("%+v", s)
	}
	if got, want := h.Stats().String(), "1 MiB in 1 buffers, at most 4 MiB, 3 MiB kept; 2 lent (0 from the pool), 1 given back (0 by the collector), 0 collections, 0 failures"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	device.ResetPeak(h)
	if s := h.Stats(); s.Peak != mib {
		t.Errorf("peak after ResetPeak: %d", s.Peak)
	}
	a.Release()
}

func TestReferences(t *testing.T) {
	h := newHost(t, 0)
	b := alloc(t, h, 100)
	b.Retain()
	b.Retain()
	for want := 2; want >= 0; want-- {
		if h.Stats().Live != 1 {
			t.Error("given back too early")
		}
		b.Release()
		if b.Refs() != want {
			t.Errorf("%d references, want %d", b.Refs(), want)
		}
	}
	if h.Stats().Live != 0 {
		t.Error("not given back")
	}
}

// The last of many goroutines to release gives back, whoever it is.
func TestReferencesConcurrently(t *testing.T) {
	h := newHost(t, 0)
	for range 200 {
		b := alloc(t, h, 64)
		var all sync.WaitGroup
		for range 4 {
			b.Retain()
			all.Go(func() {
				b.Retain()
				bytesOf(b)
				b.Release()
				b.Release()
			})
		}
		b.Release()
		all.Wait()
		if b.Refs() != 0 || h.Stats().Live != 0 {
			t.Fatalf("%d references, %d live", b.Refs(), h.Stats().Live)
		}
	}
}

// A stale handle never touches the buffer that its memory was lent to since.
func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		name, says string
		do         func(b *device.Buffer)
	}{
		{"release", "released below zero", (*device.Buffer).Release},
		{"retain", "retained after its last release", (*device.Buffer).Retain},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := device.NewHost(device.HostConfig{Name: "test", Workers: 1})
			var stale []*device.Buffer
			misuses := int64(0)
			for range 100 { // through several groups of handles
				b := alloc(t, h, 100)
				for _, s := range stale {
					c.do(s)
					misuses++
				}
				if b.Refs() != 1 || h.Stats().Live != 1 {
					t.Fatalf("a stale handle reached another's buffer: %d references, %d live", b.Refs(), h.Stats().Live)
				}
				b.Release()
				stale = append(stale, b)
			}
			s := h.Stats()
			var e *device.MisuseError
			if !errors.As(s.Err, &e) || s.Misuses != misuses || e.Size != 100 || e.Device != "test" ||
				!strings.Contains(e.Error(), c.says) || !strings.Contains(e.Stack, "pool_test.go") {
				t.Errorf("%d misuses of %d told, the first: %v", s.Misuses, misuses, s.Err)
			}
			if s.Hits != 99 || s.Allocs != 100 || s.Releases != 100 {
				t.Errorf("%+v", s)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is forgotten comes back, whichever of its group's handles it is.
func TestForgotten(t *testing.T) {
	h := newHost(t, 0)
	for round := range 40 {
		for range round {
			alloc(t, h, 1000).Release()
		}
		alloc(t, h, 1000)
		h.Collect()
		if s := h.Stats(); s.Live != 0 || s.Forgotten != int64(round+1) {
			t.Fatalf("round %d: %+v", round, s)
		}
	}
	if s := h.Stats(); s.Hits != s.Allocs-1 {
		t.Errorf("forgotten memory was not lent again: %+v", s)
	}
}

// A handle that is held keeps its memory, whatever became of the block's
// earlier handles.
func TestHeldIsNotForgotten(t *testing.T) {
	h := newHost(t, 0)
	for n := range 40 {
		for range n {
			alloc(t, h, 1000).Release()
		}
		b := alloc(t, h, 1000)
		bytesOf(b)[0] = byte(n)
		h.Collect()
		if s := h.Stats(); s.Live != 1 || bytesOf(b)[0] != byte(n) {
			t.Fatalf("after %d: %+v", n, s)
		}
		b.Release()
	}
}

// The largest of loops that forget: Go's collector sees none of this memory,
// and would never run.
func TestForgottenTemporariesStayWithinLimit(t *testing.T) {
	const limit = 256 * mib
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	h := newHost(t, limit)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for i := range n {
		b, err := h.Alloc(8 * mib)
		if err != nil {
			t.Fatalf("temporary %d: %v", i, err)
		}
		bytesOf(b)[i] = 1
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	s := h.Stats()
	t.Logf("%d forgotten temporaries of 8 MiB: %.2f s, peak %d MiB, %d collections (%d in all), %d hits",
		n, took.Seconds(), s.Peak/mib, s.Collections, after.NumGC-before.NumGC, s.Hits)
	if s.Peak > limit {
		t.Errorf("peak %d MiB", s.Peak/mib)
	}
	if s.Hits < int64(n)*9/10 {
		t.Errorf("only %d hits", s.Hits)
	}
	if took > 60*time.Second {
		t.Errorf("took %v", took)
	}
}

// What is forgotten is taken back before an allocation fails, and what is held
// makes it fail.
func TestLimit(t *testing.T) {
	h := newHost(t, 16*mib)
	var held []*device.Buffer
	for range 3 {
		held = append(held, alloc(t, h, 4*mib))
	}
	for range 20 {
		alloc(t, h, 4*mib) // forgotten: there is room for one
	}
	for range 20 {
		alloc(t, h, 3*mib).Release() // another class: the pool must give up what it keeps
	}
	if s := h.Stats(); s.Outstanding+s.Pooled > 16*mib {
		t.Errorf("%d bytes taken from the system", s.Outstanding+s.Pooled)
	}
	held = append(held, alloc(t, h, 4*mib))
	_, err := h.Alloc(1)
	var oom *device.OutOfMemoryError
	if !errors.As(err, &oom) || *oom != (device.OutOfMemoryError{Device: "test", Requested: 1, Outstanding: 16 * mib, Limit: 16 * mib}) {
		t.Errorf("got %v", err)
	}
	if want := "device test: out of memory: 1 bytes requested, 16 MiB outstanding, limit 16 MiB"; err.Error() != want {
		t.Errorf("says %q", err)
	}
	h.SetLimit(0)
	held = append(held, alloc(t, h, 4*mib))
	h.SetLimit(4 * mib) // below what is outstanding
	if h.Limit() != 4*mib {
		t.Errorf("limit %d", h.Limit())
	}
	for _, b := range held {
		if _, err := h.Alloc(4 * mib); err == nil {
			t.Error("lent beyond the limit")
		}
		b.Release()
	}
	if s := h.Stats(); s.Pooled > 4*mib {
		t.Errorf("%d bytes pooled, beyond the limit", s.Pooled)
	}
	alloc(t, h, 4*mib).Release()
	h.SetLimit(1)
	if s := h.Stats(); s.Pooled != 0 {
		t.Errorf("%d bytes pooled, beyond the limit", s.Pooled)
	}
	collections := h.Stats().Collections
	if _, err := h.Alloc(2 * mib); err == nil || h.Stats().Collections != collections {
		t.Error("collected for what could never be had")
	}
}

// Several goroutines at the limit: all get their memory, since nobody holds it.
func TestLimitConcurrently(t *testing.T) {
	h := newHost(t, 32*mib)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 100 {
				b, err := h.Alloc((i%3 + 1) * mib)
				if err != nil {
					t.Error(err)
					return
				}
				if (i+g)%2 == 0 {
					b.Release()
				}
			}
		})
	}
	all.Wait()
	if s := h.Stats(); s.Peak > 32*mib {
		t.Errorf("peak %d MiB", s.Peak/mib)
	}
}

// What a phase needed and the next does not is given back to the system.
func TestPoolAges(t *testing.T) {
	h := newHost(t, 0)
	alloc(t, h, 8*mib).Release()
	h.Collect() // a period in which it was needed
	if s := h.Stats(); s.Pooled != 8*mib {
		t.Fatalf("%+v", s)
	}
	for range 3 {
		a, b := alloc(t, h, 8*mib), alloc(t, h, 8*mib)
		a.Release()
		b.Release()
	}
	h.Collect()
	alloc(t, h, 8*mib).Release() // one of the two is enough now
	h.Collect()
	if s := h.Stats(); s.Pooled != 8*mib {
		t.Errorf("%d MiB pooled, want 8", s.Pooled/mib)
	}
	h.Collect()
	if s := h.Stats(); s.Pooled != 0 {
		t.Errorf("%d MiB pooled, want none", s.Pooled/mib)
	}
}

func TestPoolConcurrently(t *testing.T) {
	h := newHost(t, 64*mib)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(7, uint64(g)))
			var mine []*device.Buffer
			for i := range 3000 {
				if len(mine) > 0 && r.IntN(2) == 0 {
					b := mine[len(mine)-1]
					mine = mine[:len(mine)-1]
					if mem := bytesOf(b); mem[0] != byte(g) || mem[len(mem)-1] != byte(g) {
						t.Error("another wrote to this buffer")
					}
					if r.IntN(10) > 0 { // else forgotten
						b.Release()
					}
					continue
				}
				b, err := h.Alloc(1 + r.IntN(64<<10))
				if err != nil {
					t.Error(err)
					return
				}
				mem := bytesOf(b)
				mem[0], mem[len(mem)-1] = byte(g), byte(g)
				if mine = append(mine, b); i%500 == 0 {
					_ = h.Stats()
					h.Trim()
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkAlloc(b *testing.B) {
	for _, size := range []int{64, 64 << 10, 8 * mib} {
		b.Run(fmt.Sprintf("released/size=%d", size), func(b *testing.B) {
			h := newHost(b, 0)
			b.ReportAllocs()
			for b.Loop() {
				k, err := h.Alloc(size)
				if err != nil {
					b.Fatal(err)
				}
				k.Release()
			}
		})
	}
	// Without Release: every buffer has a cleanup of its own, and the
	// collector finds it.
	for _, size := range []int{64 << 10, 8 * mib} {
		b.Run(fmt.Sprintf("forgotten/size=%d", size), func(b *testing.B) {
			h := newHost(b, 0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Alloc(size); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(h.Stats().Collections)/float64(b.N), "collections/op")
		})
	}
	b.Run("released/size=65536/parallel", func(b *testing.B) {
		h := newHost(b, 0)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				k, err := h.Alloc(64 << 10)
				if err != nil {
					b.Error(err)
					return
				}
				k.Release()
			}
		})
	})
}

// What fresh memory costs, all of it written, against pooled memory.
func BenchmarkFresh(b *testing.B) {
	for _, fresh := range []bool{false, true} {
		b.Run(fmt.Sprintf("size=8MiB/fresh=%v", fresh), func(b *testing.B) {
			h := newHost(b, 0)
			b.SetBytes(8 * mib)
			for b.Loop() {
				k, err := h.Alloc(8 * mib)
				if err != nil {
					b.Fatal(err)
				}
				clear(bytesOf(k))
				k.Release()
				if fresh {
					h.Trim()
				}
			}
		})
	}
}
