// Entries without colours: a program computes the partial derivatives themselves,
// and what it computes is copied to where the entries are.

package jacobian

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// direct computes the entries one partial derivative at a time.
type direct[P any] struct {
	program *grad.Prepared[P, []*array] // nil where all entries are numbers
	moves   []move
	where   *array // tells the device
	shapes  [][]int
	entries int
	seconds float64

	frames idle[partials]
}

// partials is memory for the partial derivatives of one run in progress.
type partials struct {
	list   []*hosted
	arrays []*array
	values [][]float64
}

// newDirect makes the program of the partial derivatives for values of a form.
func newDirect[P any](parts *pattern.Partials, f form, entries []int, like P, opts []grad.Option) (*direct[P], error) {
	d := &direct[P]{moves: layOut(parts, f.pattern, entries), entries: f.output.Nnz()}
	leaves, err := grad.Leaves(like)
	if err != nil {
		return nil, err
	}
	d.where = tensor.Scalar(0)
	if len(leaves) > 0 {
		d.where = leaves[0]
	}
	r := machine()
	d.seconds = r.entry*float64(d.entries) + r.move*float64(len(d.moves))
	g := parts.Graph // all of parts that is kept
	if len(g.Outputs) == 0 {
		return d, nil
	}
	d.program, err = grad.Prepare(func(x P) []*array { return evaluate(g, x) }, like, opts...)
	if err != nil {
		return nil, err
	}
	for _, v := range g.Outputs {
		d.shapes = append(d.shapes, g.Aval(v).Shape)
	}
	d.seconds += r.predict(d.program.Graph(), d.program.Stats())
	return d, nil
}

// evaluate applies the operations of a graph to the leaves of x, and returns its
// outputs as float64.
func evaluate[P any](g *graph.Graph, x P) []*array {
	leaves, err := grad.Leaves(x)
	if err != nil {
		return []*array{tensor.Failed("jacobian", err)}
	}
	vals := make([]*array, g.NumValues())
	for i, v := range g.Params {
		vals[v] = leaves[i]
	}
	for _, c := range g.Consts {
		vals[c.Ref] = c.Source.(*array)
	}
	var in []*array
	for i := range g.Instrs {
		inst := &g.Instrs[i]
		in = in[:0]
		for _, a := range g.Args(i) {
			in = append(in, vals[a])
		}
		tensor.Dispatch(inst.Inst, in, vals[inst.Out:int(inst.Out)+len(inst.Inst.Out)])
	}
	out := make([]*array, len(g.Outputs))
	for i, v := range g.Outputs {
		out[i] = vals[v].Cast(tensor.Float64)
	}
	return out
}

func (d *direct[P]) predicted() float64 { return d.seconds }

func (d *direct[P]) run(ctx context.Context, x P, values []float64) error {
	if d.program == nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		put(d.moves, nil, values)
		return nil
	}
	p, err := d.frames.take(d.memory)
	if err != nil {
		return err
	}
	defer d.frames.give(p)
	if err := d.program.RunInto(ctx, p.arrays, x); err != nil {
		return err
	}
	for _, h := range p.list {
		if err := h.fetch(); err != nil {
			return err
		}
	}
	put(d.moves, p.values, values)
	runtime.KeepAlive(p.arrays)
	return nil
}

// gap is how many elements lie between arrays in one piece of memory. Arrays of
// one size that each began at a multiple of a large power of two would compete for
// the same few lines of the caches.
const gap = 72

// memory returns room for the partial derivatives of a run: large arrays in one
// piece of memory.
func (d *direct[P]) memory() (*partials, error) {
	p := new(partials)
	total, least := 0, math.MaxInt
	for _, shape := range d.shapes {
		n := sizeOfShape(shape)
		total, least = total+n+gap, min(least, n)
	}
	if total < 1<<16 || least < gap || len(d.shapes) == 1 {
		for _, shape := range d.shapes {
			h, err := newHosted(d.where, shape...)
			if err != nil {
				return nil, err
			}
			p.list, p.arrays, p.values = append(p.list, h), append(p.arrays, h.array), append(p.values, h.values)
		}
		return p, nil
	}
	all, err := newHosted(d.where, total)
	if err != nil {
		return nil, err
	}
	p.list = []*hosted{all}
	at := 0
	for _, shape := range d.shapes {
		n := sizeOfShape(shape)
		view := all.array.Index(tensor.Range(at, at+n)).Reshape(shape...)
		p.arrays, p.values = append(p.arrays, view), append(p.values, all.values[at:at+n])
		at += n + gap
	}
	return p, nil
}

func sizeOfShape(shape []int) int { return kernels.Aval{Shape: shape}.Size() }

func (d *direct[P]) native(ctx context.Context) error {
	if d.program == nil {
		return nil
	}
	return d.program.Native(ctx)
}

func (d *direct[P]) close() {
	if d.program != nil {
		d.program.Close()
	}
}

func (d *direct[P]) how(string) string { return "partial derivatives directly, no colours" }

func (d *direct[P]) name() string { return "direct partial derivatives" }

func (d *direct[P]) details(b *strings.Builder) {
	if d.program == nil {
		fmt.Fprintf(b, "  all entries are constants\n")
		return
	}
	stats := d.program.Stats()
	fmt.Fprintf(b, "  partial derivatives: %s, %s, %s of memory; %s to the entries\n", times(len(d.shapes), "array"),
		times(stats.Instructions, "instruction"), bytes(stats.ArenaBytes), times(len(d.moves), "run"))
}
