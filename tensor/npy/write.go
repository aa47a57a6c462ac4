// Writing one array.

package npy

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cotangent-ad/cotangent/tensor"
)

// Write writes t as an .npy array, waiting for queued work.
func Write(w io.Writer, t *tensor.Tensor) error {
	if err := t.Err(); err != nil {
		return err
	}
	return writers[t.DType()](w, t)
}

// WriteFile writes t to the .npy file of that name.
func WriteFile(name string, t *tensor.Tensor) error {
	return writeFile(name, func(w io.Writer) error { return Write(w, t) })
}

func writeFile(name string, write func(w io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

var writers = map[tensor.DType]func(io.Writer, *tensor.Tensor) error{
	tensor.Float64: writeElements[float64],
	tensor.Float32: writeElements[float32],
	tensor.Int64:   writeElements[int64],
	tensor.Int32:   writeElements[int32],
	tensor.Bool:    writeElements[bool],
}

func writeElements[T tensor.Element](w io.Writer, t *tensor.Tensor) error {
	data, err := tensor.Data[T](t)
	if err != nil {
		return err
	}
	shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Shape()), " ", ", "), "[]")
	if t.Rank() == 1 {
		shape += ","
	}
	if _, err := w.Write(header(descr[t.DType()], "False", shape)); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, data)
}

// descr are the type strings that are written.
var descr = map[tensor.DType]string{
	tensor.Float64: "<f8", tensor.Float32: "<f4", tensor.Int64: "<i8", tensor.Int32: "<i4", tensor.Bool: "|b1",
}
