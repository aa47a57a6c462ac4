//go:build cuda && cgo

package cuda_test

// Compiled kernels on disk: found again, and never trusted.

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/device/devicetest"
)

// useCache makes a fresh folder the cache, and returns its path.
func useCache(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "kernels")
	t.Setenv(cuda.EnvCache, dir)
	return dir
}

// compiled compiles a kernel that is different for each n.
func compiled(t *testing.T, n int) []byte {
	t.Helper()
	image, err := cuda.Compile(fmt.Sprintf(`extern "C" __global__ void k(float *y) { y[0] = %d; }`, n), 90)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// kept returns the only file of the cache.
func kept(t *testing.T, dir string) os.FileInfo {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("the cache holds %v, %v", list, err)
	}
	info, err := list[0].Info()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// A kernel is compiled once, and again where its entry is damaged.
func TestKernelsAreKept(t *testing.T) {
	onStandIn(t)
	for name, damage := range map[string]func(path string, data []byte) error{
		"nothing": func(string, []byte) error { return nil },
		"a bit": func(path string, data []byte) error {
			data[len(data)/2] ^= 1
			return os.WriteFile(path, data, 0o600)
		},
		"cut":   func(path string, data []byte) error { return os.Truncate(path, int64(len(data))/2) },
		"empty": func(path string, data []byte) error { return os.Truncate(path, 0) },
		"another's code": func(path string, data []byte) error {
			return os.WriteFile(path, bytes.Repeat([]byte("code"), 1000), 0o600)
		},
		"a pipe": func(path string, data []byte) error {
			return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600))
		},
		"a link": func(path string, data []byte) error {
			return errors.Join(os.Rename(path, path+".moved"), os.Symlink(path+".moved", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := useCache(t)
			want := compiled(t, 1)
			before := kept(t, dir)
			path := filepath.Join(dir, before.Name())
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			held, err := os.Open(path) // so that no new file has its number
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			if err := damage(path, bytes.Clone(data)); err != nil {
				t.Fatal(err)
			}
			// The compiler need not make the same bytes twice, but they do the same.
			if got := compiled(t, 1); len(got) != len(want) {
				t.Errorf("%d bytes, not %d", len(got), len(want))
			}
			after, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			if again := !os.SameFile(before, after); again != (name != "nothing") {
				t.Errorf("compiled again: %v", again)
			}
			if sound, err := os.ReadFile(path); err != nil || len(sound) != len(data) {
				t.Errorf("the entry is not mended: %d bytes, not %d, %v", len(sound), len(data), err)
			}
		})
	}
}

// A folder that others may write to, or that is none, is not used; kernels compile all
// the same, and Describe tells why they are not kept.
func TestFolderOfKernels(t *testing.T) {
	onStandIn(t)
	for name, c := range map[string]struct {
		make func(dir string) error
		says string
	}{
		"all may write": {func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777)) }, "mode 0777"},
		"a link": {func(dir string) error {
			return errors.Join(os.Mkdir(dir+".there", 0o700), os.Symlink(dir+".there", dir))
		}, "symbolic link"},
		"a file":    {func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "not a directory"},
		"its own":   {func(dir string) error { return os.Mkdir(dir, 0o700) }, ""},
		"not there": {func(dir string) error { return nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := useCache(t)
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			compiled(t, 2)
			said := strings.Join(cuda.Describe(), "\n")
			if c.says == "" {
				kept(t, dir)
				if strings.Contains(said, "not kept") {
					t.Errorf("says %q", said)
				}
				return
			}
			if list, _ := os.ReadDir(dir); len(list) != 0 {
				t.Errorf("it was used all the same: %v", list)
			}
			if !strings.Contains(said, "compiled kernels are not kept") || !strings.Contains(said, c.says) {
				t.Errorf("says %q, should say %q", said, c.says)
			}
		})
	}
	t.Run("off", func(t *testing.T) {
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		t.Setenv(cuda.EnvCache, "off")
		compiled(t, 2)
		if list, _ := os.ReadDir(os.Getenv("XDG_CACHE_HOME")); len(list) != 0 {
			t.Errorf("something is kept: %v", list)
		}
	})
	t.Run("the user's", func(t *testing.T) {
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		t.Setenv(cuda.EnvCache, "")
		compiled(t, 2)
		dir := filepath.Join(os.Getenv("XDG_CACHE_HOME"), "cotangent")
		kept(t, filepath.Join(dir, "cuda"))
		// Native code has its cache there, and takes no folder that others may read.
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	})
}

// Processes that share a cache, with one that damages its entries all the while.
func TestProcessesShareKernels(t *testing.T) {
	onStandIn(t)
	dir := useCache(t)
	compiled(t, 0)
	done := make(chan bool)
	for range 3 {
		go func() {
			devicetest.Child(t, "TestProcessChild")
			done <- true
		}()
	}
	for left, n := 3, 0; left > 0; n++ {
		select {
		case <-done:
			left--
		default:
			list, _ := filepath.Glob(filepath.Join(dir, "*.so"))
			if len(list) == 0 {
				continue
			}
			if f, err := os.OpenFile(list[n%len(list)], os.O_WRONLY, 0); err == nil {
				f.WriteAt([]byte{byte(n)}, int64(n*997%8000))
				f.Close()
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "aside-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestProcessChild(t *testing.T) {
	devicetest.InChild(t)
	d := open(t, "cuda")
	b := alloc(t, d, 4)
	for i := range 6 {
		n := i % 3
		src := fmt.Sprintf(`extern "C" __global__ void k(float *y) { y[0] = %d; } // %d`, n, i)
		if err := launch(d, src, "k", 32, b); err != nil {
			t.Fatal(err)
		}
		if got := floats(t, d, b); got[0] != float32(n) {
			t.Errorf("%d answers %v", n, got[0])
		}
	}
}
