package tensor_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// tracer is the least interpreter: it notes each operation and carries it out
// one level down.
type tracer struct {
	log    *[]string
	unread bool
}

func (r tracer) Process(lv *tensor.Level, inst *kernels.Inst, in, out []*tensor.Tensor) {
	*r.log = append(*r.log, inst.Name)
	tensor.Dispatch(inst, lower(lv, in), out)
	for i, y := range out {
		if y.Err() == nil {
			out[i] = lv.Trace(y, nil, 0)
		}
	}
}

func (r tracer) Call(lv *tensor.Level, fn *tensor.Function, in []*tensor.Tensor) []*tensor.Tensor {
	*r.log = append(*r.log, fn.Name)
	out := fn.Apply(lower(lv, in))
	for i, y := range out {
		out[i] = lv.Trace(y, nil, 0)
	}
	return out
}

func (r tracer) Read(_ *tensor.Level, t *tensor.Tensor) (*tensor.Tensor, error) {
	if r.unread {
		return nil, &tensor.ReadError{Transformation: "test"}
	}
	return t.Primal(), nil
}

func lower(lv *tensor.Level, in []*tensor.Tensor) []*tensor.Tensor {
	low := make([]*tensor.Tensor, len(in))
	for i, t := range in {
		low[i] = t.Lower(lv)
	}
	return low
}

func TestDispatch(t *testing.T) {
	var outer, inner []string
	lo := tensor.Open("outer", tracer{log: &outer})
	hi := tensor.Open("inner", tracer{log: &inner})
	plain := tensor.New([]float64{1, 2})
	a := lo.Trace(plain, nil, 0)
	b := hi.Trace(a, nil, 0)

	y := a.Add(plain).Sum() // the outer level alone
	if !y.TracedAt(lo) {
		t.Error("the result is not at the outer level")
	}
	z := plain.Mul(b).Exp() // both, the inner one first
	if !z.TracedAt(hi) || !z.Primal().TracedAt(lo) || !z.Primal().Primal().Plain() {
		t.Error("the result is not at both levels")
	}
	w := a.Mul(b) // levels by value: the higher one sees it first
	if !w.TracedAt(hi) {
		t.Error("the lower level went first")
	}
	if got := fmt.Sprint(outer, inner); got != "[add sum mul exp mul] [mul exp mul]" {
		t.Errorf("dispatched %s", got)
	}
	check(t, w, tensor.Float64, []int{2}, 1, 4) // readers go down both levels
}

func TestClosedLevel(t *testing.T) {
	var log []string
	lv := tensor.Open("grad.Grad", tracer{log: &log})
	x := lv.Trace(tensor.Ones(2), nil, 0)
	lv.Close()
	fails[*tensor.EscapeError](t, x.Exp(), "exp", "a value traced by grad.Grad is used after grad.Grad has ended")
	_, err := x.Float64s()
	var escape *tensor.EscapeError
	if !errors.As(err, &escape) {
		t.Errorf("reading: %v", err)
	}
	fn := &tensor.Function{Name: "f"}
	if err := fn.Apply([]*tensor.Tensor{x})[0].Err(); !errors.As(err, &escape) {
		t.Errorf("a function: %v", err)
	}
}

func TestUnreadable(t *testing.T) {
	var log []string
	lv := tensor.Open("grad.Prepare", tracer{&log, true})
	x := lv.TraceAval(kernels.Aval{DType: tensor.Float64, Shape: []int{2}}, nil, 0)
	_, err := x.Float64s()
	var read *tensor.ReadError
	if !errors.As(err, &read) {
		t.Errorf("got %v", err)
	}
	if got := x.String(); got != "tensor(traced float64[2])" {
		t.Errorf("printed %q", got)
	}
}

func TestFunction(t *testing.T) {
	var log []string
	lv := tensor.Open("test", tracer{log: &log})
	fn := &tensor.Function{Name: "double", Run: func(x []*tensor.Tensor) []*tensor.Tensor {
		return []*tensor.Tensor{x[0].MulScalar(2), x[0].Neg()}
	}}
	x := tensor.New([]float64{1, 2})
	out := fn.Apply([]*tensor.Tensor{lv.Trace(x, nil, 0)})
	check(t, out[0], tensor.Float64, []int{2}, 2, 4)
	check(t, out[1], tensor.Float64, []int{2}, -1, -2)
	if !slices.Equal(log, []string{"double"}) {
		t.Errorf("dispatched %v", log)
	}
	bad := tensor.Zeros(-1)
	if got := fn.Apply([]*tensor.Tensor{bad})[0].Err(); got != bad.Err() {
		t.Errorf("an error did not stick: %v", got)
	}
	if got := fn.Apply([]*tensor.Tensor{nil})[0].Err(); !errors.Is(got, tensor.ErrNil) {
		t.Errorf("nil: %v", got)
	}
}

