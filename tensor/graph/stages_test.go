// Steps side by side: what they compute is the same bit for bit, whatever the number of
// workers, and so is what fails.

package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	_ "github.com/cotangent-ad/cotangent/kernels/cpu"
	"pgregory.net/rapid"
)

// side is the rows and columns of the matrices here: large enough for kernels of some
// microseconds.
const side = 48

func randomMatrix(seed uint64) *kernels.Array {
	rng := rand.New(rand.NewPCG(seed, 5))
	v := make([]float64, side*side)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return arrayOf(v, side, side)
}

// drawWide builds a random program of matrices on a few branches, which read from each
// other now and then, and of which values are read again and again or soon forgotten.
func drawWide(t *rapid.T) *Graph {
	g := new(Graph)
	first := []Ref{g.Param(f64(side, side)), g.Param(f64(side, side)), g.Const(*randomMatrix(3), nil)}
	all, branches := first, make([][]Ref, rapid.IntRange(2, 5).Draw(t, "branches"))
	for i := range branches {
		branches[i] = first
	}
	emit := emitTo(t, g)
	for range rapid.IntRange(20, 80).Draw(t, "steps") {
		k := rapid.IntRange(0, len(branches)-1).Draw(t, "branch")
		value := func() Ref {
			list := branches[k][max(0, len(branches[k])-3):]
			if rapid.IntRange(0, 9).Draw(t, "other") == 0 {
				list = all
			}
			return rapid.SampledFrom(list).Draw(t, "value")
		}
		var v Ref
		switch rapid.IntRange(0, 6).Draw(t, "op") {
		case 0:
			v = emit(kernels.Tanh, nil, value())
		case 1:
			v = emit(kernels.Sin, nil, value())
		case 2:
			v = emit(kernels.Matmul, nil, emit(kernels.Tanh, nil, value()), value())
		case 3:
			v = emit(kernels.Add, nil, value(), value())
		case 4:
			v = emit(kernels.Transpose, kernels.Axes{}, value())
		case 5:
			v = emit(kernels.Mul, nil, value(), emit(kernels.Sum, kernels.AxesOf(true, 0), value()))
		case 6:
			v = emit(opTwo, nil, value()) + 1
		}
		all, branches[k] = append(all[:len(all):len(all)], v), append(branches[k][:len(branches[k]):len(branches[k])], v)
	}
	for _, list := range branches {
		g.Output(list[len(list)-1])
	}
	return g
}

// workerCounts are devices of the same kind.
var workerCounts = []string{"cpu:1", "cpu:2", "cpu:3", "cpu:7"}

// results runs g on a device, several times in the same memory, and returns the outputs'
// bytes and how many stages there are.
func results(t testing.TB, g *Graph, dev device.Device, in []*kernels.Array, times int) (list [][]byte, stages int) {
	p, err := Compile(g, dev)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	checkApart(t, p.code)
	for k := range times {
		out := destinations(p)
		if err := p.Run(t.Context(), in, out); err != nil {
			t.Fatal(err)
		}
		for i, a := range out {
			if k == 0 {
				list = append(list, bytes.Clone(packed(a)))
			} else if !bytes.Equal(list[i], packed(a)) {
				t.Fatalf("%s: run %d differs from the first in output %d\n%s", dev.Name(), k, i, g)
			}
		}
	}
	return list, len(p.lay.stages)
}

// checkApart fails where steps that may run at the same time touch the same memory, and
// one of them writes to it.
func checkApart(t testing.TB, c *code) {
	for _, x := range c.lay.stages {
		n := x.hi - x.lo
		before := make([][]bool, n) // of each node those that are done when it begins
		touches := make([][]touch, n)
		for k := range n {
			before[k] = make([]bool, n)
			follow := func(d int) {
				before[k][d] = true
				for e, on := range before[d] {
					before[k][e] = before[k][e] || on
				}
			}
			for d := range k {
				if x.schedule.Strand(d) == x.schedule.Strand(k) || x.schedule.Reach(d) <= k {
					follow(d)
				}
			}
			for _, d := range x.schedule.Needs(k) {
				follow(int(d))
			}
			touches[k] = c.touches(x.lo + k)
			for d := range k {
				for _, p := range touches[k] {
					for _, q := range touches[d] {
						if !before[k][d] && p.piece == q.piece && p.lo < q.hi && q.lo < p.hi && (p.writes || q.writes) {
							t.Fatalf("steps %d and %d of %d to %d may run at the same time, and both use bytes %d to %d of %d\n%s", x.lo+d, x.lo+k, x.lo, x.hi, max(p.lo, q.lo), min(p.hi, q.hi), p.piece, c.g)
						}
					}
				}
			}
		}
	}
}

