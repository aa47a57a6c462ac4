//go:build cuda && cgo

package cuda_test

// Memory: what there is not enough of, and what stays with the driver.

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/device/devicetest"
)

func TestOutOfMemoryChild(t *testing.T) {
	devicetest.InChild(t)
	t.Setenv(cuda.EnvExact, "1") // what was given back is no help
	d := open(t, "cuda")
	for n := range 3 {
		t.Setenv("STANDIN_FAIL", fmt.Sprintf("alloc:%d", n))
		var got []*device.Buffer
		for range n {
			b, err := d.Alloc(100)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b)
		}
		_, err := d.Alloc(100)
		var oom *device.OutOfMemoryError
		var cause *cuda.DriverError
		if !errors.As(err, &oom) || !errors.As(err, &cause) || cause.Code != 2 || oom.Outstanding < int64(100*n) {
			t.Errorf("after %d: %v", n, err)
		}
		for _, b := range got {
			b.Release()
		}
	}
	t.Setenv("STANDIN_FAIL", "")
	d.SetLimit(1000)
	_, err := d.Alloc(1001)
	var oom *device.OutOfMemoryError
	if !errors.As(err, &oom) || oom.Limit != 1000 || oom.Cause != nil {
		t.Errorf("beyond the limit: %v", err)
	}
	d.SetLimit(0)
	b, err := d.Alloc(100)
	if err != nil {
		t.Fatalf("afterwards: %v", err)
	}
	b.Release()
}

// What is given back stays with the driver, up to the limit, until it is asked for, or
// the device is closed, or another allocation needs it.
func TestMemoryPool(t *testing.T) {
	onStandIn(t) // a card may be shared, and its driver rounds up
	devicetest.Child(t, "TestMemoryPoolChild", cuda.EnvExact+"=", "STANDIN_MEMORY=256")
}

func TestMemoryPoolChild(t *testing.T) {
	devicetest.InChild(t)
	d := open(t, "cuda")
	const mib = 1 << 20
	lend := func(sizes ...int) (bs []*device.Buffer) {
		t.Helper()
		for _, n := range sizes {
			b, err := d.Alloc(n * mib)
			if err != nil {
				t.Fatal(err)
			}
			bs = append(bs, b)
		}
		return bs
	}
	release := func(bs []*device.Buffer) {
		for _, b := range bs {
			b.Release()
		}
	}
	holds := func(when string, least, most int64) {
		t.Helper()
		if err := d.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := d.Reserved()
		if s := d.Stats(); err != nil || n < least*mib || n > most*mib || n < s.Outstanding+s.Pooled {
			t.Errorf("%s: the driver holds %d MiB of %v, %v", when, n/mib, s, err)
		}
	}
	total := d.Limit() / mib

	holds("at first", 0, 0)
	release(lend(16, 24))
	holds("given back", 40, 40)
	d.Trim()
	holds("trimmed", 0, 0)

	d.SetLimit(25 * mib)
	release(lend(16))
	release(lend(24)) // for which the limit leaves room where the others lay
	holds("at the limit", 24, 25)
	d.SetLimit(12 * mib)
	holds("below the limit", 0, 12)

	// Without a limit the card's memory is one: blocks of another size make room.
	d.SetLimit(0)
	release(lend(int(total)/2, int(total)/4))
	release(lend(int(total) * 3 / 4))
	holds("another size", total*3/4, total)

	// A loop that forgets what it has used takes nothing from the driver after a while.
	fresh := func() int64 {
		for range 40 {
			lend(4, 6)
		}
		s := d.Stats()
		return s.Allocs - s.Hits
	}
	d.SetLimit(total * mib)
	first, before := fresh(), d.Stats().Collections
	// A collection that comes late, on a busy machine, may cost a block.
	if again := fresh(); again-first > 2 || d.Stats().Collections-before < 3 {
		t.Errorf("%d blocks were taken, and then %d; %v", first, again-first, d.Stats())
	}
	for range 3 {
		d.Collect()
	}
	holds("the loop is over", 0, 0)

	kept := lend(8)
	release(lend(64))
	for range 3 { // nobody needs the large ones any more
		d.Collect()
	}
	holds("aged", 8, 8)
	release(kept)
}
