package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/device/sim"
)

// newDevice returns a device of the test's own, which is closed at its end when
// all its buffers have been given back.
func newDevice(t *testing.T, o sim.Options) *sim.Device {
	t.Helper()
	d := sim.New(o)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	devicetest.NoLeaks(t, d)
	return d
}

// careless is newDevice for a test of misuse, which the device tells of.
func careless(t *testing.T, o sim.Options) *sim.Device {
	d := sim.New(o)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if live := d.Stats().Live; live != 0 {
			t.Errorf("%d buffers live", live)
		}
	})
	return d
}

func alloc(t *testing.T, d device.Device, bytes int) *device.Buffer {
	t.Helper()
	b, err := d.Alloc(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func floats(b *device.Buffer) []float64 { return unsafe.Slice((*float64)(b.Ptr()), b.Size()/8) }

func raw(f []float64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(f))), 8*len(f))
}

func sync(t *testing.T, d device.Device) {
	t.Helper()
	if err := d.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
}

var held = sim.Options{Held: true}

func TestWorkWaitsForSync(t *testing.T) {
	for _, c := range []struct {
		name string
		o    sim.Options
	}{{"held", held}, {"delayed", sim.Options{Delay: 20 * time.Millisecond}}} {
		t.Run(c.name, func(t *testing.T) {
			d := newDevice(t, c.o)
			b := alloc(t, d, 24)
			src := []float64{1, 2, 3}
			if err := d.CopyIn(b, 0, raw(src)); err != nil {
				t.Fatal(err)
			}
			src[1] = 100 // the caller's again
			mem := floats(b)
			d.Stream().Do(func() {
				for i := range mem {
					mem[i] *= 2
				}
			})
			e := d.Stream().Record()
			if e.Done() || !isFresh(b) {
				t.Error("work was done before it was waited for")
			}
			sync(t, d)
			if !e.Done() || fmt.Sprint(mem) != "[2 4 6]" {
				t.Errorf("after Sync: %v", mem)
			}
			b.Release()
		})
	}
}

// isFresh reports whether the buffer's words are what nobody wrote. On the
// stream's behalf, which may be writing in a test that fails, it reads the
// first word only.
func isFresh(b *device.Buffer) bool {
	return atomic.LoadUint32((*uint32)(b.Ptr())) == sim.Fresh
}

func TestWorkIsInOrder(t *testing.T) {
	d := newDevice(t, sim.Options{})
	var order []int
	for i := range 100 {
		d.Stream().Do(func() { order = append(order, i) })
	}
	sync(t, d)
	for i, got := range order {
		if got != i {
			t.Fatalf("place %d is taken by %d", i, got)
		}
	}
	if len(order) != 100 {
		t.Errorf("%d pieces of work done", len(order))
	}
}

func TestCopyOutWaits(t *testing.T) {
	for _, o := range []sim.Options{held, {Delay: time.Millisecond}} {
		d := newDevice(t, o)
		b := alloc(t, d, 16)
		if err := d.CopyIn(b, 8, raw([]float64{7})); err != nil {
			t.Fatal(err)
		}
		got := make([]float64, 1)
		if err := d.CopyOut(raw(got), b, 8); err != nil || got[0] != 7 {
			t.Errorf("got %v, %v", got, err)
		}
		b.Release()
		var gone *device.MisuseError
		if err := d.CopyOut(raw(got), b, 0); !errors.As(err, &gone) {
			t.Errorf("CopyOut of a released buffer: %v", err)
		}
		if err := d.CopyIn(b, 0, raw(got)); !errors.As(err, &gone) {
			t.Errorf("CopyIn to a released buffer: %v", err)
		}
	}
}

func TestMemoryIsNaNUntilWritten(t *testing.T) {
	d := newDevice(t, sim.Options{})
	b := alloc(t, d, 1<<10+4)
	for i, x := range floats(b) {
		if !math.IsNaN(x) {
			t.Fatalf("float64 %d is %v", i, x)
		}
	}
	for i, x := range unsafe.Slice((*float32)(b.Ptr()), b.Size()/4) {
		if x == x {
			t.Fatalf("float32 %d is %v", i, x)
		}
	}
	for i, x := range unsafe.Slice((*int32)(b.Ptr()), b.Size()/4) {
		if x >= 0 {
			t.Fatalf("int32 %d is %v", i, x)
		}
	}
	b.Release()
}

