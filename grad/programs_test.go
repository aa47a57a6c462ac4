// Random programs over the whole registry: directed graphs of operations at the
// attributes, shapes and domains that their own cases give, on operands that are
// fresh, or earlier results brought there through views, copies and casts. An
// operation that is registered takes part without a line here.
//
// Of every program, eager evaluation, prepared programs and the simulated
// accelerator give the same bits on any number of workers, as do their
// derivatives of first and second order; ref gives the same up to rounding; both
// modes agree, and first derivatives with differences.
//
// `go test ./grad -run Programs -rapid.checks 2000` tries more of them.

package grad_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/device/sim"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/grad/check"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

// point is where derivatives are taken, and along what.
type point struct{ X, DX, G []*T }

func (p *program) point(r *rand.Rand) point {
	at := point{X: p.leaves}
	for _, x := range p.leaves {
		at.DX = append(at.DX, direction(r, x))
	}
	for _, y := range p.call(p.leaves) {
		at.G = append(at.G, direction(r, y))
	}
	return at
}

// direction is a random value of x's type.
func direction(r *rand.Rand, x *T) *T {
	v := make([]float64, x.Size())
	for i := range v {
		v[i] = 2*r.Float64() - 1
	}
	return tensor.NewShaped(v, x.Shape()).Cast(x.DType())
}

// to moves the point to another device.
func (at point) to(dev device.Device) point {
	return at.each(func(x *T) *T { return x.To(dev) })
}

// flipped is another point.
func (at point) flipped() point { return at.each(func(x *T) *T { return x.Flip() }) }

func (at point) each(f func(x *T) *T) point {
	all := func(list []*T) []*T {
		out := make([]*T, len(list))
		for i, x := range list {
			out[i] = f(x)
		}
		return out
	}
	return point{all(at.X), all(at.DX), all(at.G)}
}

// stacked has both points along a new first dimension.
func stacked(a, b point) point {
	both := func(a, b []*T) []*T {
		out := make([]*T, len(a))
		for i, x := range a {
			out[i] = tensor.Stack(0, x, b[i])
		}
		return out
	}
	return point{both(a.X, b.X), both(a.DX, b.DX), both(a.G, b.G)}
}

// function is what a program is, quantity what is made of one.
type (
	function func(leaves []*T) []*T
	quantity func(f function) func(at point) []*T
)

// quantities are what is made of a program; plain makes the same in another way,
// where there is one.
var quantities = []struct {
	name      string
	of, plain quantity
}{
	{name: "value", of: func(f function) func(at point) []*T { return func(at point) []*T { return f(at.X) } }},
	{name: "JVP", of: func(f function) func(at point) []*T {
		return func(at point) []*T {
			_, dy := grad.JVP(f, at.X, at.DX)
			return dy
		}
	}},
	{name: "VJP", of: pulled},
	{name: "JVP of VJP", of: func(f function) func(at point) []*T {
		return func(at point) []*T {
			_, d := grad.JVP(func(x []*T) []*T { return pulled(f)(point{X: x, G: at.G}) }, at.X, at.DX)
			return d
		}
	}},
	{
		name: "Vmap of VJP",
		of: func(f function) func(at point) []*T {
			return func(at point) []*T { return grad.Vmap(pulled(f))(stacked(at, at.flipped())) }
		},
		plain: func(f function) func(at point) []*T {
			return func(at point) []*T {
				return stacked(point{X: pulled(f)(at)}, point{X: pulled(f)(at.flipped())}).X
			}
		},
	},
}

// pulled is the cotangent of the leaves for that of the results.
func pulled(f function) func(at point) []*T {
	return func(at point) []*T {
		_, pull := grad.VJP(f, at.X)
		return pull(at.G)
	}
}

// machines are the devices that programs run on.
type machines struct{ one, three, sim, ref device.Device }

func openMachines(t *testing.T) machines {
	open := func(name string) device.Device {
		d, err := device.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		devicetest.NoLeaks(t, d)
		return d
	}
	s := sim.New(sim.Options{Name: "sim-programs", Held: true})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	devicetest.NoLeaks(t, s)
	return machines{open("cpu:1"), open("cpu:3"), s, open("ref")}
}

