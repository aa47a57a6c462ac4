//go:build cuda && cgo

package cuda

// Compiling kernels: NVRTC, and what was compiled before, in memory and on disk.

// #include <stdlib.h>
// #include "rtc.h"
import "C"

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/internal/cache"
)

// EnvCache names the folder in which compiled kernels are kept; "off" keeps none.
// Without it that is cotangent/cuda in the user's cache folder. It must be the
// user's alone: see package cache, and Describe for what keeps it from being used.
const EnvCache = "COTANGENT_CUDA_CACHE"

// cacheLimit is how many bytes the kernels in it may have.
const cacheLimit = 1 << 30

// EnvSources names a folder in which the source of every kernel that compiles is
// left, to be read or to be compiled by other means. Without it none is.
const EnvSources = "COTANGENT_CUDA_SOURCES"

// compiler is NVRTC.
type compiler struct{ major, minor int }

// openCompiler opens NVRTC once.
var openCompiler = sync.OnceValues(func() (*compiler, error) {
	var major, minor C.int
	var text [512]C.char
	if C.cotangent_rtc_open(&major, &minor, &text[0], C.uint(len(text))) != 0 {
		return nil, &StatusError{
			Reason: "NVRTC is missing (" + C.GoString(&text[0]) + ")",
			Remedy: "name libnvrtc in COTANGENT_LIBNVRTC, or put its folder on LD_LIBRARY_PATH",
		}
	}
	return &compiler{int(major), int(minor)}, nil
})

// Options are how every kernel is compiled: products and sums are rounded one by
// one, as the rest of this library rounds them.
var Options = []string{"--std=c++17", "--fmad=false", "--device-as-default-execution-space"}

// Compile returns the machine code of a source for an architecture (90 for
// sm_90), or PTX for the newest one below it that NVRTC knows.
func Compile(source string, arch int) ([]byte, error) {
	c, err := openCompiler()
	if err != nil {
		return nil, err
	}
	known := int(C.cotangent_rtc_newest(C.int(arch)))
	target := fmt.Sprintf("--gpu-architecture=sm_%d", arch)
	if known != arch {
		target = fmt.Sprintf("--gpu-architecture=compute_%d", known)
	}
	key := sha256.New()
	fmt.Fprintln(key, c.major, c.minor, target, Options)
	key.Write([]byte(source))
	name := hex.EncodeToString(key.Sum(nil))
	// A cache that cannot be used costs time only.
	kept, _ := openCache()
	if kept != nil {
		defer kept.Close()
		if image, ok := kept.Find(name); ok {
			return image, leave(source)
		}
	}
	image, _, err := compileSource(source, append([]string{target}, Options...), known == arch)
	if err != nil {
		return nil, err
	}
	if kept != nil && kept.Put(name, image) == nil && puts.Add(1)%evictEach == 1 {
		kept.Evict(name)
	}
	return image, leave(source)
}

// evictEach is the number of new entries from which on a process sees again that the
// cache is not too large: looking takes as long as it has entries.
const evictEach = 32

var puts atomic.Int64

// leave puts a source that compiles where EnvSources says.
func leave(source string) error {
	dir := os.Getenv(EnvSources)
	if dir == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(source))
	return writeWhole(filepath.Join(dir, hex.EncodeToString(sum[:])+".cu"), []byte(source))
}

// Inspect compiles a source to machine code for an architecture, whatever the
// device, and returns what the assembler tells of it: registers, spills, stack.
func Inspect(source string, arch int) (string, error) {
	if _, err := openCompiler(); err != nil {
		return "", err
	}
	options := append([]string{fmt.Sprintf("--gpu-architecture=sm_%d", arch), "--ptxas-options=-v"}, Options...)
	_, log, err := compileSource(source, options, true)
	return log, err
}

func compileSource(source string, options []string, cubin bool) (code []byte, said string, err error) {
	list := make([]*C.char, len(options))
	for i, o := range options {
		list[i] = C.CString(o)
		defer C.free(unsafe.Pointer(list[i]))
	}
	text := C.CString(source)
	defer C.free(unsafe.Pointer(text))
	var image, log *C.char
	var size C.size_t
	binary := C.int(0)
	if cubin {
		binary = 1
	}
	result := C.cotangent_rtc_compile(text, &list[0], C.int(len(list)), binary, &image, &size, &log)
	defer C.free(unsafe.Pointer(image))
	defer C.free(unsafe.Pointer(log))
	if log != nil {
		said = C.GoString(log)
	}
	if result != 0 {
		return nil, said, &CompileError{Log: said, Source: source}
	}
	return C.GoBytes(unsafe.Pointer(image), C.int(size)), said, nil
}

// openCache opens the cache, nil where there shall be none.
func openCache() (*cache.Cache, error) {
	dir := os.Getenv(EnvCache)
	if dir == "off" {
		return nil, nil
	}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(user, "cotangent", "cuda")
	}
	return cache.Open(dir, cacheLimit)
}

// writeWhole writes a file that other processes see whole or not at all.
func writeWhole(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
