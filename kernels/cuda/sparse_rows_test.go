//go:build cuda && cgo

package cuda

// Products with sparse matrices by how they are shared out: rows of any lengths, blocks of
// one tile and of several, indices of 32 and of 64 bits, and what barriers are for.

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
)

// uneven are lengths of rows.
var uneven = []struct {
	name    string
	lengths []int
}{
	{"no rows with entries", make([]int, 700)},
	{"one row", []int{1500}},
	{"one row of all", lengths(300, func(i int) int { return map[int]int{130: 2000}[i] })},
	{"all in the last", lengths(600, func(i int) int { return map[int]int{599: 1000}[i] })},
	{"all in the first", lengths(600, func(i int) int { return map[int]int{0: 1000}[i] })},
	{"a full one among short ones", lengths(400, func(i int) int { return i%4 + map[int]int{200: 1500}[i] })},
	{"a power law", lengths(500, func(i int) int { return 1500 / (i + 1) })},
	{"a power law, last the longest", lengths(500, func(i int) int { return 1500 / (500 - i) })},
	{"none at both ends", lengths(500, func(i int) int { return map[bool]int{true: 9}[i >= 200 && i < 300] })},
	{"tiles of one row each", lengths(9, func(int) int { return 223 })},
	{"ends where tiles do", lengths(12, func(i int) int { return 447 + i%2 })},
	{"few", []int{0, 2, 1, 0}},
}

func lengths(rows int, of func(i int) int) []int {
	list := make([]int, rows)
	for i := range list {
		list[i] = of(i)
	}
	return list
}

// sparseProduct is a product that is carried out by the reference and on the device.
type sparseProduct struct {
	t    *testing.T
	inst *kernels.Inst
	in   []*kernels.Array // in the host's memory
	want []float64
}

func newSparseProduct(t *testing.T, dt, index device.DType, lengths []int, width int, transposed bool, structure func(lists [][]int64)) *sparseProduct {
	t.Helper()
	const cols = 60
	r := rand.New(rand.NewPCG(1, uint64(len(lengths))))
	var row, col []int64
	for i, n := range lengths {
		for range n {
			row, col = append(row, int64(i)), append(col, r.Int64N(cols))
		}
	}
	starts := func(of []int64, n int) []int64 {
		list := make([]int64, n+1)
		for _, i := range of {
			list[i+1]++
		}
		for i := range n {
			list[i+1] += list[i]
		}
		return list
	}
	order := make([]int64, len(col))
	for e := range order {
		order[e] = int64(e)
	}
	slices.SortStableFunc(order, func(a, b int64) int { return int(col[a] - col[b]) })
	byColRow := make([]int64, len(col))
	for t, e := range order {
		byColRow[t] = row[e]
	}
	lists := [][]int64{starts(row, len(lengths)), col, row, starts(col, cols), byColRow, order}
	if structure != nil {
		structure(lists)
	}
	p := &sparseProduct{t: t}
	x := []int{cols, width}
	if transposed {
		x[0] = len(lengths)
	}
	draw := func(int) float64 { return r.NormFloat64() }
	p.in = append(p.in, hostOf(dt, []int{len(col)}, draw), hostOf(dt, x, draw))
	for _, list := range lists {
		p.in = append(p.in, hostOf(index, []int{len(list)}, func(i int) float64 { return float64(list[i]) }))
	}
	var avals []kernels.Aval
	for _, a := range p.in {
		avals = append(avals, a.Aval)
	}
	var err error
	if p.inst, err = kernels.SparseMatmul.Inst(kernels.Transposed(transposed), avals...); err != nil {
		t.Fatal(err)
	}
	out := hostOf(dt, p.inst.Out[0].Shape, func(int) float64 { return 0 })
	id, _ := kernels.BackendID("ref")
	if err := p.inst.Kernel(id).Run(&kernels.Call{In: p.in, Out: []*kernels.Array{out}}); err != nil {
		t.Fatal(err)
	}
	p.want = floatsOf(out)
	return p
}

// hostOf is a dense array.
func hostOf(dt device.DType, shape []int, of func(i int) float64) *kernels.Array {
	a := hostArray(&kernels.Array{Aval: kernels.Aval{DType: dt, Shape: shape}})
	for i := range a.Size() {
		p, v := unsafe.Add(a.Ptr, i*dt.Size()), of(i)
		switch dt {
		case device.Int32:
			*(*int32)(p) = int32(v)
		case device.Int64:
			*(*int64)(p) = int64(v)
		case device.Float32:
			*(*float32)(p) = float32(v)
		default:
			*(*float64)(p) = v
		}
	}
	return a
}

