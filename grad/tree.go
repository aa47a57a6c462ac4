// Trees: arguments and results as Go values that hold tensors.

package grad

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/cotangent-ad/cotangent/tensor"
)

// TypeError reports an argument or result type that cannot be taken apart.
type TypeError struct {
	Path   string // where in the value, as in "Layers[2].W"
	Type   reflect.Type
	Reason string
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("grad: %s of type %v: %s", orRoot(e.Path), e.Type, e.Reason)
}

func orRoot(path string) string {
	if path == "" {
		return "the value"
	}
	return strings.TrimPrefix(path, ".")
}

// leavesOf appends the tensors in p to dst: fields in order, elements by index,
// map entries by key. Nil tensors are left out.
func leavesOf[P any](p P, dst []*tensor.Tensor) ([]*tensor.Tensor, error) {
	list := listIn(&p)
	switch {
	case list == nil:
		return reflectedLeaves(p, dst)
	case !slices.Contains(list, nil):
		return append(dst, list...), nil
	case reflect.TypeFor[P]() == tensorType:
		return dst, tensor.ErrNil
	}
	return reflectedLeaves(p, dst)
}

// reflectedLeaves is leavesOf by reflection, for which a copy of p lies on the heap.
func reflectedLeaves[P any](p P, dst []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return appendReflected(reflect.ValueOf(&p).Elem(), dst)
}

// listIn returns the tensors in *p, nil ones too, where they lie, if values of type P
// are nothing but a slice or a row of tensors (see rowOf). Otherwise it returns nil.
func listIn[P any](p *P) []*tensor.Tensor {
	if reflect.TypeFor[P]() == sliceType {
		return *(*[]*tensor.Tensor)(unsafe.Pointer(p))
	}
	if n := rowOf[P](); n > 0 {
		return unsafe.Slice((**tensor.Tensor)(unsafe.Pointer(p)), n)
	}
	return nil
}

// rowOf returns n where values of type P are n tensors in a row and nothing else
// (an array or a struct of exported tensors, or of such arrays and structs): the common
// case, for which reflection is too slow. Otherwise it returns 0.
func rowOf[P any]() int {
	t := reflect.TypeFor[P]()
	if t == tensorType {
		return 1
	}
	if n, ok := rows.Load(t); ok {
		return n.(int)
	}
	n := rowIn(t)
	rows.Store(t, n)
	return n
}

func rowIn(t reflect.Type) (n int) {
	switch {
	case t == tensorType:
		return 1
	case t.Kind() == reflect.Array:
		return t.Len() * rowIn(t.Elem())
	case t.Kind() != reflect.Struct:
		return 0
	}
	for i := range t.NumField() {
		f := t.Field(i)
		k := rowIn(f.Type)
		if k == 0 || !f.IsExported() {
			return 0
		}
		n += k
	}
	return n
}

var rows sync.Map // reflect.Type -> int, see rowOf

// appendReflected appends the tensors in v to dst.
func appendReflected(v reflect.Value, dst []*tensor.Tensor) ([]*tensor.Tensor, error) {
	err := walk(v, "", func(_ string, t *tensor.Tensor) *tensor.Tensor {
		dst = append(dst, t)
		return nil
	})
	return dst, err
}

// pathsOf returns where each leaf of p stands, as in ".W" or "[2].B".
func pathsOf[P any](p P) []string { return pathsIn(reflect.ValueOf(&p).Elem()) }

func pathsIn(v reflect.Value) []string {
	var paths []string
	_ = walk(v, "", func(path string, _ *tensor.Tensor) *tensor.Tensor {
		paths = append(paths, path)
		return nil
	})
	return paths
}

// rebuild returns a copy of like with its tensors replaced, in leavesOf's order. It
// shares no slice, map or pointer that holds tensors with like.
func rebuild[P any](like P, leaves []*tensor.Tensor) P {
	list := listIn(&like)
	switch {
	case list == nil || len(list) != len(leaves): // or with nils, which have no leaves
		return rebuildReflected(like, leaves)
	case reflect.TypeFor[P]() == sliceType:
		c := slices.Clone(leaves)
		return *(*P)(unsafe.Pointer(&c))
	}
	copy(list, leaves)
	return like
}

// rebuildReflected is rebuild by reflection.
func rebuildReflected[P any](like P, leaves []*tensor.Tensor) P {
	replaceReflected(reflect.ValueOf(&like).Elem(), leaves)
	return like
}

// replaceReflected replaces the tensors in v.
func replaceReflected(v reflect.Value, leaves []*tensor.Tensor) {
	v.Set(detach(v))
	_ = walk(v, "", func(_ string, _ *tensor.Tensor) *tensor.Tensor {
		t := leaves[0]
		leaves = leaves[1:]
		return t
	})
}

var (
	tensorType = reflect.TypeFor[*tensor.Tensor]()
	sliceType  = reflect.TypeFor[[]*tensor.Tensor]()
)