// touches returns the memory that a step reads or writes; in place of a piece, which
// memory it is: 0 the arena, others constants, arguments and destinations.
func (c *code) touches(s int) (list []touch) {
	add := func(v Ref, writes bool) {
		root := &c.lay.at[c.lay.at[v].root]
		a := c.values[v]
		lo, hi := a.Span()
		at := uintptr(root.base + c.lay.at[v].offset)
		list = append(list, touch{at + uintptr(lo), at + uintptr(hi), int(root.source)<<16 + int(root.index), writes})
	}
	i := int(c.lay.steps[s])
	for _, v := range c.g.Args(i) {
		add(v, false)
	}
	for k := range c.g.Instrs[i].Inst.Out {
		add(c.g.Instrs[i].Out+Ref(k), true)
	}
	if b := c.lay.work[s]; b >= 0 {
		at := c.lay.blocks[b].offset
		list = append(list, touch{uintptr(at), uintptr(at + c.steps[s].control.scratch), 0, true})
	}
	return list
}

func TestStagesRandom(t *testing.T) {
	in := []*kernels.Array{randomMatrix(1), randomMatrix(2)}
	programs, beside := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		g := drawWide(rt)
		defer g.Release()
		g.Optimize(Passes(rapid.IntRange(0, AllPasses).Draw(rt, "passes")), nil)
		var want [][]byte
		for _, name := range workerCounts {
			got, stages := results(t, g, openDevice(t, name), in, 2)
			if want == nil {
				want = got
			}
			programs++
			if stages > 0 {
				beside++
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					rt.Fatalf("output %d on %s differs\n%s", i, name, g)
				}
			}
		}
	})
	t.Logf("%d of %d programs had stages", beside, programs)
	if beside < programs/8 {
		t.Error("so few that nothing is tested")
	}
}

// ensemble is chains over the same parameter, whose sum is the output. Values die in each
// chain, so that chains use memory that others used before them, and one takes over the
// memory of what all have read.
func ensemble(t testing.TB, chains, length int) *Graph {
	b := newBuilder(t)
	x := b.apply(kernels.Sin, nil, b.param(side, side))
	var sum Ref
	for k := range chains {
		w := b.Const(*randomMatrix(uint64(k)), nil)
		y := b.apply(kernels.Mul, nil, x, x) // the last may take over x
		for range length {
			y = b.apply(kernels.Tanh, nil, b.apply(kernels.Matmul, nil, y, w))
		}
		if y = b.apply(kernels.Sum, kernels.Axes{}, y); k == 0 {
			sum = y
		} else {
			sum = b.apply(kernels.Add, nil, sum, y)
		}
	}
	return b.outputs(sum, b.apply(kernels.Neg, nil, x))
}

func TestStagesEnsemble(t *testing.T) {
	g := ensemble(t, 20, 3)
	in := []*kernels.Array{randomMatrix(1)}
	var want [][]byte
	for _, name := range workerCounts {
		got, stages := results(t, g, openDevice(t, name), in, 50)
		if want == nil {
			want = got
		}
		if (stages > 0) != (name != "cpu:1") {
			t.Errorf("%d stages on %s", stages, name)
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("output %d on %s differs", i, name)
			}
		}
	}
}

// The arena holds what as many chains need as may be under way, not all.
func TestStagesMemory(t *testing.T) {
	arena := func(dev string, chains int) int {
		p, err := Compile(ensemble(t, chains, 3), openDevice(t, dev))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		return p.Stats().ArenaBytes
	}
	one, few, many := arena("cpu:1", 40), arena("cpu:2", 20), arena("cpu:2", 40)
	t.Logf("in order %d bytes, side by side %d, of half as many %d", one, many, few)
	if many > few || few <= one {
		t.Error("want more side by side, and the same for any number of chains")
	}
}

