// Indexing, as in NumPy: ranges, items, new axes and tensors of indices.

package tensor

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// A Selector says what [Tensor.Index] takes of one dimension, or of several.
// There are At, Range, Step, All, NewAxis, Ellipsis, and tensors: one of
// integers holds indices, one of bools selects where it is true.
type Selector interface{ selector() }

// selector makes tensors Selectors.
func (*Tensor) selector() {}

// basic is a Selector that is no tensor.
type basic struct {
	kind selection
	r    kernels.Range
}

type selection uint8

const (
	ranged selection = iota // some of one dimension
	item                    // one of it
	newAxis
	ellipsis
)

func (basic) selector() {}

// The open ends of a Range or Step.
const (
	Begin = kernels.Begin
	End   = kernels.End
)

// The Selectors of whole dimensions.
var (
	All      Selector = basic{r: kernels.All()} // one whole dimension
	NewAxis  Selector = basic{kind: newAxis}    // a new dimension of size 1
	Ellipsis Selector = basic{kind: ellipsis}   // as many whole dimensions as are left
)

// At selects index i, counted from the end where negative, and drops the dimension.
func At(i int) Selector { return basic{item, kernels.Item(i)} }

// Range selects the indices start, start+1, ... before stop. Negative numbers
// count from the end, and what lies outside is cut off.
func Range(start, stop int) Selector { return basic{r: kernels.From(start, stop)} }

// Step selects the indices start, start+step, ... before stop; a negative step
// goes down, from End or to Begin for everything.
func Step(start, stop, step int) Selector { return basic{r: kernels.Stepped(start, stop, step)} }

// At returns the element or the subtensor at leading indices.
func (t *Tensor) At(index ...int) *Tensor {
	if v := t.element(index); v != nil {
		return v
	}
	sel := make([]Selector, len(index))
	for d, i := range index {
		sel[d] = At(i)
	}
	return t.Index(sel...)
}

// element is At of plain tensors, where an index is no more than an offset; it
// returns nil where that is not so, or the indices are wrong.
func (t *Tensor) element(index []int) *Tensor {
	if t.bad() || t.lv != nil || len(index) > len(t.arr.Shape) || t.arr.Size() == 0 {
		return nil
	}
	v := t.arr
	offset := 0
	for d, i := range index {
		i, ok := wrapAxis(i, t.arr.Shape[d])
		if !ok {
			return nil
		}
		offset += i * t.arr.Stride(d)
	}
	v.Shape = v.Shape[len(index):]
	if v.Strides != nil {
		v.Strides = v.Strides[len(index):]
	}
	v.Ptr = unsafe.Add(v.Ptr, offset*v.DType.Size())
	return t.view(v)
}

// Index returns the part of t that is selected, dimension by dimension; those
// behind the last selector are taken whole. Without tensors it is a view.
// Tensors of indices broadcast together, and their dimensions take the place of
// the dimensions they select from, or stand first where these (and those
// selected by At beside them) are not next to each other. A tensor of bools
// stands for the indices where it is true, along as many dimensions as it has;
// its values are read.
//
//	t.Index(tensor.At(2), tensor.Range(1, 5), tensor.NewAxis, rows)
//
// Errors: a *ShapeError for too many selectors, an *IndexError, at once or when
// the work is done, for an index out of range.
func (t *Tensor) Index(sel ...Selector) *Tensor {
	if t.bad() {
		return failedOn("index", t)
	}
	p, err := planIndex(t, sel)
	if err != nil {
		return failed("index", err, t.arr.Aval)
	}
	return p.apply(t)
}

// IndexPut returns t with the part that Index would select replaced by value,
// which broadcasts to it. Of several values for one place the last counts.
func (t *Tensor) IndexPut(value *Tensor, sel ...Selector) *Tensor {
	return t.put("index_put", kernels.Put{}, value, sel)
}

// IndexAdd returns t with value, which broadcasts, added to the part that Index
// would select. Several values for one place are all added, in their order.
func (t *Tensor) IndexAdd(value *Tensor, sel ...Selector) *Tensor {
	return t.put("index_add", kernels.Put{Accumulate: true}, value, sel)
}

// put stores through the indices where they are all there is, else through the
// positions, in row-major order, of what is selected.
func (t *Tensor) put(op string, how kernels.Put, value *Tensor, sel []Selector) *Tensor {
	if t.bad() || value.bad() {
		if t.bad() {
			return failedOn(op, t)
		}
		return failedOn(op, value)
	}
	p, err := planIndex(t, sel)
	if err != nil {
		return failed(op, err, t.arr.Aval, value.arr.Aval)
	}
	if p.only() {
		return applyN(kernels.IndexPut, how, append([]*Tensor{t, value}, p.indices...))[0]
	}
	place, err := t.whereabouts()
	if err != nil {
		return failed(op, err)
	}
	n := t.Size()
	count := Arange(0, float64(n), 1, WithDType(Int64), On(place.dev)).Reshape(t.arr.Shape...)
	positions := p.apply(count)
	flat := applyN(kernels.IndexPut, how, []*Tensor{t.Reshape(n), value, positions})[0]
	return flat.Reshape(t.arr.Shape...)
}

// indexPlan is an Index as the operations that carry it out, one after the
// other: Slice, Unsqueeze, then Take or Index through tensors.
type indexPlan struct {
	ranges  []kernels.Range // of t's dimensions
	sliced  bool            // some range is not the whole dimension
	added   []int           // where new axes are, after slicing
	rank    int             // after slicing and adding
	axes    []int           // of that, the dimensions that indices select from
	indices []*Tensor       // the indices for each
	insert  int             // how many of the other dimensions stand before the indices'
}

