package tensor_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/tensor"
)

func TestErrorText(t *testing.T) {
	x, where := tensor.Zeros(2, 3).Add(tensor.New([]int32{1, 2})), caller(0)
	want := where + ": add: shapes do not broadcast [operands float64[2 3], int32[2]]"
	if got := x.Err().Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The first error of a chain is what every later tensor and reader tells.
func TestErrorsStick(t *testing.T) {
	first := tensor.Zeros(2).Add(tensor.Zeros(3))
	err := first.Err()
	good := tensor.Ones(2)
	later := map[string]*tensor.Tensor{
		"unary": first.Exp(), "left": first.Add(good), "right": good.Add(first), "third": tensor.Where(good.Gt(good), good, first),
		"composite": first.Mean(), "list": tensor.Concat(0, good, first), "chain": first.Exp().Sum().MulScalar(2).T().At(1),
		"like": tensor.ZerosLike(first), "cast": first.Cast(tensor.Int32), "to": first.To(open(t, "ref")),
		"gather": good.Take(0, first), "equation": tensor.Einsum("i,i", good, first),
	}
	for name, x := range later {
		if x.Err() != err {
			t.Errorf("%s: %v", name, x.Err())
		}
	}
	second := tensor.Zeros(-1)
	if got := second.Add(first).Err(); got != second.Err() {
		t.Errorf("of two errors the second: %v", got)
	}
	_, item := first.Item()
	_, all := first.Float64s()
	_, data := tensor.Data[float64](first)
	for name, got := range map[string]error{"Item": item, "Float64s": all, "Data": data, "Wait": first.Wait(t.Context())} {
		if got != err {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !math.IsNaN(first.Float()) || first.Device() != nil || first.Size() != 1 || first.Rank() != 0 {
		t.Error("a failed tensor is a bool of rank 0 on no device")
	}
}

// Every exported method works on a nil tensor: it returns ErrNil, or a zero.
func TestNilTensor(t *testing.T) {
	var none *tensor.Tensor
	v := reflect.ValueOf(none)
	skip := map[string]bool{"Format": true} // printing is tested with formats
	for i := range v.NumMethod() {
		m := v.Type().Method(i)
		if skip[m.Name] {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			args := make([]reflect.Value, 0, 3)
			typ := v.Method(i).Type()
			n := typ.NumIn()
			if typ.IsVariadic() {
				n--
			}
			for k := range n {
				args = append(args, reflect.Zero(typ.In(k)))
			}
			for _, out := range v.Method(i).Call(args) {
				switch out := out.Interface().(type) {
				case *tensor.Tensor:
					if out == nil && (m.Name == "Lower" || m.Name == "Primal" || m.Name == "Aux") {
						continue
					}
					if !errors.Is(out.Err(), tensor.ErrNil) {
						t.Errorf("it returns %v", out)
					}
				case error:
					if !errors.Is(out, tensor.ErrNil) {
						t.Errorf("it returns %v", out)
					}
				}
			}
		})
	}
	x, unmade := tensor.Ones(2), new(tensor.Tensor)
	if _, err := unmade.Item(); !errors.Is(err, tensor.ErrNil) || !errors.Is(unmade.Err(), tensor.ErrNil) {
		t.Errorf("an unmade tensor: %v, %v", err, unmade.Err())
	}
	for name, y := range map[string]*tensor.Tensor{
		"Add": x.Add(nil), "Where": tensor.Where(nil, x, x), "Concat": tensor.Concat(0, x, nil), "ZerosLike": tensor.ZerosLike(nil),
		"an unmade one": x.Mul(unmade), "unmade": unmade.Exp(), "traced": tensor.Open("test", tracer{log: new([]string)}).Trace(x, nil, 0).Add(unmade),
		"unmade, as a view": unmade.BroadcastTo(2), "unmade, on a large one": tensor.Ones(300, 300).Mul(unmade),
		"IndexPut": x.IndexPut(nil, tensor.At(0)), "Einsum": tensor.Einsum("i,i", x, nil),
	} {
		if !errors.Is(y.Err(), tensor.ErrNil) {
			t.Errorf("%s: %v", name, y.Err())
		}
	}
}

// The error of a nil operand names the operation.
func TestNilNamesOp(t *testing.T) {
	err := tensor.Ones(2).Mul(nil).Err()
	var oe *tensor.OpError
	if !errors.As(err, &oe) || oe.Op != "mul" || !strings.Contains(oe.Where, "errors_test.go") {
		t.Errorf("got %v", err)
	}
	var none *tensor.Tensor
	if s := fmt.Sprint(none); !strings.Contains(s, "errors_test.go") {
		t.Errorf("printed as %s", s)
	}
}

func TestDevicesDoNotMix(t *testing.T) {
	a, b := tensor.New([]float64{1}, tensor.On(open(t, "cpu"))), tensor.New([]float64{1}, tensor.On(open(t, "ref")))
	fails[*tensor.DeviceError](t, a.Add(b), "add", "the other operand lives on ref")
	check(t, a.Add(b.To(open(t, "cpu"))), tensor.Float64, []int{1}, 2)
	check(t, b.Add(tensor.Scalar(2)), tensor.Float64, []int{1}, 3) // a constant is good on any device
}

func TestUnknownDevice(t *testing.T) {
	d := device.NewHost(device.HostConfig{Name: "odd", Kind: "odd"})
	fails[*tensor.DeviceError](t, tensor.New([]float64{1}, tensor.On(d)), "new", "no kernels are linked in")
	x := tensor.Ones(1)
	fails[*tensor.DeviceError](t, x.To(d), "to", "no kernels are linked in")
	fails[*tensor.DeviceError](t, x.To(nil), "to", "no device")
}