// Within a budget steps run side by side only if that takes no more memory.
func TestStagesBudget(t *testing.T) {
	dev := openDevice(t, "cpu:2")
	p, err := Compile(ensemble(t, 20, 3), openDevice(t, "cpu:1"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	least := p.Stats().ArenaBytes
	for _, c := range []struct {
		budget int
		beside bool
	}{{least, false}, {1 << 30, true}} {
		g := ensemble(t, 20, 3)
		if err := g.OptimizeWithin(c.budget, 0, dev); err != nil {
			t.Fatal(err)
		}
		p, err := Compile(g, dev)
		if err != nil {
			t.Fatal(err)
		}
		if n := p.Stats().ArenaBytes; n > c.budget || p.beside() != c.beside {
			t.Errorf("budget %d: %d bytes, side by side: %v", c.budget, n, p.beside())
		}
		p.Close()
	}
}

// pair is two branches of one op on large operands, and what comes after both.
func pair(t testing.TB, dev device.Device, left, right *kernels.Op) *Program {
	b := newBuilder(t)
	x := b.param(1 << 15)
	y := b.apply(left, nil, b.apply(kernels.Neg, nil, b.apply(kernels.Neg, nil, x)))
	z := b.apply(right, nil, b.apply(kernels.Neg, nil, b.apply(kernels.Neg, nil, x)))
	p, err := Compile(b.outputs(b.apply(kernels.Add, nil, y, z)), dev)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if dev.Workers().N() > 1 && len(p.lay.stages) != 1 {
		t.Fatalf("%d stages", len(p.lay.stages))
	}
	return p
}

func runPair(ctx context.Context, p *Program) error {
	return p.Run(ctx, []*kernels.Array{empty(p.ins[0])}, destinations(p))
}

// Two kernels that wait for each other to begin get done.
func TestStagesSideBySide(t *testing.T) {
	p := pair(t, openDevice(t, "cpu:2"), opCall, opCall)
	var begun atomic.Int32
	var alone atomic.Bool
	onCall = func() {
		begun.Add(1)
		for deadline := time.Now().Add(10 * time.Second); begun.Load() < 2; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				alone.Store(true)
				return
			}
		}
	}
	if err := runPair(t.Context(), p); err != nil || alone.Load() {
		t.Errorf("error %v; a kernel was alone: %v", err, alone.Load())
	}
}

// The error is the first one's that would fail in order; a panic is one.
func TestStagesErrors(t *testing.T) {
	for _, name := range workerCounts {
		dev := openDevice(t, name)
		for _, c := range []struct {
			left, right *kernels.Op
			want        string
		}{
			{opIndex, opIndex, "instruction 2: graph.index"},
			{opIndex, opPanic, "instruction 2: graph.index"},
			{opPanic, opIndex, "kernel out of order"},
			{kernels.Neg, opPanic, "kernel out of order"},
			{kernels.Neg, opIndex, "instruction 5: graph.index"},
		} {
			p := pair(t, dev, c.left, c.right)
			for range 20 {
				err := runPair(t.Context(), p)
				var pe *device.PanicError
				if text := fmt.Sprint(err); !bytes.Contains([]byte(text), []byte(c.want)) || (c.want == "kernel out of order") != errors.As(err, &pe) {
					t.Fatalf("%s, %s beside %s: %v", name, c.left.Name, c.right.Name, err)
				}
			}
		}
	}
}

// A context that ends stops kernels in both branches, or what comes after them.
func TestStagesCancelled(t *testing.T) {
	dev := openDevice(t, "cpu:2")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(5*time.Millisecond, cancel)
	if err := runPair(ctx, pair(t, dev, opWait, opWait)); !errors.Is(err, context.Canceled) {
		t.Errorf("within: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	var calls atomic.Int32
	onCall = func() { calls.Add(1); cancel() }
	b := newBuilder(t)
	var list []Ref
	for range 6 { // chains of calls, of which each ends the context
		y := b.param(1 << 14)
		for range 50 {
			y = b.apply(opCall, nil, y)
		}
		list = append(list, y)
	}
	p, err := Compile(b.outputs(list...), dev)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var in []*kernels.Array
	for range list {
		in = append(in, empty(f64(1<<14)))
	}
	if err := p.Run(ctx, in, destinations(p)); !errors.Is(err, context.Canceled) || calls.Load() > 2 || len(p.lay.stages) != 1 {
		t.Errorf("between: %v after %d calls, %d stages", err, calls.Load(), len(p.lay.stages))
	}
}

func TestStagesConcurrent(t *testing.T) {
	p, err := Compile(ensemble(t, 6, 2), openDevice(t, "cpu:3"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	in := []*kernels.Array{randomMatrix(1)}
	want := destinations(p)
	if err := p.Run(t.Context(), in, want); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				out := destinations(p)
				if err := p.Run(context.Background(), in, out); err != nil || !bytes.Equal(packed(out[0]), packed(want[0])) || !bytes.Equal(packed(out[1]), packed(want[1])) {
					t.Errorf("error %v, or other results", err)
				}
			}
		})
	}
	wg.Wait()
}
