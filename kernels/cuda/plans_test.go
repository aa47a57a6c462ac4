//go:build cuda && cgo

package cuda

// Which kernel a layout gets, by its printed source: vectors where everything begins at
// multiples of 16 bytes, squares where operands are read across; and what of the latter
// their barriers are for.

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// operand is an array's layout, begun so many elements behind a multiple of 16 bytes.
type operand struct {
	dt      device.DType
	shape   []int
	strides []int
	behind  int
}

func (o operand) aval() kernels.Aval { return kernels.Aval{DType: o.dt, Shape: o.shape} }

// planOf is the plan of an operation's only nest.
func planOf(t *testing.T, op *kernels.Op, out int, in ...operand) *plan {
	t.Helper()
	var avals []kernels.Aval
	lay := &layout{}
	for _, o := range in {
		avals = append(avals, o.aval())
		lay.in = append(lay.in, &kernels.Array{Aval: o.aval(), Strides: o.strides})
		lay.lone = append(lay.lone, false)
		lay.align = append(lay.align, o.behind*o.dt.Size()%16 == 0)
	}
	inst, err := op.Inst(nil, avals...)
	if err != nil {
		t.Fatal(err)
	}
	lay.align = append(lay.align, out*inst.Out[0].DType.Size()%16 == 0)
	list := nests(inst.Expr)
	if len(list) != 1 {
		t.Fatalf("%s has %d nests", op.Name, len(list))
	}
	p := newPlan(list[0], lay)
	if len(p.list) != 1 {
		t.Fatalf("%s has %d kernels", op.Name, len(p.list))
	}
	return p
}

