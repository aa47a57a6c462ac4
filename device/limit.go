package device

// How much memory a device may lend.

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
)

// EnvMemoryLimit is the variable that limits every device's outstanding bytes,
// such as "256MiB". Without it a device of host memory may lend three quarters
// of the machine's memory.
const EnvMemoryLimit = "COTANGENT_MEMORY_LIMIT"

// DefaultLimit returns the limit that a device of host memory starts with, 0
// where the machine does not tell its memory. It fails if the environment's
// limit cannot be read.
func DefaultLimit() (int64, error) {
	if s := os.Getenv(EnvMemoryLimit); s != "" {
		n, err := ParseBytes(s)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", EnvMemoryLimit, err)
		}
		return n, nil
	}
	return physicalMemory() / 4 * 3, nil
}

// physicalMemory returns the bytes that this process can have, 0 if unknown.
var physicalMemory = sync.OnceValue(func() int64 { return memoryOf(os.DirFS("/")) })

// memoryOf reads the machine's memory from a file system laid out like
// Linux's: the total, and the limits of the process's control groups.
func memoryOf(root fs.FS) int64 {
	total := int64(0)
	lower := func(n int64, err error) {
		if err == nil && n > 0 && (total == 0 || n < total) {
			total = n
		}
	}
	if text, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
				n, err := strconv.ParseInt(f[1], 10, 64)
				lower(n<<10, err)
			}
		}
	}
	number := func(file string) {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return
		}
		// "max", where there is no limit, is no number, and so is skipped.
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		lower(n, err)
	}
	number("sys/fs/cgroup/memory/memory.limit_in_bytes") // version 1
	group := ""                                          // version 2: "0::/path"
	if text, err := fs.ReadFile(root, "proc/self/cgroup"); err == nil {
		for line := range strings.Lines(string(text)) {
			if p, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/"); ok {
				group = p
			}
		}
	}
	for p := path.Join("sys/fs/cgroup", group); strings.HasPrefix(p, "sys/fs/cgroup"); p = path.Dir(p) {
		number(path.Join(p, "memory.max"))
	}
	return total
}

// units are the suffixes of ParseBytes, longer ones first where one ends
// another.
var units = []struct {
	suffix string
	bytes  float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"B", 1}, {"", 1},
}

// ParseBytes reads a number of bytes such as "256MiB", "1.5 GiB", "2GB" or
// "4096". It must be at least one byte.
func ParseBytes(s string) (int64, error) {
	for _, u := range units {
		number, ok := strings.CutSuffix(strings.TrimSpace(s), u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if n *= u.bytes; err != nil || !(n >= 1 && n < 1<<62) {
			break
		}
		return int64(n), nil
	}
	return 0, fmt.Errorf("%q is no number of bytes such as 256MiB", s)
}

// FormatBytes writes a number of bytes for a reader: "1.5 GiB", "17 bytes".
func FormatBytes(n int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.bytes {
			return strconv.FormatFloat(float64(n)/float64(u.bytes), 'g', 4, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