// Work that was queued before a release finds its memory; what comes after
// finds NaN.
func TestReleaseIsInTheStreamsOrder(t *testing.T) {
	d := newDevice(t, held)
	b := alloc(t, d, 8)
	if err := d.CopyIn(b, 0, raw([]float64{5})); err != nil {
		t.Fatal(err)
	}
	mem := floats(b)
	var before, after float64
	d.Stream().Do(func() { before = mem[0] })
	b.Release()
	if s := d.Stats(); s.Live != 0 || s.Outstanding != 0 {
		t.Errorf("%+v", s)
	}
	d.Stream().Do(func() { after = mem[0] })
	other := alloc(t, d, 8) // is other memory
	if other.Ptr() == unsafe.Pointer(&mem[0]) {
		t.Error("released memory is used again at once")
	}
	d.Stream().Do(func() { floats(other)[0] = 1 })
	sync(t, d)
	if before != 5 || !math.IsNaN(after) {
		t.Errorf("before the release %v, after it %v", before, after)
	}
	other.Release()
}

func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		name, says string
		do         func(d *sim.Device, b *device.Buffer)
	}{
		{"behind", "written to behind its end", func(d *sim.Device, b *device.Buffer) {
			p := (*byte)(unsafe.Add(b.Ptr(), b.Size()))
			d.Stream().Do(func() { *p = 0 })
			b.Release()
		}},
		{"far behind", "written to behind its end", func(d *sim.Device, b *device.Buffer) {
			*(*byte)(unsafe.Add(b.Ptr(), b.Size()+63)) = 0
			b.Release()
		}},
		{"before", "written to before its beginning", func(d *sim.Device, b *device.Buffer) {
			*(*byte)(unsafe.Add(b.Ptr(), -1)) = 0
			b.Release()
		}},
		{"after release", "written to after its release", func(d *sim.Device, b *device.Buffer) {
			mem := floats(b)
			b.Release()
			d.Stream().Do(func() { mem[1] = 1 })
		}},
		{"beside, after release", "written to behind its end", func(d *sim.Device, b *device.Buffer) {
			p := (*byte)(unsafe.Add(b.Ptr(), b.Size()))
			b.Release()
			d.Stream().Do(func() { *p = 0 })
		}},
		{"twice released", "released below zero", func(d *sim.Device, b *device.Buffer) {
			b.Release()
			b.Release()
		}},
	} {
		for _, size := range []int{16, 17, 64, 1000} {
			t.Run(fmt.Sprintf("%s/size=%d", c.name, size), func(t *testing.T) {
				d := careless(t, sim.Options{Name: "sim:test"})
				c.do(d, alloc(t, d, size))
				if err := d.Check(); err != nil {
					t.Fatal(err)
				}
				s := d.Stats()
				var e *device.MisuseError
				if s.Misuses != 1 || !errors.As(s.Err, &e) {
					t.Fatalf("%d misuses, %v", s.Misuses, s.Err)
				}
				if !strings.Contains(e.Error(), c.says) || e.Size != size || e.Device != "sim:test" {
					t.Errorf("says %q", e)
				}
			})
		}
	}
}

// What is used properly is not called misuse: every size's last byte counts.
func TestNoFalseAlarm(t *testing.T) {
	d := newDevice(t, sim.Options{})
	for size := range 200 {
		b := alloc(t, d, size)
		mem := unsafe.Slice((*byte)(b.Ptr()), size)
		d.Stream().Do(func() { clear(mem) })
		b.Release()
	}
}

// The quarantine is bounded, and a write is found at the latest when the
// memory leaves it.
func TestQuarantineEnds(t *testing.T) {
	d := careless(t, sim.Options{Limit: 8 << 20})
	mem := floats(func() *device.Buffer { b := alloc(t, d, 800); b.Release(); return b }())
	d.Stream().Do(func() { mem[99] = 0 })
	sync(t, d)
	if n := d.Stats().Misuses; n != 0 {
		t.Fatalf("%d misuses before anybody looked", n)
	}
	for range 40 {
		alloc(t, d, 1<<20).Release()
	}
	sync(t, d)
	if n := d.Stats().Misuses; n != 1 {
		t.Errorf("%d misuses, want 1", n)
	}
}

func TestFailAfter(t *testing.T) {
	d := newDevice(t, sim.Options{})
	for n := range 4 {
		d.FailAfter(n)
		var got []*device.Buffer
		for range n {
			got = append(got, alloc(t, d, 100))
		}
		for range 2 {
			_, err := d.Alloc(100)
			var oom *device.OutOfMemoryError
			if !errors.As(err, &oom) || !errors.Is(err, sim.ErrInjected) || oom.Device != "sim" ||
				oom.Outstanding != int64(100*n) {
				t.Errorf("after %d: %v", n, err)
			}
		}
		for _, b := range got {
			b.Release()
		}
	}
	if f := d.Stats().Failures; f != 8 {
		t.Errorf("%d failures counted, want 8", f)
	}
	d.FailAfter(-1)
	for range 10 {
		alloc(t, d, 100).Release()
	}
}

