// The suite: every case of every op.

package spec

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Options narrow or loosen a run.
type Options struct {
	Ops     []string        // the names of those to test; nil: all
	Part    int             // which part of them, from 0 on, where there are several
	Parts   int             // how many parts they are divided into; 0: one
	Loose   float64         // a factor to all tolerances; 0: 1
	Workers *device.Workers // what the backend's kernels are given; nil: none
	Device  device.Device   // whose memory and stream the backend's kernels run in; nil: Go's memory, at once
}

// The tolerances of a value in float64 where a case gives none, as a part of
// the largest element; float32's are larger by the ratio of the precisions, and
// those of each order of derivative by derivativeFactor.
const (
	defaultTol       = 2e-14
	float32Factor    = 1 << 29
	derivativeFactor = 10
)

// Counts are what a run tested.
type Counts struct {
	Ops, Cases, Bad, Compared, SecondOrder, Fallbacks int
}

// Run tests the backend of the given name. The ops that it leaves to ref are
// listed in the log.
func Run(t *testing.T, backend string, o Options) Counts {
	id, ok := kernels.BackendID(backend)
	if !ok {
		t.Fatalf("spec: no backend %q, there are %q", backend, kernels.BackendNames())
	}
	refID, ok := kernels.BackendID("ref")
	if !ok {
		t.Fatal("spec: the backend ref is not imported")
	}
	var total Counts
	var fallbacks []string
	for i, op := range kernels.Ops() {
		if o.Ops != nil && !slices.Contains(o.Ops, op.Name) || i%max(1, o.Parts) != o.Part {
			continue
		}
		t.Run(op.Name, func(t *testing.T) {
			n := Counts{Ops: 1}
			cases := op.Cases()
			for i := range cases {
				c := &cases[i]
				n.Cases++
				if c.Bad != "" {
					n.Bad++
				}
				name := fmt.Sprintf("%s case %d (%s)", op.Name, i, c.Name)
				for _, float := range floats(c) {
					r := &runner{name: name, op: op, c: c, float: float, counts: &n}
					r.got, r.ref = eager{id, o.Workers, o.Device}, eager{backend: refID}
					r.tol = tolerance(c, float) * max(o.Loose, 1)
					r.errorf = func(format string, args ...any) {
						t.Errorf("case %d (%s) %v: %s", i, c.Name, float, fmt.Sprintf(format, args...))
					}
					r.run()
				}
			}
			if n.Fallbacks > 0 && id != refID {
				fallbacks = append(fallbacks, op.Name)
			}
			total.add(n)
		})
	}
	if o.Ops == nil && o.Part == 0 {
		t.Run("singular points", func(t *testing.T) { checkSingular(t, eager{id, o.Workers, o.Device}) })
	}
	t.Logf("%s: %d ops, %d cases (%d bad inputs), %d results compared, %d second derivatives",
		backend, total.Ops, total.Cases, total.Bad, total.Compared, total.SecondOrder)
	if len(fallbacks) > 0 {
		t.Logf("%s leaves to ref: %s", backend, strings.Join(fallbacks, " "))
	}
	return total
}

func (n *Counts) add(m Counts) {
	n.Ops += m.Ops
	n.Cases += m.Cases
	n.Bad += m.Bad
	n.Compared += m.Compared
	n.SecondOrder += m.SecondOrder
	n.Fallbacks += m.Fallbacks
}

// floats returns the float types in which a case is run.
func floats(c *kernels.Case) []device.DType {
	generic := slices.ContainsFunc(c.In, func(s kernels.Sample) bool { return s.DType == "" })
	if c.Only64 || !generic {
		return []device.DType{device.Float64}
	}
	return []device.DType{device.Float64, device.Float32}
}

func tolerance(c *kernels.Case, float device.DType) float64 {
	tol := c.Tol
	if tol == 0 {
		tol = defaultTol
	}
	if float == device.Float32 {
		tol *= float32Factor
	}
	return tol
}

// runner tests one case in one float type.
type runner struct {
	name     string
	op       *kernels.Op
	c        *kernels.Case
	float    device.DType
	tol      float64
	got, ref eager
	counts   *Counts
	operands []*value
	want     kernels.Mask // the operands that have derivatives
	inst     *kernels.Inst
	large    bool // too large for differences, second derivatives and batches
	errorf   func(format string, args ...any)
}

func (r *runner) run() {
	defer func() {
		if p := recover(); p != nil {
			r.errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	avals := make([]kernels.Aval, len(r.c.In))
	for i, s := range r.c.In {
		avals[i] = kernels.Aval{DType: r.float, Shape: s.Shape}
		if s.DType != "" {
			avals[i].DType = dtypes[s.DType]
		}
	}
	var err error
	if r.inst, err = r.op.Inst(r.c.Attr, avals...); err != nil {
		r.checkBad(err)
		return
	}
	r.operands = operands(r.c, r.float, r.op.Name, r.c.Name)
	total := 0
	for i, s := range r.c.In {
		total += avals[i].Size()
		if avals[i].DType.IsFloat() && !s.Fixed {
			r.want |= 1 << i
		}
	}
	r.large = total > 1000
	if r.c.Bad != "" {
		r.checkBad(firstErr(r.apply(r.got, vals(r.operands))))
		return
	}
	if k := r.inst.Kernel(r.got.backend); k != nil && strings.Contains(reflect.TypeOf(k).String(), "ref.") {
		r.counts.Fallbacks++
	}
	r.checkValue()
	r.checkDerivatives()
	if r.got.backend == r.ref.backend {
		r.checkDifferences()
		r.checkFloat32()
	} else {
		r.checkAgainstRef()
	}
	r.checkLayouts()
	r.checkBatch()
	r.checkAdd()
	r.checkInPlace()
}

// apply is the case's function.
func (r *runner) apply(b kernels.Builder, x []kernels.Val) []kernels.Val {
	return b.Apply(r.op, r.c.Attr, x...)
}

func vals(list []*value) []kernels.Val {
	x := make([]kernels.Val, len(list))
	for i, v := range list {
		x[i] = v
	}
	return x
}

func firstErr(list []kernels.Val) error {
	for _, v := range list {
		if v, ok := v.(*value); ok && v.err != nil {
			return v.err
		}
	}
	return nil
}

// checkBad compares an error with the text that the case demands, and sees that
// it is a typed one.
func (r *runner) checkBad(err error) {
	switch {
	case r.c.Bad == "":
		r.errorf("%v", err)
		return
	case err == nil:
		r.errorf("no error, want %q", r.c.Bad)
		return
	case !strings.Contains(err.Error(), r.c.Bad):
		r.errorf("error %q, want %q", err, r.c.Bad)
	}
	r.counts.Compared++
	var (
		shape *kernels.ShapeError
		dtype *kernels.DTypeError
		attr  *kernels.AttrError
		index *kernels.IndexError
	)
	if !errors.As(err, &shape) && !errors.As(err, &dtype) && !errors.As(err, &attr) && !errors.As(err, &index) {
		r.errorf("error %q is of no type of its own", err)
	}
}
