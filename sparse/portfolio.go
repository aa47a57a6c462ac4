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

// opening lists the members that are always run: the lattice and the natural order,
// or the orders that the caller chose.
func (in *instance) opening() []*member {
	var list []*member
	if in.settings.lattice && in.problem.Partition != Bidirectional {
		list = append(list, &member{method: methodLattice, run: in.findLattice})
	}
	for _, o := range in.settings.orders {
		if in.settings.chosen || o == Natural {
			list = append(list, in.greedyMember(o))
		}
	}
	return list
}

// sequel lists the other members that the budget allows, in the order in which ties
// are decided, and returns what is left of it.
func (in *instance) sequel(budget float64) ([]*member, float64) {
	var list []*member
	add := func(m *member, cost float64) {
		if cost <= budget {
			budget -= cost
			list = append(list, m)
		}
	}
	for _, o := range in.settings.orders {
		order, greedy := in.cost(o)
		if o != Natural {
			add(in.greedyMember(o), order+greedy)
		}
		if in.problem.Partition == Bidirectional {
			add(&member{method: methodBordered, order: o, run: func(h *halter) *attempt {
				return in.greedy(in.borderedEngine(), o, h)
			}}, order+greedy)
		}
	}
	if in.problem.Partition == Bidirectional {
		// As many numbers of rows as a quarter of the budget allows, for each side.
		sides := in.as(Columns)
		order, greedy := sides.cost(LargestFirst)
		splits := min(max(int(max(budget, 0)/4/(order+2*greedy)), minSplits), maxSplits)
		list = append(list,
			&member{method: methodApart, run: func(h *halter) *attempt { return in.denseRowsApart(splits, h) }},
			&member{method: methodApartT, run: func(h *halter) *attempt { return in.denseColsApart(splits, h) }})
		budget -= 2 * float64(splits) * (order + 2*greedy)
	}
	return list, budget
}

func (in *instance) greedyMember(o Order) *member {
	return &member{method: methodGreedy, order: o, run: func(h *halter) *attempt {
		return in.greedy(in.engine(), o, h)
	}}
}

// budget returns the nanoseconds of one core to spend after the opening. Where a
// lattice fits as well as the natural order, more search seldom gains; unless the
// caller has set the budget, little is spent on it.
func (in *instance) budget(best *attempt) float64 {
	if b := in.settings.budget; b > 0 {
		return float64(b)
	}
	b := min(2000*float64(in.p.Nnz()), 250e6)
	_, greedy := in.cost(Natural)
	if best != nil && best.lattice != nil {
		b /= 4
	}
	return max(b-greedy, 1e6)
}

// greedy colours in one order.
func (in *instance) greedy(e engine, o Order, h *halter) *attempt {
	order, ok := orderOf(o, e.graph, e.size(), in.settings.seed, h)
	if !ok {
		return nil
	}
	return e.run(order, h)
}

// runPortfolio runs the given members and the opening, then what the budget allows:
// other orders, and iterations on the best so far. It stops at the bound. The winner
// is the first among those with the fewest colours.
func (in *instance) runPortfolio(ctx context.Context, given []*member) (*attempt, []Try, error) {
	best, tried := in.race(ctx, append(given, in.opening()...))
	follow := func(list []*member) {
		if len(list) == 0 || ctx.Err() != nil || best != nil && best.colors() <= in.bound {
			return
		}
		better, more := in.race(ctx, list)
		tried = append(tried, more...)
		if better != nil && (best == nil || better.colors() < best.colors()) {
			best = better
		}
	}
	if !in.settings.chosen && (best == nil || best.colors() > in.bound) {
		list, left := in.sequel(in.budget(best))
		follow(list)
		if best == nil {
			// All gave up.
			all := *in
			all.unlimited = true
			follow([]*member{all.greedyMember(IncidenceDegree)})
		}
		follow(in.iterations(best, left))
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
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
// so far, as many rounds each as the budget allows.
func (in *instance) iterations(from *attempt, budget float64) []*member {
	_, greedy := in.cost(Natural)
	// Visiting vertices class by class costs about twice the natural order.
	rounds := min(int(budget/(2*greedy*chains)), maxRounds)
	if rounds < 1 || from == nil {
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