func TestRandomPrograms(t *testing.T) {
	ops := usable()
	if len(ops) < len(kernels.Ops()) {
		t.Logf("%d of %d ops have cases that programs can be made of", len(ops), len(kernels.Ops()))
	}
	m := openMachines(t)
	if err := tensor.SetDefaultDevice(m.one); err != nil {
		t.Fatal(err)
	}
	defer restoreDevice(t)
	seen := map[string]int{}
	var n counts
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t, ops, seen)
		at := p.point(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "point"), 3)))
		n.programs++
		p.sameBits(t, m, at)
		p.nearRef(t, m, at, &n)
		p.modesAgree(t, at)
		if !p.single && !p.cut {
			p.differences(t, &n)
		}
	})
	t.Logf("%d programs of %d ops: %d comparisons with ref, %d with differences, of which %d at points without a derivative",
		n.programs, len(seen), n.ref, n.differences, n.unsettled)
	if n.unsettled > n.differences/4 {
		t.Error("too many points without a derivative to mean anything")
	}
}

// counts are what a run compared.
type counts struct{ programs, ref, differences, unsettled int }

func restoreDevice(t *testing.T) {
	d, err := device.Default()
	if err == nil {
		err = tensor.SetDefaultDevice(d)
	}
	if err != nil {
		t.Error(err)
	}
}

// sameBits compares all that must be equal to the last bit.
func (p *program) sameBits(t *rapid.T, m machines, at point) {
	for _, q := range quantities {
		f := q.of(p.call)
		want := bitsOfAll(t, p, q.name, f(at))
		for name, got := range map[string][]*T{
			"three workers":           there(t, m.three, at, f),
			"prepared":                prepared(t, p, f, at),
			"prepared, three workers": there(t, m.three, at, func(at point) []*T { return prepared(t, p, f, at) }),
			"prepared, accelerator":   there(t, m.sim, at, func(at point) []*T { return prepared(t, p, f, at) }),
		} {
			if bits := bitsOfAll(t, p, q.name+", "+name, got); !slices.EqualFunc(bits, want, slices.Equal) {
				t.Fatalf("%s, %s:\ngot  %v\nwant %v\n%v", q.name, name, got, f(at), p)
			}
		}
	}
}

// there moves the point to a device and makes it the default one for f.
func there(t *rapid.T, dev device.Device, at point, f func(at point) []*T) []*T {
	home := tensor.Scalar(0).Clone().Device()
	defer func() {
		if err := tensor.SetDefaultDevice(home); err != nil {
			t.Fatal(err)
		}
	}()
	if err := tensor.SetDefaultDevice(dev); err != nil {
		t.Fatal(err)
	}
	return f(at.to(dev))
}

func prepared(t *rapid.T, p *program, f func(at point) []*T, at point) []*T {
	prog, err := grad.Prepare(f, at)
	if err != nil {
		t.Fatalf("%v\n%v", err, p)
	}
	defer prog.Close()
	y, err := prog.Run(t.Context(), at)
	if err != nil {
		t.Fatalf("%v\n%v\n%v", err, p, prog.Graph())
	}
	return y
}

// bitsOfAll returns the bits of all elements, those of NaN as one.
func bitsOfAll(t *rapid.T, p *program, what string, list []*T) [][]uint64 {
	all := make([][]uint64, len(list))
	for i, v := range numbers(t, p, what, list) {
		for _, x := range v {
			if math.IsNaN(x) {
				x = math.NaN()
			}
			all[i] = append(all[i], math.Float64bits(x))
		}
	}
	return all
}

func numbers(t *rapid.T, p *program, what string, list []*T) [][]float64 {
	all := make([][]float64, len(list))
	for i, y := range list {
		v, err := y.Float64s()
		if err != nil {
			t.Fatalf("%s: %v\n%v", what, err, p)
		}
		all[i] = v
	}
	return all
}

