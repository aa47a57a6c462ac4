// Running.

package jacobian

import (
	"context"
	"math"
	"time"
)

// Run computes the values at x, in the order of [Prepared.Output], into the memory
// of the caller's. It allocates nothing once as many runs as there are now have been in
// progress at the same time.
//
// Errors: a *sparse.SizeError for values of the wrong length, those of
// grad.Prepared.RunInto, the context's.
func (p *Prepared[P]) Run(ctx context.Context, x P, values []float64) error {
	if err := p.check(values); err != nil {
		return err
	}
	start := time.Now()
	if err := p.run(ctx, x, values); err != nil {
		return err
	}
	p.note(time.Since(start).Seconds())
	return nil
}

// note keeps the time of the fastest run.
func (p *Prepared[P]) note(t float64) {
	for {
		old := p.fastest.Load()
		if old != 0 && math.Float64frombits(old) <= t || p.fastest.CompareAndSwap(old, math.Float64bits(t)) {
			return
		}
	}
}
