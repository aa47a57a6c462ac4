// The values that are known: constants and what is computed from them, and at a
// point everything.

package pattern

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// values computes the known values of a graph when they are asked for, on the
// host.
type values struct {
	g       *graph.Graph
	arrays  []*kernels.Array // of each value, nil where not yet computed or not known
	can     []bool           // of each value, whether it is known
	params  map[graph.Ref]func() (*kernels.Array, error)
	rows    map[graph.Ref][]*kernels.Array // of the ys of dynamic loops, whose other rows do not exist
	backend int
}

// binding is what is known of a parameter: its sets, and its value, nil if it is
// not known.
type binding struct {
	parts []*part
	value func() (*kernels.Array, error)
}

// newValues returns the values of a graph whose parameters are bound. Constants
// that cannot be brought within the host's reach count as not known.
func newValues(g *graph.Graph, in []binding) *values {
	v := &values{g: g, arrays: make([]*kernels.Array, g.NumValues()), can: make([]bool, g.NumValues()), params: map[graph.Ref]func() (*kernels.Array, error){}, rows: map[graph.Ref][]*kernels.Array{}}
	for _, kind := range []string{"ref", "cpu"} {
		if id, ok := kernels.BackendID(kind); ok {
			v.backend = id
		}
	}
	for i := range g.Consts {
		if a, err := graph.Within(&g.Consts[i].Array); err == nil {
			v.arrays[g.Consts[i].Ref], v.can[g.Consts[i].Ref] = a, true
		}
	}
	for i, b := range in {
		if b.value != nil {
			v.params[g.Params[i]], v.can[g.Params[i]] = b.value, true
		}
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		all := true
		for _, a := range g.Args(i) {
			all = all && v.can[a]
		}
		for k := range x.Inst.Out {
			v.can[int(x.Out)+k] = all
		}
	}
	return v
}

func (v *values) has(r graph.Ref) bool { return v.can[r] }

// array returns a known value.
func (v *values) array(r graph.Ref) (*kernels.Array, error) {
	if a := v.arrays[r]; a != nil {
		return a, nil
	}
	if get := v.params[r]; get != nil {
		a, err := get()
		v.arrays[r] = a
		return a, err
	}
	i := v.g.Def(r)
	x := &v.g.Instrs[i]
	args := v.g.Args(i)
	in := make([]*kernels.Array, len(args))
	for k, a := range args {
		var err error
		if in[k], err = v.array(a); err != nil {
			return nil, err
		}
	}
	out := make([]*kernels.Array, len(x.Inst.Out))
	for k, a := range x.Inst.Out {
		out[k] = newArray(a)
	}
	if err := v.run(x.Inst, in, out); err != nil {
		return nil, err
	}
	for k := range out {
		v.arrays[int(x.Out)+k] = out[k]
	}
	return v.arrays[r], nil
}

func (v *values) run(inst *kernels.Inst, in, out []*kernels.Array) error {
	if len(out) == 1 && out[0].Size() == 0 {
		return nil
	}
	if graph.ControlOf(inst) != nil {
		return runControl(inst, in, out)
	}
	k := inst.Kernel(v.backend)
	if k == nil {
		return fmt.Errorf("pattern: no kernel for %s on the host", inst.Name)
	}
	if err := k.Run(&kernels.Call{In: in, Out: out}); err != nil {
		return fmt.Errorf("pattern: %s: %w", inst.Name, err)
	}
	return nil
}

// runControl runs a control instruction as a program of its own.
func runControl(inst *kernels.Inst, in, out []*kernels.Array) error {
	g := new(graph.Graph)
	refs := make([]graph.Ref, len(in))
	for i, a := range inst.In {
		refs[i] = g.Param(a)
	}
	r := g.Emit(inst, refs...)
	for k := range inst.Out {
		g.Output(r + graph.Ref(k))
	}
	dev, err := device.Open("cpu")
	if err != nil {
		return err
	}
	program, err := graph.Compile(g, dev)
	if err != nil {
		return err
	}
	defer program.Close()
	return program.Run(context.Background(), in, out)
}

// newArray returns a dense array in Go's memory.
func newArray(a kernels.Aval) *kernels.Array {
	memory := make([]uint64, (a.Size()*a.DType.Size()+7)/8+1)
	return &kernels.Array{Aval: a, Ptr: unsafe.Pointer(&memory[0])}
}

// bools returns the elements of a dense array of bools.
func bools(a *kernels.Array) []bool {
	return unsafe.Slice((*bool)(a.Ptr), a.Size())
}

// positions returns step times the indices in a dense table, negative ones
// counted from the end of a dimension of the given size.
func positions(table *kernels.Array, size, step int, op string) ([]int, error) {
	out := make([]int, table.Size())
	for i := range out {
		var k int64
		switch table.DType {
		case device.Int32:
			k = int64(unsafe.Slice((*int32)(table.Ptr), len(out))[i])
		case device.Int64:
			k = unsafe.Slice((*int64)(table.Ptr), len(out))[i]
		}
		if k < 0 {
			k += int64(size)
		}
		if k < 0 || k >= int64(size) {
			return nil, fmt.Errorf("pattern: %s: %w", op, &kernels.IndexError{Op: op, Index: k, Size: size})
		}
		out[i] = step * int(k)
	}
	return out, nil
}
