//go:build cuda && cgo

package cuda_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/device/devicetest"
)

// open opens a device that gives everything back at the end of the test.
func open(t *testing.T, name string) *cuda.Device {
	t.Helper()
	if err := cuda.Status(); err != nil {
		if os.Getenv("REQUIRE_GPU") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	d, err := device.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s := d.Stats()
		if s.Live != 0 || s.Outstanding != 0 || s.Misuses != 0 {
			t.Errorf("not given back: %+v", s)
		}
		if err := d.Close(); err != nil && !errors.Is(err, device.ErrLost) {
			t.Error(err)
		}
	})
	return d.(*cuda.Device)
}

// alloc takes memory of a device for as long as the test runs.
func alloc(t *testing.T, d *cuda.Device, bytes int) *device.Buffer {
	t.Helper()
	b, err := d.Alloc(bytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Release)
	return b
}

// openWith opens a device and takes memory of it, for as long as the test runs.
func openWith(t *testing.T, bytes int) (*cuda.Device, *device.Buffer) {
	t.Helper()
	d := open(t, "cuda")
	return d, alloc(t, d, bytes)
}

// onStandIn skips what asks the stand-in for trouble.
func onStandIn(t *testing.T) {
	if !strings.Contains(os.Getenv("COTANGENT_LIBCUDA"), "standin") {
		t.Skip("there is no stand-in")
	}
}

func TestStatusTells(t *testing.T) {
	onStandIn(t)
	whole, err := os.ReadFile(os.Getenv("COTANGENT_LIBCUDA"))
	if err != nil {
		t.Fatal(err)
	}
	cut, empty := filepath.Join(t.TempDir(), "cut.so"), filepath.Join(t.TempDir(), "empty.so")
	if err := errors.Join(os.WriteFile(cut, whole[:4000], 0o600), os.WriteFile(empty, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env        string
		says, does string
	}{
		{"COTANGENT_LIBCUDA=/nonexistent/libcuda.so.1", "no NVIDIA driver", "install one"},
		{"COTANGENT_LIBCUDA=" + cut, "cut.so: the file is cut short", "install one"},
		{"COTANGENT_LIBCUDA=" + empty, "empty.so: file too short", "install one"},
		{"STANDIN_INIT=100", "sees no GPU", "CUDA_VISIBLE_DEVICES"}, // as drivers do
		{"STANDIN_INIT=34", "does not start: it is a toolkit's stub", "nvidia-smi"},
		{"STANDIN_INIT=1234", "does not start: it does not say why (error 1234)", "nvidia-smi"},
		{"STANDIN_INIT=803", "does not fit the kernel module", "nvidia-smi"},
		{"STANDIN_VERSION=11040", "CUDA 11.4 only", "11.8"},
		{"STANDIN_DEVICES=0", "sees no GPU", "CUDA_VISIBLE_DEVICES"},
	} {
		out := devicetest.Child(t, "TestStatusChild", c.env)
		if !strings.Contains(out, c.says) || !strings.Contains(out, c.does) {
			t.Errorf("%s: says %q, want %q and %q", c.env, out, c.says, c.does)
		}
	}
}

func TestStatusChild(t *testing.T) {
	devicetest.InChild(t)
	_, err := device.Open("cuda")
	var status *cuda.StatusError
	if !errors.As(err, &status) {
		t.Fatalf("open: %v", err)
	}
	fmt.Println(err, cuda.Describe())
	if _, err := device.Open("cpu"); err == nil {
		t.Error("cpu is not imported here, and opens")
	}
}

// A GPU is one device, whichever of its names it is opened by; what names none says how
// many there are.
func TestNames(t *testing.T) {
	onStandIn(t)
	devicetest.Child(t, "TestNamesChild", "STANDIN_DEVICES=2")
}

func TestNamesChild(t *testing.T) {
	devicetest.InChild(t)
	first, second := open(t, "cuda:00"), open(t, "cuda:1")
	for name, want := range map[string]*cuda.Device{"cuda": first, "cuda:": first, "cuda:0": first, "cuda:+0": first, "cuda:01": second} {
		if d, err := device.Open(name); d != device.Device(want) || err != nil {
			t.Errorf("%s is another device than %s: %v", name, want.Name(), err)
		}
	}
	if first.Name() != "cuda" || second.Name() != "cuda:1" || len(device.Opened()) != 2 {
		t.Errorf("%s and %s, open are %v", first.Name(), second.Name(), device.Opened())
	}
	for name, says := range map[string]string{
		"cuda:2": "there is no cuda:2", "cuda:-1": `"-1" is no number of a GPU`, "cuda:x": `"x" is no number of a GPU`,
		"cuda:99999999999999999999": `is no number of a GPU`,
	} {
		var status *cuda.StatusError
		if _, err := device.Open(name); !errors.As(err, &status) || !strings.Contains(err.Error(), says+": the driver sees 2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCopies(t *testing.T) {
	d := open(t, "cuda")
	for _, n := range []int{0, 1, 7, 4096, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3<<20 + 5} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(i*7 + i>>8)
		}
		b, err := d.Alloc(n + 3)
		if err != nil {
			t.Fatal(err)
		}
		src := bytes.Clone(want)
		if err := d.CopyIn(b, 3, src); err != nil {
			t.Fatal(err)
		}
		clear(src) // CopyIn has taken it
		got := make([]byte, n)
		if err := d.CopyOut(got, b, 3); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back otherwise", n)
		}
		var bad *device.RangeError
		if err := d.CopyIn(b, 4, want); n > 0 && !errors.As(err, &bad) {
			t.Errorf("copy past the end: %v", err)
		}
		b.Release()
		var gone *device.MisuseError
		if err := d.CopyOut(got, b, 0); !errors.As(err, &gone) {
			t.Errorf("copy of a released buffer: %v", err)
		}
	}
}