func floatsOf(a *kernels.Array) []float64 {
	list := make([]float64, a.Size())
	for i := range list {
		if p := unsafe.Add(a.Ptr, i*a.DType.Size()); a.DType == device.Float32 {
			list[i] = float64(*(*float32)(p))
		} else {
			list[i] = *(*float64)(p)
		}
	}
	return list
}

// room is behind a result, for rows that a kernel without its barriers takes to be there.
const room = threads * perGroup * 8

// on carries the product out, with whatever is done to how it is shared out.
func (p *sparseProduct) on(d *cuda.Device, change func(*pathShare)) []float64 {
	p.t.Helper()
	y, err := p.try(d, change)
	if err != nil {
		p.t.Fatal(err)
	}
	return y
}

func (p *sparseProduct) try(d *cuda.Device, change func(*pathShare)) ([]float64, error) {
	p.t.Helper()
	k := sparseOf(p.inst)
	change(&k.share)
	out := hostOf(p.inst.Out[0].DType, p.inst.Out[0].Shape, func(int) float64 { return 0 })
	bytes := out.Size() * out.DType.Size()
	y, err := d.Alloc(bytes + room)
	if err != nil {
		p.t.Fatal(err)
	}
	defer y.Release()
	d.Stream().Do(func() {
		var r *run
		if r, err = newRun(&kernels.Call{In: p.in, Out: []*kernels.Array{{Aval: out.Aval, Ptr: y.Ptr(), Buf: y}}}); err != nil {
			return
		}
		defer r.release()
		err = k.run(r, r.c.Out[0])
	})
	if err == nil {
		err = d.CopyOut(unsafe.Slice((*byte)(out.Ptr), bytes), y, 0)
	}
	return floatsOf(out), err
}

// right reports whether results are the reference's, but for rounding.
func (p *sparseProduct) right(got []float64) bool {
	tol, scale := 1e-13, 1.0
	if p.inst.Out[0].DType == device.Float32 {
		tol *= 1 << 29
	}
	for _, w := range p.want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range p.want {
		if !(math.Abs(got[i]-w) <= tol*scale) {
			return false
		}
	}
	return true
}

// again is a share of several tiles a block, or the whole path by one.
func again(tiles int) func(*pathShare) {
	return func(s *pathShare) {
		items := s.chunk * s.chunks
		width := s.sums / max(1, s.chunks)
		s.chunk *= tiles
		s.chunks = (items + s.chunk - 1) / s.chunk
		s.sums = s.chunks * width
	}
}

// alone has kernels never tell of bad indices, so that no product is the host's.
func alone(t *testing.T) {
	t.Helper()
	text := sparseText
	const tells = "if (bad) *flag = 1;"
	if sparseText = strings.Replace(text, tells, "", 1); sparseText == text {
		t.Fatal("no kernel tells of bad indices")
	}
	t.Cleanup(func() { sparseText = text })
}

// Rows of any lengths come out right, and to the same bits in every order of threads.
func TestSparseRows(t *testing.T) {
	d := OpenDevice(t)
	alone(t)
	turn := 0
	for _, c := range uneven {
		for _, width := range []int{1, 3, 8, 33} {
			for _, transposed := range []bool{false, true} {
				dt := []device.DType{device.Float64, device.Float32}[turn%2]
				index := []device.DType{device.Int32, device.Int64}[turn/2%2]
				wide, tiles := turn/4%2 == 1, []int{1, 2, 1 << 20}[turn%3]
				turn++
				p := newSparseProduct(t, dt, index, c.lengths, width, transposed, nil)
				what := fmt.Sprintf("%s, %d columns, transposed %v, %v, %v, 64 bits %v, %d tiles a block", c.name, width, transposed, dt, index, wide, tiles)
				var first []float64
				for _, order := range orders {
					t.Setenv("STANDIN_ORDER", order)
					got := p.on(d, func(s *pathShare) {
						again(tiles)(s)
						s.wide = wide
					})
					if !p.right(got) {
						t.Errorf("%s, in %s order: wrong", what, order)
					}
					if first == nil {
						first = got
					} else if !slices.Equal(got, first) {
						t.Errorf("%s, in %s order: other bits", what, order)
					}
				}
			}
		}
	}
}

