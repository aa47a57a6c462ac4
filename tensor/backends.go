// The devices and kernels that every program with tensors has.

package tensor

import (
	_ "github.com/cotangent-ad/cotangent/device/cpu"  // cpu, ref
	_ "github.com/cotangent-ad/cotangent/device/cuda" // cuda, where it is built in
	_ "github.com/cotangent-ad/cotangent/kernels/cpu" // the tile executor, of loops
	_ "github.com/cotangent-ad/cotangent/kernels/ref" // every operation, in plain Go
)
