//go:build cuda && cgo

package cuda

// Products with sparse matrices: gathers, each sum by one thread or by neighbours, in an
// order that follows from the sizes alone.

import (
	_ "embed"
	"fmt"
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
type examples struct{ n, values, x, y, betweenValues, betweenX int }

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

// group finds examples at equal distances: those along the last leading dimension.
func (k *sparse) group(lead, values, x []int) {
	if len(lead) == 0 {
		k.groups = []examples{{n: 1}}
		return
	}
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
	ofValues, ofX := between(values, k.entries), between(x, k.meets*k.width)
	last := len(lead) - 1
	outer := (kernels.Aval{Shape: lead[:last]}).Size()
	for i := range outer {
		g := examples{n: lead[last], y: i * lead[last] * k.rows * k.width, betweenValues: ofValues[last], betweenX: ofX[last]}
		for d, rest := last-1, i; d >= 0; d-- {
			g.values += rest % lead[d] * ofValues[d]
			g.x += rest % lead[d] * ofX[d]
			rest /= lead[d]
		}
		k.groups = append(k.groups, g)
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
			err := r.launchText(source, name, y.DType, g, wide, unsafe.Add(y.Ptr, e.y*size), moved(ptr[0], e.values*size), moved(ptr[1], e.x*size),
				ptr[k.start], ptr[k.at], ptr[k.entry], flag, k.rows, k.meets, k.width, k.entries, e.n, e.betweenValues, e.betweenX, per)
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
