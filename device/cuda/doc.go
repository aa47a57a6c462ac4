// Package cuda is the device "cuda": NVIDIA GPUs, through gorgonia.org/cu.
//
// It is in a program built with -tags cuda and with cgo; without the tag the
// device is registered all the same, and opening it fails with a *StatusError
// that says so. Building needs the headers of a CUDA toolkit of 11.8 to 13
// (make setup-cuda fetches some). Running needs the driver alone: it is opened
// at run time (loader.c), and so are NVRTC and cuBLAS, so a binary starts
// anywhere and Status tells what is missing.
//
// A device is a GPU's primary context, a stream, a pool over one of the driver's own,
// which work in the stream's order, and pinned staging for copies. Stream.Do calls its
// function at once, on a thread in which the context is current; what the function
// launches is what runs later. gorgonia.org/cu and our own calls go through trampolines
// into a table (loader.c), so that a binary needs no library to start. Since a
// collection of Go's costs more than a hundred small kernels, the pool lends an eighth
// of the GPU's memory before it asks for one.
//
// What goes from one GPU to another is copied by the driver, in the order of the work of
// both; where it refuses, through the host, which then waits (peer.go). A GPU that waited
// for one that is lost counts as lost, since nobody tells what it read.
//
// Device names are "cuda" for the first GPU, which "cuda:0" means as well, and "cuda:1"
// for the second. The
// environment may name libraries: COTANGENT_LIBCUDA, COTANGENT_LIBNVRTC,
// COTANGENT_LIBCUBLAS; COTANGENT_CUDA_TF32 lets products of float32 be less exact.
//
// Start reading at device.go and stream.go; driver.go calls what cu lacks,
// compile.go is NVRTC and its cache. standin is a driver and an NVRTC for machines
// without a GPU, for tests: its README says what they prove and what not.
package cuda

//go:generate go run trampolines.go
