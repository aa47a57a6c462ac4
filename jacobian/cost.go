// What a program will take, from its operations and four rates of the machine.

package jacobian

import (
	"context"
	"sync"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// rates are seconds: of an instruction, whatever its size; of a byte that comes
// from or goes to memory; of a floating-point operation; of a transcendental
// function; of an entry that is recovered; and of a
// run of entries that are moved.
type rates struct{ instr, bytes, flop, transcendental, entry, move float64 }

// machine returns the rates of this machine, measured once with small programs.
var machine = sync.OnceValue(func() rates {
	const n = 1 << 15
	x := tensor.Full(0.5, []int{n})
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

// predict returns the seconds that one run of a program will take.
func (r rates) predict(g *graph.Graph) float64 {
	total := 0.0
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		total += r.instr
		if inst.Expr == nil {
			for _, a := range append(inst.In, inst.Out...) {
				total += r.bytes * float64(a.Size()*a.DType.Size())
			}
			continue
		}
		if inst.Rearranges() {
			continue
		}
		c := inst.Expr.Cost()
		total += max(r.bytes*float64(c.Bytes), r.flop*float64(c.Flops)) + r.transcendental*float64(c.Transcendentals)
	}
	return total
}
