// What a caller may say about how to colour.

package sparse

import (
	"fmt"
	"runtime"
	"time"
)

type settings struct {
	orders  []Order
	chosen  bool // the caller chose the orders: nothing else is tried
	seed    uint64
	budget  time.Duration // 0: by size
	workers int
	shape   []int
	lattice bool
}

// An Option changes how Color searches. Without options it tries everything it has,
// within a budget that grows with the matrix.
type Option func(*settings) error

func newSettings(opts []Option) (*settings, error) {
	s := &settings{seed: 1, workers: runtime.GOMAXPROCS(0), lattice: true,
		orders: []Order{Natural, LargestFirst, SmallestLast, IncidenceDegree, DynamicLargestFirst, Random}}
	for _, o := range opts {
		if o == nil {
			continue
		}
		if err := o(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// WithOrder colours greedily in the given orders and returns the best: no lattice,
// no iteration. With the one order Natural the numbers of colours are ColPack's.
func WithOrder(orders ...Order) Option {
	return func(s *settings) error {
		for _, o := range orders {
			if o >= orderCount {
				return &ProblemError{Reason: fmt.Sprintf("unknown %v", o)}
			}
		}
		if len(orders) == 0 {
			return &ProblemError{Reason: "WithOrder without an order"}
		}
		s.orders, s.chosen, s.lattice = orders, true, false
		return nil
	}
}

// WithSeed sets the seed of random orders; it is 1 otherwise.
func WithSeed(seed uint64) Option {
	return func(s *settings) error {
		s.seed = seed
		return nil
	}
}

// WithBudget says how much time of one core to spend, roughly. It is spent by a model
// of costs and not by the clock, so that the same call gives the same colouring
// on every machine, with any number of workers. A lattice and the natural order are
// always tried. By default it is 2 microseconds an entry, from 1 to 250 ms, and a
// quarter of that where there is a lattice.
func WithBudget(d time.Duration) Option {
	return func(s *settings) error {
		if d <= 0 {
			return &ProblemError{Reason: fmt.Sprintf("budget of %v", d)}
		}
		s.budget = d
		return nil
	}
}

// WithWorkers sets how many goroutines work; GOMAXPROCS otherwise. The result does
// not depend on it.
func WithWorkers(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return &ProblemError{Reason: fmt.Sprintf("%d workers", n)}
		}
		s.workers = n
		return nil
	}
}

// WithGrid says that columns (and rows) are numbered along a grid of the given
// shape, the last axis fastest; several unknowns a cell are one more axis, first if
// they come one after the other, last if they are interleaved. Lattice colourings
// are then looked for on that grid instead of a guessed one. The result is verified
// in any case.
func WithGrid(shape ...int) Option {
	return func(s *settings) error {
		for _, n := range shape {
			if n < 1 {
				return &ProblemError{Reason: fmt.Sprintf("grid of shape %v", shape)}
			}
		}
		s.shape, s.lattice = shape, true
		return nil
	}
}

// WithoutLattice leaves lattices out.
func WithoutLattice() Option {
	return func(s *settings) error {
		s.lattice = false
		return nil
	}
}
