// Einstein's summation: contractions of one or two operands, and of any number
// by pairs.

package kernels

import (
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Contract is an einsum of one or two operands.
var Contract = Register(Op{
	Name: "contract", NumPy: "einsum (of at most two operands)", Torch: "einsum (of at most two operands)",
	Doc: "The sum of products that an Equation of explicit letters describes, of one or two operands. Refuses what Einsum refuses.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		if len(in) > 2 {
			return nil, shapeErr("contract", in, "takes one or two operands, got %d", len(in))
		}
		return inferEinsum("contract", in, attr)
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		c, _ := parseEinsum("contract", in, attr)
		return c.loop(in)
	},
	Cases: contractCases,
})

// Einsum sums products of labelled dimensions.
var Einsum = Register(Op{
	Name: "einsum", NumPy: "einsum", Torch: "einsum", Kind: Composite,
	Doc: "The sum of products that an Equation describes: letters name the dimensions of each operand and of the result, a letter not " +
		"in the result is summed over, one that an operand has twice takes its diagonal, and an ellipsis stands for dimensions that " +
		"broadcast. Without an arrow the result has the ellipsis and then the letters that occur once, in alphabetical order. Of more " +
		"than two operands, the pair whose product is smallest beside what it replaces comes first. Refuses sizes that differ (1 " +
		"broadcasts), letters in the result twice or in no operand, and bools alone.",
	Infer: func(in []Aval, attr any) ([]Aval, error) { return inferEinsum("einsum", in, attr) },
	Compose: func(b Builder, attr any, in []Val) []Val {
		avals := make([]Aval, len(in))
		for i, x := range in {
			avals[i] = x.Aval()
		}
		c, err := parseEinsum("einsum", avals, attr)
		if err != nil {
			return []Val{b.Fail(err)}
		}
		return []Val{c.pairs(b, in)}
	},
	Cases: func() []Case {
		return append([]Case{
			{Name: "three", Attr: Equation("ij,jk,kl->il"), In: []Sample{random(2, 3), random(3, 4), random(4, 2)}, Shape: []int{2, 2}},
			{Name: "three elementwise", Attr: Equation("i,i,i->i"), In: []Sample{values(1, 2), values(3, 4), values(5, 6)}, Want: []float64{15, 48}},
			{Name: "three, summed apart", Attr: Equation("ij,kl,m->k"), In: []Sample{random(2, 3), random(2, 2), random(3)}, Shape: []int{2}},
			{Name: "three, broadcast", Attr: Equation("...i,...i,i->..."), In: []Sample{random(2, 1, 3), random(2, 3), random(3)}, Shape: []int{2, 2}},
			{Name: "four", Attr: Equation("ab,bc,cd,da->"), In: []Sample{random(2, 3), random(3, 2), random(2, 3), random(3, 2)}, Shape: []int{}},
			{Name: "three, empty", Attr: Equation("i,i,j->j"), In: []Sample{random(0), random(0), random(2)}, Want: []float64{0, 0}},
			{Name: "three, sizes", Attr: Equation("i,i,i->"), In: []Sample{random(2), random(2), random(3)}, Bad: "size 3"},
		}, contractCases()...)
	},
})

