//go:build cuda && cgo

package tensor

import _ "github.com/cotangent-ad/cotangent/kernels/cuda" // loops, in CUDA C
