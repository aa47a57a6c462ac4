// Preaccumulation: what is kept for the sweep, and what stays as it is.

package graph

import (
	"regexp"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
)

// smul is the strong product of two values of one shape.
func (b *builder) smul(x, y Ref) Ref { return b.Emit(strongProduct(b.Aval(x)), x, y) }

// later is x plus the sum of v: not there before all of v is.
func (b *builder) later(x, v Ref) Ref {
	return b.apply(kernels.Add, nil, x, b.apply(kernels.Sum, axes(false, 0), v))
}

func TestPreaccumulate(t *testing.T) {
	type refs = []Ref
	const n = leastKept / 8
	for _, c := range []struct {
		name          string
		size          int
		make          func(b *builder, x, y Ref) refs
		before, after string
		kept          Preaccumulated
	}{
		{"a chain", n, func(b *builder, x, y Ref) refs {
			s := b.apply(kernels.Sin, nil, b.apply(kernels.Exp, nil, x))
			c := b.apply(kernels.Cos, nil, s)
			g := b.later(y, s)
			return refs{b.smul(b.smul(b.smul(g, s), c), b.apply(kernels.Exp, nil, x))}
		}, `
v1 = exp(a[i])
out0[i] = v1
out1[i] = sin(v1)
out[] = sum(i) a[i]
out[i] = (((a[i] + b[]) ⊙ c[i]) ⊙ cos(c[i])) ⊙ d[i]
`, `
v1 = exp(a[i])
v2 = sin(v1)
out0[i] = (v2 ⊙ cos(v2)) ⊙ v1
out1[] = sum(i) v2
out[i] = a[i] ⊙ (b[i] + c[])
`, Preaccumulated{1, 8 * n, 16 * n}},
		{"small values", n - 1, func(b *builder, x, y Ref) refs {
			s := b.apply(kernels.Sin, nil, b.apply(kernels.Exp, nil, x))
			return refs{b.smul(b.smul(b.later(y, s), s), b.apply(kernels.Exp, nil, x))}
		}, `
v1 = exp(a[i])
v2 = sin(v1)
out0[i] = v1
out1[i] = v2
out2[] = sum(i) v2
out[i] = ((a[i] + b[]) ⊙ c[i]) ⊙ d[i]
`, "", Preaccumulated{}},
		{"as many factors as operands", n, func(b *builder, x, y Ref) refs {
			s := b.apply(kernels.Sin, nil, x)
			return refs{b.smul(b.later(y, s), s)}
		}, `
v1 = sin(a[i])
out0[i] = v1
out1[] = sum(i) v1
out[i] = (a[i] + b[]) ⊙ c[i]
`, "", Preaccumulated{}},
		{"operands that are kept anyhow", n, func(b *builder, x, y Ref) refs {
			s := b.apply(kernels.Sin, nil, b.apply(kernels.Exp, nil, x))
			return refs{b.smul(b.smul(b.later(y, s), s), b.apply(kernels.Exp, nil, x)), s, b.apply(kernels.Exp, nil, x)}
		}, `
v1 = exp(a[i])
v2 = sin(v1)
out0[i] = v1
out1[i] = v2
out2[] = sum(i) v2
out[i] = ((a[i] + b[]) ⊙ c[i]) ⊙ d[i]
`, "", Preaccumulated{}},
		{"two roots", n, func(b *builder, x, y Ref) refs {
			e := b.apply(kernels.Exp, nil, x)
			s := b.apply(kernels.Sin, nil, e)
			g, h := b.later(y, s), b.later(e, s)
			sum := b.apply(kernels.Add, nil, b.smul(g, s), b.smul(h, e))
			return refs{b.smul(sum, b.apply(kernels.Tanh, nil, s))}
		}, `
v1 = exp(a[i])
v2 = sin(v1)
out0[i] = v1
out1[i] = v2
out2[] = sum(i) v2
out[i] = ((a[i] + b[]) ⊙ c[i] + (d[i] + b[]) ⊙ d[i]) ⊙ tanh(c[i])
`, "", Preaccumulated{}},
		{"an ordinary product", n, func(b *builder, x, y Ref) refs {
			s := b.apply(kernels.Sin, nil, b.apply(kernels.Exp, nil, x))
			return refs{b.apply(kernels.Mul, nil, b.apply(kernels.Mul, nil, b.later(y, s), s), b.apply(kernels.Exp, nil, x))}
		}, `
v1 = exp(a[i])
v2 = sin(v1)
out0[i] = v1
out1[i] = v2
out2[] = sum(i) v2
out[i] = (a[i] + b[]) * c[i] * d[i]
`, "", Preaccumulated{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			g := b.outputs(c.make(b, b.param(c.size), b.param(c.size))...)
			whole, without := g.Clone(), g.Clone()
			without.Optimize(AllPasses, nil)
			if got := "\n" + loops(without); got != c.before {
				t.Errorf("without: got%s\nwant%s", got, c.before)
			}
			g.Optimize(AllPasses|Preaccumulate, nil)
			if err := g.Verify(); err != nil {
				t.Fatal(err)
			}
			if c.after == "" {
				c.after = c.before
				sameResults(t, whole, g)
			}
			if got := "\n" + loops(g); got != c.after {
				t.Errorf("got%s\nwant%s", got, c.after)
			}
			if g.Preaccumulated != c.kept {
				t.Errorf("kept %+v, want %+v", g.Preaccumulated, c.kept)
			}
		})
	}
}

