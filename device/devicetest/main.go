package devicetest

// Main: what all tests of a package together did not give back.

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cotangent-ad/cotangent/device"
)

// M is what Main needs of a *testing.M.
type M interface{ Run() int }

// Main runs a package's tests and exits: with a failure also where buffers of any
// device that Open knows are outstanding then that were not before, even after
// garbage collections, or were used against their contract. A package whose tests
// use tensors has
//
//	func TestMain(m *testing.M) { devicetest.Main(m) }
func Main(m M) {
	before := map[device.Device]int64{} // what the package's variables hold
	for _, d := range device.Opened() {
		before[d] = d.Stats().Live
	}
	code := m.Run()
	if err := outstanding(device.Opened(), before); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// outstanding returns an error for the devices that lack more buffers than before.
func outstanding(devices []device.Device, before map[device.Device]int64) error {
	var all []error
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, d := range devices {
		for d.Stats().Live > before[d] && ctx.Err() == nil {
			collect(d)
		}
		if c, ok := d.(interface{ Check() error }); ok {
			all = append(all, c.Check())
		}
		s := d.Stats()
		if n := s.Live - before[d]; n > 0 {
			all = append(all, fmt.Errorf("device %s: after all tests %d buffers are still outstanding", d.Name(), n))
		}
		if s.Misuses > 0 {
			all = append(all, fmt.Errorf("device %s: %d misuses of buffers; the first: %w", d.Name(), s.Misuses, s.Err))
		}
	}
	return errors.Join(all...)
}
