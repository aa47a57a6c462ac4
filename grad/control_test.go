// Control flow against Go loops: on values, prepared, and under transformations.

package grad_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// controlled is a function written with Cond, Scan or While, and the same written
// with Go's control flow (nil where that would have to look at values that Vmap maps
// over: then it is compared slice by slice).
type controlled struct {
	name string
	f    func(x *T) *T // from [3] to a scalar
	loop func(x *T) *T
}

type state struct{ A, B *T }

var weights = tensor.New([][]float64{{0.3, -0.2, 0.5}, {0.1, 0.4, -0.6}, {-0.7, 0.2, 0.1}})

var table = tensor.New([][]float64{{1, 2, 3}, {-1, 0.5, 2}, {0.1, -0.4, 0.3}, {2, -1, 0.7}, {0.2, 0.9, -1.1}})

func rowOf(x *T, i int) *T { return x.Index(tensor.At(i)) }

var controls = []controlled{
	{"scan", func(x *T) *T {
		c, ys := grad.Scan(func(c, r *T) (*T, *T) {
			c = weights.MatMul(c).Add(r).Tanh()
			return c, c.Mul(r)
		}, x, table)
		return c.Sum().Add(ys.Square().Sum())
	}, func(x *T) *T {
		var ys []*T
		for i := range 5 {
			r := rowOf(table, i)
			x = weights.MatMul(x).Add(r).Tanh()
			ys = append(ys, x.Mul(r))
		}
		return x.Sum().Add(tensor.Stack(0, ys...).Square().Sum())
	}},
	{"scan backwards over what is differentiated", func(x *T) *T {
		xs := table.Mul(x)
		c, ys := grad.Scan(func(c state, r *T) (state, state) {
			n := state{c.A.Mul(r).Add(c.B).Sin(), c.B.Add(r.Sum())}
			return n, state{c.A, r.Exp()}
		}, state{x, tensor.Scalar(0.5)}, xs, grad.Backwards())
		return c.A.Sum().Mul(c.B).Add(ys.A.Mul(ys.B).Sum())
	}, func(x *T) *T {
		xs := table.Mul(x)
		a, b := x, tensor.Scalar(0.5)
		as, es := make([]*T, 5), make([]*T, 5)
		for i := 4; i >= 0; i-- {
			r := rowOf(xs, i)
			as[i], es[i] = a, r.Exp()
			a, b = a.Mul(r).Add(b).Sin(), b.Add(r.Sum())
		}
		return a.Sum().Mul(b).Add(tensor.Stack(0, as...).Mul(tensor.Stack(0, es...)).Sum())
	}},
	{"scan of captured values alone", func(x *T) *T {
		k := x.Exp()
		c, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) {
			return c.Mul(k).Add(x), struct{}{}
		}, tensor.Ones(3), struct{}{}, grad.Length(4), grad.Recompute())
		return c.Sum()
	}, func(x *T) *T {
		k, c := x.Exp(), tensor.Ones(3)
		for range 4 {
			c = c.Mul(k).Add(x)
		}
		return c.Sum()
	}},
	{"nested scans", func(x *T) *T {
		c, ys := grad.Scan(func(c, r *T) (*T, *T) {
			c, inner := grad.Scan(func(c, w *T) (*T, *T) {
				c = c.Mul(r).Add(w).Sin()
				return c, c.Mul(x).Sum()
			}, c, weights, grad.KeepResiduals())
			return c, inner
		}, x, table)
		return c.Sum().Add(ys.Sum())
	}, func(x *T) *T {
		var ys []*T
		c := x
		for i := range 5 {
			var inner []*T
			for j := range 3 {
				c = c.Mul(rowOf(table, i)).Add(rowOf(weights, j)).Sin()
				inner = append(inner, c.Mul(x).Sum())
			}
			ys = append(ys, tensor.Stack(0, inner...))
		}
		return c.Sum().Add(tensor.Stack(0, ys...).Sum())
	}},
	{"cond", func(x *T) *T {
		return grad.Cond(x.Sum().Gt(tensor.Scalar(0.1)), func(x *T) *T {
			return x.Exp().Mul(weights.MatMul(x)).Sum()
		}, func(x *T) *T {
			return x.Square().Sum().Neg()
		}, x.Mul(x))
	}, func(x *T) *T {
		y := x.Mul(x)
		if x.Sum().Float() > 0.1 {
			return y.Exp().Mul(weights.MatMul(y)).Sum()
		}
		return y.Square().Sum().Neg()
	}},
	{"while", func(x *T) *T {
		s := grad.While(func(s state) *T { return s.A.Square().Sum().Lt(s.B) }, func(s state) state {
			return state{s.A.MulScalar(1.5).Add(x.Sin().MulScalar(0.1)), s.B.AddScalar(0.25)}
		}, state{x, tensor.Scalar(20)})
		return s.A.Exp().Sum().Add(s.B)
	}, func(x *T) *T {
		a, b := x, tensor.Scalar(20)
		for a.Square().Sum().Float() < b.Float() {
			a, b = a.MulScalar(1.5).Add(x.Sin().MulScalar(0.1)), b.AddScalar(0.25)
		}
		return a.Exp().Sum().Add(b)
	}},
	{"while in scan in cond", func(x *T) *T {
		return grad.Cond(x.Square().Sum().Gt(tensor.Scalar(0)), func(x *T) *T {
			c, ys := grad.Scan(func(c, r *T) (*T, *T) {
				c = grad.While(func(c *T) *T { return c.Square().Sum().Lt(tensor.Scalar(4)) }, func(c *T) *T {
					return c.MulScalar(1.25).Add(r.MulScalar(0.1)).Add(x.MulScalar(0.01))
				}, c.MulScalar(0.25))
				return c, c.Mul(r).Sum()
			}, x, table)
			return c.Square().Sum().Add(ys.Sum())
		}, func(x *T) *T { return x.Sum() }, x)
	}, func(x *T) *T {
		c, sum := x, []*T{}
		for i := range 5 {
			c = c.MulScalar(0.25)
			for c.Square().Sum().Float() < 4 {
				c = c.MulScalar(1.25).Add(rowOf(table, i).MulScalar(0.1)).Add(x.MulScalar(0.01))
			}
			sum = append(sum, c.Mul(rowOf(table, i)).Sum())
		}
		return c.Square().Sum().Add(tensor.Stack(0, sum...).Sum())
	}},
	{"while in while", func(x *T) *T {
		return grad.While(func(c *T) *T { return c.Sum().Lt(tensor.Scalar(50)) }, func(c *T) *T {
			return grad.While(func(d *T) *T { return d.Max().Lt(c.Sum().Abs()) }, func(d *T) *T {
				return d.MulScalar(1.3).Add(x.Square())
			}, c.Square().AddScalar(0.3))
		}, x).Log().Sum()
	}, func(x *T) *T {
		c := x
		for c.Sum().Float() < 50 {
			d := c.Square().AddScalar(0.3)
			for d.Max().Float() < c.Sum().Abs().Float() {
				d = d.MulScalar(1.3).Add(x.Square())
			}
			c = d
		}
		return c.Log().Sum()
	}},
}

