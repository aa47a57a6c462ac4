package cpu

// Products with sparse matrices: rows are shared out by their entries, and each sum is
// made by one worker, in the order of the entries.

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// sparse is the kernel of a product.
type sparse struct {
	name             string
	start, at, entry int // operands, see kernels.SparseLists
	float, index     device.DType
	rows, width      int // of a result
	meets, entries   int // rows of the dense matrix, entries of the sparse one
	lead, values, x  []int
	copiers          []*kernel // of the operands, for those that are not dense
}

func newSparse(inst *kernels.Inst) kernels.Kernel {
	k := &sparse{name: inst.Name, float: inst.Out[0].DType}
	k.start, k.at, k.entry = kernels.SparseLists(inst)
	k.index = inst.In[k.start].DType
	values, x, out := inst.In[0].Shape, inst.In[1].Shape, inst.Out[0].Shape
	n := len(out) - 2
	k.lead, k.rows, k.width = out[:n], out[n], out[n+1]
	k.entries, k.meets = values[len(values)-1], x[len(x)-2]
	k.values, k.x = leadStrides(values[:len(values)-1], n, k.entries), leadStrides(x[:len(x)-2], n, k.meets*k.width)
	for _, a := range inst.In {
		c := copier(inst.Name, a, a, -1, 0)
		if c == nil {
			return nil
		}
		k.copiers = append(k.copiers, c)
	}
	return dense(k.run)
}

// leadStrides returns how far apart the examples of a dense operand are along each of n
// leading dimensions, 0 along those that it is repeated along.
func leadStrides(lead []int, n, size int) []int {
	strides := make([]int, n)
	for d := len(lead) - 1; d >= 0; d-- {
		if lead[d] != 1 {
			strides[n-len(lead)+d] = size
		}
		size *= lead[d]
	}
	return strides
}

// exampleAt returns where an example begins, by the strides of the leading dimensions.
func exampleAt(lead, strides []int, example int) (at int) {
	for d := len(lead) - 1; d >= 0; d-- {
		at += example % lead[d] * strides[d]
		example /= lead[d]
	}
	return at
}

// sparseCall is where the arrays of one example are.
type sparseCall struct{ start, at, entry, values, x, y unsafe.Pointer }

// sparseJob is one call, shared out: each example in as many parts, which begin at rows.
type sparseJob struct {
	k      *sparse
	base   sparseCall
	rows   []int
	cancel *atomic.Bool
	failure
}

// failure is the error of the first part that failed.
type failure struct {
	mu   sync.Mutex
	err  error
	part int
}

func (f *failure) note(part int, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	if f.err == nil || part < f.part {
		f.err, f.part = err, part
	}
	f.mu.Unlock()
}

var sparseJobs = sync.Pool{New: func() any { return new(sparseJob) }}

func (k *sparse) run(c *kernels.Call) error {
	examples := (kernels.Aval{Shape: k.lead}).Size()
	if examples*k.rows*k.width == 0 {
		return nil
	}
	j := sparseJobs.Get().(*sparseJob)
	defer func() {
		*j = sparseJob{rows: j.rows[:0]}
		sparseJobs.Put(j)
	}()
	j.k, j.cancel = k, c.Cancel
	for _, o := range [...]struct {
		operand int
		at      *unsafe.Pointer
	}{{k.start, &j.base.start}, {k.at, &j.base.at}, {k.entry, &j.base.entry}, {0, &j.base.values}, {1, &j.base.x}} {
		if o.operand < 0 {
			continue
		}
		a, err := k.copiers[o.operand].densely(c, c.In[o.operand])
		if err != nil {
			return err
		}
		*o.at = a.Ptr
	}
	j.base.y = c.Out[0].Ptr
	j.share(c, examples)
	if parts := (len(j.rows) - 1) * examples; parts == 1 || c.Workers == nil {
		for p := range parts {
			if j.Do(p, 0); j.err != nil {
				break
			}
		}
	} else {
		c.Workers.Run(j, parts)
	}
	return j.err
}

// Nanoseconds of an entry, and of each of its columns: of what lies in caches. A part
// takes at most mostPart, so that a call can be cancelled.
const (
	entryNanos  = 1.2
	columnNanos = 0.2
	mostPart    = 2e6
)

// share finds the rows at which the parts of an example begin: of as many entries, a row
// itself counted as one.
func (j *sparseJob) share(c *kernels.Call, examples int) {
	k := j.k
	work := k.entries + k.rows
	nanos := float64(work) * (entryNanos + columnNanos*float64(k.width))
	parts := int(nanos/mostPart) + 1
	if all := nanos * float64(examples); c.Workers != nil && c.Workers.N() > 1 && all > 2*grain {
		want := min(4*c.Workers.N(), int(all/grain))
		parts = max(parts, min((want+examples-1)/examples, k.rows))
	}
	j.rows = append(j.rows[:0], 0)
	for p := 1; p < parts; p++ {
		at, end := j.rows[p-1], k.rows
		for before := p * work / parts; at < end; { // the first row with as much before it
			if mid := (at + end) / 2; k.startOf(&j.base, mid)+mid < before {
				at = mid + 1
			} else {
				end = mid
			}
		}
		j.rows = append(j.rows, at)
	}
	j.rows = append(j.rows, k.rows)
}

// startOf returns where a row's entries begin.
func (k *sparse) startOf(s *sparseCall, row int) int {
	if k.index == device.Int32 {
		return int(*(*int32)(unsafe.Add(s.start, 4*row)))
	}
	return int(*(*int64)(unsafe.Add(s.start, 8*row)))
}

// Do does one part.
func (j *sparseJob) Do(part, _ int) {
	if j.cancel != nil && j.cancel.Load() {
		j.note(part, kernels.ErrCancelled)
		return
	}
	k, s, per, size := j.k, j.base, len(j.rows)-1, j.k.float.Size()
	example := part / per
	s.values = unsafe.Add(s.values, exampleAt(k.lead, k.values, example)*size)
	s.x = unsafe.Add(s.x, exampleAt(k.lead, k.x, example)*size)
	s.y = unsafe.Add(s.y, example*k.rows*k.width*size)
	j.note(part, k.sparseRows(&s, j.rows[part%per], j.rows[part%per+1]))
}
