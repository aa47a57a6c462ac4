package devicetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
)

// fake is a T that keeps what it is told.
type fake struct {
	cleanups []func()
	errors   []string
}

func (f *fake) Helper()          {}
func (f *fake) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }
func (f *fake) Errorf(format string, a ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, a...))
}

// held keeps a buffer reachable.
var held *device.Buffer

// watched is what a test did, and what is said about it.
type watched struct {
	name     string
	do       func(t *testing.T, d device.Device)
	noLeaks  string // what NoLeaks says, "" for nothing
	released string // what AllReleased says
}

// atEnd is what Main says, which counts buffers alone.
func (w watched) atEnd() string { return strings.TrimSuffix(w.noLeaks, " (1 MiB)") }

// atEnd watches a device as Main does.
func atEnd(t T, d device.Device) {
	before := map[device.Device]int64{d: d.Stats().Live}
	t.Cleanup(func() {
		if err := outstanding([]device.Device{d}, before); err != nil {
			t.Errorf("%v", err)
		}
	})
}

func TestWatch(t *testing.T) {
	defer func(p time.Duration) { patience = p }(patience)
	patience = 50 * time.Millisecond
	take := func(t *testing.T, d device.Device) *device.Buffer {
		b, err := d.Alloc(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []watched{
		{"nothing", func(*testing.T, device.Device) {}, "", ""},
		{"released", func(t *testing.T, d device.Device) { take(t, d).Release() }, "", ""},
		{"forgotten", func(t *testing.T, d device.Device) { take(t, d) }, "", "1 buffers are still outstanding (1 MiB)"},
		{"forgotten and collected", func(t *testing.T, d device.Device) { take(t, d); d.(*device.Host).Collect() },
			"", "the collector had to give 1 buffers back"},
		{"held", func(t *testing.T, d device.Device) { held = take(t, d) },
			"1 buffers are still outstanding (1 MiB)", "1 buffers are still outstanding (1 MiB)"},
		{"released twice", func(t *testing.T, d device.Device) { b := take(t, d); b.Release(); b.Release() },
			"1 misuses", "1 misuses"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, a := range []struct {
				name   string
				assert func(T, device.Device)
				want   string
			}{{"NoLeaks", NoLeaks, c.noLeaks}, {"AllReleased", AllReleased, c.released}, {"Main", atEnd, c.atEnd()}} {
				d := device.NewHost(device.HostConfig{Name: "d", Workers: 1})
				f := &fake{}
				a.assert(f, d)
				c.do(t, d)
				for _, end := range f.cleanups {
					end()
				}
				got := strings.Join(f.errors, "; ")
				if (a.want == "") != (got == "") || !strings.Contains(got, a.want) {
					t.Errorf("%s says %q, want %q", a.name, got, a.want)
				}
				if held != nil {
					held.Release()
					held = nil
				}
				if s := d.Stats(); s.Live != 0 && a.want == "" {
					t.Errorf("%d buffers are live", s.Live)
				}
				_ = d.Close() // what was not released is the case's subject
			}
		})
	}
}