func contractCases() []Case {
	return []Case{
		{Name: "matrix product", Attr: Equation("ij,jk->ik"), In: []Sample{values(1, 2, 3, 4).shaped(2, 2), values(5, 6, 7, 8).shaped(2, 2)}, Want: []float64{19, 22, 43, 50}, Shape: []int{2, 2}},
		{Name: "implicit result", Attr: Equation("ba"), In: []Sample{values(1, 2, 3, 4).shaped(2, 2)}, Want: []float64{1, 3, 2, 4}},
		{Name: "implicit sum", Attr: Equation("ij, jk"), In: []Sample{random(2, 3), random(3, 2)}, Shape: []int{2, 2}},
		{Name: "trace", Attr: Equation("ii->"), In: []Sample{values(1, 2, 3, 4).shaped(2, 2)}, Want: []float64{5}, Shape: []int{}},
		{Name: "diagonal", Attr: Equation("ii->i"), In: []Sample{values(1, 2, 3, 4).shaped(2, 2)}, Want: []float64{1, 4}},
		{Name: "diagonal of a batch", Attr: Equation("bii->bi"), In: []Sample{random(2, 3, 3)}},
		{Name: "sum", Attr: Equation("ij->j"), In: []Sample{random(2, 3)}},
		{Name: "outer", Attr: Equation("i,j->ji"), In: []Sample{random(2), random(3)}, Shape: []int{3, 2}},
		{Name: "inner", Attr: Equation("ij,ij->"), In: []Sample{random(2, 3), random(2, 3)}},
		{Name: "batch", Attr: Equation("bij,bkj->bik"), In: []Sample{random(2, 2, 3), random(2, 4, 3)}, Shape: []int{2, 2, 4}},
		{Name: "large", Attr: Equation("bij,bkj->bik"), In: []Sample{random(3, 17, 15), random(3, 18, 15)}, Tol: 1e-13},
		{Name: "ellipsis", Attr: Equation("...ij,...jk->...ik"), In: []Sample{random(2, 1, 2, 3), random(3, 3, 2)}, Shape: []int{2, 3, 2, 2}},
		{Name: "ellipsis transposed", Attr: Equation("i...->...i"), In: []Sample{random(2, 3, 4)}, Shape: []int{3, 4, 2}},
		{Name: "ellipsis implicit", Attr: Equation("...i,...i"), In: []Sample{random(2, 3), random(3)}, Shape: []int{2}},
		{Name: "ellipsis summed", Attr: Equation("...i->i"), In: []Sample{random(2, 3)}, Bad: "ellipsis"},
		{Name: "size 1", Attr: Equation("ij,ij->ij"), In: []Sample{random(2, 1), random(2, 3)}, Shape: []int{2, 3}},
		{Name: "summed apart", Attr: Equation("ij,k->"), In: []Sample{random(2, 3), random(2)}},
		{Name: "scalar", Attr: Equation(",i->i"), In: []Sample{random(), random(3)}},
		{Name: "integers", Attr: Equation("i,i"), In: []Sample{ints(1, 2), ints(3, 4)}, Want: []float64{11}},
		{Name: "empty", Attr: Equation("ij,jk->ik"), In: []Sample{random(2, 0), random(0, 1)}, Want: []float64{0, 0}},
		{Name: "sizes", Attr: Equation("ij,jk->ik"), In: []Sample{random(2, 3), random(2, 3)}, Bad: "\"j\" has size 2 where it had 3 (shapes [2 3], [2 3])"},
		{Name: "rank", Attr: Equation("ij->i"), In: []Sample{random(2)}, Bad: "2 letters"},
		{Name: "rank below the letters", Attr: Equation("ij...->i..."), In: []Sample{random(2)}, Bad: "2 letters"},
		{Name: "operands", Attr: Equation("i,i->"), In: []Sample{random(2)}, Bad: "2 operands"},
		{Name: "unknown", Attr: Equation("i->ij"), In: []Sample{random(2)}, Bad: "\"j\" is in no operand"},
		{Name: "twice", Attr: Equation("ij->ii"), In: []Sample{random(2, 2)}, Bad: "twice"},
		{Name: "two ellipses", Attr: Equation("...i...->i"), In: []Sample{random(2, 2, 2)}, Bad: "ellipses"},
		{Name: "not a letter", Attr: Equation("i1->i"), In: []Sample{random(2, 2)}, Bad: "letter"},
		{Name: "two arrows", Attr: Equation("i->i->i"), In: []Sample{random(2)}, Bad: "letter"},
		{Name: "bools", Attr: Equation("i->"), In: []Sample{bools(1)}, Bad: "not bools"},
		{Name: "no operands", Attr: Equation(""), Bad: "at least one"},
		{Name: "attribute", Attr: "i->i", In: []Sample{random(2)}, Bad: "attribute"},
	}
}