func TestLimit(t *testing.T) {
	d := newDevice(t, sim.Options{Limit: 1000})
	b := alloc(t, d, 900)
	_, err := d.Alloc(101)
	var oom *device.OutOfMemoryError
	if !errors.As(err, &oom) || *oom != (device.OutOfMemoryError{Device: "sim", Requested: 101, Outstanding: 900, Limit: 1000}) {
		t.Errorf("got %v", err)
	}
	alloc(t, d, 100).Release()
	for range 50 {
		alloc(t, d, 100) // forgotten
	}
	b.Release()
}

func TestPanicIsSyncsError(t *testing.T) {
	d := newDevice(t, sim.Options{})
	wrong := errors.New("this work is wrong")
	d.Stream().Do(func() { panic(wrong) })
	d.Stream().Do(func() { panic("later") })
	ran := false
	d.Stream().Do(func() { ran = true })
	err := d.Sync(context.Background())
	var p *device.PanicError
	if !errors.As(err, &p) || !errors.Is(err, wrong) || !strings.Contains(string(p.Stack), "TestPanicIsSyncsError") {
		t.Errorf("Sync: %v", err)
	}
	if !ran {
		t.Error("the work behind did not run")
	}
	sync(t, d) // it was told
}

func TestSyncEndsWithContext(t *testing.T) {
	d := newDevice(t, sim.Options{})
	release := make(chan struct{})
	d.Stream().Do(func() { <-release })
	e := d.Stream().Record()
	for _, wait := range []func(context.Context) error{d.Sync, e.Wait} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if err := wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		cancel()
	}
	close(release)
	if err := e.Wait(context.Background()); err != nil || !e.Done() {
		t.Errorf("the event: %v, done %v", err, e.Done())
	}
}

// Work of one device waits for another's.
func TestWaitForAnotherStream(t *testing.T) {
	a, b := newDevice(t, sim.Options{Delay: 5 * time.Millisecond}), newDevice(t, held)
	var first, seen atomic.Bool
	a.Stream().Do(func() { first.Store(true) })
	b.Stream().Wait(a.Stream().Record())
	b.Stream().Do(func() { seen.Store(first.Load()) })
	sync(t, b)
	if !seen.Load() {
		t.Error("b's work did not wait for a's")
	}
	cpu := device.NewHost(device.HostConfig{Name: "cpu", Workers: 1})
	b.Stream().Do(func() { first.Store(false) })
	cpu.Stream().Wait(b.Stream().Record()) // waits here
	if first.Load() {
		t.Error("the host did not wait")
	}
	if err := cpu.Close(); err != nil {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	d := sim.New(held)
	b := alloc(t, d, 100)
	ran := false
	d.Stream().Do(func() { ran = true })
	var left *device.OutstandingError
	if err := d.Close(); !errors.As(err, &left) || left.Buffers != 1 {
		t.Errorf("Close: %v", err)
	}
	if !ran {
		t.Error("Close did not wait for the stream's work")
	}
	if _, err := d.Alloc(1); !errors.Is(err, device.ErrClosed) {
		t.Errorf("Alloc after Close: %v", err)
	}
	d.Stream().Do(func() { b.Release() }) // runs at once, and queues the memory's return
	if s := d.Stats(); s.Live != 0 || s.Misuses != 0 {
		t.Errorf("%+v", s)
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name string
		late bool // work is not done at once
	}{{"sim", true}, {"sim:held", true}, {"sim:50ms", true}, {"sim:0s", false}} {
		d, err := device.Open(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if d.Name() != c.name || d.Kind() != "sim" || d.Workers().N() != 1 || d.Limit() <= 0 {
			t.Errorf("%s: name %q, kind %q, limit %d", c.name, d.Name(), d.Kind(), d.Limit())
		}
		if again, _ := device.Open(c.name); again != d {
			t.Errorf("%s: opened twice", c.name)
		}
		d.Stream().Do(func() { time.Sleep(time.Microsecond) })
		if e := d.Stream().Record(); c.late && e.Done() {
			t.Errorf("%s: work was done at once", c.name)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if again, _ := device.Open(c.name); again == d {
			t.Errorf("%s: closed, and opened again as it was", c.name)
		} else if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"sim:fast", "sim:-1ms", "sim:3"} {
		if _, err := device.Open(name); err == nil || !strings.Contains(err.Error(), "such as 1ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv(device.EnvMemoryLimit, "12 MB")
	d, err := device.Open("sim")
	if err != nil || d.Limit() != 12e6 {
		t.Fatalf("limit %d, %v", d.Limit(), err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	d, err = device.Open("sim:1ms")
	if err != nil {
		t.Fatal(err)
	}
	if same, err := device.Open("sim:1000us"); same != d || err != nil {
		t.Errorf("sim:1000us is another device than %s: %v", d.Name(), err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
