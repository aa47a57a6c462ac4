// Taking a value apart without allocating: where in it its tensors are, found
// once by reflection and followed by address afterwards.

package grad

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/tensor"
)

// leafTree is how values of a type that are built like one of them hold their
// tensors: the same lengths, the same nils, the same keys.
type leafTree struct {
	spots []spot
	paths []string // of each leaf, as in ".W" or "[2].B"
	row   bool     // values are their tensors in a row (see rowOf), and none is nil
	slice bool     // values are slices of tensors, and none is nil
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
func treeOf[P any](x P) (*leafTree, error) {
	leaves, err := leavesOf(x, nil)
	if err != nil {
		return nil, err
	}
	return newTree(reflect.ValueOf(&x).Elem(), len(leaves), rowOf[P]())
}

func newTree(x reflect.Value, leaves, inRow int) (*leafTree, error) {
	t := &leafTree{paths: pathsIn(x)}
	if leaves != len(t.paths) {
		return nil, fmt.Errorf("grad: %d tensors at %d places", leaves, len(t.paths))
	}
	t.row = inRow == leaves && leaves > 0 // an empty slice must stay one
	t.slice = x.Kind() == reflect.Slice && x.Type().Elem() == tensorType && x.Len() == leaves
	t.find(&t.spots, x, 0, "")
	return t, nil
}

// find appends the spots in v, which begins at an offset. It visits as walk does.
func (t *leafTree) find(to *[]spot, v reflect.Value, offset uintptr, path string) {
	typ := v.Type()
	if !holdsTensors(typ) {
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

// leavesIn returns the tensors in x: where they are, if x is a row or a slice of them,
// else in a list that is to be put back into t.lists afterwards, also after an error. The
// error is an *ArgumentError where x is built differently.
func leavesIn[P any](t *leafTree, x *P) ([]*tensor.Tensor, *leafList, error) {
	if t.row {
		return unsafe.Slice((**tensor.Tensor)(unsafe.Pointer(x)), len(t.paths)), nil, nil
	}
	if t.slice {
		if s := *(*[]*tensor.Tensor)(unsafe.Pointer(x)); len(s) == len(t.paths) {
			return s, nil, nil
		}
	}
	return leavesApart(t, x)
}

func leavesApart[P any](t *leafTree, x *P) (leaves []*tensor.Tensor, list *leafList, err error) {
	list = t.lists.take()
	if t.maps {
		c := *x // for only what is looked at by reflection need be on the heap
		err = t.reflected(reflect.ValueOf(&c).Elem(), list)
	} else {
		list.tensors, err = appendLeaves(t.spots, unsafe.Pointer(x), list.tensors[:0])
	}
	return list.tensors, list, err
}

// reflected puts the tensors in x into a list.
func (t *leafTree) reflected(x reflect.Value, list *leafList) (err error) {
	if list.tensors, err = appendReflected(x, list.tensors[:0]); err != nil {
		return err
	}
	return t.compare(pathsIn(x))
}

// compare returns an *ArgumentError for the first path that is not in both lists.
func (t *leafTree) compare(paths []string) error {
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
