//go:build cuda && cgo

package cuda

// Products with sparse matrices: gathers, shared out evenly whatever the lengths of rows
// are, each sum in an order that follows from the structure and the sizes.

import (
	_ "embed"
	"fmt"
	"math"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

//go:embed sparse.cuh
var sparseText string

// sparse is the kernel of a product.
type sparse struct {
	inst             *kernels.Inst
	start, at, entry int // operands, see kernels.SparseLists
	rows, width      int
	meets, entries   int
	copiers          []*kernel
	lead             []leading
	share            pathShare
}

func newSparse(inst *kernels.Inst) kernels.Kernel {
	if k := sparseOf(inst); k != nil {
		return fresh(k.run)
	}
	return nil
}

func sparseOf(inst *kernels.Inst) *sparse {
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
	k.lead = leadings(out[:n], strides(values[:len(values)-1], n, k.entries), strides(x[:len(x)-2], n, k.meets*k.width))
	k.share = sharePath(k.rows+k.entries, k.width, (kernels.Aval{Shape: out[:n]}).Size())
	return k
}

// leading is a leading dimension of the result: its size, and how many elements apart
// examples along it are in the values and in the dense matrix.
type leading struct{ n, values, x int }

// strides returns how far apart the examples of a dense operand are along each of n
// leading dimensions, 0 along those that it is repeated along.
func strides(lead []int, n, size int) []int {
	list := make([]int, n)
	for d := len(lead) - 1; d >= 0; d-- {
		if lead[d] != 1 {
			list[n-len(lead)+d] = size
		}
		size *= lead[d]
	}
	return list
}

// leadings lists the dimensions, neighbours as one where they lie like one.
func leadings(lead, values, x []int) []leading {
	list := []leading{{n: 1}}
	for d, n := range lead {
		if n == 1 {
			continue
		}
		next := leading{n, values[d], x[d]}
		last := &list[len(list)-1]
		if last.n == 1 || last.values == n*next.values && last.x == n*next.x {
			next.n *= last.n
			*last = next
		} else {
			list = append(list, next)
		}
	}
	return list
}

// pathShare is how a product is shared out, see sparse.cuh.
type pathShare struct {
	lanes   int // columns at a time
	threads int // of a block
	chunk   int // items of a block
	chunks  int // blocks of a column and an example
	pieces  int // lanes' columns of all examples
	sums    int // of every column of every example, one a chunk
	wide    bool
}

// perGroup is the items that a group of threads adds up one after the other: an odd number,
// for the banks of shared memory.
const perGroup = 7

// sharePath shares out a path of so many items, for each column of each example.
func sharePath(items, width, examples int) (s pathShare) {
	const (
		index = 3   // what reading an entry costs, in columns
		few   = 128 // blocks for which they are made smaller
		most  = 32  // tiles of a block
	)
	cost := func(lanes int) int { return (width + lanes - 1) / lanes * (lanes + index) }
	s.lanes = 1
	for n := 2; n <= 32; n *= 2 {
		if cost(n) < cost(s.lanes) {
			s.lanes = n
		}
	}
	s.pieces = (width + s.lanes - 1) / s.lanes * examples
	tile, tiles := 0, 0
	of := func(t int) {
		s.threads, tile = t, t/s.lanes*perGroup
		tiles = (items + tile - 1) / tile
	}
	of(roundUp((items + perGroup - 1) / perGroup * s.lanes))
	for tiles > 1 && tiles*s.pieces < few && s.threads > 64 {
		of(s.threads / 2)
	}
	s.chunk = tile * max(1, min(most, tiles*s.pieces/mostBlocks))
	s.chunks = (items + s.chunk - 1) / s.chunk
	s.sums = s.chunks * width * examples
	s.wide = max(s.sums, items) > math.MaxInt32/2
	return s
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
	s, dt := k.share, y.DType
	examples := y.Size() / (k.rows * k.width)
	wide := s.wide || r.wideCall()
	var parts, open unsafe.Pointer
	if s.chunks > 1 {
		buf, err := r.stream.Scratch(s.sums*dt.Size() + s.chunks*8)
		if err != nil {
			return err
		}
		r.held = append(r.held, buf)
		open = buf.Ptr()
		parts = unsafe.Add(open, s.chunks*8)
	}
	source := fmt.Sprintf("typedef %s I;\nenum { LANES = %d, ITEMS = %d, DIMS = %d };\n", loop.CUDAType(r.c.In[k.start].DType), s.lanes, perGroup, len(k.lead)) + sparseText
	args := []any{y.Ptr, parts, open, ptr[0], ptr[1], ptr[k.start], ptr[k.at], ptr[k.entry], nil, k.rows, k.meets, k.width, k.entries, examples, s.chunk}
	for _, of := range []func(leading) int{
		func(d leading) int { return d.n }, func(d leading) int { return d.values }, func(d leading) int { return d.x },
	} {
		for _, d := range k.lead {
			args = append(args, of(d))
		}
	}
	all := func(flag unsafe.Pointer) error {
		args[8] = flag
		g := geometry{Grid: [2]int{s.chunks, min(s.pieces, max(1, mostBlocks/s.chunks))}, Block: [2]int{s.threads, 1}}
		err := r.launchText(source, "products", dt, g, wide, args...)
		if err != nil || s.chunks == 1 {
			return err
		}
		return r.launchText(source, "crossing", dt, grid(32*s.sums), wide, y.Ptr, parts, open, ptr[k.start], k.rows, k.width, s.chunks, s.chunk, s.sums)
	}
	return r.stream.Checked(all, func() error { return r.onHost(k.inst) })
}
