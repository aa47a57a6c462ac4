//go:build cgo && linux

package cc

// Trouble with the disk: what lies in the cache is of no use, or nothing can lie there.

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCorruptedEntries(t *testing.T) {
	flip := func(at func(size int) int) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[at(len(data))] ^= 1
			if err := os.WriteFile(path, data, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	replaced := func(make func(path string) error) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), make(path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(t *testing.T, path string){
		"first byte":  flip(func(int) int { return 0 }),
		"in the code": flip(func(n int) int { return n / 2 }),
		"checksum":    flip(func(n int) int { return n - 1 }),
		"cut":         func(t *testing.T, path string) { os.Truncate(path, 1000) },
		"empty":       func(t *testing.T, path string) { os.Truncate(path, 0) },
		"directory":   replaced(func(path string) error { return os.Mkdir(path, 0o700) }),
		"pipe":        replaced(func(path string) error { return syscall.Mkfifo(path, 0o600) }),
		"link": replaced(func(path string) error {
			other := filepath.Join(t.TempDir(), "other")
			return errors.Join(os.WriteFile(other, []byte("other"), 0o600), os.Symlink(other, path))
		}),
		"another's file": func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("needs root to give a file away")
			}
			if err := os.Chown(path, 4711, 4711); err != nil {
				t.Fatal(err)
			}
		},
		"another's code": func(t *testing.T, path string) {
			mustCompile(t, constant(6), Options{}).Close()
			for _, n := range names(t, filepath.Dir(path)) {
				if p := filepath.Join(filepath.Dir(path), n); p != path {
					if err := os.Rename(p, path); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := useCache(t)
			runs := countCompiler(t)
			mustCompile(t, constant(5), Options{}).Close()
			damage(t, entry(t, dir))
			before := runs()
			lib := mustCompile(t, constant(5), Options{})
			if answer(t, lib) != 5 || runs() != before+1 {
				t.Errorf("answer %v after %d compilations", answer(t, lib), runs()-before)
			}
			lib.Close()
			if mustCompile(t, constant(5), Options{}).Took != 0 {
				t.Error("the entry was not mended")
			}
		})
	}
}

func TestDirectory(t *testing.T) {
	make := func(change func(dir string) error) func(t *testing.T) {
		return func(t *testing.T) {
			dir := useCache(t)
			if err := errors.Join(os.MkdirAll(dir, 0o700), change(dir)); err != nil {
				t.Fatal(err)
			}
			fails(t, constant(1), Cache)
			if list := names(t, dir); len(list) != 0 {
				t.Errorf("it was used all the same: %q", list)
			}
		}
	}
	t.Run("group may read", make(func(dir string) error { return os.Chmod(dir, 0o750) }))
	t.Run("all may write", make(func(dir string) error { return os.Chmod(dir, 0o777) }))
	t.Run("another's", func(t *testing.T) {
		owner := "4711"
		if os.Geteuid() == 0 {
			make(func(dir string) error { return os.Chown(dir, 4711, 4711) })(t)
		} else { // which cannot give a directory away
			owner = "0"
			t.Setenv(EnvCache, "/")
		}
		if e := fails(t, constant(1), Cache); !strings.Contains(e.Error(), "belongs to user "+owner) {
			t.Errorf("error %v", e)
		}
	})
	t.Run("link", make(func(dir string) error {
		other := t.TempDir()
		return errors.Join(os.Chmod(other, 0o700), os.Remove(dir), os.Symlink(other, dir))
	}))
	t.Run("file", func(t *testing.T) {
		dir := useCache(t)
		if err := os.WriteFile(dir, nil, 0o700); err != nil {
			t.Fatal(err)
		}
		fails(t, constant(1), Cache)
	})
	t.Run("below a file", func(t *testing.T) {
		t.Setenv(EnvCache, "/dev/null/cache")
		if e := fails(t, constant(1), Cache); !errors.Is(e, syscall.ENOTDIR) {
			t.Errorf("error %v", e)
		}
	})
	t.Run("made in any umask", func(t *testing.T) {
		defer syscall.Umask(syscall.Umask(0))
		dir := useCache(t)
		mustCompile(t, constant(1), Options{})
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	})
	t.Run("none", func(t *testing.T) {
		for _, name := range []string{EnvCache, "HOME", "XDG_CACHE_HOME"} {
			t.Setenv(name, "")
		}
		fails(t, constant(1), Cache)
	})
	t.Run("the user's", func(t *testing.T) {
		t.Setenv(EnvCache, "")
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		mustCompile(t, constant(1), Options{})
		entry(t, filepath.Join(os.Getenv("XDG_CACHE_HOME"), "cotangent"))
	})
}