// Beginnings of rows that do not ascend from 0 to the number of entries are no matrix's,
// but products with them are defined: the host carries them out, whatever they are.
func TestSparseRowsOutOfOrder(t *testing.T) {
	d := OpenDevice(t)
	for name, change := range map[string]func(start []int64){
		"not from 0":          func(s []int64) { s[0] = 2 },
		"not to the end":      func(s []int64) { s[len(s)-1] -= 3 },
		"one back":            func(s []int64) { s[100], s[101] = s[101], s[100] },
		"one far back":        func(s []int64) { s[300] = 0 },
		"one far ahead":       func(s []int64) { s[30] = s[len(s)-1] },
		"all back":            func(s []int64) { slices.Reverse(s) },
		"the same everywhere": func(s []int64) { fill(s, 900) },
		"first half behind":   func(s []int64) { copy(s, s[len(s)/2:]) },
	} {
		for _, width := range []int{1, 12} {
			p := newSparseProduct(t, device.Float64, device.Int32, lengths(400, func(i int) int { return 1 + i%7 }), width, false, func(lists [][]int64) { change(lists[0]) })
			for _, tiles := range []int{1, 3} {
				if !p.right(p.on(d, again(tiles))) {
					t.Errorf("%s, %d columns, %d tiles a block: wrong", name, width, tiles)
				}
			}
		}
	}
}

// Of a row whose end is told to be so far ahead of the first entry that the chunk of it
// takes more than 32 bits, no parts are added up that are not there.
func TestSparseRowsOutOfRange(t *testing.T) {
	d := OpenDevice(t)
	const entries = 5000
	p := newSparseProduct(t, device.Float64, device.Int64, []int{entries, 0, 0}, 1, false, nil)
	k := sparseOf(p.inst)
	end := int64(k.share.chunk) * (1<<30 - 1<<32)
	copy(unsafe.Slice((*int64)(p.in[k.start].Ptr), 4), []int64{0, entries, 5, end})
	_, err := p.try(d, again(1))
	if bad := (*kernels.IndexError)(nil); !errors.As(err, &bad) || bad.Index != end {
		t.Errorf("error %v", err)
	}
}

func fill(s []int64, v int64) {
	for i := range s {
		s[i] = v
	}
}

// Every barrier is needed: without one, some order of threads comes out wrong.
func TestSparseRowsNeedTheirBarriers(t *testing.T) {
	if os.Getenv("COTANGENT_LIBCUDA") == "" {
		t.Skip("there is no stand-in")
	}
	d := OpenDevice(t)
	const barrier = "__syncthreads();"
	alone(t)
	text := sparseText
	// What is read too early is within bounds, if not what should be there.
	const behind = "const Sums s = {product, end, part, left, carry};"
	if strings.Count(text, behind) != 1 {
		t.Fatal("another kernel")
	}
	begun, rest, _ := strings.Cut(text, behind)
	begun += behind + `
	for (int i = threadIdx.x; i <= GROUPS * ITEMS; i += blockDim.x) end[i] = 0x7fffffff;
	if (threadIdx.x < 2) bounds[threadIdx.x] = 0;
	__syncwarp();
	`
	p := newSparseProduct(t, device.Float64, device.Int32, lengths(300, func(i int) int { return 1 + i%3 + map[int]int{100: 900}[i] }), 1, false, nil)
	parts := strings.Split(begun+rest, barrier)
	for missing := range len(parts) - 1 {
		sparseText = strings.Join(parts[:missing+1], barrier) + "// missing\n" + strings.Join(parts[missing+1:], barrier)
		wrong := false
		for _, order := range orders {
			t.Setenv("STANDIN_ORDER", order)
			wrong = wrong || !p.right(p.on(d, again(1<<20)))
		}
		if !wrong {
			t.Errorf("right without barrier %d", missing)
		}
	}
}

// Every product is shared out whole, among as many blocks as fill a card where there is
// work for them, none of which has more than its part.
func TestSparseShares(t *testing.T) {
	for _, items := range []int{1, 31, 32, 200, 1792, 1793, 10_000, 1_000_000, 300_000_000} {
		for width, lanes := range map[int]int{1: 1, 2: 2, 3: 4, 5: 8, 8: 8, 9: 16, 32: 32, 33: 8, 64: 32} {
			for _, examples := range []int{1, 100} {
				s := sharePath(items, width, examples)
				what := fmt.Sprintf("%d items, %d columns, %d examples: %+v", items, width, examples, s)
				tile := s.threads / s.lanes * perGroup
				if s.lanes != lanes {
					t.Errorf("%s: not %d lanes", what, lanes)
				}
				if s.threads%32 != 0 || s.threads > threads || s.chunk%tile != 0 || s.chunk > 32*tile {
					t.Errorf("%s: blocks are not right", what)
				}
				if s.chunks*s.chunk < items || (s.chunks-1)*s.chunk >= items || s.pieces*s.lanes < width*examples || s.sums != s.chunks*width*examples {
					t.Errorf("%s: not all of it", what)
				}
				if blocks := s.chunks * s.pieces; blocks < 100 && s.threads > 64 && s.chunks > 1 || s.chunk > tile && blocks < mostBlocks/2 {
					t.Errorf("%s: few blocks", what)
				}
			}
		}
	}
}
