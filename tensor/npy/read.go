// Reading one array.

package npy

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"slices"

	"github.com/sbinet/npyio/npy"

	"github.com/cotangent-ad/cotangent/tensor"
)

// Read reads one .npy array and nothing of r behind it. The options say on which
// device, and as what dtype, the tensor is made. An array in Fortran order
// becomes a transposed view.
//
// Errors: a *FormatError, a *tensor.DTypeError for elements that no tensor has,
// r's, and those of making the tensor.
func Read(r io.Reader, opts ...tensor.Option) (*tensor.Tensor, error) {
	head, dtype, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	data := &source{r: r, bools: dtype == tensor.Bool}
	array, err := npy.NewReader(io.MultiReader(bytes.NewReader(head), data))
	if err != nil {
		return nil, malformed("%v", err)
	}
	n, err := elements(array.Header.Descr.Shape, dtype)
	if err != nil {
		return nil, err
	}
	bytes := int64(n) * int64(dtype.Size())
	left, known := remaining(r)
	if known && bytes > left {
		return nil, malformed("%d bytes for the shape %v of %v", left, array.Header.Descr.Shape, dtype)
	}
	data.r = bufio.NewReader(io.LimitReader(r, bytes))
	t, err := makers[dtype](array, n, known, opts)
	if err != nil {
		return nil, err
	}
	return t, t.Err()
}

// ReadFile reads the .npy file of that name.
func ReadFile(name string, opts ...tensor.Option) (*tensor.Tensor, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f, opts...)
}

// makers read the elements of each dtype.
var makers = map[tensor.DType]func(array *npy.Reader, n int, known bool, opts []tensor.Option) (*tensor.Tensor, error){
	tensor.Float64: read[float64],
	tensor.Float32: read[float32],
	tensor.Int64:   read[int64],
	tensor.Int32:   read[int32],
	tensor.Bool:    read[bool],
}

// firstChunk is how many elements are asked for before any has been seen.
const firstChunk = 1 << 17

// read reads n elements and makes the tensor. Where nothing but the header
// vouches for n (known is not set), memory grows with what has been read, to at
// most twice that.
func read[T tensor.Element](array *npy.Reader, n int, known bool, opts []tensor.Option) (*tensor.Tensor, error) {
	have := n
	if !known {
		have = min(n, firstChunk)
	}
	data := make([]T, have)
	for done := 0; done < n; {
		part := data[done:have] // not empty: npyio would take memory for all
		if err := array.Read(&part); err != nil {
			return nil, err
		}
		if done = have; done < n {
			have = min(n, 2*have)
			data = append(make([]T, 0, have), data...)[:have]
		}
	}
	shape := slices.Clone(array.Header.Descr.Shape)
	if !array.Header.Descr.Fortran {
		return tensor.NewShaped(data, shape, opts...), nil
	}
	slices.Reverse(shape)
	return tensor.NewShaped(data, shape, opts...).Transpose(), nil
}

// source gives npyio what it expects of a reader: as many bytes as it asks for,
// or an error that it does not take for success, and bools that are 0 or 1.
type source struct {
	r     io.Reader
	bools bool
}

func (s *source) Read(p []byte) (int, error) {
	if err := readFull(s.r, p, "the data"); err != nil {
		return 0, err
	}
	for i, v := range p {
		if s.bools && v > 1 {
			p[i] = 1
		}
	}
	return len(p), nil
}

// remaining returns how many bytes r still has, where it can tell.
func remaining(r io.Reader) (int64, bool) {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len()), true
	case *io.LimitedReader:
		left, known := remaining(r.R)
		return min(left, r.N), known
	case *os.File:
		info, err := r.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return 0, false
		}
		at, err := r.Seek(0, io.SeekCurrent)
		return info.Size() - at, err == nil
	}
	return 0, false
}
