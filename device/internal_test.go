package device

// Tests of what is not exported: size classes and the machine's memory.

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"testing"
	"testing/fstest"
	"unsafe"
)

func TestClasses(t *testing.T) {
	for c := range numClasses {
		size := classSize(c)
		if size%align != 0 {
			t.Errorf("class %d has blocks of %d bytes", c, size)
		}
		if got := classOf(size); got != c {
			t.Errorf("%d bytes are class %d, want %d", size, got, c)
		}
		if c+1 < numClasses {
			if got := classOf(size + 1); got != c+1 {
				t.Errorf("%d bytes are class %d, want %d", size+1, got, c+1)
			}
			if size >= 512 {
				// The worst waste of the class above: a block for one byte
				// more than this class holds.
				next := classSize(c + 1)
				if waste := float64(next-size-1) / float64(next); waste > 1./9 {
					t.Errorf("%d of %d bytes: waste %.3f", size+1, next, waste)
				}
			}
		}
	}
	if got := classSize(classOf(maxRequest)); got != maxRequest || classOf(maxRequest) != numClasses-1 {
		t.Errorf("the largest request gets %d bytes of class %d", got, classOf(maxRequest))
	}
	if classOf(0) != 0 || classOf(1) != 0 {
		t.Error("the smallest requests are not of class 0")
	}
}

// Blocks hold what they are asked for; the largest within a number of bytes is one.
func TestBlocks(t *testing.T) {
	p := NewPool(PoolConfig{Memory: HostMemory()})
	defer p.Close()
	for _, n := range []int{1, 63, 64, 65, 512, 513, 1000, 4096, 4097, 1 << 20, 1<<20 + 1, 3<<20 - 1} {
		size, within := BlockSize(n), BlockWithin(n)
		if size < n || size > max(n+63, n+n/8) || within > n || within > 0 && BlockSize(within) != within || n >= 64 && BlockSize(within+1) <= n {
			t.Errorf("%d bytes: a block of %d, of %d within", n, size, within)
		}
		b, err := p.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Stats().Outstanding; got != int64(size) {
			t.Errorf("%d bytes: the pool counts %d, want %d", n, got, size)
		}
		b.Release()
	}
	for _, n := range []int{math.MinInt, -1, 0, 63} {
		if got := BlockWithin(n); got != 0 {
			t.Errorf("a block of %d within %d", got, n)
		}
	}
	if got := BlockWithin(math.MaxInt); got != maxRequest {
		t.Errorf("a block of %d", got)
	}
}

func TestMemoryOf(t *testing.T) {
	const meminfo = "MemTotal:       24000 kB\nMemFree:        100 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"unknown", nil, 0},
		{"machine", map[string]string{"proc/meminfo": meminfo}, 24000 << 10},
		{"nonsense", map[string]string{"proc/meminfo": "MemTotal: many kB\n"}, 0},
		{"no limit", map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "max\n"}, 24000 << 10},
		{"container", map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "1000000\n"}, 1000000},
		{"large limit", map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "9000000000\n"}, 24000 << 10},
		{"version 1", map[string]string{"proc/meminfo": meminfo,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000\n"}, 2000000},
		{"nested group", map[string]string{"proc/meminfo": meminfo,
			"proc/self/cgroup":                     "0::/outer/inner\n",
			"sys/fs/cgroup/outer/memory.max":       "3000000\n",
			"sys/fs/cgroup/outer/inner/memory.max": "max\n"}, 3000000},
		{"another's group", map[string]string{"proc/meminfo": meminfo,
			"proc/self/cgroup":               "0::/\n",
			"sys/fs/cgroup/outer/memory.max": "3000000\n"}, 24000 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryOf(root); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// What is taken and given back leaves nothing mapped, whatever its size.
func TestHostMemoryIsGivenBack(t *testing.T) {
	const rounds = 400
	for _, size := range []int{1<<20 + 64, 2<<20 - 64, 2 << 20, 2<<20 + 64, 5<<20 + 4096 + 64} {
		t.Run(fmt.Sprintf("size=%d", size), func(t *testing.T) {
			m := HostMemory()
			before := mapped(t)
			for range rounds {
				p, err := m.Take(size)
				if err != nil {
					t.Fatal(err)
				}
				if uintptr(p)%align != 0 {
					t.Fatalf("memory at %p", p)
				}
				mem := unsafe.Slice((*byte)(p), size)
				mem[0], mem[size-1] = 1, 1
				m.Give(p, size)
			}
			runtime.GC() // where it is Go's memory
			// Threads that start meanwhile map some; a leak is 400 times a MiB.
			if grown := mapped(t) - before; grown > 300<<20 {
				t.Errorf("%d bytes more are mapped", grown)
			}
		})
	}
}

// mapped returns the bytes of the process's address space that are in use.
func mapped(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("the system does not tell what is mapped")
	}
	var pages int
	if _, err := fmt.Sscan(string(text), &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