func inferEinsum(op string, in []Aval, attr any) ([]Aval, error) {
	c, err := parseEinsum(op, in, attr)
	if err != nil {
		return nil, err
	}
	return one(promote(in), c.shape()), nil
}

// Labels of an equation are those of its ellipsis, counted from the last
// dimension on, and then its letters.
func letterLabel(r byte) int { return MaxRank + int(r) }

// parseEinsum returns the contraction that an equation describes.
func parseEinsum(op string, in []Aval, attr any) (contraction, error) {
	c := contraction{in: make([][]int, len(in))}
	eq, err := attrOf[Equation](op, attr)
	if err != nil {
		return c, err
	}
	if len(in) == 0 {
		return c, shapeErr(op, in, "takes at least one operand")
	}
	if err := numericOperands(op, in); err != nil {
		return c, err
	}
	left, right, explicit := strings.Cut(strings.ReplaceAll(string(eq), " ", ""), "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(in) {
		return c, shapeErr(op, in, "%q is for %d operands, got %d", eq, len(terms), len(in))
	}
	dots := 0 // dimensions of the widest ellipsis
	for i, term := range terms {
		t, err := parseTerm(op, term)
		if err != nil {
			return c, err
		}
		n := len(in[i].Shape) - len(t.before) - len(t.after)
		if n < 0 || n > 0 && !t.ellipsis {
			return c, shapeErr(op, in, "%q has %d letters for operand %d", term, len(t.before)+len(t.after), i)
		}
		dots = max(dots, n)
		for d, label := range t.labels(n) {
			if !c.label(i, label, in[i].Shape[d]) {
				return c, shapeErr(op, in, "%q has size %d where it had %d", labelName(label), in[i].Shape[d], c.size[label])
			}
		}
	}
	if !explicit {
		c.out = implicitResult(left, dots)
		return c, nil
	}
	t, err := parseTerm(op, right)
	if err != nil {
		return c, err
	}
	if dots > 0 && !t.ellipsis {
		return c, attrErr(op, "%q has no ellipsis in its result", eq)
	}
	if !t.ellipsis {
		dots = 0
	}
	c.out = t.labels(dots)
	return c, c.checkOut(op)
}

// checkOut refuses labels of the result that occur twice or in no operand.
func (c contraction) checkOut(op string) error {
	for d, l := range c.out {
		if slices.Contains(c.out[:d], l) {
			return attrErr(op, "%q is in the result twice", labelName(l))
		}
		if !slices.ContainsFunc(c.in, func(labels []int) bool { return slices.Contains(labels, l) }) {
			return attrErr(op, "%q is in no operand", labelName(l))
		}
	}
	return nil
}

// term is one operand's letters, or the result's.
type term struct {
	before, after string // of the ellipsis
	ellipsis      bool
}

func parseTerm(op, s string) (t term, err error) {
	t.before, t.after, t.ellipsis = strings.Cut(s, "...")
	if strings.Contains(t.after, "...") {
		return t, attrErr(op, "%q has two ellipses", s)
	}
	for _, r := range t.before + t.after {
		if r < 'A' || r > 'z' || r > 'Z' && r < 'a' {
			return t, attrErr(op, "%q in %q is not a letter", r, s)
		}
	}
	return t, nil
}

// labels returns the labels of the dimensions, n of them the ellipsis's.
func (t term) labels(n int) []int {
	var list []int
	for i := range len(t.before) {
		list = append(list, letterLabel(t.before[i]))
	}
	for d := n - 1; d >= 0; d-- {
		list = append(list, d)
	}
	for i := range len(t.after) {
		list = append(list, letterLabel(t.after[i]))
	}
	return list
}