const source = `
extern "C" __global__ void fill(float *y, float v, int n) {
	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) y[i] = v;
}`

// launch queues a kernel whose arguments are a buffer and words of 4 bytes.
func launch(d *cuda.Device, src, name string, block int, b *device.Buffer, words ...any) (err error) {
	d.Stream().Do(func() {
		var f *cuda.Function
		if f, err = d.Function(src, name); err != nil {
			return
		}
		p := uint64(uintptr(b.Ptr()))
		args := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&p)), 8)...)
		for _, w := range words {
			switch v := w.(type) {
			case float32:
				args = append(args, unsafe.Slice((*byte)(unsafe.Pointer(&v)), 4)...)
			case int32:
				args = append(args, unsafe.Slice((*byte)(unsafe.Pointer(&v)), 4)...)
			}
		}
		err = d.Main().Launch(f, cuda.Launch{Grid: [2]int{1, 1}, Block: [2]int{block, 1}}, args)
	})
	return err
}

func floats(t *testing.T, d *cuda.Device, b *device.Buffer) []float32 {
	t.Helper()
	got := make([]float32, b.Size()/4)
	if err := d.CopyOut(unsafe.Slice((*byte)(unsafe.Pointer(&got[0])), b.Size()), b, 0); err != nil {
		t.Error(err)
	}
	return got
}