// Moving a traced tensor is a function to interpreters, and its derivative moves back.
func TestToIsTraced(t *testing.T) {
	var log []string
	lv := tensor.Open("test", tracer{log: &log})
	x := lv.Trace(tensor.New([]float64{1, 2}, tensor.On(open(t, "cpu"))), nil, 0)
	y := x.To(open(t, "ref"))
	if !slices.Equal(log, []string{"to"}) || y.Device() != open(t, "ref") || !y.TracedAt(lv) {
		t.Errorf("dispatched %v to %v", log, y.Device())
	}
	if z := x.To(open(t, "cpu")); z != x {
		t.Error("a tensor that is there already was moved")
	}
}

func TestBuilder(t *testing.T) {
	b := tensor.Builder{}
	x := tensor.New([]float64{1, 2})
	sum := b.Apply(kernels.Sum, kernels.AxesOf(false), x)[0].(*tensor.Tensor)
	check(t, sum, tensor.Float64, []int{}, 3)
	full := b.Full(2, kernels.Aval{DType: tensor.Float32, Shape: []int{2, 2}}).(*tensor.Tensor)
	check(t, full, tensor.Float32, []int{2, 2}, 2, 2, 2, 2)
	mean := b.Apply(kernels.Mean, kernels.AxesOf(false), x)[0].(*tensor.Tensor)
	check(t, mean, tensor.Float64, []int{}, 1.5)
	// A rule may index the results of what failed.
	failed := b.Apply(kernels.Sum, kernels.AxesOf(false, 7), x)
	if len(failed) < 2 || failed[1].(*tensor.Tensor).Err() == nil {
		t.Errorf("%d results of a failure", len(failed))
	}
	broken := errors.New("broken")
	if err := b.Fail(broken).(*tensor.Tensor).Err(); !errors.Is(err, broken) {
		t.Errorf("Fail: %v", err)
	}
}

func TestAccumulate(t *testing.T) {
	x, y := tensor.New([]float64{1, 2}), tensor.New([]float64{10, 20})
	inst, err := kernels.Mul.Inst(nil, x.Aval(), y.Aval())
	if err != nil {
		t.Fatal(err)
	}
	var e tensor.Evaluator
	acc := tensor.New([]float64{100, 200})
	e.Accumulate(inst, []*tensor.Tensor{x, y}, acc)
	check(t, acc, tensor.Float64, []int{2}, 110, 240)
	if sum := e.Add(acc, acc, x); sum != acc {
		t.Error("the sum is elsewhere")
	}
	check(t, acc, tensor.Float64, []int{2}, 111, 242)
	sum := e.Add(nil, acc, x)
	check(t, sum, tensor.Float64, []int{2}, 112, 244)
	check(t, acc, tensor.Float64, []int{2}, 111, 242)

	if !tensor.Writable(acc) {
		t.Error("a fresh tensor is not writable")
	}
	var log []string
	lv := tensor.Open("test", tracer{log: &log})
	refused := map[string]*tensor.Tensor{
		"traced": lv.Trace(acc, nil, 0), "constant": tensor.Builder{}.Full(0, x.Aval()).(*tensor.Tensor),
		"strided": tensor.New([][]float64{{1, 2}, {3, 4}}).T().At(0),
		"failed":  tensor.Zeros(-1), "integers": tensor.New([]int{1, 2}),
	}
	if w := tensor.Wrap([]float64{1, 2}); w.Borrowed() {
		refused["borrowed"] = w
	}
	for name, c := range refused {
		if tensor.Writable(c) {
			t.Errorf("a %s tensor is writable", name)
		}
	}
}

// TestDirect: a value that a level traces over a plain one is computed with as it
// is, and a marked one is its own box.
func TestDirect(t *testing.T) {
	for _, n := range []int{2, 1000} { // on the Go heap and in a buffer
		var log []string
		lo, hi := tensor.Open("outer", tracer{log: &log}), tensor.Open("inner", tracer{log: &log})
		x := tensor.Full(3, []int{n})
		box := lo.Trace(x, nil, 0)
		inst, err := kernels.Square.Inst(nil, x.Aval())
		if err != nil {
			t.Fatal(err)
		}
		var e tensor.Evaluator
		var out [1]*tensor.Tensor
		e.EvalAt(lo, 7, inst, []*tensor.Tensor{box}, out[:])
		y := out[0]
		if !box.Direct(lo) || box.Direct(hi) || hi.Trace(box, nil, 0).Direct(hi) {
			t.Error("what is direct at which level")
		}
		if !y.TracedAt(lo) || y.Ref() != 7 || !y.Direct(lo) || y.Lower(hi) != y {
			t.Error("a marked tensor is not traced")
		}
		low := y.Lower(lo)
		tensor.Free(box) // what it has is its primal's
		tensor.Free(y)   // low holds the memory
		if v := low.At(n - 1).Float(); v != 9 || x.At(0).Float() != 3 {
			t.Errorf("the marked tensor's value is %v", v)
		}
		lo.Close()
		fails[*tensor.EscapeError](t, y.Exp(), "exp", "a value traced by outer is used after outer has ended")
		e.Eval(inst, []*tensor.Tensor{low}, out[:], low) // over its own operand
		check(t, low.At(0), tensor.Float64, []int{}, 81)
		if len(log) > 0 {
			t.Errorf("dispatched %v", log)
		}
	}
}
