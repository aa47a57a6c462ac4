//go:build cuda && cgo

package main

import "github.com/cotangent-ad/cotangent/kernels/cuda"

func init() { hostOps = cuda.HostOps }
