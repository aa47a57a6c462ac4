package cpu

// The devices "cpu" and "ref".

import (
	"fmt"
	"strconv"

	"github.com/cotangent-ad/cotangent/device"
)

// maxWorkers bounds what a name may ask for; more would only be a slip.
const maxWorkers = 4096

func init() {
	device.Register("cpu", func(arg string) (device.Device, error) {
		if arg == "" {
			return open("cpu", "cpu", 0)
		}
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 || n > maxWorkers {
			return nil, fmt.Errorf("%q is no number of workers from 1 to %d", arg, maxWorkers)
		}
		return open("cpu:"+arg, "cpu", n)
	})
	device.Register("ref", func(arg string) (device.Device, error) {
		if arg != "" {
			return nil, fmt.Errorf("takes no argument, not %q", arg)
		}
		return open("ref", "ref", 1)
	})
}

func open(name, kind string, workers int) (device.Device, error) {
	if _, err := Select(); err != nil {
		return nil, err
	}
	limit, err := device.DefaultLimit()
	if err != nil {
		return nil, err
	}
	return device.NewHost(device.HostConfig{Name: name, Kind: kind, Workers: workers, Limit: limit}), nil
}
