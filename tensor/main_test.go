package tensor_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	_ "github.com/cotangent-ad/cotangent/device/sim"
	"github.com/cotangent-ad/cotangent/tensor"
)

// devices are those on which operations are tested.
var devices = []string{"cpu", "ref", "sim"}

func open(t testing.TB, name string) device.Device {
	t.Helper()
	d, err := device.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// check compares type, shape and elements; NaN equals NaN, and zeros their like.
func check(t testing.TB, x *tensor.Tensor, d tensor.DType, shape []int, want ...float64) {
	t.Helper()
	got, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	if x.DType() != d || !slices.Equal(x.Shape(), shape) {
		t.Fatalf("got %v%v, want %v%v", x.DType(), x.Shape(), d, shape)
	}
	if !slices.EqualFunc(got, want, sameNumber) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func sameNumber(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

// fails checks that a tensor carries an error of type E in which want occurs,
// which names the operation and the line of this call.
func fails[E error](t testing.TB, x *tensor.Tensor, op, want string) {
	t.Helper()
	failsAt[E](t, x, op, want, caller(1))
}

// caller returns file:line of a caller.
func caller(skip int) string {
	_, file, line, _ := runtime.Caller(skip + 1)
	return fmt.Sprintf("%s:%d", file, line)
}

// failsAt is fails for a tensor made on the given line.
func failsAt[E error](t testing.TB, x *tensor.Tensor, op, want, where string) {
	t.Helper()
	err := x.Err()
	var typed E
	if err == nil || !errors.As(err, &typed) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want a %T with %q", op, err, typed, want)
		return
	}
	var oe *tensor.OpError
	if !errors.As(err, &oe) {
		t.Errorf("%s: %v is no OpError", op, err)
		return
	}
	if oe.Op != op {
		t.Errorf("%s: the error names %q", op, oe.Op)
	}
	if oe.Where != where {
		t.Errorf("%s: the error is of %s, not %s", op, oe.Where, where)
	}
}
