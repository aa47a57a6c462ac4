package cpu_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/device/devicetest"
)

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name, kind string
		workers    int
	}{
		{"cpu", "cpu", runtime.GOMAXPROCS(0)},
		{"cpu:2", "cpu", 2},
		{"cpu:1", "cpu", 1},
		{"ref", "ref", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := device.Open(c.name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
			devicetest.AllReleased(t, d)
			if d.Name() != c.name || d.Kind() != c.kind || d.Workers().N() != c.workers || d.Limit() <= 0 {
				t.Errorf("name %q, kind %q, %d workers, limit %d", d.Name(), d.Kind(), d.Workers().N(), d.Limit())
			}
			b, err := d.Alloc(100)
			if err != nil {
				t.Fatal(err)
			}
			if b.Device() != d {
				t.Error("the buffer is another device's")
			}
			b.Release()
		})
	}
	for _, name := range []string{"cpu:", "ref:"} { // no argument
		d, err := device.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if d.Name()+":" != name {
			t.Errorf("%s is %s", name, d.Name())
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	two, err := device.Open("cpu:2")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cpu:2", "cpu:02", "cpu:+2"} {
		if d, err := device.Open(name); d != two || err != nil {
			t.Errorf("Open(%q) is another device than cpu:2: %v", name, err)
		}
	}
	if err := two.Close(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"cpu:0", "cpu:-1", "cpu:two", "cpu:99999", "ref:1"} {
		if d, err := device.Open(name); err == nil {
			t.Errorf("Open(%q): %v, %v", name, d, err)
		}
	}
}

func TestDefaultIsCPU(t *testing.T) {
	t.Setenv(device.EnvDevice, "")
	d, err := device.Default()
	if err != nil || d.Name() != "cpu" {
		t.Fatalf("%v, %v", d, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenTellsBadEnvironment(t *testing.T) {
	for variable, value := range map[string]string{device.EnvMemoryLimit: "lots", cpu.EnvISA: "avx1024"} {
		for _, name := range []string{"cpu:3", "ref"} {
			t.Run(variable+"/"+name, func(t *testing.T) {
				t.Setenv(variable, value)
				_, err := device.Open(name)
				if err == nil || !strings.Contains(err.Error(), variable) || !strings.Contains(err.Error(), value) {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

func TestISA(t *testing.T) {
	t.Setenv(cpu.EnvISA, "")
	have := cpu.Available()
	if len(have) == 0 || have[len(have)-1] != cpu.Baseline {
		t.Fatalf("available: %v", have)
	}
	if got, err := cpu.Select(); got != have[0] || err != nil || cpu.Detect() != have[0] {
		t.Errorf("unforced: %v, %v", got, err)
	}
	all := []cpu.ISA{cpu.Baseline, cpu.AVX2, cpu.AVX512, cpu.NEON}
	for _, i := range all {
		t.Run(i.String(), func(t *testing.T) {
			t.Setenv(cpu.EnvISA, i.String())
			got, err := cpu.Select()
			if slices.Contains(have, i) {
				if got != i || err != nil || cpu.Detect() != i {
					t.Errorf("forced: %v, %v", got, err)
				}
				return
			}
			var e *cpu.ISAError
			if !errors.As(err, &e) || !e.Known || got != cpu.Baseline || cpu.Detect() != cpu.Baseline {
				t.Errorf("the machine lacks it, and says %v, %v", got, err)
			}
		})
	}
	t.Setenv(cpu.EnvISA, "mmx")
	var e *cpu.ISAError
	if _, err := cpu.Select(); !errors.As(err, &e) || e.Known || e.Name != "mmx" {
		t.Errorf("unknown: %v", err)
	}
	if slices.Contains(have, cpu.NEON) != (runtime.GOARCH == "arm64") {
		t.Errorf("%v on %s", have, runtime.GOARCH)
	}
	if s := cpu.ISA(99).String(); s != "ISA(99)" {
		t.Errorf("a set that there is not is %q", s)
	}
}