func TestKernelsChosen(t *testing.T) {
	const f4, f8 = device.Float32, device.Float64
	rows, columns := []int{64, 48}, []int{48, 64}
	dense := func(dt device.DType) operand { return operand{dt: dt, shape: rows} }
	for _, c := range []struct {
		name string
		op   *kernels.Op
		in   []operand
		out  int // elements from a multiple of 16 bytes to the result

		vectors int // elements that a thread does at once; 1 for none
		read    int // operands that are read so
		squares int // operands that are read by squares
	}{
		{"aligned", kernels.Add, []operand{dense(f4), dense(f4)}, 0, 4, 2, 0},
		{"aligned float64", kernels.Add, []operand{dense(f8), dense(f8)}, 0, 2, 2, 0},
		{"one operand misaligned", kernels.Add, []operand{dense(f4), {f4, rows, nil, 1}}, 0, 4, 1, 0},
		{"both misaligned", kernels.Add, []operand{{f4, rows, nil, 2}, {f4, rows, nil, 1}}, 0, 4, 0, 0},
		{"16 bytes further", kernels.Add, []operand{dense(f4), {f4, rows, nil, 4}}, 0, 4, 2, 0},
		{"float64 misaligned", kernels.Add, []operand{dense(f8), {f8, rows, nil, 1}}, 0, 2, 1, 0},
		{"result misaligned", kernels.Add, []operand{dense(f4), dense(f4)}, 3, 1, 0, 0},
		{"rows of a wider matrix", kernels.Exp, []operand{{f4, rows, []int{52, 1}, 0}}, 0, 4, 1, 0},
		{"rows that begin anywhere", kernels.Exp, []operand{{f4, rows, []int{50, 1}, 0}}, 0, 4, 0, 0},
		{"a row repeated", kernels.Add, []operand{dense(f4), {f4, rows, []int{0, 1}, 0}}, 0, 4, 2, 0},
		{"a column repeated", kernels.Add, []operand{dense(f4), {f4, rows, []int{1, 0}, 0}}, 0, 4, 1, 0},
		{"every second column", kernels.Add, []operand{dense(f4), {f4, rows, []int{96, 2}, 0}}, 0, 4, 1, 0},
		{"odd rows", kernels.Exp, []operand{{f4, []int{64, 47}, []int{48, 1}, 0}}, 0, 1, 0, 0},
		{"odd rows that touch", kernels.Exp, []operand{{f4, []int{64, 47}, nil, 0}}, 0, 4, 1, 0},
		{"bools beside float32", kernels.Gt, []operand{dense(f4), dense(f4)}, 0, 4, 2, 0},
		{"few elements", kernels.Add, []operand{{f4, []int{8, 8}, nil, 0}, {f4, []int{8, 8}, nil, 0}}, 0, 1, 0, 0},

		{"transpose", kernels.Clone, []operand{{f4, columns, []int{1, 48}, 0}}, 0, 1, 0, 1},
		{"transpose misaligned", kernels.Clone, []operand{{f4, columns, []int{1, 48}, 3}}, 1, 1, 0, 1},
		{"transpose backwards", kernels.Clone, []operand{{f4, columns, []int{-1, 48}, 0}}, 0, 1, 0, 1},
		{"map with a transpose", kernels.Mul, []operand{{f8, columns, []int{1, 48}, 0}, {f8, columns, nil, 0}}, 0, 1, 0, 1},
		{"map of transposes", kernels.Mul, []operand{{f8, columns, []int{1, 48}, 0}, {f8, columns, []int{1, 50}, 0}}, 0, 1, 0, 2},
		{"batch of transposes", kernels.Clone, []operand{{f4, []int{5, 48, 64}, []int{48 * 64, 1, 48}, 0}}, 0, 1, 0, 1},
		{"axes turned round", kernels.Clone, []operand{{f4, []int{20, 3, 40}, []int{1, 20, 60}, 0}}, 0, 1, 0, 1},
		{"planes in another order", kernels.Clone, []operand{{f4, []int{20, 3, 40}, []int{40, 800, 1}, 0}}, 0, 4, 1, 0},
		{"transpose of few rows", kernels.Clone, []operand{{f4, []int{3, 640}, []int{1, 3}, 0}}, 0, 4, 0, 0},
	} {
		source := planOf(t, c.op, c.out, c.in...).list[0].source
		_, body, _ := strings.Cut(source, "struct P {")
		count := func(text string) int { return strings.Count(body, text) }
		vectors := 1
		for _, lane := range []int{2, 4, 16} {
			if count(fmt.Sprintf(", %d> w_0;", lane)) > 0 && count("store<") > 0 {
				vectors = lane
			}
		}
		if read, squares := count("const Vec<"), count("__shared__"); vectors != c.vectors || read/2 != c.read || squares != c.squares {
			t.Errorf("%s: %d elements at once, %d operands read so, %d by squares; want %d, %d, %d\n%s",
				c.name, vectors, read/2, squares, c.vectors, c.read, c.squares, body)
		}
	}
}

// Elements of a loop are counted with 64 bits where there are many, though it reads and
// writes little: a sum over all pairs of some points.
func TestManyPairs(t *testing.T) {
	for _, c := range []struct {
		points int
		ix     string
	}{{1 << 10, "int"}, {1 << 16, "long long"}} {
		points := kernels.Aval{DType: device.Float64, Shape: []int{c.points}}
		e := loop.New(loop.Axes([]int{c.points, c.points}), []loop.Aval{points, points})
		near := e.Exp(e.Neg(e.Square(e.Sub(e.Load(0, loop.At(0)), e.Load(1, loop.At(1))))))
		e.Store(loop.Store{Value: near, Reduce: loop.Sum, Aval: kernels.Aval{DType: device.Float64}})
		lay := &layout{in: []*kernels.Array{{Aval: points}, {Aval: points}}, lone: make([]bool, 2), align: make([]bool, 3)}
		for i, l := range newPlan(nests(e)[0], lay).list {
			if !strings.HasPrefix(l.source, "typedef "+c.ix+" ix;") {
				t.Errorf("%d points: kernel %d begins with %.30q", c.points, i, l.source)
			}
		}
	}
}