// points are where the functions are compared.
func points() []*T {
	r := rand.New(rand.NewPCG(7, 8))
	return []*T{tensor.New([]float64{0.5, 0.8, -0.3}), tensor.New([]float64{-0.4, 0.2, -0.5}), random(r, 3)}
}

// of is a function and what transformations make of it.
func of(f func(x *T) *T) map[string]func(x *T) *T {
	return map[string]func(x *T) *T{
		"value": f,
		"grad":  grad.Grad(f),
		"jvp": func(x *T) *T {
			y, dy := grad.JVP(f, x, x.Cos())
			return y.MulScalar(3).Add(dy)
		},
		"forward over reverse": func(x *T) *T { return grad.HVP(f, x, x.Sin()) },
		"reverse over forward": grad.Grad(func(x *T) *T {
			_, d := grad.JVP(f, x, tensor.New([]float64{0.3, -1, 2}))
			return d
		}),
		"reverse over reverse": grad.Grad(func(x *T) *T { return grad.Grad(f)(x).Square().Sum() }),
	}
}

func close12(t testing.TB, what string, got, want *T) {
	t.Helper()
	a, b := bothOf(t, what, got, want)
	scale := 1.0
	for _, v := range b {
		scale = max(scale, v, -v)
	}
	for i := range b {
		if d := a[i] - b[i]; !(d <= 1e-11*scale && -d <= 1e-11*scale) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, a[i], b[i])
		}
	}
}

