// Machine code gives what eager evaluation gives.

package grad_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/internal/cc"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// compiled prepares f and waits for its code.
func compiled[P, Q any](t *testing.T, f func(P) Q, like P, opts ...grad.Option) *grad.Prepared[P, Q] {
	t.Helper()
	p, err := grad.Prepare(f, like, append(opts, grad.WithNative())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	err = p.Native(t.Context())
	if errors.Is(err, cc.ErrUnsupported) || errors.Is(err, graph.ErrApart) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// draw makes a random function; products tells that it has matrix products,
// whose sums may be ordered in another way.
func draw(r *rand.Rand, c *T) (f func(x *T) *T, products bool, text string) {
	var code []instruction
	for i := range 1 + r.IntN(12) {
		op := r.IntN(len(randomOps))
		products = products || op == matmulOp
		code = append(code, instruction{op, r.IntN(i + 2), r.IntN(i + 2)})
	}
	last := 1 + r.IntN(len(code)) + 1
	return func(x *T) *T {
		vals := []*T{x, c}
		for _, i := range code {
			vals = append(vals, randomOps[i.op](vals[i.a], vals[i.b]))
		}
		return vals[min(last, len(vals)-1)].Sum()
	}, products, fmt.Sprint(code, last)
}

const matmulOp = 13 // of randomOps

// Random functions and their gradients, many of them as one program.
func TestNativeRandom(t *testing.T) {
	for _, shape := range [][]int{{2, 3}, {5, 17}, {70, 131}} {
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(shape[1]), 3))
			c := random(r, shape...)
			count := 24
			if testing.Short() {
				count = 6
			}
			fs, exact, texts := make([]func(x *T) *T, count), make([]bool, count), make([]string, count)
			for i := range fs {
				var products bool
				fs[i], products, texts[i] = draw(r, c)
				exact[i] = !products
			}
			all := func(x *T) []*T {
				var out []*T
				for _, f := range fs {
					v, g := grad.ValueAndGrad(f)(x)
					out = append(out, v, g)
				}
				return out
			}
			p := compiled(t, all, tensor.Zeros(shape...))
			for k := range 2 {
				x := random(r, shape...)
				if k == 1 {
					x = x.Mul(x.Gt(c).Cast(tensor.Float64)) // at kinks
				}
				got, want := run(t, p, x), all(x)
				for i := range want {
					a, b := must(got[i].Float64s())(t), must(want[i].Float64s())(t)
					scale := 0.0
					for _, v := range b {
						if !math.IsInf(v, 0) {
							scale = max(scale, math.Abs(v))
						}
					}
					for e := range b {
						same := math.Float64bits(a[e]) == math.Float64bits(b[e]) || a[e] != a[e] && b[e] != b[e]
						if !exact[i/2] && !same {
							same = math.Abs(a[e]-b[e]) <= 1e-9*scale
						}
						if !same {
							t.Errorf("function %d %s, result %d: element %d is %v, want %v", i/2, texts[i/2], i%2, e, a[e], b[e])
							break
						}
					}
				}
			}
		})
	}
}

// Programs of few numbers, of many, with a gather, share their code among runs.
func TestNativeConcurrent(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	f := func(x *T) [2]*T {
		v, g := grad.ValueAndGrad(func(x *T) *T { return x.Sin().Mul(x.Exp()).Sum() })(x)
		return [2]*T{v, g}
	}
	p := compiled(t, f, tensor.Zeros(40_000))
	var wg sync.WaitGroup
	for range 4 {
		x := random(r, 40_000)
		want := f(x)
		wg.Go(func() {
			for range 5 {
				got, err := p.Run(context.Background(), x)
				if err != nil {
					t.Error(err)
					return
				}
				for i := range want {
					a, _ := got[i].Float64s()
					b, _ := want[i].Float64s()
					for e := range b {
						if a[e] != b[e] {
							t.Errorf("result %d differs at %d", i, e)
							return
						}
					}
				}
			}
		})
	}
	wg.Wait()
}

// Explain tells of the code.
func TestNativeExplained(t *testing.T) {
	t.Setenv("COTANGENT_CACHE", filepath.Join(t.TempDir(), "cache"))
	f := func(x *T) *T {
		c, _ := grad.Scan(func(c, r *T) (*T, *T) { return c.Add(r).CumSum(0), c }, x.Index(tensor.At(0)), x)
		return c.Sin().Sum()
	}
	p := compiled(t, f, tensor.Zeros(3, 4))
	e := p.Explain()
	if n := e.Native; n == nil || n.Err != nil || !n.Ready || n.Functions < 2 || n.Calls != 1 || n.Took <= 0 || !strings.Contains(e.String(), "compiled in") {
		t.Errorf("%+v:\n%v", e.Native, e)
	}
}

