// Taking a value apart without allocating: where in it its tensors are, found
// once by reflection and followed by address afterwards.

package grad

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// leafTree is how values of type P that are built like one of them hold their
// tensors: the same lengths, the same nils, the same keys.
type leafTree[P any] struct {
	spots []spot
	paths []string // of each leaf, as in ".W" or "[2].B"
	row   bool     // values are their tensors in a row (see rowOf), and none is nil
	maps  bool     // maps hold tensors: values are taken apart by reflection
	lists leafLists
}

// spot is a place in a value that matters.
type spot struct {
	kind   spotKind
	offset uintptr // from the beginning of what it is in
	path   string
	len    int    // of a slice
	spots  []spot // in what it refers to
}

type spotKind uint8

const (
	leafSpot    spotKind = iota // a tensor
	nilSpot                     // a nil tensor, pointer or map, which must stay one
	pointerSpot                 // a pointer to what holds tensors
	sliceSpot                   // a slice of what holds tensors
)

// treeOf returns the tree of values built like x.
func treeOf[P any](x P) (*leafTree[P], error) {
	leaves, err := leavesOf(x, nil)
	if err != nil {
		return nil, err
	}
	t := &leafTree[P]{paths: pathsOf(x)}
	if len(leaves) != len(t.paths) {
		return nil, fmt.Errorf("grad: %d tensors at %d places", len(leaves), len(t.paths))
	}
	t.row = rowOf[P]() == len(leaves)
	t.find(&t.spots, reflect.ValueOf(&x).Elem(), 0, "")
	return t, nil
}

// find appends the spots in v, which begins at an offset. It visits as walk does.
func (t *leafTree[P]) find(to *[]spot, v reflect.Value, offset uintptr, path string) {
	typ := v.Type()
	if !holdsTensors(typ, nil) {
		return
	}
	s := spot{offset: offset, path: path}
	switch kind := typ.Kind(); {
	case (kind == reflect.Pointer || kind == reflect.Map) && v.IsNil():
		s.kind = nilSpot
		*to = append(*to, s)
	case typ == tensorType:
		*to = append(*to, s)
	case kind == reflect.Pointer:
		s.kind = pointerSpot
		t.find(&s.spots, v.Elem(), 0, path)
		*to = append(*to, s)
	case kind == reflect.Slice:
		s.kind, s.len = sliceSpot, v.Len()
		for i := range v.Len() {
			t.find(&s.spots, v.Index(i), uintptr(i)*typ.Elem().Size(), fmt.Sprintf("%s[%d]", path, i))
		}
		*to = append(*to, s)
	case kind == reflect.Array:
		for i := range v.Len() {
			t.find(to, v.Index(i), offset+uintptr(i)*typ.Elem().Size(), fmt.Sprintf("%s[%d]", path, i))
		}
	case kind == reflect.Struct:
		for i := range v.NumField() {
			if f := typ.Field(i); f.IsExported() {
				t.find(to, v.Field(i), offset+f.Offset, path+"."+f.Name)
			}
		}
	case kind == reflect.Map:
		t.maps = true
	}
}

// arrays sets dst to the memory of the tensors in x. Its error is an *ArgumentError
// where x is built differently. Leaf bad, t, is not one that a program on the device
// of where can work on; bad < 0 tells that all are.
func (t *leafTree[P]) arrays(x *P, where *tensor.Tensor, dst []*kernels.Array) (bad int, leaf *tensor.Tensor, err error) {
	var leaves []*tensor.Tensor
	if t.row {
		leaves = t.inRow(x)
	} else {
		l := t.lists.take()
		defer t.lists.put(l)
		if l.tensors, err = t.leaves(x, l.tensors[:0]); err != nil {
			return -1, nil, err
		}
		leaves = l.tensors
	}
	if n := tensor.Arrays(leaves, where, dst); n < len(leaves) {
		return n, leaves[n], nil
	}
	return -1, nil, nil
}

// fault returns the first error of the tensors in x.
func (t *leafTree[P]) fault(x *P) error {
	leaves, err := t.leaves(x, nil)
	for _, l := range leaves {
		if err == nil {
			err = l.Err()
		}
	}
	return err
}

// inRow returns the tensors of a value that is them in a row, where they are.
func (t *leafTree[P]) inRow(x *P) []*tensor.Tensor {
	return unsafe.Slice((**tensor.Tensor)(unsafe.Pointer(x)), len(t.paths))
}

// rebuild returns a copy of like with its tensors replaced.
func (t *leafTree[P]) rebuild(like P, leaves []*tensor.Tensor) P {
	if t.row {
		copy(t.inRow(&like), leaves)
		return like
	}
	return rebuild(like, leaves)
}

// leaves appends the tensors in x to dst. Its error is an *ArgumentError where
// x is built differently.
func (t *leafTree[P]) leaves(x *P, dst []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if !t.maps {
		return appendLeaves(t.spots, unsafe.Pointer(x), dst)
	}
	dst, err := leavesByReflection(*x, dst)
	if err != nil {
		return dst, err
	}
	return dst, t.compare(pathsOf(*x))
}

// compare returns an *ArgumentError for the first path that is not in both lists.
func (t *leafTree[P]) compare(paths []string) error {
	if slices.Equal(t.paths, paths) {
		return nil
	}
	for _, p := range paths {
		if !slices.Contains(t.paths, p) {
			return &ArgumentError{Path: p, Reason: "is a tensor where there was none when the program was prepared"}
		}
	}
	for _, p := range t.paths {
		if !slices.Contains(paths, p) {
			return &ArgumentError{Path: p, Reason: "is no tensor as when the program was prepared"}
		}
	}
	return &ArgumentError{Reason: "holds its tensors in another order than when the program was prepared"}
}

func appendLeaves(spots []spot, p unsafe.Pointer, dst []*tensor.Tensor) ([]*tensor.Tensor, error) {
	for i := range spots {
		s := &spots[i]
		at := unsafe.Add(p, s.offset)
		var to unsafe.Pointer
		switch s.kind {
		case sliceSpot:
			// Of the slice only its length and first address are looked at.
			slice := *(*[]struct{})(at)
			if len(slice) != s.len {
				return dst, &ArgumentError{Path: s.path, Reason: fmt.Sprintf("has length %d, not %d as when the program was prepared", len(slice), s.len)}
			}
			to = unsafe.Pointer(unsafe.SliceData(slice))
		default:
			to = *(*unsafe.Pointer)(at)
		}
		switch {
		case s.kind == nilSpot && to != nil:
			return dst, &ArgumentError{Path: s.path, Reason: "is not nil as when the program was prepared"}
		case s.kind == nilSpot:
		case s.kind == leafSpot && to == nil:
			return dst, &ArgumentError{Path: s.path, Err: tensor.ErrNil}
		case s.kind == leafSpot:
			dst = append(dst, (*tensor.Tensor)(to))
		case s.kind == pointerSpot && to == nil:
			return dst, &ArgumentError{Path: s.path, Reason: "is nil, not as when the program was prepared"}
		default:
			var err error
			if dst, err = appendLeaves(s.spots, to, dst); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}
