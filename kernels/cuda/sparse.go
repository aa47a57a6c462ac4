//go:build cuda && cgo

package cuda

// Products with sparse matrices: gathers, each sum by one thread or by neighbours, in an
// order that follows from the sizes alone.

import (
	_ "embed"
	"fmt"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

//go:embed sparse.cuh
var sparseText string

// fewColumns is the width up to which the threads of a row share out its entries, not
// its columns.
const fewColumns = 7

// sparse is the kernel of a product.
type sparse struct {
	inst             *kernels.Inst
	start, at, entry int // operands, see kernels.SparseLists
	rows, width      int
	meets, entries   int
	copiers          []*kernel
	groups           []examples
}

// examples are some that lie at equal distances: how many, and where in elements they
// begin and how far apart they are.
type examples struct {
	n              int
	begin, between places
}

// places are those of an example's operands and result, in elements.
type places struct{ values, x, y int }

func newSparse(inst *kernels.Inst) kernels.Kernel {
	k := &sparse{inst: inst}
	k.start, k.at, k.entry = kernels.SparseLists(inst)
	values, x, out := inst.In[0].Shape, inst.In[1].Shape, inst.Out[0].Shape
	n := len(out) - 2
	k.rows, k.width, k.entries, k.meets = out[n], out[n+1], values[len(values)-1], x[len(x)-2]
	for _, a := range inst.In {
		c := copier(inst, a, a, -1, 0)
		if c == nil {
			return nil
		}
		k.copiers = append(k.copiers, c)
	}
	k.group(out[:n], values[:len(values)-1], x[:len(x)-2])
	return fresh(k.run)
}

// group finds examples at equal distances: those along the longest leading dimension,
// where neighbouring dimensions count as one if they lie like one.
func (k *sparse) group(lead, values, x []int) {
	between := func(own []int, size int) []int {
		strides := make([]int, len(lead))
		for d := len(own) - 1; d >= 0; d-- {
			if own[d] != 1 {
				strides[len(lead)-len(own)+d] = size
			}
			size *= own[d]
		}
		return strides
	}
	ofValues, ofX, ofY := between(values, k.entries), between(x, k.meets*k.width), between(lead, k.rows*k.width)
	dims, longest := []examples{{n: 1}}, 0
	for d, n := range lead {
		if n == 1 {
			continue
		}
		next := examples{n: n, between: places{ofValues[d], ofX[d], ofY[d]}}
		last := &dims[len(dims)-1]
		if last.n == 1 || last.between == (places{n * ofValues[d], n * ofX[d], n * ofY[d]}) {
			next.n *= last.n
			*last = next
		} else {
			dims = append(dims, next)
		}
		if dims[len(dims)-1].n > dims[longest].n {
			longest = len(dims) - 1
		}
	}
	inner := dims[longest]
	k.groups = []examples{inner}
	for _, d := range slices.Delete(dims, longest, longest+1) {
		var groups []examples
		for _, g := range k.groups {
			for i := range d.n {
				begin := places{g.begin.values + i*d.between.values, g.begin.x + i*d.between.x, g.begin.y + i*d.between.y}
				groups = append(groups, examples{inner.n, begin, inner.between})
			}
		}
		k.groups = groups
	}
}

func (k *sparse) run(r *run, y *kernels.Array) error {
	if y.Size() == 0 {
		return nil
	}
	ptr := map[int]unsafe.Pointer{}
	for _, i := range []int{0, 1, k.start, k.at, k.entry} {
		if i < 0 || r.c.In[i].Size() == 0 {
			continue
		}
		a, err := r.densely(k.copiers[i], r.c.In[i])
		if err != nil {
			return err
		}
		ptr[i] = a.Ptr
	}
	name, per, threads := "columns", 1, k.rows*k.width
	if k.width <= fewColumns {
		name, per = "lines", power((k.entries/k.rows+1)/2, 32)
		threads = k.rows * per
	}
	wide := r.wideCall()
	index := loop.CUDAType(r.c.In[k.start].DType)
	source := fmt.Sprintf("typedef %s I;\n", index) + sparseText
	size := y.DType.Size()
	all := func(flag unsafe.Pointer) error {
		for _, e := range k.groups {
			g := grid(threads)
			g.Grid[1] = min(e.n, 1<<15)
			err := r.launchText(source, name, y.DType, g, wide, unsafe.Add(y.Ptr, e.begin.y*size), moved(ptr[0], e.begin.values*size), moved(ptr[1], e.begin.x*size),
				ptr[k.start], ptr[k.at], ptr[k.entry], flag, k.rows, k.meets, k.width, k.entries, e.n, e.between.values, e.between.x, e.between.y, per)
			if err != nil {
				return err
			}
		}
		return nil
	}
	return r.stream.Checked(all, func() error { return r.onHost(k.inst) })
}

// moved is an address so many bytes on, nil where there is none.
func moved(p unsafe.Pointer, bytes int) unsafe.Pointer {
	if p == nil {
		return nil
	}
	return unsafe.Add(p, bytes)
}
