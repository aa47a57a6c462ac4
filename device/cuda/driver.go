//go:build cuda && cgo

package cuda

// The driver's functions that gorgonia.org/cu lacks, or calls more slowly.

/*
#cgo CFLAGS: -I${SRCDIR}/compat
#cgo LDFLAGS: -ldl
#include <cuda.h>
#include <stdlib.h>

static CUresult launch(void *f, unsigned gx, unsigned gy, unsigned bx, unsigned by,
		unsigned shared, void *stream, void *args, size_t size) {
	void *extra[] = {
		CU_LAUNCH_PARAM_BUFFER_POINTER, args, CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_LAUNCH_PARAM_END
	};
	return cuLaunchKernel(f, gx, gy, 1, bx, by, 1, shared, stream, NULL, extra);
}

static const char *describe(int code) {
	const char *text = NULL;
	return cuGetErrorString(code, &text) == CUDA_SUCCESS && text ? text : "an error that the driver does not know";
}

static CUresult create_pool(CUmemoryPool *pool, int ordinal) {
	CUmemPoolProps p = {
		.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
		.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = ordinal},
	};
	return cuMemPoolCreate(pool, &p);
}

static CUresult capture(void *stream) {
	return cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_RELAXED);
}
*/
import "C"

import (
	"reflect"
	"time"
	"unsafe"

	"gorgonia.org/cu"
)

// check makes an error of a CUresult.
func check(device, call string, code C.CUresult) error {
	if code == C.CUDA_SUCCESS {
		return nil
	}
	return &DriverError{Device: device, Call: call, Code: int(code), Text: C.GoString(C.describe(C.int(code)))}
}

// wrap makes an error of one of cu's, whose type is its number.
func wrap(device, call string, err error) error {
	if err == nil {
		return nil
	}
	return check(device, call, C.CUresult(reflect.ValueOf(err).Int()))
}

// launch queues a kernel.
func launch(device string, f unsafe.Pointer, l Launch, stream unsafe.Pointer, args []byte) error {
	return check(device, "cuLaunchKernel", C.launch(f, C.uint(l.Grid[0]), C.uint(l.Grid[1]), C.uint(l.Block[0]), C.uint(l.Block[1]),
		C.uint(l.Shared), stream, unsafe.Pointer(unsafe.SliceData(args)), C.size_t(len(args))))
}

// handle returns the driver's handle that a value of cu holds.
func handle[T cu.Stream | cu.Event | cu.Function](v *T) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(v))
}

// pinned allocates host memory that the device can reach at the same address.
func pinned(bytes int) (unsafe.Pointer, error) {
	var p unsafe.Pointer
	err := check("", "cuMemHostAlloc", C.cuMemHostAlloc(&p, C.size_t(bytes), C.CU_MEMHOSTALLOC_PORTABLE))
	return p, err
}

func unpin(p unsafe.Pointer) error { return check("", "cuMemFreeHost", C.cuMemFreeHost(p)) }

// memoryPool is a pool of the driver's, of one device's memory.
type memoryPool struct{ p C.CUmemoryPool }

func newMemoryPool(dev cu.Device) (*memoryPool, error) {
	m := new(memoryPool)
	return m, check("", "cuMemPoolCreate", C.create_pool(&m.p, C.int(dev)))
}

// keep is how many bytes the pool may hold when the host waits: what is free beyond
// them is unmapped then.
func (m *memoryPool) keep(bytes int64) error {
	n := C.cuuint64_t(bytes)
	return check("", "cuMemPoolSetAttribute", C.cuMemPoolSetAttribute(m.p, C.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, unsafe.Pointer(&n)))
}

func (m *memoryPool) reserved() (int64, error) {
	var n C.cuuint64_t
	err := check("", "cuMemPoolGetAttribute", C.cuMemPoolGetAttribute(m.p, C.CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT, unsafe.Pointer(&n)))
	return int64(n), err
}

