package cpu

// Inner products at the entries of a sparse matrix: each sum is made by one worker, by the
// tree that doc.go describes, so to the same bits as loops of tiles would. Those copy the
// rows that they gather, which takes several times as long.

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// sampled is the kernel.
type sampled struct {
	name              string
	row, col          int // operands, see kernels.SampledLists
	float, index      device.DType
	rows, cols, width int // of the dense matrices
	entries           int
	lead, a, b        []int
	copiers           []*kernel // of the operands, for those that are not dense
}

func newSampled(inst *kernels.Inst) kernels.Kernel {
	out, a, b := inst.Out[0], inst.In[0].Shape, inst.In[1].Shape
	n, la, lb := len(out.Shape)-1, len(a)-2, len(b)-2
	k := &sampled{name: inst.Name, float: out.DType, lead: out.Shape[:n], entries: out.Shape[n], rows: a[la], cols: b[lb], width: a[la+1]}
	if k.width == 0 || k.width > blockSize {
		return nil // to the loop
	}
	k.row, k.col = kernels.SampledLists()
	k.index = inst.In[k.row].DType
	k.a, k.b = leadStrides(a[:la], n, k.rows*k.width), leadStrides(b[:lb], n, k.cols*k.width)
	for _, i := range []int{0, 1, k.row, k.col} {
		for len(k.copiers) <= i {
			k.copiers = append(k.copiers, nil)
		}
		if k.copiers[i] = copier(inst.Name, inst.In[i], inst.In[i], -1, 0); k.copiers[i] == nil {
			return nil
		}
	}
	return dense(k.run)
}

// sampledCall is where the arrays of one example are.
type sampledCall struct{ row, col, a, b, y unsafe.Pointer }

// sampledJob is one call, shared out: each example in as many parts of as many entries.
type sampledJob struct {
	k      *sampled
	base   sampledCall
	parts  int
	cancel *atomic.Bool
	failure
}

var sampledJobs = sync.Pool{New: func() any { return new(sampledJob) }}

func (k *sampled) run(c *kernels.Call) error {
	examples := (kernels.Aval{Shape: k.lead}).Size()
	if examples*k.entries == 0 {
		return nil
	}
	j := sampledJobs.Get().(*sampledJob)
	defer func() {
		*j = sampledJob{}
		sampledJobs.Put(j)
	}()
	j.k, j.cancel = k, c.Cancel
	for _, o := range [...]struct {
		operand int
		at      *unsafe.Pointer
	}{{k.row, &j.base.row}, {k.col, &j.base.col}, {0, &j.base.a}, {1, &j.base.b}} {
		a, err := k.copiers[o.operand].densely(c, c.In[o.operand])
		if err != nil {
			return err
		}
		*o.at = a.Ptr
	}
	j.base.y = c.Out[0].Ptr
	nanos := float64(k.entries) * (entryNanos + columnNanos*float64(k.width))
	j.parts = int(nanos/mostPart) + 1
	if all := nanos * float64(examples); c.Workers != nil && c.Workers.N() > 1 && all > 2*grain {
		want := min(4*c.Workers.N(), int(all/grain))
		j.parts = max(j.parts, min((want+examples-1)/examples, k.entries))
	}
	if parts := j.parts * examples; parts == 1 || c.Workers == nil {
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

// Do does one part.
func (j *sampledJob) Do(part, _ int) {
	if j.cancel != nil && j.cancel.Load() {
		j.note(part, kernels.ErrCancelled)
		return
	}
	k, s, size := j.k, j.base, j.k.float.Size()
	example, at := part/j.parts, part%j.parts
	s.a = unsafe.Add(s.a, exampleAt(k.lead, k.a, example)*size)
	s.b = unsafe.Add(s.b, exampleAt(k.lead, k.b, example)*size)
	s.y = unsafe.Add(s.y, example*k.entries*size)
	j.note(part, k.entriesOf(&s, at*k.entries/j.parts, (at+1)*k.entries/j.parts))
}
