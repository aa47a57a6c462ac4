// Archives of arrays.

package npy

import (
	"archive/zip"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/tensor"
)

// ReadZip reads all arrays of an .npz archive of the given size, by their names
// without ".npy". Entries that are not arrays are left out. Memory is bounded
// by the elements that are there once unpacked, for which a deflated archive
// needs at least a thousandth of their bytes.
func ReadZip(r io.ReaderAt, size int64, opts ...tensor.Option) (map[string]*tensor.Tensor, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, malformed("not an .npz archive: %v", err)
	}
	all := map[string]*tensor.Tensor{}
	for _, entry := range archive.File {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if !ok {
			continue
		}
		if all[name] != nil {
			return nil, malformed("%s: the name twice", entry.Name)
		}
		if all[name], err = readEntry(entry, opts); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	return all, nil
}

func readEntry(entry *zip.File, opts []tensor.Option) (*tensor.Tensor, error) {
	f, err := entry.Open()
	if err != nil {
		return nil, malformed("%v", err)
	}
	defer f.Close()
	t, err := Read(f, opts...)
	if err != nil {
		return nil, err
	}
	// At the end the checksum is compared.
	if _, err := io.ReadFull(f, make([]byte, 1)); err == nil {
		return nil, malformed("bytes behind the array")
	} else if err != io.EOF {
		return nil, malformed("%v", err)
	}
	return t, nil
}

// ReadZipFile reads the .npz file of that name.
func ReadZipFile(name string, opts ...tensor.Option) (map[string]*tensor.Tensor, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return ReadZip(f, info.Size(), opts...)
}

// WriteZip writes tensors as an .npz archive, sorted by name, so that equal
// tensors give equal bytes; deflated if compress is set.
func WriteZip(w io.Writer, all map[string]*tensor.Tensor, compress bool) error {
	archive := zip.NewWriter(w)
	method := zip.Store
	if compress {
		method = zip.Deflate
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		entry, err := archive.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: method})
		if err != nil {
			return err
		}
		if err := Write(entry, all[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return archive.Close()
}

// WriteZipFile writes tensors to the .npz file of that name.
func WriteZipFile(name string, all map[string]*tensor.Tensor, compress bool) error {
	return writeFile(name, func(w io.Writer) error { return WriteZip(w, all, compress) })
}
