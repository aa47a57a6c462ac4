// Compiled functions: a prepared program for each kind of argument that comes along.

package grad

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// defaultPrograms is how many programs a function keeps unless told otherwise.
const defaultPrograms = 16

// KeepPrograms, for [Compiled], bounds the programs that are kept: 16 unless told
// otherwise, and at least one.
func KeepPrograms(n int) Option { return func(o *options) { o.keep = max(n, 1) } }

// Programs is a function for which a program is prepared whenever it is called with an
// argument of another kind: other shapes, dtypes or device, other lengths, keys or nils,
// or other values (as reflect.DeepEqual compares them) beside the tensors; one with
// functions or NaNs among these is a kind of its own each time. The programs that were
// used last are kept, as many as [KeepPrograms] says. It may be used by several goroutines
// at once, which wait for a program that one of them is preparing.
//
// What the function captures is as in [Prepared]; [Programs.Forget] has it recorded anew.
type Programs[P, Q any] struct {
	f    func(P) Q
	opts options

	mu   sync.Mutex
	list []*entry[P, Q] // the one used last first
}

// entry is a program of a cache.
type entry[P, Q any] struct {
	p     *Prepared[P, Q]
	ready chan struct{} // closed when it is prepared, or has failed
	err   error
	users int  // calls that have it in hand
	gone  bool // no longer in the list
}

// Compiled returns f as programs that are prepared when they are first needed, for callers
// whose shapes vary: a batch that is not full, documents of several lengths. With one
// shape, or few that are known, use [Prepare].
func Compiled[P, Q any](f func(P) Q, opts ...Option) *Programs[P, Q] {
	return &Programs[P, Q]{f: f, opts: gather(opts)}
}

// Run is [Prepared.Run] of the program for x. Errors: those of [Prepare], too.
func (c *Programs[P, Q]) Run(ctx context.Context, x P) (Q, error) {
	e, err := c.take(ctx, x)
	if err != nil {
		var none Q
		return none, err
	}
	defer c.put(e)
	return e.p.Run(ctx, x)
}

// RunInto is [Prepared.RunInto] of the program for x. Errors: those of [Prepare], too.
func (c *Programs[P, Q]) RunInto(ctx context.Context, dst Q, x P) error {
	e, err := c.take(ctx, x)
	if err != nil {
		return err
	}
	defer c.put(e)
	return e.p.RunInto(ctx, dst, x)
}

// Call is [Prepared.Call] of the program for x: a function that can be transformed. Where
// no program can be prepared it is f(x).
func (c *Programs[P, Q]) Call(x P) Q {
	e, err := c.take(context.Background(), x)
	if err != nil {
		return c.f(x)
	}
	defer c.put(e)
	return e.p.Call(x)
}

// Len returns how many programs are kept.
func (c *Programs[P, Q]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.list)
}

// Forget closes all programs, once the runs in progress have ended. Later calls prepare
// new ones.
func (c *Programs[P, Q]) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.list) > 0 {
		c.drop(len(c.list) - 1)
	}
}

// take returns the program for x, preparing it if need be.
func (c *Programs[P, Q]) take(ctx context.Context, x P) (*entry[P, Q], error) {
	e, mine, err := c.find(x)
	if err != nil {
		return nil, err
	}
	if mine {
		e.begin()
	}
	select {
	case <-e.ready:
		err = e.err
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		return e, nil
	}
	if mine && e.err != nil { // another time it may be otherwise
		c.mu.Lock()
		if i := slices.Index(c.list, e); i >= 0 {
			c.drop(i)
		}
		c.mu.Unlock()
	}
	c.put(e)
	return nil, err
}

// begin prepares the program, for all who wait for it.
func (e *entry[P, Q]) begin() {
	defer close(e.ready)
	e.err = e.p.first()
}

// find returns the entry for x, in use, and puts it first; mine tells that the caller is
// to prepare its program.
func (c *Programs[P, Q]) find(x P) (e *entry[P, Q], mine bool, err error) {
	leaves, err := leavesOf(x, nil)
	if err != nil {
		return nil, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.list, func(e *entry[P, Q]) bool { return fits(e.p, x, leaves) })
	if i >= 0 {
		e = c.list[i]
		copy(c.list[1:i+1], c.list[:i])
		c.list[0] = e
	} else {
		p, err := newPrepared(c.f, x, c.opts)
		if err != nil {
			return nil, false, err
		}
		e, mine = &entry[P, Q]{p: p, ready: make(chan struct{})}, true
		c.list = slices.Insert(c.list, 0, e)
		if len(c.list) > c.opts.keep {
			c.drop(len(c.list) - 1)
		}
	}
	e.users++
	return e, mine, nil
}

// drop takes entry i off the list.
func (c *Programs[P, Q]) drop(i int) {
	e := c.list[i]
	c.list = slices.Delete(c.list, i, i+1)
	e.gone = true
	e.close()
}

// put ends a use.
func (c *Programs[P, Q]) put(e *entry[P, Q]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.users--
	e.close()
}

// close closes the program if nobody needs it any more.
func (e *entry[P, Q]) close() {
	if e.gone && e.users == 0 && e.p.rec.Load() != nil {
		e.p.Close()
	}
}

// fits reports whether a program is for arguments of x's kind.
func fits[P, Q any](p *Prepared[P, Q], x P, leaves []*tensor.Tensor) bool {
	if !p.fits(leaves) {
		return false
	}
	switch any(&x).(type) {
	case **tensor.Tensor, *[]*tensor.Tensor:
		return true
	}
	if rowOf[P]() == len(leaves) && len(leaves) > 0 {
		return true
	}
	return slices.Equal(p.in.paths, pathsOf(x)) && reflect.DeepEqual(hollow(x, len(leaves)), p.like)
}

// fits reports whether leaves are of the types, and on the device, of the program's.
func (p *program) fits(leaves []*tensor.Tensor) bool {
	if !slices.EqualFunc(leaves, p.args, func(t *tensor.Tensor, a kernels.Aval) bool {
		return t.Err() == nil && kernels.EqualAval(t.Aval(), a)
	}) {
		return false
	}
	dev, err := deviceOf(leaves)
	return err == nil && dev == p.dev
}
