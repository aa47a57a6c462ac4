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
	device.Register("cpu", func(arg string) (device.Choice, error) {
		if arg == "" {
			return choice("cpu", "cpu", 0), nil
		}
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 || n > maxWorkers {
			return device.Choice{}, fmt.Errorf("%q is no number of workers from 1 to %d", arg, maxWorkers)
		}
		return choice("cpu:"+strconv.Itoa(n), "cpu", n), nil
	})
	device.Register("ref", func(arg string) (device.Choice, error) {
		if arg != "" {
			return device.Choice{}, fmt.Errorf("takes no argument, not %q", arg)
		}
		return choice("ref", "ref", 1), nil
	})
}

func choice(name, kind string, workers int) device.Choice {
	return device.Choice{Name: name, Open: func() (device.Device, error) { return open(name, kind, workers) }}
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