// RunInto allocates nothing.
func TestNativeAllocatesNothing(t *testing.T) {
	if kernelsAllocate {
		t.Skip("kernels allocate here")
	}
	f := func(x *T) [2]*T {
		v, g := grad.ValueAndGrad(func(x *T) *T { return x.Sin().MatMul(x.Exp().T()).Sum() })(x)
		return [2]*T{v, g}
	}
	x := random(rand.New(rand.NewPCG(6, 7)), 8, 9)
	p := compiled(t, f, x)
	dst := f(x)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		if err := p.RunInto(ctx, dst, x); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// An index out of range is the error that it is without machine code.
func TestNativeIndexError(t *testing.T) {
	f := func(x [2]*T) *T { return x[0].Take(0, x[1]) }
	table := tensor.New([]float64{1, 2, 3})
	p := compiled(t, f, [2]*T{table, tensor.New([]int64{0, 1})})
	got := run(t, p, [2]*T{table, tensor.New([]int64{-1, 1})})
	if v := must(got.Float64s())(t); v[0] != 3 || v[1] != 2 {
		t.Errorf("got %v", v)
	}
	_, err := p.Run(t.Context(), [2]*T{table, tensor.New([]int64{1, 7})})
	var ie *kernels.IndexError
	if !errors.As(err, &ie) || ie.Index != 7 || ie.Size != 3 || !strings.Contains(err.Error(), "take") {
		t.Errorf("error %v", err)
	}
}

// overflow compares a program on integers that overflow with Go's arithmetic, which
// wraps around.
func overflow[I int32 | int64](most I, prepare func(t *testing.T, f func(x *T) []*T, x *T) *grad.Prepared[*T, []*T]) func(*testing.T) {
	return func(t *testing.T) {
		data := []I{most, 7, -most, most / 2, most / 3, -1, 5, most, most, 3, 3}
		x := tensor.New(data)
		k := tensor.Scalar(1024, tensor.WithDType(x.DType()))
		results := run(t, prepare(t, func(x *T) []*T {
			y, z := x.Add(k), x.Neg().Sub(k).Sub(k)
			return []*T{y.Gt(x), y.Sub(x), z.Lt(x), z.Add(x), x.Square().Ge(x.Mul(k)), x.Square().Sub(x.Mul(x)), x.Sub(k).Abs().Lt(x)}
		}, x), x)
		one := map[bool]I{true: 1}
		for j, x := range data {
			y, z := x+1024, -x-1024-1024
			for i, want := range []I{one[y > x], y - x, one[z < x], z + x, one[x*x >= x*1024], 0, one[max(x-1024, -(x-1024)) < x]} {
				if got := must(results[i].Float64s())(t)[j]; got != float64(want) {
					t.Errorf("result %d of %d is %v, want %v", i, x, got, want)
				}
			}
		}
	}
}

// Integers that overflow wrap around on every device and in machine code, whatever is
// compared with them.
func TestOverflow(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, func(x *T) []*T, *T) *grad.Prepared[*T, []*T]{
		"kernels": func(t *testing.T, f func(x *T) []*T, x *T) *grad.Prepared[*T, []*T] { return mustPrepare(t, f, x) },
		"native":  func(t *testing.T, f func(x *T) []*T, x *T) *grad.Prepared[*T, []*T] { return compiled(t, f, x) },
	} {
		t.Run(name+"/int32", overflow[int32](math.MaxInt32, prepare))
		t.Run(name+"/int64", overflow[int64](math.MaxInt64, prepare))
	}
}

// No compiler, one that fails and a cache that cannot be used only mean kernels.
func TestNativeFallsBack(t *testing.T) {
	shared := t.TempDir()
	if err := os.Chmod(shared, 0o777); err != nil {
		t.Fatal(err)
	}
	x := tensor.New([]float64{1, 2})
	for _, c := range []struct {
		name, variable, value string
		step                  cc.Step
	}{
		{"no compiler", "CC", "/nowhere/cc", cc.Find},
		{"a compiler that fails", "CC", "false", cc.Find},
		{"a directory of all", "COTANGENT_CACHE", shared, cc.Cache},
		{"no directory", "COTANGENT_CACHE", "/dev/null/cache", cc.Cache},
	} {
		t.Run(c.name, func(t *testing.T) {
			compiled(t, (*T).Exp, x) // or skip
			t.Setenv(c.variable, c.value)
			p := mustPrepare(t, func(x *T) *T { return x.Square().Sin() }, x, grad.WithNative())
			var e *cc.Error
			if err := p.Native(t.Context()); !errors.As(err, &e) || e.Step != c.step {
				t.Errorf("error %v", err)
			}
			sameBits(t, "by kernels", run(t, p, x), x.Square().Sin())
		})
	}
}

