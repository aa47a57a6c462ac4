package grad_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Times go to the instructions that take them, those in loops included.
func TestProfile(t *testing.T) {
	f := func(x *tensor.Tensor) *tensor.Tensor {
		y, _ := grad.Scan(func(c, _ *tensor.Tensor) (*tensor.Tensor, *tensor.Tensor) {
			return c.MatMul(c).MulScalar(1e-3), c.Sum()
		}, x, tensor.Zeros(5))
		return y.Add(x.Reshape(120*120).Reshape(120, 120))
	}
	x := tensor.Ones(120, 120)
	p, err := grad.Prepare(f, x)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	g, err := p.Profile(context.Background(), x, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var loop, rest time.Duration
	for i, x := range g.Instrs {
		switch d := g.TimeOf(i); {
		case strings.Contains(x.Inst.Name, "scan"):
			loop += d
		case strings.Contains(x.Inst.Name, "reshape") && d != 0:
			t.Errorf("a view takes %v", d)
		default:
			rest += d
		}
	}
	if loop <= rest || rest <= 0 {
		t.Errorf("the loop takes %v, the rest %v", loop, rest)
	}
	var out bytes.Buffer
	if err := g.WriteJSON(&out); err != nil || !json.Valid(out.Bytes()) || strings.Count(out.String(), `"ns"`) < 3 {
		t.Errorf("%v:\n%s", err, &out)
	}
	out.Reset()
	if err := g.WriteSVG(&out); err != nil || !strings.Contains(out.String(), "body of") {
		t.Errorf("%v:\n%s", err, &out)
	}
	if p.Graph().Times != nil {
		t.Error("the program's own graph was changed")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Profile(ctx, x, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := p.Profile(context.Background(), tensor.Ones(3), 0); err == nil {
		t.Error("an argument of another shape is no error")
	}
}