func labelName(l int) string {
	if l < MaxRank {
		return "..."
	}
	return string(rune(l - MaxRank))
}

// implicitResult is the ellipsis and the letters that occur once, sorted.
func implicitResult(left string, dots int) []int {
	list := term{}.labels(dots)
	for r := byte('A'); r <= 'z'; r++ {
		if strings.Count(left, string(rune(r))) == 1 {
			list = append(list, letterLabel(r))
		}
	}
	return list
}

// pairs contracts the operands by pairs until one is left.
func (c contraction) pairs(b Builder, in []Val) Val {
	in = slices.Clone(in)
	for len(in) > 1 {
		i, j := c.cheapest()
		labels := c.kept(i, j)
		if len(in) == 2 {
			labels = c.out
		}
		x := c.apply(b, in, labels, i, j)
		in = append(slices.Delete(slices.Delete(in, j, j+1), i, i+1), x)
		c.in = append(slices.Delete(slices.Delete(slices.Clone(c.in), j, j+1), i, i+1), labels)
		if len(in) == 1 {
			return x
		}
	}
	return c.apply(b, in, c.out, 0)
}

// kept returns the labels of operands i and j that the others or the result have.
func (c contraction) kept(i, j int) []int {
	var list []int
	for _, l := range slices.Concat(c.in[i], c.in[j]) {
		used := slices.Contains(c.out, l)
		for k, labels := range c.in {
			used = used || k != i && k != j && slices.Contains(labels, l)
		}
		if used && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	return list
}

// cheapest returns the pair whose product has the fewest elements beside those
// of the operands it replaces, the first of equals.
func (c contraction) cheapest() (i, j int) {
	size := func(labels []int) (n float64) {
		n = 1
		for k, l := range labels {
			if !slices.Contains(labels[:k], l) {
				n *= float64(c.size[l])
			}
		}
		return n
	}
	best := 0.0
	for p := range c.in {
		for q := p + 1; q < len(c.in); q++ {
			cost := size(c.kept(p, q)) - size(c.in[p]) - size(c.in[q])
			if j == 0 || cost < best {
				i, j, best = p, q, cost
			}
		}
	}
	return i, j
}

// apply emits the product of the chosen operands with the given labels left.
// What only one of two has to sum over is summed first.
func (c contraction) apply(b Builder, in []Val, out []int, chosen ...int) Val {
	x := make([]Val, len(chosen))
	labels := make([][]int, len(chosen))
	for k, i := range chosen {
		x[k], labels[k] = in[i], c.in[i]
	}
	if len(chosen) == 2 {
		for k := range x {
			other := labels[1-k]
			needed := slices.DeleteFunc(slices.Clone(labels[k]), func(l int) bool {
				return !slices.Contains(out, l) && !slices.Contains(other, l)
			})
			if len(needed) < len(labels[k]) {
				needed = unique(needed)
				x[k] = One(b, Contract, equation(needed, labels[k]), x[k])
				labels[k] = needed
			}
		}
	}
	return One(b, Contract, equation(out, labels...), x...)
}

func unique(list []int) []int {
	var out []int
	for _, l := range list {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// equation writes labels as letters, in the order in which they come, so that
// equal contractions have equal equations.
func equation(out []int, in ...[]int) Equation {
	var names []int
	letter := func(l int) byte {
		i := slices.Index(names, l)
		if i < 0 {
			i = len(names)
			names = append(names, l)
		}
		if i < 26 {
			return 'a' + byte(i)
		}
		return 'A' + byte(i-26)
	}
	var s []byte
	for i, labels := range in {
		if i > 0 {
			s = append(s, ',')
		}
		for _, l := range labels {
			s = append(s, letter(l))
		}
	}
	s = append(s, "->"...)
	for _, l := range out {
		s = append(s, letter(l))
	}
	return Equation(s)
}
