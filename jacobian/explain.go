// What was prepared, in words.

package jacobian

import (
	"fmt"
	"strings"
)

// Explain tells in a few lines what a run does and why: products instead of how
// many, or partial derivatives directly; entries, predicted and measured time, and
// the alternatives.
func (p *Prepared[P]) Explain() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n", p.what, p.describe(), p.how(p.what))
	p.details(&b)
	fmt.Fprintf(&b, "  predicted %s", seconds(p.predicted()))
	if t := p.measured(); t > 0 {
		fmt.Fprintf(&b, ", measured %s", seconds(t))
	}
	for _, other := range p.rejected {
		fmt.Fprintf(&b, "; %s", other)
	}
	if p.refused != "" {
		fmt.Fprintf(&b, "; %s", p.refused)
	}
	return b.String()
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
	unit := " µs"
	switch t *= 1e6; {
	case t >= 1e6:
		t, unit = t/1e6, " s"
	case t >= 1e3:
		t, unit = t/1e3, " ms"
	}
	if t < 10 {
		return fmt.Sprintf("%.2g", t) + unit
	}
	return fmt.Sprintf("%.0f", t) + unit
}
