// Binding a run: the memory of its arguments and destinations, checked.

package grad

import (
	"sync"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// frame holds the arguments and destinations of one run.
type frame struct {
	in, out   []*tensor.Tensor // parts of tensors
	ins, outs []*kernels.Array // parts of arrays

	tensors []*tensor.Tensor
	arrays  []*kernels.Array
}

// clear makes the frame one of n arguments and m destinations that are not known yet.
func (f *frame) clear(n, m int) {
	if len(f.tensors) != n+m {
		f.tensors, f.arrays = make([]*tensor.Tensor, n+m), make([]*kernels.Array, n+m)
	}
	f.in, f.out = f.tensors[:0:n], f.tensors[n:n]
	f.ins, f.outs = f.arrays[:0:n], f.arrays[n:n]
}

// forget forgets the tensors.
func (f *frame) forget() {
	clear(f.tensors)
	clear(f.arrays)
	f.in, f.out, f.ins, f.outs = nil, nil, nil, nil
}

// frameStack keeps frames for later runs: one where it costs least to take it, for runs
// one after the other, and a list. It is no sync.Pool, which would forget them at every
// collection.
type frameStack struct {
	next atomic.Pointer[frame]
	mu   sync.Mutex
	free []*frame
}

func (s *frameStack) take() *frame {
	if f := s.next.Swap(nil); f != nil {
		return f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		f := s.free[n-1]
		s.free = s.free[:n-1]
		return f
	}
	return new(frame)
}

func (s *frameStack) put(f *frame) {
	f.forget()
	if s.next.CompareAndSwap(nil, f) {
		return
	}
	s.mu.Lock()
	s.free = append(s.free, f)
	s.mu.Unlock()
}

// arguments fills the frame with the memory of x.
func (p *Prepared[P, Q]) arguments(f *frame, r *recording[Q], x P) (err error) {
	f.clear(len(p.args), len(r.outs))
	if f.in, err = p.in.leaves(x, f.in); err != nil {
		return err
	}
	dev := r.program.Device()
	for i, t := range f.in {
		a, at := tensor.Memory(t)
		if a == nil || !kernels.EqualAval(a.Aval, p.args[i]) || at != nil && at != dev {
			return p.unfit(i, t, dev)
		}
		f.ins = append(f.ins, a)
	}
	return nil
}

// unfit returns what is wrong with leaf i of an argument.
func (p *Prepared[P, Q]) unfit(i int, t *tensor.Tensor, dev device.Device) error {
	if err := p.in.check(i, t, p.args[i]); err != nil {
		return err
	}
	if a, at := tensor.Memory(t); a != nil {
		return &ArgumentError{Path: p.in.paths[i], Err: elsewhere(dev, at)}
	}
	return &ArgumentError{Path: p.in.paths[i], Reason: "is traced by a transformation: use Call inside of one"}
}

// check returns an *ArgumentError where leaf i is not of the type of the program.
func (t *leafTree[P]) check(i int, x *tensor.Tensor, want kernels.Aval) error {
	err := x.Err()
	if err == nil {
		err = typeError(x.Aval(), want)
	}
	if err != nil {
		return &ArgumentError{Path: t.paths[i], Err: err}
	}
	return nil
}

func elsewhere(dev, at device.Device) error {
	return &tensor.DeviceError{Device: dev.Name(), Reason: "the program runs there, but this tensor lives on " + at.Name() + "; move it with To"}
}

// fresh fills the frame with new tensors for the results.
func (r *recording[Q]) fresh(f *frame) error {
	for _, a := range r.outs {
		t := tensor.Empty(r.program.Device(), a)
		if err := t.Err(); err != nil {
			return err
		}
		arr, _ := tensor.Memory(t)
		f.out, f.outs = append(f.out, t), append(f.outs, arr)
	}
	return nil
}

// destinations fills the frame with the memory of dst.
func (r *recording[Q]) destinations(f *frame, dst Q) (err error) {
	if f.out, err = r.out.leaves(dst, f.out); err != nil {
		if ae, ok := err.(*ArgumentError); ok {
			return &DestinationError{Path: ae.Path, Reason: ae.Reason, Err: ae.Err}
		}
		return err
	}
	dev := r.program.Device()
	for i, t := range f.out {
		a, at := tensor.Memory(t)
		if a == nil || !kernels.EqualAval(a.Aval, r.outs[i]) || at != nil && at != dev || !a.Dense() {
			return r.unfit(i, t, dev)
		}
		f.outs = append(f.outs, a)
	}
	return nil
}

// unfit returns what is wrong with leaf i of a destination.
func (r *recording[Q]) unfit(i int, t *tensor.Tensor, dev device.Device) error {
	path := r.out.paths[i]
	if err := t.Err(); err != nil {
		return &DestinationError{Path: path, Err: err}
	}
	a, at := tensor.Memory(t)
	switch {
	case a == nil:
		return &DestinationError{Path: path, Reason: "is traced by a transformation"}
	case at != nil && at != dev:
		return &DestinationError{Path: path, Err: elsewhere(dev, at)}
	}
	if err := typeError(a.Aval, r.outs[i]); err != nil {
		return &DestinationError{Path: path, Err: err}
	}
	return &DestinationError{Path: path, Reason: "is not dense: its elements do not lie one after the other"}
}