// nearRef compares with the reference kernels: as near as what rounding, made
// many times as large, does to the program there.
func (p *program) nearRef(t *rapid.T, m machines, at point, n *counts) {
	for _, q := range quantities {
		plain := q.plain
		if plain == nil {
			plain = q.of
		}
		got := numbers(t, p, q.name, q.of(p.call)(at))
		want := numbers(t, p, q.name+" on ref", there(t, m.ref, at, plain(p.call)))
		spread := make([]float64, len(want))
		for seed := range uint64(3) {
			for i, v := range numbers(t, p, q.name+" on ref", there(t, m.ref, at, plain(p.noisy(seed)))) {
				spread[i] = max(spread[i], distance(v, want[i]))
			}
		}
		for i := range want {
			n.ref++
			tol := spread[i] + 1000*unitOf(p.single)*size(want[i])
			if d := distance(got[i], want[i]); !(d <= tol) {
				t.Fatalf("%s, result %d: by %.3g from ref, rounding may do %.3g:\ngot  %v\nwant %v\n%v", q.name, i, d, tol, got[i], want[i], p)
			}
		}
	}
}

func unitOf(single bool) float64 {
	if single {
		return 0x1p-24
	}
	return 0x1p-53
}

// distance is the largest difference of elements; that of NaN from a number is
// infinite.
func distance(a, b []float64) float64 {
	d := 0.0
	for i := range a {
		switch {
		case a[i] == b[i] || math.IsNaN(a[i]) && math.IsNaN(b[i]):
		case math.IsNaN(a[i] - b[i]):
			return math.Inf(1)
		default:
			d = max(d, math.Abs(a[i]-b[i]))
		}
	}
	return d
}

func largest(all [][]float64) float64 {
	s := 0.0
	for _, v := range all {
		s = max(s, size(v))
	}
	return s
}

func size(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		if a := math.Abs(x); a <= math.MaxFloat64 {
			s = max(s, a)
		}
	}
	return s
}

// modesAgree compares G·(J·DX) with (G·J)·DX, which needs no differences and
// holds at points without a derivative too.
func (p *program) modesAgree(t *rapid.T, at point) {
	forward, reverse, a := p.along(t, p.call, at)
	tol := 1e5 * unitOf(p.single) * a
	// A derivative may be the small difference of two terms within one operation, as that
	// of log_softmax where an element outweighs the others.
	tol += 1000 * unitOf(p.single) * largest(numbers(t, p, "G", at.G)) * largest(numbers(t, p, "DX", at.DX))
	for seed := range uint64(3) {
		f, r, _ := p.along(t, p.noisy(seed), at)
		tol += math.Abs(f-forward) + math.Abs(r-reverse)
	}
	if d := math.Abs(forward - reverse); d > tol {
		t.Fatalf("JVP gives %v along the cotangent, VJP %v along the tangent\n%v", forward, reverse, p)
	}
}

// along returns both products, and the sum of the sizes of their terms.
func (p *program) along(t *rapid.T, f function, at point) (forward, reverse, size float64) {
	_, dy := grad.JVP(f, at.X, at.DX)
	dx := pulled(f)(at)
	forward, a := dots(numbers(t, p, "G", at.G), numbers(t, p, "JVP", dy), at.G)
	reverse, b := dots(numbers(t, p, "VJP", dx), numbers(t, p, "DX", at.DX), at.DX)
	return forward, reverse, a + b
}

// dots is the inner product of the floats, and the sum of its terms' sizes.
func dots(a, b [][]float64, like []*T) (sum, size float64) {
	for i := range a {
		if !like[i].DType().IsFloat() {
			continue
		}
		for k := range a[i] {
			sum += a[i][k] * b[i][k]
			size += math.Abs(a[i][k] * b[i][k])
		}
	}
	return sum, size
}

// differences compares first derivatives in both modes with differences.
func (p *program) differences(t *rapid.T, n *counts) {
	r := check.Derivatives(p.call, p.leaves, check.Order(1))
	n.differences += r.Comparisons
	for _, f := range r.Failed {
		if !f.Unsettled {
			t.Fatalf("%v\n%v", f, p)
		}
		n.unsettled++
	}
	if r.Failed == nil && r.Err() != nil {
		t.Fatalf("%v\n%v", r.Err(), p)
	}
}
