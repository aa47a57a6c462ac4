package device

// The interface that every device satisfies, and the registry of their kinds.

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
)

// Device is a place that holds buffers and runs work on them. All its methods
// may be called from several goroutines at once.
type Device interface {
	// Name is the name that Open takes: "cpu", "cpu:2", "ref", "sim".
	Name() string
	// Kind is the name without its argument: "cpu", "ref", "sim", "cuda".
	Kind() string

	// Alloc lends a buffer of the given size, aligned to 64 bytes, its
	// contents undefined. It fails with an *OutOfMemoryError, or an error that
	// is ErrClosed.
	Alloc(bytes int) (*Buffer, error)
	// Stats tells what was lent so far.
	Stats() Stats
	// Limit is the bound on bytes outstanding, 0 where there is none.
	Limit() int64
	// SetLimit bounds the bytes outstanding; zero or less removes the bound.
	// What is outstanding beyond a lowered limit stays valid.
	SetLimit(bytes int64)

	// Stream is the device's queue of work.
	Stream() Stream
	// Workers are the goroutines that share out loops on the host's side.
	Workers() *Workers

	// CopyIn copies src to dst at byte offset off, in the stream's order. The
	// caller may change src as soon as CopyIn returns.
	CopyIn(dst *Buffer, off int, src []byte) error
	// CopyOut copies len(dst) bytes of src, from byte offset off, to dst. It
	// waits for the stream's work before it; dst is filled when it returns.
	CopyOut(dst []byte, src *Buffer, off int) error
	// Sync waits until the stream's work is done, and returns its error.
	Sync(ctx context.Context) error
	// Close gives pooled memory back and ends the workers. Buffers that are
	// still outstanding stay valid until they are released; Close then returns
	// an error that tells how many they are.
	Close() error
}

// Peer is a device that copies from others of its kind, without the host's waiting.
type Peer interface {
	Device
	// CopyPeer copies n bytes of src, from byte offset from, to byte offset to of dst,
	// which is this device's: behind the work queued so far on either device, and
	// before what is queued on either from now on.
	CopyPeer(dst *Buffer, to int, src *Buffer, from, n int) error
}

// PeakResetter is a device whose Stats.Peak can be started afresh.
type PeakResetter interface{ ResetPeak() }

// ResetPeak starts d's Stats.Peak afresh from what is outstanding now.
func ResetPeak(d Device) {
	if r, ok := d.(PeakResetter); ok {
		r.ResetPeak()
	}
}

// Imitation tells what a device is where it only stands for another, such as "a
// stand-in, not a GPU"; times taken on it mean nothing. Else it is empty.
func Imitation(d Device) string {
	if i, ok := d.(interface{ Imitation() string }); ok {
		return i.Imitation()
	}
	return ""
}

// EnvDevice names the device that Default opens.
const EnvDevice = "COTANGENT_DEVICE"

// registry holds the kinds of device that were registered and the devices that
// are open, by name.
var registry = struct {
	sync.Mutex
	kinds  map[string]func(arg string) (Choice, error)
	opened map[string]Device
}{
	kinds:  map[string]func(string) (Choice, error){},
	opened: map[string]Device{},
}

// importOf tells which package registers a kind, for Open's error.
var importOf = map[string]string{
	"cpu":  "github.com/cotangent-ad/cotangent/device/cpu",
	"ref":  "github.com/cotangent-ad/cotangent/device/cpu",
	"sim":  "github.com/cotangent-ad/cotangent/device/sim",
	"cuda": "github.com/cotangent-ad/cotangent/device/cuda",
}

// Choice is the device that a name means, open or not.
type Choice struct {
	// Name is the one of its names that the device is known by: "cuda:0" and
	// "cuda:00" may mean the same as "cuda".
	Name string
	Open func() (Device, error)
}

// Register makes a kind of device known to Open, which calls choose with what
// follows the colon in a name ("" where nothing does) to learn which device is
// meant. Registering a kind again replaces it.
func Register(kind string, choose func(arg string) (Choice, error)) {
	registry.Lock()
	defer registry.Unlock()
	registry.kinds[kind] = choose
}

// Kinds returns the kinds that are registered, sorted.
func Kinds() []string {
	registry.Lock()
	defer registry.Unlock()
	return kinds()
}

func kinds() []string {
	names := make([]string, 0, len(registry.kinds))
	for k := range registry.kinds {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// Open returns the device of the given name, "kind" or "kind:argument". Names
// that mean the same give the same device until that is closed. It fails with an
// *UnknownError for a kind that is not registered.
func Open(name string) (Device, error) {
	registry.Lock()
	defer registry.Unlock()
	if d, ok := registry.opened[name]; ok {
		return d, nil
	}
	kind, arg, _ := strings.Cut(name, ":")
	choose, ok := registry.kinds[kind]
	if !ok {
		return nil, &UnknownError{Name: name, Registered: kinds()}
	}
	choice, err := choose(arg)
	if err == nil {
		if d, ok := registry.opened[choice.Name]; ok {
			return d, nil
		}
		var d Device
		if d, err = choice.Open(); err == nil {
			registry.opened[choice.Name] = d
			return d, nil
		}
	}
	return nil, fmt.Errorf("device: open %q: %w", name, err)
}

// Opened returns the devices that Open opened and nobody has closed, by name.
func Opened() []Device {
	registry.Lock()
	defer registry.Unlock()
	list := make([]Device, 0, len(registry.opened))
	for _, name := range slices.Sorted(maps.Keys(registry.opened)) {
		list = append(list, registry.opened[name])
	}
	return list
}

// Default returns the device that the environment's COTANGENT_DEVICE names,
// "cpu" where it names none.
func Default() (Device, error) {
	name := os.Getenv(EnvDevice)
	if name == "" {
		name = "cpu"
	}
	return Open(name)
}

// Forget tells the registry that d was closed, so that its name opens a new
// device. A device's Close calls it.
func Forget(d Device) {
	registry.Lock()
	defer registry.Unlock()
	for name, o := range registry.opened {
		if o == d {
			delete(registry.opened, name)
		}
	}
}