func planIndex(t *Tensor, sel []Selector) (*indexPlan, error) {
	sel, whole, err := expand(t.arr.Shape, sel)
	if err != nil {
		return nil, err
	}
	p := new(indexPlan)
	kept := 0                      // dimensions so far that no index selects from
	first, last, count := -1, 0, 0 // of the selectors that are indices, items beside tensors included
	for k, s := range sel {
		b, ok := s.(basic)
		if !ok || b.kind == item {
			if first < 0 {
				first, p.insert = k, kept
			}
			last = k
			count++
		}
		switch {
		case !ok:
			p.axes = append(p.axes, p.rank)
			p.indices = append(p.indices, s.(*Tensor))
			p.take(kernels.All())
		case b.kind == newAxis:
			p.added = append(p.added, p.rank)
			p.rank++
			kept++
		case b.kind == ellipsis:
			for range whole {
				p.take(kernels.All())
			}
			kept += whole
		default:
			p.take(b.r)
			if b.kind == ranged {
				kept++
			}
		}
	}
	if last-first+1 != count {
		p.insert = 0 // they are not next to each other
	}
	return p, nil
}

// take selects from the next dimension.
func (p *indexPlan) take(r kernels.Range) {
	p.ranges = append(p.ranges, r)
	p.sliced = p.sliced || r != kernels.All()
	if !r.Drop {
		p.rank++
	}
}

// expand replaces tensors of bools by indices and appends an ellipsis where
// there is none; whole is the number of dimensions that it stands for.
func expand(shape []int, sel []Selector) (list []Selector, whole int, err error) {
	taken, dots := 0, 0
	for _, s := range sel {
		switch s := s.(type) {
		case basic:
			switch s.kind {
			case ellipsis:
				dots++
			case ranged, item:
				taken++
			}
		case *Tensor:
			if s.bad() {
				return nil, 0, failedOn("index", s).Err()
			}
			if taken++; s.DType() == Bool {
				taken += s.Rank() - 1
			}
		default:
			return nil, 0, &AttrError{Op: "index", Reason: fmt.Sprintf("a %T selects nothing", s)}
		}
	}
	whole = len(shape) - taken
	switch {
	case whole < 0:
		return nil, 0, &ShapeError{Op: "index", Shapes: [][]int{slices.Clone(shape)}, Reason: fmt.Sprintf("the selectors are of %d dimensions, the tensor has %d", taken, len(shape))}
	case dots > 1:
		return nil, 0, &AttrError{Op: "index", Reason: "more than one ellipsis"}
	case dots == 0:
		sel = append(slices.Clip(sel), Ellipsis)
	}
	at := 0
	for _, s := range sel {
		switch s := s.(type) {
		case basic:
			switch s.kind {
			case ellipsis:
				at += whole
			case ranged, item:
				at++
			}
			list = append(list, s)
		case *Tensor:
			if s.DType() != Bool {
				list = append(list, s)
				at++
				continue
			}
			end := at + s.Rank()
			if !slices.Equal(shape[at:end], s.arr.Shape) || s.Rank() == 0 {
				return nil, 0, &ShapeError{Op: "index", Shapes: [][]int{slices.Clone(shape), s.Shape()}, Reason: "bools that do not fit the dimensions they select from"}
			}
			indices, err := s.nonZero()
			if err != nil {
				return nil, 0, err
			}
			for _, i := range indices {
				list = append(list, i)
			}
			at = end
		}
	}
	return list, whole, nil
}

// nonZero returns, for each dimension of a tensor of bools, the indices at
// which it is true, in row-major order. It reads the values.
func (t *Tensor) nonZero() ([]*Tensor, error) {
	values, err := Data[bool](t)
	if err != nil {
		return nil, err
	}
	p, err := t.whereabouts()
	if err != nil {
		return nil, err
	}
	indices := make([][]int64, t.Rank())
	for i, v := range values {
		if !v {
			continue
		}
		for d := t.Rank() - 1; d >= 0; d-- {
			n := t.arr.Shape[d]
			indices[d] = append(indices[d], int64(i%n))
			i /= n
		}
	}
	list := make([]*Tensor, len(indices))
	for d, x := range indices {
		list[d] = fromSlice("index", x, []int{len(x)}, []Option{On(p.dev)})
	}
	return list, nil
}

// only reports whether the plan is indices into the leading dimensions and
// nothing else.
func (p *indexPlan) only() bool {
	return !p.sliced && p.added == nil && len(p.indices) > 0 && p.axes[len(p.axes)-1] == len(p.axes)-1
}

func (p *indexPlan) apply(t *Tensor) *Tensor {
	if p.sliced {
		t = apply1(kernels.Slice, kernels.RangesOf(p.ranges...), t)
	}
	if p.added != nil {
		t = t.Unsqueeze(p.added...)
	}
	switch {
	case t.bad() || len(p.indices) == 0:
		return t
	case len(p.indices) == 1 && p.axes[0] == p.insert:
		return t.Take(p.axes[0], p.indices[0])
	}
	others := slices.DeleteFunc(identityPerm(p.rank), func(d int) bool { return slices.Contains(p.axes, d) })
	t = t.Transpose(append(slices.Clone(p.axes), others...)...)
	t = applyN(kernels.Index, nil, append([]*Tensor{t}, p.indices...))[0]
	if p.insert == 0 || t.bad() {
		return t
	}
	// The indices' dimensions lead; as many others as stand before them go first.
	perm := identityPerm(t.Rank())
	lead := len(perm) - len(others)
	return t.Transpose(slices.Concat(perm[lead:lead+p.insert], perm[:lead], perm[lead+p.insert:])...)
}