// alloc takes memory that work queued on the stream from now on may use.
func (m *memoryPool) alloc(bytes int, stream unsafe.Pointer) (unsafe.Pointer, error) {
	var p C.CUdeviceptr
	err := check("", "cuMemAllocFromPoolAsync", C.cuMemAllocFromPoolAsync(&p, C.size_t(bytes), m.p, C.CUstream(stream)))
	return pointer(uintptr(p)), err
}

// trim unmaps what is free, of which the host knows that it is.
func (m *memoryPool) trim() error { return check("", "cuMemPoolTrimTo", C.cuMemPoolTrimTo(m.p, 0)) }

func (m *memoryPool) destroy() error { return check("", "cuMemPoolDestroy", C.cuMemPoolDestroy(m.p)) }

// freeAsync gives memory back behind the work queued on the stream.
func freeAsync(p, stream unsafe.Pointer) error {
	return check("", "cuMemFreeAsync", C.cuMemFreeAsync(C.CUdeviceptr(uintptr(p)), C.CUstream(stream)))
}

// pointer is a device's address as kernels.Array holds it. It points to nothing
// that Go knows.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// elapsed is the time between two events that have come.
func elapsed(start, stop unsafe.Pointer) (time.Duration, error) {
	var ms C.float
	err := check("", "cuEventElapsedTime", C.cuEventElapsedTime(&ms, C.CUevent(start), C.CUevent(stop)))
	return time.Duration(float64(ms) * float64(time.Millisecond)), err
}

// graph is a captured sequence of work, ready to run again and again.
type graph struct {
	g C.CUgraph
	x C.CUgraphExec
}

// beginCapture makes the stream record its work instead of doing it.
func beginCapture(stream unsafe.Pointer) error {
	return check("", "cuStreamBeginCapture", C.capture(stream))
}

// endCapture ends the recording; ready says whether the graph is wanted.
func endCapture(stream unsafe.Pointer, wanted bool) (*graph, error) {
	g := new(graph)
	if err := check("", "cuStreamEndCapture", C.cuStreamEndCapture(C.CUstream(stream), &g.g)); err != nil {
		return nil, err
	}
	if !wanted {
		return nil, g.destroy()
	}
	if err := check("", "cuGraphInstantiate", C.cuGraphInstantiateWithFlags(&g.x, g.g, 0)); err != nil {
		_ = g.destroy() // the first error tells more
		return nil, err
	}
	return g, nil
}

func (g *graph) launch(stream unsafe.Pointer) error {
	return check("", "cuGraphLaunch", C.cuGraphLaunch(g.x, C.CUstream(stream)))
}

func (g *graph) destroy() error {
	if g.x != nil {
		if err := check("", "cuGraphExecDestroy", C.cuGraphExecDestroy(g.x)); err != nil {
			return err
		}
	}
	if g.g == nil {
		return nil
	}
	return check("", "cuGraphDestroy", C.cuGraphDestroy(g.g))
}

// loadModule loads a compiled image, whose bytes may hold zeros.
func loadModule(image []byte, name string) (m, f unsafe.Pointer, err error) {
	var mod C.CUmodule
	var fn C.CUfunction
	if err := check("", "cuModuleLoadData", C.cuModuleLoadData(&mod, unsafe.Pointer(&image[0]))); err != nil {
		return nil, nil, err
	}
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	if err := check("", "cuModuleGetFunction", C.cuModuleGetFunction(&fn, mod, text)); err != nil {
		C.cuModuleUnload(mod)
		return nil, nil, err
	}
	return unsafe.Pointer(mod), unsafe.Pointer(fn), nil
}

func unloadModule(m unsafe.Pointer) error {
	return check("", "cuModuleUnload", C.cuModuleUnload(C.CUmodule(m)))
}

// sharedBytes lets a function have more dynamic shared memory than the 48 KiB
// that every card gives.
func sharedBytes(f unsafe.Pointer, bytes int) error {
	return check("", "cuFuncSetAttribute",
		C.cuFuncSetAttribute(C.CUfunction(f), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)))
}