// Of a step with its sweep derivatives become values of the step, where less is kept for
// them: carries are kept, other inputs are there anyhow.
func TestPreaccumulateStep(t *testing.T) {
	type refs = []Ref
	const n = 10
	times := leastKept / (8 * n)
	for _, c := range []struct {
		name   string
		times  int
		make   func(b *builder, x, y, g Ref) refs // of a carry, a constant and a cotangent
		listed string
		kept   Preaccumulated
	}{
		{"a chain", times + 1, func(b *builder, x, y, g Ref) refs {
			s := b.apply(kernels.Sin, nil, b.apply(kernels.Exp, nil, x))
			return refs{s, b.smul(b.smul(g, b.apply(kernels.Cos, nil, s)), b.apply(kernels.Exp, nil, x))}
		}, `
%0 = param 0 float64[10]
%1 = param 1 float64[10]
%2 = param 2 float64[10]
%3 = exp %0 float64[10]
%4 = sin %3 float64[10]
%5 = cos %4 float64[10]
%6 = exp %0 float64[10]
%7 = partial %5, %6 float64[10]
%8 = smul %7, %2 float64[10]
return %4, %8
`, Preaccumulated{1, 8 * n, 16 * n}},
		{"few small values", times - 1, func(b *builder, x, y, g Ref) refs {
			s := b.apply(kernels.Sin, nil, b.apply(kernels.Exp, nil, x))
			return refs{s, b.smul(b.smul(g, b.apply(kernels.Cos, nil, s)), b.apply(kernels.Exp, nil, x))}
		}, "", Preaccumulated{}},
		{"the carry itself", times + 1, func(b *builder, x, y, g Ref) refs {
			return refs{x, b.smul(b.smul(g, x), b.apply(kernels.Exp, nil, x))}
		}, `
%0 = param 0 float64[10]
%1 = param 1 float64[10]
%2 = param 2 float64[10]
%3 = exp %0 float64[10]
%4 = partial %0, %3 float64[10]
%5 = smul %4, %2 float64[10]
return %0, %5
`, Preaccumulated{1, 8 * n, 16 * n}},
		{"sums over multiples", times + 1, func(b *builder, x, y, g Ref) refs {
			e := b.apply(kernels.Exp, nil, x)
			s := b.apply(kernels.Sin, nil, e)
			sum := func(v Ref) Ref { return b.apply(kernels.Sum, axes(false, 0), v) }
			return refs{s, b.apply(kernels.Add, nil, sum(b.smul(g, e)), sum(b.smul(g, s)))}
		}, `
%0 = param 0 float64[10]
%1 = param 1 float64[10]
%2 = param 2 float64[10]
%3 = exp %0 float64[10]
%4 = sin %3 float64[10]
%5 = partial %3, %4 float64[10]
%6 = smul %5, %2 float64[10]
%7 = sum(axis=[0]) %6 float64[]
return %4, %7
`, Preaccumulated{1, 8 * n, 16 * n}},
		{"what is there anyhow", times + 1, func(b *builder, x, y, g Ref) refs {
			return refs{x, b.smul(b.smul(g, y), y)}
		}, "", Preaccumulated{}},
		{"factors made of cotangents", times + 1, func(b *builder, x, y, g Ref) refs {
			s := b.apply(kernels.Sin, nil, b.apply(kernels.Exp, nil, x))
			return refs{s, b.smul(b.smul(b.later(y, g), b.apply(kernels.Exp, nil, g)), s)}
		}, "", Preaccumulated{}},
		{"a sweep over the step's own sums", times + 1, func(b *builder, x, y, g Ref) refs {
			s := b.apply(kernels.Sin, nil, b.apply(kernels.Exp, nil, x))
			return refs{b.smul(b.smul(b.later(y, s), s), b.apply(kernels.Exp, nil, x)), g}
		}, "", Preaccumulated{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			x, y, g := b.param(n), b.param(n), b.param(n)
			joint := b.outputs(c.make(b, x, y, g)...)
			before := joint.String()
			step := Step{Cotangents: []Ref{g}, Carries: []Ref{x}, Times: c.times}
			if joint.PreaccumulateStep(AllPasses, step) != nil || joint.PreaccumulateStep(Preaccumulate, step) != nil || joint.String() != before {
				t.Error("changed without being asked to")
			}
			partial := joint.PreaccumulateStep(AllPasses|Preaccumulate, step)
			if err := joint.Verify(); err != nil {
				t.Fatal(err)
			}
			want := c.listed
			if want == "" {
				want = "\n" + before
			}
			if got := "\n" + joint.String(); unaligned(got) != unaligned(want) || joint.Preaccumulated != c.kept || len(partial) != c.kept.Values {
				t.Errorf("kept %+v%s\nwant %+v%s", joint.Preaccumulated, got, c.kept, want)
			}
		})
	}
}

// unaligned puts one space for many.
func unaligned(s string) string { return regexp.MustCompile(" +").ReplaceAllString(s, " ") }