// Values are those of Go loops, bit for bit, eagerly and prepared; so are eager
// derivatives. Prepared ones add up what several steps contribute to a captured value
// in another order where a step contributes more than once.
func TestControlIsLoops(t *testing.T) {
	for _, c := range controls {
		for name, f := range of(c.f) {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				want := of(c.loop)[name]
				p := mustPrepare(t, f, points()[0])
				for _, x := range points() {
					w := want(x)
					got := run(t, p, x)
					if name == "value" {
						sameBits(t, "eager", f(x), w)
						sameBits(t, "prepared", got, w)
					}
					close12(t, "eager", f(x), w)
					close12(t, "prepared", got, w)
					dst := tensor.Zeros(w.Shape()...)
					for range 2 {
						if err := p.RunInto(t.Context(), dst, x); err != nil {
							t.Fatal(err)
						}
						sameBits(t, "RunInto", dst, got)
					}
				}
			})
		}
	}
}

// A prepared program with loops is transformed as the function that it was made of.
func TestControlReplayed(t *testing.T) {
	for _, c := range controls {
		t.Run(c.name, func(t *testing.T) {
			x := points()[0]
			p := mustPrepare(t, c.f, x)
			close12(t, "gradient", grad.Grad(p.Call)(x), grad.Grad(c.loop)(x))
			close12(t, "HVP", grad.HVP(p.Call, x, x.Sin()), grad.HVP(c.loop, x, x.Sin()))
			g := mustPrepare(t, grad.Grad(p.Call), x)
			close12(t, "prepared again", run(t, g, x), grad.Grad(c.loop)(x))
			_, dg := grad.JVP(g.Call, x, x.Sin())
			close12(t, "JVP of a prepared gradient", dg, grad.HVP(c.loop, x, x.Sin()))
		})
	}
}

// Under Vmap control flow gives what it gives for each slice.
func TestControlVmap(t *testing.T) {
	xs := tensor.Stack(0, points()...)
	for _, c := range controls {
		for name, f := range of(c.f) {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				var slices []*T
				for _, x := range points() {
					slices = append(slices, of(c.loop)[name](x))
				}
				want := tensor.Stack(0, slices...)
				v := grad.Vmap(f)
				close12(t, "eager", v(xs), want)
				close12(t, "prepared", run(t, mustPrepare(t, v, xs), xs), want)
				if name == "value" {
					g := func(xs *T) *T { return grad.Grad(func(xs *T) *T { return v(xs).Sum() })(xs) }
					var rows []*T
					for _, x := range points() {
						rows = append(rows, grad.Grad(c.loop)(x))
					}
					close12(t, "gradient of Vmap", g(xs), tensor.Stack(0, rows...))
					close12(t, "prepared gradient of Vmap", run(t, mustPrepare(t, g, xs), xs), tensor.Stack(0, rows...))
				}
			})
		}
	}
}

func TestControlErrors(t *testing.T) {
	x := tensor.New([]float64{1, 2, 3})
	var ce *grad.CarryError
	var be *grad.BranchError
	var de *tensor.DTypeError
	var se *tensor.ShapeError
	var le *graph.StepsError
	var pe *grad.PanicError
	var re *tensor.ReadError
	for _, c := range []struct {
		name string
		f    func(x *T) *T
		as   any
	}{
		{"carry of another shape", func(x *T) *T {
			s, _ := grad.Scan(func(s state, _ struct{}) (state, struct{}) { return state{s.A, s.A}, struct{}{} }, state{x, x.Sum()}, struct{}{}, grad.Length(2))
			return s.B
		}, &ce},
		{"carry of another dtype", func(x *T) *T {
			return grad.While(func(c *T) *T { return c.Sum().Lt(x.Sum().AddScalar(1)) }, func(c *T) *T { return c.Cast(tensor.Float32) }, x)
		}, &ce},
		{"branches", func(x *T) *T {
			return grad.Vmap(func(x *T) *T {
				return grad.Cond(x.Gt(tensor.Scalar(2)), func(x *T) *T { return x }, func(x *T) *T { return x.Reshape(1) }, x)
			})(x)
		}, &be},
		{"condition that is no bool", func(x *T) *T { return grad.Cond(x.Sum(), (*T).Exp, (*T).Exp, x) }, &de},
		{"condition that is no scalar", func(x *T) *T { return grad.While(func(c *T) *T { return c.Lt(x) }, (*T).Exp, x) }, &se},
		{"lengths", func(x *T) *T {
			_, y := grad.Scan(func(c *T, x [2]*T) (*T, *T) { return c, x[0] }, x, [2]*T{x, tensor.Zeros(4)})
			return y
		}, &se},
		{"length given", func(x *T) *T {
			_, y := grad.Scan(func(c *T, x *T) (*T, *T) { return c, x }, x, x, grad.Length(2))
			return y
		}, &se},
		{"rows of a scalar", func(x *T) *T {
			_, y := grad.Scan(func(c *T, x *T) (*T, *T) { return c, x }, x, x.Sum())
			return y
		}, &se},
		{"panic", func(x *T) *T {
			_, y := grad.Scan(func(c *T, x *T) (*T, *T) { panic("no") }, x, x)
			return y
		}, &pe},
		{"error of an operation", func(x *T) *T {
			c, _ := grad.Scan(func(c *T, x *T) (*T, *T) { return c.Reshape(2, 2), x }, x, x)
			return c
		}, &se},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.f(x).Err(); !errors.As(err, c.as) {
				t.Errorf("eager: %v, want a %T", err, c.as)
			}
			if _, err := grad.Prepare(c.f, x); !errors.As(err, c.as) {
				t.Errorf("prepared: %v, want a %T", err, c.as)
			}
		})
	}
	endless := func(x *T) *T {
		return grad.While(func(c *T) *T { return c.Sum().Gt(tensor.Scalar(0)) }, func(c *T) *T { return c.MulScalar(1) }, x, grad.MaxSteps(100))
	}
	if err := endless(x).Err(); !errors.As(err, &le) || le.Limit != 100 {
		t.Errorf("too many steps: %v", err)
	}
	if _, err := mustPrepare(t, endless, x).Run(t.Context(), x); !errors.As(err, &le) {
		t.Errorf("too many steps, prepared: %v", err)
	}
	if _, err := grad.Prepare(func(x *T) *T {
		c, _ := grad.Scan(func(c, r *T) (*T, *T) {
			if r.Float() > 0 {
				return c, r
			}
			return c.Neg(), r
		}, x, x)
		return c
	}, x); !errors.As(err, &re) {
		t.Errorf("a body that looks at a value: %v", err)
	}
}

