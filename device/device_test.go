package device_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

// No device is imported here, so kinds are what the tests register.

func TestOpenWithoutDevices(t *testing.T) {
	for name, hint := range map[string]string{
		"cpu:2": `import _ "github.com/cotangent-ad/cotangent/device/cpu"`,
		"ref":   `import _ "github.com/cotangent-ad/cotangent/device/cpu"`,
		"sim":   `import _ "github.com/cotangent-ad/cotangent/device/sim"`,
		"tpu":   `"tpu"`,
		"":      `""`,
	} {
		_, err := device.Open(name)
		var unknown *device.UnknownError
		if !errors.As(err, &unknown) || unknown.Name != name || !strings.Contains(err.Error(), hint) {
			t.Errorf("Open(%q): %v", name, err)
		}
	}
}

func TestRegistry(t *testing.T) {
	wrong := errors.New("no such thing")
	device.Register("fake", func(arg string) (device.Choice, error) {
		if arg == "wrong" {
			return device.Choice{}, wrong
		}
		name := "fake:" + strings.ToLower(arg)
		return device.Choice{Name: name, Open: func() (device.Device, error) {
			if arg == "broken" {
				return nil, wrong
			}
			return device.NewHost(device.HostConfig{Name: name, Kind: "fake", Workers: 1}), nil
		}}, nil
	})
	if !slices.Contains(device.Kinds(), "fake") {
		t.Errorf("kinds %v", device.Kinds())
	}
	for _, name := range []string{"fake:wrong", "fake:broken"} {
		if _, err := device.Open(name); !errors.Is(err, wrong) || !strings.Contains(err.Error(), name) {
			t.Errorf("a device that cannot be opened: %v", err)
		}
	}
	if _, err := device.Open("tpu"); err == nil || !strings.Contains(err.Error(), "there are fake") {
		t.Errorf("an unknown kind: %v", err)
	}
	first, err := device.Open("fake:a:b")
	if err != nil || first.Name() != "fake:a:b" || first.Kind() != "fake" {
		t.Fatalf("%v, %v", first, err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for _, name := range []string{"fake:a:b", "fake:A:b", "fake:a:B"} {
				if d, err := device.Open(name); d != first || err != nil {
					t.Errorf("opened again as %s: %v, %v", name, d, err)
				}
			}
		})
	}
	all.Wait()
	if list := device.Opened(); len(list) != 1 || list[0] != first {
		t.Errorf("open are %v", list)
	}
	other, err := device.Open("fake:c")
	if err != nil || other == first {
		t.Errorf("another name: %v, %v", other, err)
	}
	for _, d := range []device.Device{first, other} {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	fresh, err := device.Open("fake:a:b")
	if err != nil || fresh == first {
		t.Fatalf("opened after Close: %v, %v", fresh, err)
	}
	t.Setenv(device.EnvDevice, "fake:a:b")
	if d, err := device.Default(); d != fresh || err != nil {
		t.Errorf("Default: %v, %v", d, err)
	}
	if err := fresh.Close(); err != nil {
		t.Error(err)
	}
	t.Setenv(device.EnvDevice, "")
	if _, err := device.Default(); err == nil || !strings.Contains(err.Error(), `"cpu"`) {
		t.Errorf("Default without cpu: %v", err)
	}
}

func TestDType(t *testing.T) {
	for d, want := range map[device.DType]struct {
		name       string
		size       int
		float, int bool
	}{
		device.Bool:    {"bool", 1, false, false},
		device.Int32:   {"int32", 4, false, true},
		device.Int64:   {"int64", 8, false, true},
		device.Float32: {"float32", 4, true, false},
		device.Float64: {"float64", 8, true, false},
	} {
		if d.String() != want.name || d.Size() != want.size || d.IsFloat() != want.float || d.IsInt() != want.int {
			t.Errorf("%v: size %d, float %v, int %v", d, d.Size(), d.IsFloat(), d.IsInt())
		}
	}
	if s := device.DType(device.NumDTypes).String(); s != "invalid dtype" {
		t.Errorf("a type that there is not is %q", s)
	}
	if device.Promote(device.Int64, device.Float32) != device.Float32 || device.Promote(device.Float64, device.Bool) != device.Float64 {
		t.Error("Promote")
	}
}