// mounted makes a small file system the cache's, or skips.
func mounted(t *testing.T, flags uintptr, data string) string {
	t.Helper()
	dir := useCache(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, data); err != nil {
		t.Skip("cannot mount: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestReadOnlyDisk(t *testing.T) {
	mounted(t, syscall.MS_RDONLY, "mode=0700")
	if e := fails(t, constant(1), Cache); !errors.Is(e, syscall.EROFS) {
		t.Errorf("error %v", e)
	}
}

func TestFullDisk(t *testing.T) {
	dir := mounted(t, 0, "mode=0700,size=8k")
	e := fails(t, constant(1), Build)
	if !strings.Contains(e.Error(), "No space left") {
		t.Errorf("error %v", e)
	}
	if list := names(t, dir); len(list) != 0 {
		t.Errorf("left behind: %q", list)
	}
}

// A disk that takes no more of a file: as a full one, where nothing can be mounted.
func TestLimitedDisk(t *testing.T) {
	dir := useCache(t)
	useCompiler(t, `[ "$1" = --version ] || ulimit -f 1; exec "$REAL" "$@"`)
	fails(t, constant(1), Build)
	if list := names(t, dir); len(list) != 0 {
		t.Errorf("left behind: %q", list)
	}
}

func TestEviction(t *testing.T) {
	dir := useCache(t)
	libs := []*Library{mustCompile(t, constant(0), Options{})}
	first := entry(t, dir)
	info, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	// The entries are all of about one size; three have room.
	limit := Options{Limit: info.Size()*3 + info.Size()/2}
	age := func(path string, hours int) {
		past := time.Now().Add(-time.Duration(hours) * time.Hour)
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
	}
	newest := func(not ...string) string {
		for _, n := range names(t, dir) {
			if p := filepath.Join(dir, n); !strings.Contains(strings.Join(not, " "), p) {
				return p
			}
		}
		t.Fatal("no new entry")
		return ""
	}
	libs = append(libs, mustCompile(t, constant(1), limit))
	second := newest(first)
	libs = append(libs, mustCompile(t, constant(2), limit))
	third := newest(first, second)
	age(first, 3)
	age(second, 2)
	age(third, 1)
	for _, lib := range libs { // what is loaded is not looked for in the cache
		lib.Close()
	}
	if mustCompile(t, constant(0), limit).Took != 0 { // now the second is the oldest
		t.Fatal("the first went early")
	}
	mustCompile(t, constant(3), limit)
	list := strings.Join(names(t, dir), " ")
	for path, want := range map[string]bool{first: true, second: false, third: true} {
		if got := strings.Contains(list, filepath.Base(path)); got != want {
			t.Errorf("%s is there: %v, not %v", path, got, want)
		}
	}
}

// What a process left that died is removed in time.
func TestLeftovers(t *testing.T) {
	dir := useCache(t)
	old, young := filepath.Join(dir, prefix+"old"), filepath.Join(dir, prefix+"young")
	past := time.Now().Add(-2 * stale)
	if err := errors.Join(os.MkdirAll(old, 0o700), os.MkdirAll(young, 0o700), os.Chmod(dir, 0o700),
		os.WriteFile(filepath.Join(old, "file"), nil, 0o600), os.Chtimes(old, past, past)); err != nil {
		t.Fatal(err)
	}
	mustCompile(t, constant(1), Options{})
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("the young one, which may be in use: %v", err)
	}
}