// A recording that came upon a bad index still says so when it is closed.
func TestClosedRecordingHasFailed(t *testing.T) {
	d := open(t, "cuda")
	const set = `extern "C" __global__ void set(unsigned long long *flag, unsigned long long *by) { *flag = *by; }`
	by, err := d.Alloc(8)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []bool{false, true} {
		value := make([]byte, 8)
		if bad {
			value[0] = 1
		}
		var r *cuda.Recording
		d.Stream().Do(func() {
			r, err = d.Record(func(s device.Stream) error {
				return s.(*cuda.Stream).Checked(func(flag unsafe.Pointer) error {
					f, err := d.Function(set, "set")
					if err != nil {
						return err
					}
					args := [2]uintptr{uintptr(flag), uintptr(by.Ptr())}
					return s.(*cuda.Stream).Launch(f, cuda.Launch{Grid: [2]int{1, 1}, Block: [2]int{1, 1}}, unsafe.Slice((*byte)(unsafe.Pointer(&args)), 16))
				}, func() error { return nil })
			})
			if err == nil {
				err = r.Replay()
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		// Set while the replay may be under way: Close waits for it.
		if err := d.CopyIn(by, 0, value); err != nil {
			t.Fatal(err)
		}
		d.Stream().Do(func() { err = r.Replay() })
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		if r.Failed() != bad {
			t.Errorf("failed: %v, want %v", r.Failed(), bad)
		}
	}
	by.Release()
}

func TestLaunchIsAsynchronous(t *testing.T) {
	onStandIn(t) // a real card may be done at once
	d, b := openWith(t, 4*100)
	if err := launch(d, source, "fill", 32, b, float32(3), int32(100)); err != nil {
		t.Fatal(err)
	}
	e := d.Stream().Record()
	d.Stream().Do(func() {})
	if e.Done() {
		t.Error("work was done before anybody waited")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := e.Wait(ctx); err != nil || !e.Done() {
		t.Errorf("waiting: %v", err)
	}
	if got := floats(t, d, b); got[0] != 3 || got[99] != 3 {
		t.Errorf("got %v", got)
	}
	cancel()
	if err := d.Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Sync with an ended context: %v", err)
	}
}

// Each operation with indices has a word of its own, however many there are at a time.
func TestManyFlags(t *testing.T) {
	d := open(t, "cuda")
	const many = 1100
	seen := map[unsafe.Pointer]bool{}
	var nested func() error
	nested = func() error {
		return d.Main().Checked(func(flag unsafe.Pointer) error {
			if seen[flag] = true; len(seen) == many {
				return nil
			}
			return nested()
		}, func() error { return errors.New("a flag was set") })
	}
	if err := d.Main().Enter(); err != nil {
		t.Fatal(err)
	}
	defer d.Main().Leave()
	if err := nested(); err != nil || len(seen) != many {
		t.Errorf("%d flags: %v", len(seen), err)
	}
}

// Who may break a wait off does not wait longer for that.
func TestWaitWithContext(t *testing.T) {
	d, b := openWith(t, 4*100)
	times := func(ctx context.Context) time.Duration {
		start := time.Now()
		for range 2000 {
			if err := launch(d, source, "fill", 1, b, float32(3), int32(100)); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Sync(ctx); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	without := times(context.Background())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// Between two looks the stand-in does one piece of work.
	if with := times(ctx); with > 10*without+200*time.Millisecond {
		t.Errorf("%v for what takes %v without a context", with, without)
	}
}

// A stopwatch runs by the device's clock: work that is queued, and not done yet, counts.
func TestStopwatch(t *testing.T) {
	const n = 1 << 16
	d, b := openWith(t, 4*n)
	w, err := d.Main().Stopwatch()
	if err != nil {
		t.Fatal(err)
	}
	// One thread does it all.
	times := func(count int32) time.Duration {
		err := errors.Join(w.Start(), launch(d, source, "fill", 1, b, float32(3), count), w.Stop())
		if err != nil {
			t.Fatal(err)
		}
		e, err := w.Elapsed()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	times(1) // compiles
	// The least of some: other programs' work on the card counts, too.
	short, long := times(1), times(n)
	for range 10 {
		short, long = min(short, times(1)), min(long, times(n))
	}
	if short <= 0 || long <= short {
		t.Errorf("%v for one element, %v for %d", short, long, n)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestCompileError(t *testing.T) {
	d, b := openWith(t, 4)
	left := t.TempDir()
	t.Setenv(cuda.EnvSources, left)
	err := launch(d, `extern "C" __global__ void wrong(float *y) { y[0] = nonsense; }`, "wrong", 32, b)
	var bad *cuda.CompileError
	if !errors.As(err, &bad) || !strings.Contains(bad.Log, "nonsense") {
		t.Errorf("got %v", err)
	}
	// The folder of sources has what compiles.
	if err := launch(d, `extern "C" __global__ void right(float *y) { y[0] = 1; }`, "right", 32, b); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob(filepath.Join(left, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("left are %q, %v", files, err)
	}
	if text, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(text), "right") {
		t.Errorf("left is %s, %v", text, err)
	}
}
