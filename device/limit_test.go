package device_test

import (
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

func TestParseBytes(t *testing.T) {
	for s, want := range map[string]int64{
		"4096": 4096, "1B": 1, "256MiB": 256 << 20, "1.5 GiB": 3 << 29, " 2GB ": 2e9, "64KiB": 64 << 10,
		"5kB": 5000, "5KB": 5000, "7MB": 7e6, "1TiB": 1 << 40, "2TB": 2e12, "0.5KiB": 512,
		"": 0, "0": 0, "-1MiB": 0, "MiB": 0, "1PiB": 0, "1 mib": 0, "NaN": 0, "Inf": 0, "1e30": 0, "0.2B": 0,
	} {
		got, err := device.ParseBytes(s)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("ParseBytes(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1023: "1023 bytes", 1024: "1 KiB", 1536: "1.5 KiB", 8 << 20: "8 MiB",
		3 << 29: "1.5 GiB", 1<<40 + 1<<39: "1.5 TiB", -1: "-1 bytes",
	} {
		if got := device.FormatBytes(n); got != want {
			t.Errorf("FormatBytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDefaultLimit(t *testing.T) {
	t.Setenv(device.EnvMemoryLimit, "")
	share, err := device.DefaultLimit()
	if err != nil || share < 64<<20 {
		t.Errorf("a share of the machine's memory: %d, %v", share, err)
	}
	t.Setenv(device.EnvMemoryLimit, "3MiB")
	if n, err := device.DefaultLimit(); n != 3<<20 || err != nil {
		t.Errorf("from the environment: %d, %v", n, err)
	}
	t.Setenv(device.EnvMemoryLimit, "much")
	if _, err := device.DefaultLimit(); err == nil || !strings.Contains(err.Error(), device.EnvMemoryLimit) {
		t.Errorf("not a number: %v", err)
	}
}
