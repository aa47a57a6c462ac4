//go:build unix

package cache

// The directory and its entries.

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	format  = "cotangent-cache-1" // changes when entries mean something else
	suffix  = ".so"
	prefix  = "aside-" // of the directories in which entries are made
	largest = 1 << 30  // bytes of an entry
	stale   = 24 * time.Hour
)

// Product is the name of the file in an Aside's directory that becomes an entry.
const Product = "product" + suffix

// Cache is an open directory. Everything below it is reached through the open
// directory, whatever becomes of its path.
type Cache struct {
	root  *os.Root
	path  string
	limit int64
}

// Open opens a directory, making it where it is missing; its entries may hold limit
// bytes.
func Open(path string, limit int64) (*Cache, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	if err := owned(root, path); err != nil {
		root.Close()
		return nil, err
	}
	return &Cache{root, path, limit}, nil
}

// owned returns an error unless root is the directory at path itself, no link to
// it, and the user's alone.
func owned(root *os.Root, path string) error {
	at, err := os.Lstat(path)
	if err != nil {
		return err
	}
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	switch {
	case !os.SameFile(at, info):
		return fmt.Errorf("%s is a symbolic link or was exchanged", path)
	case owner(info) != os.Geteuid():
		return fmt.Errorf("%s belongs to user %d, not to %d", path, owner(info), os.Geteuid())
	case info.Mode().Perm() != 0o700:
		return fmt.Errorf("%s has mode %#o instead of 0700", path, info.Mode().Perm())
	}
	return nil
}

func owner(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// Close closes the directory.
func (c *Cache) Close() { c.root.Close() }

// Find returns the code of an entry that is there and sound. One that is not
// sound is removed.
func (c *Cache) Find(key string) (code []byte, ok bool) {
	data, err := c.read(key + suffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	if err == nil {
		code, ok = checked(data, key)
	}
	if !ok {
		c.root.RemoveAll(key + suffix)
		return nil, false
	}
	now := time.Now()
	c.root.Chtimes(key+suffix, now, now) // it is not the oldest any more
	return code, true
}

// read returns the bytes of a regular file of the user.
func (c *Cache) read(name string) ([]byte, error) {
	at, err := c.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !at.Mode().IsRegular() { // before opening: a pipe would block
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	f, err := c.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(at, info) || owner(info) != os.Geteuid() || info.Size() > largest {
		return nil, fmt.Errorf("%s is not an entry of this cache", name)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	return data, nil
}

// checked returns the code in an entry's bytes if their checksum holds.
func checked(data []byte, key string) ([]byte, bool) {
	n := len(data) - sha256.Size
	if n < 0 {
		return nil, false
	}
	sum := checksum(data[:n], key)
	return data[:n:n], bytes.Equal(sum[:], data[n:])
}

// checksum binds code to the name of its entry.
func checksum(code []byte, key string) (sum [sha256.Size]byte) {
	h := sha256.New()
	io.WriteString(h, format+key)
	h.Write(code)
	h.Sum(sum[:0])
	return sum
}

// Aside is a directory within the cache in which an entry is made.
type Aside struct {
	c    *Cache
	name string
	Path string
}

// MakeAside makes one.
func (c *Cache) MakeAside() (*Aside, error) {
	name := prefix + rand.Text()
	if err := c.root.Mkdir(name, 0o700); err != nil {
		return nil, err
	}
	return &Aside{c, name, filepath.Join(c.path, name)}, nil
}

// Enter makes the product an entry and returns its code.
func (a *Aside) Enter(key string) ([]byte, error) {
	name := a.name + "/" + Product
	code, err := a.c.read(name)
	if err != nil {
		return nil, err
	}
	sum := checksum(code, key)
	f, err := a.c.root.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(sum[:])
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return code, a.c.root.Rename(name, key+suffix)
}

// Remove removes the directory and what is left in it.
func (a *Aside) Remove() {
	if a.c.root.RemoveAll(a.name) != nil {
		a.c.root.RemoveAll(a.name) // a compiler that was just killed could still be making a file
	}
}

// Put makes code an entry.
func (c *Cache) Put(key string, code []byte) error {
	a, err := c.MakeAside()
	if err != nil {
		return err
	}
	defer a.Remove()
	f, err := c.root.OpenFile(a.name+"/"+Product, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(code)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = a.Enter(key)
	return err
}

// Evict removes the entries least recently used, but not that of key, until the
// limit is kept, and what processes that died have left.
func (c *Cache) Evict(key string) {
	list, err := fs.ReadDir(c.root.FS(), ".")
	if err != nil {
		return
	}
	var total int64
	var entries []fs.FileInfo
	for _, e := range list {
		info, err := e.Info()
		switch {
		case err != nil: // removed by another process
		case strings.HasPrefix(e.Name(), prefix):
			if time.Since(info.ModTime()) > stale {
				c.root.RemoveAll(e.Name())
			}
		case strings.HasSuffix(e.Name(), suffix):
			total += info.Size()
			if e.Name() != key+suffix {
				entries = append(entries, info)
			}
		}
	}
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, e := range entries {
		if total <= c.limit {
			return
		}
		c.root.RemoveAll(e.Name())
		total -= e.Size()
	}
}
