// Package cuda is the device "cuda": NVIDIA GPUs, through gorgonia.org/cu.
//
// It is in a program built with -tags cuda and with cgo; without the tag the
// device is registered all the same, and opening it fails with a *StatusError
// that says so. Building needs the headers of a CUDA toolkit of 11.8 to 13
// (make setup-cuda fetches some). Running needs the driver alone: it is opened
// at run time (loader.c), and so are NVRTC and cuBLAS, so a binary starts
// anywhere and Status tells what is missing.
//
// Device names are "cuda" for the first GPU and "cuda:1" for the second. The
// environment may name libraries: COTANGENT_LIBCUDA, COTANGENT_LIBNVRTC,
// COTANGENT_LIBCUBLAS; COTANGENT_CUDA_TF32 lets products of float32 be less exact.
//
// Start reading at device.go and stream.go; driver.go calls what cu lacks,
// compile.go is NVRTC and its cache. standin is the driver of a machine without
// a GPU, for tests.
package cuda

//go:generate go run trampolines.go