// Without the option there is no code, and an error that says so.
func TestNotNative(t *testing.T) {
	p := mustPrepare(t, func(x *T) *T { return x }, tensor.Scalar(1))
	if err := p.Native(t.Context()); !errors.Is(err, grad.ErrNotNative) {
		t.Errorf("error %v", err)
	}
}

// Loops and branches, in each other and with their gradients.
func TestNativeControl(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	w := random(r, 5)
	step := func(c, x *T) (*T, *T) {
		c = c.Mul(w).Add(x).Tanh()
		return c, c.Square().Sum()
	}
	scan := func(x *T) *T {
		c, y := grad.Scan(step, x.Index(tensor.At(0)), x)
		return c.Sum().Add(y.Sum())
	}
	branch := func(x *T) *T {
		return grad.Cond(x.Sum().Gt(tensor.Scalar(0)), func(x *T) *T { return x.Sin().Sum() }, func(x *T) *T { return scan(x.Neg()) }, x)
	}
	halve := func(x *T) *T {
		return grad.While(func(x *T) *T { return x.Square().Sum().Gt(tensor.Scalar(1)) }, func(x *T) *T { return x.MulScalar(0.5) }, x)
	}
	inner := func(x *T) *T { // a loop in a loop, with a branch in it
		c, _ := grad.Scan(func(c, row *T) (*T, *T) {
			d, _ := grad.Scan(func(d, e *T) (*T, *T) { return d.Mul(e).Add(c), e }, row, x)
			return grad.Cond(d.Sum().Lt(tensor.Scalar(3)), func(d *T) *T { return d }, func(d *T) *T { return d.MulScalar(0.1) }, d), row
		}, x.Index(tensor.At(1)), x)
		return c.Sum()
	}
	both := func(f func(x *T) *T) func(x *T) []*T {
		return func(x *T) []*T { v, g := grad.ValueAndGrad(f)(x); return []*T{v, g} }
	}
	for name, f := range map[string]func(x *T) []*T{
		"scan": both(scan), "cond": both(branch), "nested": both(inner),
		"while":        func(x *T) []*T { return []*T{halve(x)} },
		"second order": func(x *T) []*T { return []*T{grad.HVP(scan, x, x.Sin())} },
		"jvp":          func(x *T) []*T { y, dy := grad.JVP(halve, x, x.Cos()); return []*T{y, dy} },
		"empty":        func(x *T) []*T { return both(scan)(x.Index(tensor.Range(0, 1))) },
	} {
		t.Run(name, func(t *testing.T) {
			p, tiles := compiled(t, f, tensor.Zeros(4, 5)), mustPrepare(t, f, tensor.Zeros(4, 5))
			for range 3 {
				x := random(r, 4, 5)
				got, want := run(t, p, x), run(t, tiles, x)
				for i := range want {
					sameBits(t, fmt.Sprint("result ", i), got[i], want[i])
				}
			}
		})
	}
}

// An error in a body tells the step, as it does without machine code.
func TestNativeControlErrors(t *testing.T) {
	table := tensor.New([]float64{1, 2, 3})
	f := func(i *T) *T {
		c, _ := grad.Scan(func(c, i *T) (*T, *T) { return c.Add(table.Take(0, i)), c }, tensor.Scalar(0), i)
		return c
	}
	i := tensor.New([]int64{0, 2, 5, 1})
	p := compiled(t, f, i)
	_, err := p.Run(t.Context(), i)
	_, want := mustPrepare(t, f, i).Run(t.Context(), i)
	if err == nil || want == nil || err.Error() != want.Error() {
		t.Errorf("error %v, want %v", err, want)
	}
	endless := compiled(t, func(x *T) *T {
		return grad.While(func(x *T) *T { return x.Gt(tensor.Scalar(0)) }, func(x *T) *T { return x.AddScalar(1) }, x)
	}, tensor.Scalar(1))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := endless.Run(ctx, tensor.Scalar(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