// A loop without end stops when its context ends.
func TestWhileCancelled(t *testing.T) {
	endless := func(ctx context.Context) func(x *T) *T {
		return func(x *T) *T {
			return grad.While(func(c *T) *T { return c.Gt(tensor.Scalar(0)) }, func(c *T) *T { return c.MulScalar(1) }, x, grad.WithContext(ctx))
		}
	}
	x := tensor.Scalar(1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := endless(ctx)(x).Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("eager: %v", err)
	}
	p := mustPrepare(t, endless(nil), x)
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Run(ctx, x); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("prepared: %v", err)
	}
}

// Loops over values that come upon recorded ones in a later step only, or in the
// last one first: prepared, they give what they give eagerly.
func TestLateCapture(t *testing.T) {
	start, rows := tensor.Zeros(2), tensor.New([][]float64{{1, 1}, {1, 2}, {5, 1}})
	above := func(c *T) *T { return c.Sum().Gt(tensor.Scalar(3)) }
	use := func(x *T) func(c *T) *T { return func(c *T) *T { return c.Mul(x).AddScalar(1) } }
	one := func(c *T) *T { return c.AddScalar(1) }
	scan := func(opts ...grad.Option) func(x *T) *T {
		return func(x *T) *T {
			c, ys := grad.Scan(func(c, r *T) (*T, *T) {
				c = grad.Cond(above(c.Add(r)), use(x), one, c)
				return c, c.Mul(r)
			}, start, rows, opts...)
			return c.Sum().Add(ys.Sum())
		}
	}
	while := func(opts ...grad.Option) func(x *T) *T {
		return func(x *T) *T {
			c := grad.While(func(c *T) *T { return c.Sum().Lt(tensor.Scalar(20)) },
				func(c *T) *T { return grad.Cond(above(c), use(x), one, c) }, start, opts...)
			return c.Sum()
		}
	}
	for name, f := range map[string]func(x *T) *T{
		"scan": scan(), "backwards": scan(grad.Backwards()), "while": while(), "while, bounded": while(grad.MaxSteps(5)),
	} {
		p, err := grad.Prepare(grad.Grad(f), start)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, x := range []*T{tensor.New([]float64{5, 7}), tensor.New([]float64{3, 1}), tensor.New([]float64{2.5, -1})} {
			want := grad.Grad(f)(x)
			got, err := p.Run(t.Context(), x)
			if fmt.Sprint(got) != fmt.Sprint(want) || err != nil {
				t.Errorf("%s at %v: %v (%v), want %v", name, x, got, err, want)
			}
		}
	}
	p, err := grad.Prepare(while(grad.MaxSteps(3)), start)
	if err != nil {
		t.Fatal(err)
	}
	var steps *graph.StepsError
	if _, err := p.Run(t.Context(), tensor.Ones(2)); !errors.As(err, &steps) {
		t.Errorf("too many steps: %v", err)
	}
}