// walk visits the tensors of v in order and sets each to what visit returns, unless that is nil.
func walk(v reflect.Value, path string, visit func(path string, t *tensor.Tensor) *tensor.Tensor) error {
	if v.Type() == tensorType {
		if v.IsNil() {
			return nil
		}
		if t := visit(path, (*tensor.Tensor)(v.UnsafePointer())); t != nil {
			v.Set(reflect.ValueOf(t))
		}
		return nil
	}
	if len(path) > maxPath {
		return &TypeError{Path: path[:40] + "...", Type: v.Type(), Reason: "it is nested without end"}
	}
	if v.Kind() == reflect.Interface {
		if !v.IsNil() && holdsTensors(v.Elem().Type()) {
			return &TypeError{Path: path, Type: v.Type(), Reason: "tensors in an interface are not found; use a concrete type"}
		}
		return nil
	}
	if !mayHold(v.Type()) {
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				if holdsTensors(f.Type) {
					return &TypeError{Path: path + "." + f.Name, Type: f.Type, Reason: "an unexported field holds tensors; export it"}
				}
				continue
			}
			if err := walk(v.Field(i), path+"."+f.Name, visit); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := walk(v.Index(i), fmt.Sprintf("%s[%d]", path, i), visit); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			e := reflect.New(v.Type().Elem()).Elem()
			entry := v.MapIndex(k)
			if !entry.IsValid() {
				return &TypeError{Path: path, Type: v.Type(), Reason: "a key that does not equal itself (NaN) cannot be found again"}
			}
			e.Set(entry)
			replaced := false
			if err := walk(e, fmt.Sprintf("%s[%v]", path, k), func(path string, t *tensor.Tensor) *tensor.Tensor {
				t = visit(path, t)
				replaced = replaced || t != nil
				return t
			}); err != nil {
				return err
			}
			if replaced { // a map that is only looked at may be looked at by others
				v.SetMapIndex(k, e)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return walk(v.Elem(), path, visit)
		}
	}
	return nil
}

// maxPath bounds the nesting of values: one that points to itself has no end.
const maxPath = 1 << 14

// mayHold reports whether values of type t can hold tensors, in interfaces too.
func mayHold(t reflect.Type) bool { return holds(t, true, nil) }

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt():
			return cmp(a.Int(), b.Int())
		case a.CanUint():
			return cmp(a.Uint(), b.Uint())
		case a.CanFloat():
			return cmp(a.Float(), b.Float())
		}
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	return keys
}

func cmp[T int64 | uint64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// holdsTensors reports whether values of type t can hold tensors.
func holdsTensors(t reflect.Type) bool { return holds(t, false, nil) }

func holds(t reflect.Type, interfaces bool, seen []reflect.Type) bool {
	if t == tensorType || interfaces && t.Kind() == reflect.Interface {
		return true
	}
	if slices.Contains(seen, t) {
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		seen = append(seen, t)
		for i := range t.NumField() {
			if holds(t.Field(i).Type, interfaces, seen) {
				return true
			}
		}
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Pointer:
		return holds(t.Elem(), interfaces, append(seen, t))
	}
	return false
}

// detach returns v with its slices, maps and pointers that hold tensors copied.
func detach(v reflect.Value) reflect.Value {
	t := v.Type()
	if t == tensorType || !holdsTensors(t) {
		return v
	}
	c := reflect.New(t).Elem()
	c.Set(v)
	switch t.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if t.Field(i).IsExported() {
				c.Field(i).Set(detach(v.Field(i)))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		c.Set(reflect.MakeSlice(t, v.Len(), v.Len()))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			c.Index(i).Set(detach(v.Index(i)))
		}
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		c.Set(reflect.MakeMapWithSize(t, v.Len()))
		for it := v.MapRange(); it.Next(); {
			c.SetMapIndex(it.Key(), detach(it.Value()))
		}
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		c.Set(reflect.New(t.Elem()))
		c.Elem().Set(detach(v.Elem()))
	}
	return c
}

// fillNil sets the nil tensors in fixed places (fields, array elements) of *p to t.
func fillNil[P any](p *P, t *tensor.Tensor) {
	fillNilValue(reflect.ValueOf(p).Elem(), reflect.ValueOf(t))
}

func fillNilValue(v, t reflect.Value) {
	switch {
	case v.Type() == tensorType:
		if v.IsNil() && v.CanSet() {
			v.Set(t)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fillNilValue(v.Field(i), t)
			}
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			fillNilValue(v.Index(i), t)
		}
	}
}

// sameTree checks that d, tangents or cotangents, has its tensors where x has them.
func sameTree[P any](op, what string, x, d P, nx, nd int) error {
	if nx != nd {
		return fmt.Errorf("%s: %d %s for %d tensors%s", op, nd, what, nx, apart(pathsOf(x), pathsOf(d)))
	}
	switch any(&x).(type) {
	case **tensor.Tensor, *[]*tensor.Tensor:
		return nil
	}
	if rowOf[P]() == nx {
		return nil
	}
	px, pd := pathsOf(x), pathsOf(d)
	for i := range px {
		if px[i] != pd[i] {
			return fmt.Errorf("%s: the %s have a tensor at %s where the value has one at %s", op, what, orRoot(pd[i]), orRoot(px[i]))
		}
	}
	return nil
}

// apart tells the first place where one value has a tensor and the other has none.
func apart(px, pd []string) string {
	for i := range max(len(px), len(pd)) {
		switch {
		case i < len(px) && !slices.Contains(pd, px[i]):
			return ": there is none at " + orRoot(px[i])
		case i < len(pd) && !slices.Contains(px, pd[i]):
			return ": there is one at " + orRoot(pd[i]) + ", where the value has no tensor"
		}
	}
	return ""
}
