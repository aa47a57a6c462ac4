//go:build cgo && linux

package cc

// Compile: an entry of the cache, or a new one, becomes a library.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cotangent-ad/cotangent/internal/cache"
)

const format = "cotangent-cc-1" // changes when names of entries mean something else

// Compile returns the library of src. It is loaded from the cache where an entry
// is there and sound; else src is compiled and becomes one. Two calls for the
// same code share one image, and one compilation where they coincide. A cancelled
// ctx ends the compiler. The error is an *Error.
func Compile(ctx context.Context, src Source, opts Options) (*Library, error) {
	lib, step, err := compile(ctx, src, opts)
	if err != nil {
		e := &Error{Step: step, Name: src.Name, Err: err}
		if f := (*failure)(nil); errors.As(err, &f) {
			e.Output, e.Err = f.output, f.err
		}
		return nil, e
	}
	return lib, nil
}

func compile(ctx context.Context, src Source, opts Options) (*Library, Step, error) {
	by, err := findCompiler(ctx)
	if err != nil {
		return nil, Find, err
	}
	for _, f := range slices.Concat(by.args, opts.Flags) {
		if slices.Contains(valueChanging, f) {
			return nil, Build, fmt.Errorf("%w: %s", ErrFlag, f)
		}
	}
	flags := append(Flags(opts.ISA), opts.Flags...)
	key := keyOf(slices.Concat([]string{src.Code, strings.Join(src.Parts, ""), opts.ISA.String(), by.identity}, flags))

	unlock, err := images.lock(ctx, key)
	if err != nil {
		return nil, Build, err
	}
	defer unlock()
	if lib := images.share(key); lib != nil {
		return lib, "", nil
	}
	dir, err := openCache(cmp.Or(opts.Limit, DefaultLimit))
	if err != nil {
		return nil, Cache, err
	}
	defer dir.Close()

	if code, ok := dir.Find(key); ok {
		if lib, err := images.load(key, src.Name, code); err == nil {
			return lib, "", nil
		} // else it was made for another system that shares the directory
	}
	start := time.Now()
	code, step, err := build(ctx, dir, by, src, key, flags)
	if err != nil {
		return nil, step, err
	}
	took := time.Since(start)
	lib, err := images.load(key, src.Name, code)
	if err != nil {
		return nil, Load, err
	}
	lib.Took = took
	return lib, "", nil
}

// openCache opens the user's cache.
func openCache(limit int64) (*cache.Cache, error) {
	path := os.Getenv(EnvCache)
	if path == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(base, "cotangent")
	}
	return cache.Open(path, limit)
}

// build compiles src into a new entry of dir and returns its code.
func build(ctx context.Context, dir *cache.Cache, by *compiler, src Source, key string, flags []string) ([]byte, Step, error) {
	aside, err := dir.MakeAside()
	if err != nil {
		return nil, Cache, err
	}
	defer aside.Remove()
	if err := buildUnits(ctx, aside.Path, by, src.units(runtime.GOMAXPROCS(0)), flags); err != nil {
		return nil, Build, err
	}
	code, err := aside.Enter(key)
	if err != nil {
		return nil, Cache, err
	}
	dir.Evict(key)
	return code, "", nil
}

// leastUnit is the bytes of parts that are worth a translation unit: reading Code again,
// a compiler and its files take some tens of milliseconds.
const leastUnit = 8 << 10

// units returns the translation units of which the source is made where so many can be
// compiled at a time: each part, the longest first, comes to the unit that is shortest.
func (s Source) units(most int) []string {
	total := 0
	order := make([]int, len(s.Parts))
	for i, p := range s.Parts {
		total, order[i] = total+len(p), i
	}
	slices.SortStableFunc(order, func(i, j int) int { return len(s.Parts[j]) - len(s.Parts[i]) })
	size := make([]int, max(1, min(most, len(s.Parts), total/leastUnit)))
	unit := make([]int, len(s.Parts))
	for _, i := range order {
		unit[i] = slices.Index(size, slices.Min(size))
		size[unit[i]] += len(s.Parts[i])
	}
	units := make([]string, len(size))
	for k := range units {
		var text strings.Builder
		text.WriteString(s.Code)
		for i, p := range s.Parts {
			if unit[i] == k {
				text.WriteString(p)
			}
		}
		units[k] = text.String()
	}
	return units
}

// buildUnits makes the product of translation units in a directory. The first that fails
// ends the others.
func buildUnits(ctx context.Context, path string, by *compiler, units []string, flags []string) error {
	product := []string{"-shared", "-o", cache.Product}
	if len(units) == 1 {
		return compileIn(ctx, path, by, units[0], slices.Concat(flags, product, []string{"-x", "c", "-", "-lm"}))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	var objects []string
	for k, u := range units {
		object := fmt.Sprintf("unit%d.o", k)
		objects = append(objects, object)
		all.Go(func() {
			if err := compileIn(ctx, path, by, u, slices.Concat(flags, []string{"-c", "-o", object, "-x", "c", "-"})); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return compileIn(ctx, path, by, "", slices.Concat(flags, product, objects, []string{"-lm"}))
}

// compileIn runs the compiler on a text when it is its turn.
func compileIn(ctx context.Context, path string, by *compiler, text string, args []string) error {
	select {
	case building <- struct{}{}:
		defer func() { <-building }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return by.compile(ctx, path, strings.NewReader(text), args)
}

// building bounds the compilers that run at a time.
var building = make(chan struct{}, runtime.NumCPU())

// keyOf returns the name of the entry that is made from parts.
func keyOf(parts []string) string {
	h := sha256.New()
	for _, p := range append([]string{format, runtime.GOARCH}, parts...) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		io.WriteString(h, p)
	}
	return hex.EncodeToString(h.Sum(nil))
}
