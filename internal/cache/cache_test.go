//go:build unix

package cache

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Entries come back whole, the least recently used go, and many may put and find at
// once. What is done to entries and directories is tested where they are used.
func TestPutAndEvict(t *testing.T) {
	c, err := Open(filepath.Join(t.TempDir(), "parent", "cache"), 3500)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	code := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 1000) }
	name := func(n int) string { return string(rune('a' + n)) }
	for n := range 3 {
		if err := c.Put(name(n), code(n)); err != nil {
			t.Fatal(err)
		}
		past := time.Now().Add(time.Duration(n-10) * time.Hour)
		if err := os.Chtimes(filepath.Join(c.path, name(n)+suffix), past, past); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := c.Find(name(0)); !ok { // now the second is the oldest
		t.Fatal("the first is missing")
	}
	if err := c.Put(name(3), code(3)); err != nil {
		t.Fatal(err)
	}
	c.Evict(name(3))
	for n, want := range []bool{true, false, true, true} {
		if got, ok := c.Find(name(n)); ok != want || ok && !bytes.Equal(got, code(n)) {
			t.Errorf("entry %d: there %v, want %v, %d bytes", n, ok, want, len(got))
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			c, err := Open(dir, 5000)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			for n := range 50 {
				key, code := string(rune('a'+n%7)), bytes.Repeat([]byte{byte(n % 7)}, 1000)
				if got, ok := c.Find(key); ok && !bytes.Equal(got, code) {
					t.Errorf("%d: %s holds %d bytes, the first %d", g, key, len(got), got[0])
				}
				if err := c.Put(key, code); err != nil {
					t.Error(err)
				}
				c.Evict(key)
			}
		})
	}
	all.Wait()
}
