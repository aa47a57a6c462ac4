// Stacks: results with a row for each step of a loop, of which nobody knows
// beforehand how many there will be. They lie outside of the arena in memory that
// doubles when it is full.

package graph

import (
	"fmt"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// StackError tells that the residuals of a loop, which a derivative of it needs, do
// not fit their limit.
type StackError struct {
	Limit int // bytes
	Steps int // for so many steps there was room
}

func (e *StackError) Error() string {
	return fmt.Sprintf("the residuals of %d steps of the loop fill their limit of %d bytes, and it has not ended", e.Steps, e.Limit)
}

// StepsError tells that a loop did not end in as many steps as it may take.
type StepsError struct{ Limit int }

func (e *StepsError) Error() string {
	return fmt.Sprintf("the loop has not ended after %d steps, its limit", e.Limit)
}

// findStacks finds the results that grow: those with a row for each step of a loop
// of unknown length, where nothing but scans read them, row by row.
func (l *layout) findStacks() {
	grows := map[Ref]bool{}
	for _, i := range l.steps {
		x := &l.g.Instrs[i]
		if c := ControlOf(x.Inst); c != nil && c.Dynamic() {
			for k := range c.Ys {
				grows[x.Out+Ref(c.FirstY()+k)] = true
			}
		}
	}
	if len(grows) == 0 {
		return
	}
	for _, i := range l.steps {
		c := ControlOf(l.g.Instrs[i].Inst)
		for k, v := range l.g.Args(int(i)) {
			if rows := c != nil && c.Counted && k >= c.Consts+c.Carries && k < c.Consts+c.Carries+c.Xs; !rows {
				delete(grows, l.at[v].root)
			}
		}
	}
	for _, v := range l.g.Outputs {
		delete(grows, l.at[v].root)
	}
	for v := range Ref(l.g.NumValues()) {
		if grows[v] {
			l.at[v].source, l.at[v].index = ofStack, int32(len(l.stacks))
			l.stacks = append(l.stacks, v)
		}
	}
}

// stack is the memory of a result that grows.
type stack struct {
	buf   *device.Buffer
	rows  int // that there is room for
	row   int // bytes
	most  int // rows
	views []external
}

// firstRows is how many rows a stack begins with.
const firstRows = 64

// reserve makes room for n rows and keeps those that there are.
func (s *stack) reserve(dev device.Device, move kernels.Mover, n int) error {
	if n <= s.rows {
		return nil
	}
	rows := min(max(firstRows, 2*s.rows, n), s.most)
	buf, err := dev.Alloc(max(rows*s.row, 1))
	if err != nil {
		return err
	}
	if s.buf != nil {
		kept := kernels.Aval{DType: device.Bool, Shape: []int{s.rows * s.row}} // bytes
		to := kernels.Array{Aval: kept, Ptr: buf.Ptr(), Buf: buf}
		from := kernels.Array{Aval: kept, Ptr: s.buf.Ptr(), Buf: s.buf}
		if err := move.Copy(to, from); err != nil {
			buf.Release()
			return err
		}
		s.buf.Release()
	}
	s.buf, s.rows = buf, rows
	return nil
}

// point tells the values that view the stack where it is now.
func (s *stack) point(values []kernels.Array) {
	if s.buf == nil {
		return
	}
	for _, x := range s.views {
		v := &values[x.value]
		v.Ptr, v.Buf = unsafe.Add(s.buf.Ptr(), x.offset), s.buf
	}
}
