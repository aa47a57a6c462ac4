// The portfolio: its members, how they share the workers, and who wins.

package sparse

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// member is one way to find a colouring. run returns nil if it finds none or was
// stopped.
type member struct {
	method string
	order  Order
	run    func(h *halter) *attempt
}

// Iterated greedy runs in so many independent chains, each of at most so many
// rounds, and gives up after so many without a gain.
const (
	chains    = 4
	maxRounds = 400
	patience  = 60
)

// members lists what the budget allows, in the order in which ties are decided.
func (in *instance) members() []*member {
	var list []*member
	if in.settings.lattice && in.problem.Partition != Bidirectional {
		list = append(list, &member{method: methodLattice, run: in.findLattice})
	}
	budget := in.budget()
	for _, o := range in.settings.orders {
		order, greedy := in.cost(o)
		if !in.settings.chosen && o != Natural && budget < order+greedy {
			continue
		}
		budget -= order + greedy
		list = append(list, &member{method: methodGreedy, order: o, run: func(h *halter) *attempt {
			return in.greedy(in.engine(), o, h)
		}})
		if in.problem.Partition != Bidirectional || !in.settings.chosen && budget < order+greedy {
			continue
		}
		budget -= order + greedy
		list = append(list, &member{method: methodBordered, order: o, run: func(h *halter) *attempt {
			return in.greedy(in.borderedEngine(), o, h)
		}})
	}
	if in.problem.Partition == Bidirectional && !in.settings.chosen {
		list = append(list,
			&member{method: methodApart, run: in.denseRowsApart},
			&member{method: methodApartT, run: in.denseColsApart})
	}
	return list
}

// budget returns the nanoseconds of one core to spend.
func (in *instance) budget() float64 {
	if b := in.settings.budget; b > 0 {
		return float64(b)
	}
	return min(2000*float64(in.p.Nnz()), 250e6)
}

// greedy colours in one order.
func (in *instance) greedy(e engine, o Order, h *halter) *attempt {
	order, ok := orderOf(o, e.graph, e.size(), in.settings.seed, h)
	if !ok {
		return nil
	}
	return e.run(order, h)
}

// runPortfolio runs the members, then iterates on the best, and returns the winner:
// the first in the list among those with the fewest colours.
func (in *instance) runPortfolio(ctx context.Context, list []*member) (*attempt, []Try, error) {
	best, tried := in.race(ctx, list)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if best.colors() > in.bound && !in.settings.chosen {
		if more := in.iterations(best); len(more) > 0 {
			better, again := in.race(ctx, more)
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			tried = append(tried, again...)
			if better != nil && better.colors() < best.colors() {
				best = better
			}
		}
	}
	return best, tried, nil
}

// race runs the members on the workers. When one reaches the bound, those after it
// in the list are stopped; those before it may still do as well, and go on. So the
// winner does not depend on who is faster.
func (in *instance) race(ctx context.Context, list []*member) (*attempt, []Try) {
	found := make([]*attempt, len(list))
	tried := make([]Try, len(list))
	var next, won atomic.Int64
	won.Store(math.MaxInt64)
	work := func() {
		for {
			k := int(next.Add(1) - 1)
			if k >= len(list) {
				return
			}
			m := list[k]
			h := &halter{done: ctx.Done(), won: &won, rank: int64(k)}
			tried[k] = Try{Method: m.method, Order: m.order}
			if h.stopped() {
				continue
			}
			begin := time.Now()
			a := m.run(h)
			tried[k].Seconds = time.Since(begin).Seconds()
			if a == nil {
				continue
			}
			if a.method == "" {
				a.method, a.order = m.method, m.order
			}
			found[k], tried[k].Colors = a, a.colors()
			for a.colors() <= in.bound {
				w := won.Load()
				if int64(k) >= w || won.CompareAndSwap(w, int64(k)) {
					break
				}
			}
		}
	}
	var wg sync.WaitGroup
	for range min(in.settings.workers, len(list)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	var best *attempt
	for k, a := range found {
		// A member after the winner may have finished in spite of it.
		if int64(k) > won.Load() {
			tried[k].Colors = 0
			continue
		}
		if a != nil && (best == nil || a.colors() < best.colors()) {
			best = a
		}
	}
	return best, tried
}

// iterations returns chains of iterated greedy that start from the best colouring
// so far, as many rounds each as the budget has left.
func (in *instance) iterations(from *attempt) []*member {
	_, greedy := in.cost(Natural)
	spent := 0.0
	for _, o := range in.settings.orders {
		order, run := in.cost(o)
		if o == Natural || spent+order+run <= in.budget() {
			spent += order + run
		}
	}
	rounds := min(int((in.budget()-spent)/(2*greedy*chains)), maxRounds)
	if rounds < 1 {
		return nil
	}
	list := make([]*member, chains)
	for k := range list {
		list[k] = &member{method: methodIterated, order: Random, run: func(h *halter) *attempt {
			return in.iterate(from, rounds, in.settings.seed+uint64(k), h)
		}}
	}
	return list
}

// iterate colours again and again, visiting the classes of the last colouring one
// after the other in a new order. For columns this never takes more colours
// (Culberson 1992); for the other problems the best is kept.
func (in *instance) iterate(from *attempt, rounds int, seed uint64, h *halter) *attempt {
	e := in.engine()
	if from.method == methodBordered {
		e = in.borderedEngine()
	}
	rng := rand.New(rand.NewPCG(seed, 0xC01012))
	best, last := (*attempt)(nil), from
	target := from.colors()
	for r, idle := 0, 0; r < rounds && idle < patience; r++ {
		class, n := e.classes(last)
		a := e.run(classOrder(class, n, rng), h)
		if a == nil {
			break
		}
		idle++
		if a.colors() < target {
			best, target, idle = a, a.colors(), 0
			if target <= in.bound {
				break
			}
		}
		if a.colors() <= target+1 {
			last = a
		}
	}
	if best != nil {
		best.method, best.order = methodIterated, Random
	}
	return best
}

// classOrder lists the vertices class by class: the classes reversed, shuffled, or
// the largest first.
func classOrder(class []int32, n int, rng *rand.Rand) []int32 {
	// Class -1 (no colour) comes last whatever happens.
	size := make([]int, n+1)
	for _, c := range class {
		size[(int(c)+n+1)%(n+1)]++
	}
	rank := make([]int, n) // classes in visiting order
	for c := range rank {
		rank[c] = c
	}
	switch u := rng.Float64(); {
	case u < 0.4:
		for c := range rank {
			rank[c] = n - 1 - c
		}
	case u < 0.8:
		rng.Shuffle(n, func(a, b int) { rank[a], rank[b] = rank[b], rank[a] })
	default:
		rng.Shuffle(n, func(a, b int) { rank[a], rank[b] = rank[b], rank[a] })
		slices.SortStableFunc(rank, func(a, b int) int { return size[b] - size[a] })
	}
	at := make([]int, n+1)
	sum := 0
	for _, c := range append(rank, n) {
		at[c] = sum
		sum += size[c]
	}
	order := make([]int32, len(class))
	for v, c := range class {
		k := (int(c) + n + 1) % (n + 1)
		order[at[k]] = int32(v)
		at[k]++
	}
	return order
}
