//go:build !cgo

package cpu

// Products with sparse matrices in Go: the twins of tile/sparse.h and
// tile/sampled.h.

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// sparseRows computes rows lo to hi-1 of a product.
func (k *sparse) sparseRows(s *sparseCall, lo, hi int) error {
	if k.float == device.Float64 {
		if k.index == device.Int64 {
			return sparseRows[float64, int64](k, s, lo, hi)
		}
		return sparseRows[float64, int32](k, s, lo, hi)
	}
	if k.index == device.Int64 {
		return sparseRows[float32, int64](k, s, lo, hi)
	}
	return sparseRows[float32, int32](k, s, lo, hi)
}

func sparseRows[T float32 | float64, I int32 | int64](k *sparse, s *sparseCall, lo, hi int) error {
	start, at := unsafe.Slice((*I)(s.start), k.rows+1), unsafe.Slice((*I)(s.at), k.entries)
	values, x := unsafe.Slice((*T)(s.values), k.entries), unsafe.Slice((*T)(s.x), k.meets*k.width)
	y := unsafe.Slice((*T)(s.y), k.rows*k.width)
	var entry []I
	if s.entry != nil {
		entry = unsafe.Slice((*I)(s.entry), k.entries)
	}
	for i := lo; i < hi; i++ {
		a, b := start[i], start[i+1]
		for _, v := range [2]I{a, b} {
			if v < 0 || int(v) > k.entries {
				return &kernels.IndexError{Op: k.name, Index: int64(v), Size: k.entries + 1}
			}
		}
		row := y[i*k.width : (i+1)*k.width]
		clear(row)
		for t := a; t < b; t++ {
			j, err := counted(k.name, int64(at[t]), k.meets)
			e := int(t)
			if err == nil && entry != nil {
				e, err = counted(k.name, int64(entry[t]), k.entries)
			}
			if err != nil {
				return err
			}
			v := values[e]
			for c, w := range x[j*k.width:][:len(row)] {
				row[c] += T(v * w)
			}
		}
	}
	return nil
}

// entriesOf computes entries lo to hi-1 of a sampled product.
func (k *sampled) entriesOf(s *sampledCall, lo, hi int) error {
	if k.float == device.Float64 {
		if k.index == device.Int64 {
			return sampledEntries[float64, int64](k, s, lo, hi)
		}
		return sampledEntries[float64, int32](k, s, lo, hi)
	}
	if k.index == device.Int64 {
		return sampledEntries[float32, int64](k, s, lo, hi)
	}
	return sampledEntries[float32, int32](k, s, lo, hi)
}

func sampledEntries[T float32 | float64, I int32 | int64](k *sampled, s *sampledCall, lo, hi int) error {
	row, col := unsafe.Slice((*I)(s.row), k.entries), unsafe.Slice((*I)(s.col), k.entries)
	a, b := unsafe.Slice((*T)(s.a), k.rows*k.width), unsafe.Slice((*T)(s.b), k.cols*k.width)
	y := unsafe.Slice((*T)(s.y), k.entries)
	var room [blockSize]T
	products, sums := room[:k.width], [lanes]T{}
	for t := lo; t < hi; t++ {
		i, err := counted(k.name, int64(row[t]), k.rows)
		if err != nil {
			return err
		}
		j, err := counted(k.name, int64(col[t]), k.cols)
		if err != nil {
			return err
		}
		for c := range products {
			products[c] = T(a[i*k.width+c] * b[j*k.width+c])
		}
		addRows(loop.Sum, sums[:], 1, 0, products)
		foldLanes(loop.Sum, sums[:], 1, k.width)
		y[t] = sums[0]
	}
	return nil
}

// counted counts an index from the end where it is below 0.
func counted(op string, i int64, size int) (int, error) {
	if i < -int64(size) || i >= int64(size) {
		return 0, &kernels.IndexError{Op: op, Index: i, Size: size}
	}
	if i < 0 {
		i += int64(size)
	}
	return int(i), nil
}
