// What a program will take, from its operations and four rates of the machine.

package jacobian

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// rates are seconds: of an instruction, whatever its size; of a byte that comes
// from or goes to the cache of one core; of one of the cache of all; of a
// floating-point operation; of a transcendental function; of an entry that is
// recovered; and of a run of entries that are moved.
type rates struct{ instr, bytes, shared, flop, transcendental, entry, move float64 }

// What a program may work on for that to stay in the cache of one core, and of all.
const (
	nearBytes   = 1 << 20
	sharedBytes = 16 << 20
)

// machine returns the rates of this machine, measured once with small programs.
var machine = sync.OnceValue(func() rates {
	const n, many = 1 << 15, 1 << 18
	x, large := tensor.Full(0.5, []int{n}), tensor.Full(0.5, []int{many})
	time := func(x *array, f func(x *array) *array) float64 {
		p, err := grad.Prepare(f, x)
		if err != nil {
			return 0
		}
		defer p.Close()
		dst := tensor.Zeros(x.Shape()...)
		return fastest(5, func() error { return p.RunInto(context.Background(), dst, x) })
	}
	r := rates{instr: 2e-7, bytes: 1e-10, flop: 1e-10, transcendental: 2e-9, entry: 1.5e-9, move: 5e-9}
	if t := time(tensor.Scalar(1), func(x *array) *array { return x.Add(x) }); t > 0 {
		r.instr = t
	}
	if t := time(x, func(x *array) *array { return x.Add(x) }) - r.instr; t > 0 {
		r.bytes = t / (16 * n)
	}
	r.shared = r.bytes
	if t := time(large, func(x *array) *array { return x.Add(x) }) - r.instr; t > 0 {
		r.shared = max(r.bytes, t/(16*many))
	}
	if t := time(x, func(x *array) *array { return x.Exp() }) - r.instr - 16*n*r.bytes; t > 0 {
		r.transcendental = t / n
	}
	r.flop = r.bytes // of a contraction, whose operands stay in cache
	return r
})

// fastest returns the seconds of the fastest of n runs, 0 if one fails.
func fastest(n int, f func() error) float64 {
	best := 0.0
	for range n {
		start := time.Now()
		if f() != nil {
			return 0
		}
		if t := time.Since(start).Seconds(); best == 0 || t < best {
			best = t
		}
	}
	return best
}

// memory returns the seconds of a byte that comes from or goes to memory.
var memory = sync.OnceValue(func() float64 {
	const n = 1 << 22
	from, to := make([]float64, n), make([]float64, n)
	return fastest(3, func() error { copy(to, from); return nil }) / (16 * n)
})

// predict returns the seconds that one run of a program will take.
func (r rates) predict(g *graph.Graph, s graph.Stats) float64 {
	rate := r.bytes
	switch working := float64(s.ArenaBytes) + sizes(g.Params, g) + sizes(g.Outputs, g); {
	case working > sharedBytes:
		rate = max(r.shared, memory())
	case working > nearBytes:
		rate = r.shared
	}
	total := 0.0
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		if inst.Rearranges() {
			continue
		}
		total += r.instr
		if inst.Expr == nil {
			for _, a := range slices.Concat(inst.In, inst.Out) {
				total += rate * float64(a.Size()*a.DType.Size())
			}
			continue
		}
		c := inst.Expr.Cost()
		total += max(rate*float64(c.Bytes), r.flop*float64(c.Flops)) + r.transcendental*float64(c.Transcendentals)
	}
	return total
}

// sizes returns the bytes of values.
func sizes(list []graph.Ref, g *graph.Graph) (n float64) {
	for _, v := range list {
		a := g.Aval(v)
		n += float64(a.Size() * a.DType.Size())
	}
	return n
}