// transposed is a copy of a transpose of a batch, with whatever is done to its kernel.
func transposed(t *testing.T, d *cuda.Device, dt device.DType, batch, rows, columns int, wide bool, change func(*launch)) (right bool) {
	t.Helper()
	size, n := dt.Size(), batch*rows*columns
	from := make([]byte, size*n)
	for i := range from {
		from[i] = byte(i*13 + i>>8)
	}
	want := make([]byte, 0, len(from))
	for b := range batch {
		for c := range columns {
			for r := range rows {
				at := ((b*rows+r)*columns + c) * size
				want = append(want, from[at:at+size]...)
			}
		}
	}
	x, errX := d.Alloc(len(from))
	y, errY := d.Alloc(len(from))
	if errX != nil || errY != nil {
		t.Fatal(errX, errY)
	}
	defer x.Release()
	defer y.Release()
	if err := d.CopyIn(x, 0, from); err != nil {
		t.Fatal(err)
	}
	a := kernels.Aval{DType: dt, Shape: []int{batch, columns, rows}}
	k, err := copierOf(a)
	if err != nil {
		t.Fatal(err)
	}
	in := &kernels.Array{Aval: a, Strides: []int{rows * columns, 1, columns}, Ptr: x.Ptr(), Buf: x}
	out := &kernels.Array{Aval: a, Ptr: y.Ptr(), Buf: y}
	d.Stream().Do(func() {
		var r *run
		if r, err = newRun(&kernels.Call{In: []*kernels.Array{in}, Out: []*kernels.Array{out}}); err != nil {
			return
		}
		defer r.release()
		if err = r.place(false); err != nil {
			return
		}
		lay := r.layout()
		lay.wide = wide
		p := newPlan(k.nests[0], lay)
		l := p.list[0]
		if !strings.Contains(l.source, "__shared__") {
			t.Fatalf("no squares in %s", l.source)
		}
		change(l)
		if l.fn, err = d.Function(l.source, "kernel"); err == nil {
			err = k.runNest(r, k.nests[0], p)
		}
	})
	got := make([]byte, len(from))
	if err == nil {
		err = d.CopyOut(got, y, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(got, want)
}

var orders = []string{"forward", "reverse", "random"}

// Squares at the edges, of elements of every size, by many blocks and by one that takes
// them all, with indices of 32 and of 64 bits.
func TestTransposes(t *testing.T) {
	d := OpenDevice(t)
	for _, order := range orders {
		t.Setenv("STANDIN_ORDER", order)
		for _, dt := range []device.DType{device.Bool, device.Int32, device.Float32, device.Float64, device.Int64} {
			for _, shape := range [][3]int{{1, 32, 32}, {1, 31, 33}, {1, 33, 31}, {1, 16, 65}, {2, 16, 16}, {3, 40, 17}, {1, 100, 64}} {
				for _, wide := range []bool{false, true} {
					for _, blocks := range []int{0, 1} {
						right := transposed(t, d, dt, shape[0], shape[1], shape[2], wide, func(l *launch) {
							if blocks > 0 {
								l.Grid[0] = blocks
							}
						})
						if !right {
							t.Errorf("%v of %v, 64 bits %v, %d blocks, in %s order: wrong", shape, dt, wide, blocks, order)
						}
					}
				}
			}
		}
	}
}

// Without its barriers the kernel reads a square before it is there, or one that has
// been replaced.
func TestTransposesNeedTheirBarriers(t *testing.T) {
	if os.Getenv("COTANGENT_LIBCUDA") == "" {
		t.Skip("there is no stand-in")
	}
	d := OpenDevice(t)
	const barrier = "__syncthreads();"
	for _, order := range orders {
		t.Setenv("STANDIN_ORDER", order)
		for missing := range 2 {
			right := transposed(t, d, device.Float32, 1, 70, 70, false, func(l *launch) {
				l.Grid[0] = 1
				body := strings.LastIndex(l.source, "struct P {")
				parts := strings.Split(l.source[body:], barrier)
				if len(parts) != 3 {
					t.Fatalf("%d barriers", len(parts)-1)
				}
				parts[missing] += "// missing"
				l.source = l.source[:body] + parts[0]
				for i, rest := range parts[1:] {
					if i != missing {
						l.source += barrier
					}
					l.source += rest
				}
			})
			if right {
				t.Errorf("right without barrier %d, in %s order", missing, order)
			}
		}
	}
}
