package gemm_test

import (
	"fmt"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/kernels/cpu/gemm"
)

func ExampleEngine_Gemm64() {
	workers := device.NewWorkers(2)
	defer workers.Close()
	engine, err := gemm.New(cpu.Detect(), workers)
	if err != nil {
		fmt.Println(err)
		return
	}
	a := []float64{1, 2, 3, 4, 5, 6} // 2 x 3
	b := []float64{1, 0, 0, 1, 1, 1} // 3 x 2
	c := make([]float64, 4)
	engine.Gemm64(false, false, 2, 2, 3, 1, unsafe.Pointer(&a[0]), 3, unsafe.Pointer(&b[0]), 2, 0, unsafe.Pointer(&c[0]), 2)
	fmt.Println(c)
	// Output: [4 5 10 11]
}
