// What was prepared, in words.

package jacobian

import (
	"fmt"
	"strings"
)

// Explain tells in a few lines what a run does and why: products instead of how
// many, entries, predicted and measured time, and the alternatives.
func (p *Prepared[P]) Explain() string {
	var b strings.Builder
	pat, c := p.plan.Pattern(), p.plan.Coloring()
	fmt.Fprintf(&b, "%s %d x %d, %s entries", p.what, pat.Rows, pat.Cols, count(pat.Nnz()))
	if out := p.plan.Output(); out.Nnz() != pat.Nnz() {
		fmt.Fprintf(&b, " (%s stored, %v triangle)", count(out.Nnz()), p.plan.Options().Triangle)
	}
	fmt.Fprintf(&b, ": %s\n", p.how(pat.Rows, pat.Cols))
	fmt.Fprintf(&b, "  colouring: %v, %s, bound %d", c.Problem, c.Method, c.Bound)
	if c.Lattice != nil {
		fmt.Fprintf(&b, ", %v", c.Lattice)
	}
	fmt.Fprintln(&b)
	for i, s := range []*sweep[P]{p.col, p.row} {
		if s.program == nil {
			continue
		}
		stats := s.program.Stats()
		fmt.Fprintf(&b, "  %s sweep: %s of %d colours, %d instructions, %s of memory\n", [2]string{"forward", "reverse"}[i],
			times(len(s.chunks), "chunk"), s.chunks[0].Size(), stats.Instructions, bytes(stats.ArenaBytes))
	}
	if values, subtractions, depth := p.plan.Substitutions(); values > 0 {
		fmt.Fprintf(&b, "  substitution: %s values from others, %s subtractions, chains of up to %d\n", count(values), count(subtractions), depth)
	}
	fmt.Fprintf(&b, "  predicted %s", seconds(p.predicted))
	if t := p.measured(); t > 0 {
		fmt.Fprintf(&b, ", measured %s", seconds(t))
	}
	for _, k := range p.considered {
		if k != p.candidate {
			fmt.Fprintf(&b, "; %v with %d colours was predicted to take %s", k.plan.Coloring().Problem, k.plan.Coloring().Colors(), seconds(k.predicted))
		}
	}
	return b.String()
}

// how tells the number of products.
func (p *Prepared[P]) how(rows, cols int) string {
	c := p.plan.Coloring()
	kind := "JVPs"
	if p.what == "Hessian" {
		kind = "HVPs"
	}
	switch {
	case c.RowColors == 0:
		return fmt.Sprintf("%d %s instead of %d", c.ColColors, kind, cols)
	case c.ColColors == 0:
		return fmt.Sprintf("%d VJPs instead of %d", c.RowColors, rows)
	}
	return fmt.Sprintf("%d JVPs and %d VJPs instead of %d", c.ColColors, c.RowColors, min(rows, cols))
}

func times(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// count shows a number with three digits or so.
func count(n int) string {
	switch {
	case n >= 10_000_000:
		return fmt.Sprintf("%.0f M", float64(n)/1e6)
	case n >= 1_000_000:
		return fmt.Sprintf("%.1f M", float64(n)/1e6)
	}
	return fmt.Sprint(n)
}

func bytes(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

func seconds(t float64) string {
	switch {
	case t >= 1:
		return fmt.Sprintf("%.2g s", t)
	case t >= 1e-3:
		return fmt.Sprintf("%.2g ms", t*1e3)
	}
	return fmt.Sprintf("%.2g µs", t*1e6)
}
