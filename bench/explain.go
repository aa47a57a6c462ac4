// Explanations: what the prepared gradients of scenarios do, and what was foretold of their
// time beside what was measured.

package bench

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Explained is a scenario's prepared gradient: what it does, and its time on one worker.
type Explained struct {
	Scenario  string           `json:"scenario"`
	Program   grad.Explanation `json:"program"`
	Predicted float64          `json:"predicted_ns"`
	Tiles     float64          `json:"tiles_ns"`            // measured, by kernels
	Native    float64          `json:"native_ns,omitempty"` // measured, by machine code; 0 where there is none
	Without   string           `json:"without,omitempty"`   // why there is none
	Slowest   []Instruction    `json:"slowest"`             // the instructions that take the longest
}

// Instruction is one of a program's, with its time in a run.
type Instruction struct {
	Name      string  `json:"name"`
	Predicted float64 `json:"predicted_ns"`
	Measured  float64 `json:"measured_ns"`
}

// slowest is how many instructions are told of.
const slowest = 5

// Explain explains scenarios, each measured for about three times minTime, on the CPU with
// one worker. Those whose derivative is no gradient are left out. Its error is the first.
func Explain(ctx context.Context, scenarios []Scenario, minTime time.Duration) ([]Explained, error) {
	dev, err := device.Open("cpu:1")
	if err != nil {
		return nil, err
	}
	if err := tensor.SetDefaultDevice(dev); err != nil {
		return nil, err
	}
	var list []Explained
	for _, s := range scenarios {
		e, err := explain(ctx, s, minTime)
		if err != nil {
			return list, fmt.Errorf("%s: %w", s.Name, err)
		}
		if e != nil {
			list = append(list, *e)
		}
	}
	return list, nil
}

func explain(ctx context.Context, s Scenario, minTime time.Duration) (*Explained, error) {
	in := s.New()
	if in.Profile == nil {
		return nil, nil
	}
	tiles, err := in.Prepare(false)
	if err != nil {
		return nil, err
	}
	native, err := in.Prepare(true)
	if err != nil {
		return nil, err
	}
	e := &Explained{Scenario: s.Name}
	err = native.Compiled(ctx)
	e.Program = native.Explain() // which tells how long that took
	e.Predicted = e.Program.Cost.Nanos()
	if err != nil {
		e.Without = err.Error()
	} else if e.Native, _, err = timed(ctx, native.Gradient, minTime); err != nil {
		return nil, err
	}
	if e.Tiles, _, err = timed(ctx, tiles.Gradient, minTime); err != nil {
		return nil, err
	}
	g, err := in.Profile(ctx, minTime)
	if err != nil {
		return nil, err
	}
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		e.Slowest = append(e.Slowest, Instruction{inst.Name, graph.CostOf(inst).Nanos(), float64(g.TimeOf(i).Nanoseconds())})
	}
	slices.SortStableFunc(e.Slowest, func(a, b Instruction) int { return cmp.Compare(b.Measured, a.Measured) })
	e.Slowest = slices.Clip(e.Slowest[:min(slowest, len(e.Slowest))])
	return e, nil
}

// String returns the explanation as lines of text.
func (e Explained) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.Scenario)
	for line := range strings.Lines(e.Program.String()) {
		b.WriteString("  " + line)
	}
	fmt.Fprintf(&b, "  measured on one core: %s by kernels (%.2g times the prediction)", duration(e.Tiles), e.Tiles/e.Predicted)
	if e.Without == "" {
		fmt.Fprintf(&b, ", %s by machine code", duration(e.Native))
	}
	b.WriteString("\n")
	rows := [][]string{{"  instruction", "predicted", "measured"}}
	for _, i := range e.Slowest {
		rows = append(rows, []string{"  " + i.Name, duration(i.Predicted), duration(i.Measured)})
	}
	b.WriteString(columns(rows))
	return b.String()
}
