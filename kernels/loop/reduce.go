// Printing reductions and stores.

package loop

import (
	"math"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
)

// accumulators declares the variables of reductions. That of LSE holds the
// maximum so far; a second is the sum of exponentials relative to it.
func (p *printer) accumulators(n *nest) {
	for _, i := range n.outs {
		s := &p.e.Outs[i]
		dt := s.Aval.DType
		p.statement("%s", p.declare(p.types[dt], acc(i), p.start(s.Reduce, dt)))
		if s.Reduce == LSE {
			p.statement("%s", p.declare(p.types[dt], acc(i)+"s", p.literal(0, 0, dt)))
		}
	}
}

func acc(i int) string { return "acc" + strconv.Itoa(i) }

// start returns the value of a reduction over nothing.
func (p *printer) start(c Combiner, dt device.DType) string {
	least := map[device.DType]int64{device.Int32: math.MinInt32, device.Int64: math.MinInt64}[dt]
	switch c {
	case Prod:
		return p.literal(1, 1, dt)
	case Max, LSE:
		return p.literal(math.Inf(-1), least, dt)
	case Min:
		return p.literal(math.Inf(1), -(least + 1), dt)
	}
	return p.literal(0, 0, dt)
}

// accumulate adds a value to the accumulator of result i.
func (p *printer) accumulate(i int) {
	s := &p.e.Outs[i]
	a, v := acc(i), p.name(s.Value)
	switch s.Reduce {
	case Sum:
		p.statement("%s += %s", a, v)
	case Prod:
		p.statement("%s = %s", a, p.round(s.Aval.DType, a+" * "+v))
	case Max, Min:
		less := map[Combiner]string{Max: ">", Min: "<"}[s.Reduce]
		p.line(p.test, fill(condition("%0 "+less+" %1 || isnan", s.Aval.DType), []string{v, a}))
		p.inside("%s = %s", a, v)
		p.line("}")
	case LSE:
		dt := s.Aval.DType
		p.line(p.test, v+" > "+a)
		p.inside("%ss = %s + 1", a, p.round(dt, a+"s * "+p.call(p, Exp, dt, a+" - "+v)))
		p.inside("%s = %s", a, v)
		p.line("} else "+p.test, v+" == "+a) // two infinities, too
		p.inside("%ss += 1", a)
		p.line("} else {")
		p.inside("%ss += %s", a, p.call(p, Exp, dt, v+" - "+a))
		p.line("}")
	}
}

func (p *printer) inside(format string, args ...any) {
	p.depth++
	p.statement(format, args...)
	p.depth--
}

// write stores result i.
func (p *printer) write(i int) {
	s := &p.e.Outs[i]
	value, op := p.name(s.Value), "="
	switch {
	case s.Scatter:
		op = "+="
	case s.Reduce == LSE:
		value = acc(i) + " + " + p.call(p, Log, s.Aval.DType, acc(i)+"s")
	case s.Reduce != NoReduce:
		value = acc(i)
	}
	at := p.offset(s.Index, s.Aval.Shape, p.outs[i])
	p.statement("%s[%s] %s %s", p.outs[i], at, op, value)
}

// fill puts arguments in a text.
func fill(text string, args []string) string {
	for i, a := range args {
		text = strings.ReplaceAll(text, "%"+strconv.Itoa(i), a)
	}
	return text
}
