package npy_test

import (
	"bytes"
	"fmt"

	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/npy"
)

func Example() {
	var file bytes.Buffer
	if err := npy.Write(&file, tensor.New([][]float32{{1, 2}, {3, 4}})); err != nil {
		fmt.Println(err)
		return
	}
	x, err := npy.Read(&file)
	fmt.Println(x, x.DType(), err)
	// Output:
	// [[1. 2.]
	//  [3. 4.]] float32 <nil>
}
