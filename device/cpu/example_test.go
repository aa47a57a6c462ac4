package cpu_test

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	_ "github.com/cotangent-ad/cotangent/device/cpu" // registers "cpu" and "ref"
)

// scale multiplies by factor, part by part.
type scale struct {
	x      []float64
	factor float64
	parts  int
}

func (s *scale) Do(part, _ int) {
	n := len(s.x)
	for i := part * n / s.parts; i < (part+1)*n/s.parts; i++ {
		s.x[i] *= s.factor
	}
}

// A buffer is lent, worked on by two workers, and given back with its scope.
func Example() {
	d, err := device.Open("cpu:2")
	if err != nil {
		fmt.Println(err)
		return
	}
	scope := device.NewScope()
	defer scope.Close()
	b, err := d.Alloc(4 * 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	scope.Own(b)

	x := unsafe.Slice((*float64)(b.Ptr()), 4)
	copy(x, []float64{1, 2, 3, 4})
	d.Workers().Run(&scale{x: x, factor: 10, parts: 2}, 2)
	fmt.Println(x)
	runtime.KeepAlive(b) // x does not keep the memory
	// Output: [10 20 30 40]
}

// What is missing is an error that says how much, and what the limit is.
func Example_limit() {
	d := device.NewHost(device.HostConfig{Name: "small", Workers: 1})
	d.SetLimit(1 << 20)
	_, err := d.Alloc(2 << 20)
	fmt.Println(err)
	fmt.Println(d.Close())
	// Output:
	// device small: out of memory: 2 MiB requested, 0 bytes outstanding, limit 1 MiB
	// <nil>
}
