// Printing how members read and write: addresses, lanes, guards, locals.

package native

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// offset returns an affine index or address: a constant and terms by axis, less
// the lane's part.
func (w *writer) offset(c int, coefs []int) (text string, lane int) {
	var terms []string
	for a, k := range coefs {
		switch {
		case k == 0 || w.m.at[a] == absorbed:
		case w.fixed[a] >= 0:
			c += k * w.fixed[a]
		default:
			if w.f.vec >= 0 && w.m.at[a] == w.f.vec {
				lane = k
			}
			if k == 1 {
				terms = append(terms, w.pos[a])
			} else {
				terms = append(terms, fmt.Sprintf("%s * %d", w.pos[a], k))
			}
		}
	}
	if c != 0 || len(terms) == 0 {
		terms = append(terms, strconv.Itoa(c))
	}
	return strings.ReplaceAll(strings.Join(terms, " + "), "+ -", "- "), lane
}

// load returns the text of a read.
func (w *writer) load(ld *load) value {
	dt := w.g.g.Aval(ld.val).DType
	if l := w.locals[ld.val]; l != nil && !ld.direct {
		return w.readLocal(l, ld)
	}
	for d, x := range ld.index {
		if _, out := w.within(w.m, x, w.g.g.Aval(ld.val).Shape[d]); out && ld.guarded {
			return value{text: "0", dt: dt}
		}
	}
	at := w.place(ld, w.m, w.f)
	w.roots[at.root] = true
	p := fmt.Sprintf("p%d", at.root)
	where, lane := w.offset(at.c, at.coef)
	via, viaVec := w.through(ld, at.strides)
	guards, guardLane := w.guards(ld)
	v := value{dt: dt, vec: lane != 0 || viaVec || guardLane}
	if via != "" && !viaVec {
		where += " + " + via
	}
	switch {
	case !v.vec && guards == "":
		v.text = fmt.Sprintf("%s[%s]", p, where)
	case !v.vec:
		v.text = fmt.Sprintf("%s ? %s[%s] : 0", guards, p, where)
	case lane == 1 && !viaVec && guards == "":
		v.text = fmt.Sprintf("ld_%s(%s + %s, on)", typeNames[dt], p, where)
	default:
		v = w.lanewise(v, p, where, via, lane, guards, ld)
	}
	return v
}

// lanewise prints a read lane by lane: in place where much time is spent, for a function,
// if only where lanes are missing, would have all vectors that are needed after it stored;
// else by a function, which takes the compiler less time.
func (w *writer) lanewise(v value, p, where, via string, lane int, guards string, ld *load) value {
	w.temps++
	name, t := fmt.Sprintf("t%d", w.temps), typeNames[v.dt]
	from := p + " + " + where
	far := fmt.Sprintf("step_%s(%s, %d, n)", t, from, lane)
	if viaVec := strings.Contains(via, "[l]"); viaVec {
		at := strings.ReplaceAll(via, "[l]", "")
		if lane != 0 {
			at += fmt.Sprintf(" + CT_IOTA * %d", lane)
		}
		far = fmt.Sprintf("pick_%s(%s, %s, n)", t, from, at)
		where += " + " + via
	}
	if lane != 0 {
		where += fmt.Sprintf(" + %d * l", lane)
	}
	all, some, part := "n >= CT_W", "", far
	if guards != "" {
		all, some, part = w.inRange(ld)
		part = fmt.Sprintf("part_%s(%s, %s)", t, from, part)
	}
	switch {
	case v.dt == device.Bool || guards != "" && (lane != 1 || all == ""):
		cond, zero := "l < n", ""
		if guards != "" {
			cond += " && " + guards
		}
		if v.dt == device.Bool {
			zero = "-(i64)"
		}
		w.line("v_%s %s = {0};", t, name)
		w.line("CT_EACH %s[l] = %s ? %s%s[%s] : 0;", name, cond, zero, p, where)
	case guards != "":
		w.line("v_%s %s = {0};", t, name)
		w.line("if (%s) %s = ld_%s(%s, on);", all, name, t, from)
		w.line("else if (%s) %s = %s;", some, name, part)
	case w.f.cold:
		w.line("const v_%s %s = %s;", t, name, far)
	default:
		w.line("v_%s %s = {0};", t, name)
		w.line("if (%s) CT_EACH %s[l] = %s[%s];", all, name, p, where)
		w.line("else CT_EACH %s[l] = l < n ? %s[%s] : 0;", name, p, where)
	}
	v.text = name
	return v
}

// through prints the indices that go through nodes, and returns what they add to
// the address.
func (w *writer) through(ld *load, strides []int) (text string, vec bool) {
	return w.throughIndex(ld.index, w.g.g.Aval(ld.val).Shape, strides)
}

func (w *writer) throughIndex(index []loop.Lin, shape, strides []int) (text string, vec bool) {
	var terms []string
	for d, x := range index {
		if x.Via == loop.None {
			continue
		}
		v := w.node(x.Via)
		if v.dt == device.Int32 {
			if v.vec {
				v.text = fmt.Sprintf("i64_of_v_i32(%s)", v.text)
			} else {
				v.text = fmt.Sprintf("(i64)%s", v.text)
			}
			v.dt = device.Int64
		}
		instr := w.site(w.m.instr)
		if v.vec {
			v.text = fmt.Sprintf("ct_wrap_v(c, %d, %s, %d, n)", instr, v.text, shape[d])
		} else {
			v.text = fmt.Sprintf("ct_wrap(c, %d, %s, %d)", instr, v.text, shape[d])
		}
		v = w.name(v)
		lane := v.text
		if v.vec {
			lane += "[l]"
			vec = true
		}
		terms = append(terms, fmt.Sprintf("%s * %d", lane, strides[d]))
	}
	return strings.Join(terms, " + "), vec
}

// guards returns the condition under which a guarded read is in range; lane l's
// where it depends on it.
func (w *writer) guards(ld *load) (text string, vec bool) {
	if !ld.guarded {
		return "", false
	}
	var conds []string
	for d, x := range ld.index {
		if in, _ := w.within(w.m, x, w.g.g.Aval(ld.val).Shape[d]); in || x.Via != loop.None {
			continue
		}
		coefs := make([]int, len(w.m.size))
		for _, t := range x.Terms {
			coefs[t.Axis] = t.Coef
		}
		at, lane := w.offset(x.Const, coefs)
		if lane != 0 {
			at += fmt.Sprintf(" + %d * l", lane)
			vec = true
		}
		conds = append(conds, fmt.Sprintf("(uint64_t)(%s) < %d", at, w.g.g.Aval(ld.val).Shape[d]))
	}
	return strings.Join(conds, " && "), vec
}

// inRange returns the conditions under which all lanes of a guarded read are in range,
// and some may be, and the first of these and the one behind the last; "" where that is
// not told simply.
func (w *writer) inRange(ld *load) (all, some, part string) {
	every, any := []string{"n >= CT_W"}, []string(nil)
	first, end := "0", "n"
	for d, x := range ld.index {
		if x.Via != loop.None {
			return "", "", ""
		}
		coefs := make([]int, len(w.m.size))
		for _, t := range x.Terms {
			coefs[t.Axis] = t.Coef
		}
		at, lane := w.offset(x.Const, coefs)
		size := w.g.g.Aval(ld.val).Shape[d]
		switch lane {
		case 0:
			c := fmt.Sprintf("(uint64_t)(%s) < %d", at, size)
			every, any = append(every, c), append(any, c)
		case 1:
			every = append(every, fmt.Sprintf("%s >= 0 && %s + CT_W <= %d", at, at, size))
			any = append(any, fmt.Sprintf("%s > -CT_W && %s < %d", at, at, size))
			first, end = fmt.Sprintf("ct_most(%s, -(%s))", first, at), fmt.Sprintf("ct_least(%s, %d - (%s))", end, size, at)
		default:
			return "", "", ""
		}
	}
	return strings.Join(every, " && "), strings.Join(any, " && "), first + ", " + end
}

// readLocal returns the text of a read of a local.
func (w *writer) readLocal(l *local, ld *load) value {
	v := value{dt: l.out.Aval.DType, vec: l.vec}
	coefs := make([]int, len(w.m.size))
	c, stride := 0, 1
	res, _ := l.from.inner()
	list := axes(res)
	for k := len(list) - 1; k >= 0; k-- {
		a := list[k]
		x := ld.index[a]
		c += stride * x.Const
		for _, t := range x.Terms {
			coefs[t.Axis] += stride * t.Coef
		}
		stride *= l.from.size[a]
	}
	at, _ := w.offset(c, coefs)
	if l.array {
		v.text, v.late = fmt.Sprintf("L%d[%s]", ld.val, at), true
	} else {
		i, _ := strconv.Atoi(at)
		v.text = l.names[i]
	}
	return v
}

// keep puts an element where it is read: in a local, in memory.
func (w *writer) keep(o *store, v value) {
	if l := w.locals[o.val]; l != nil {
		text := v.text
		if l.vec {
			text = w.wide(v)
		}
		at, stride := 0, 1
		var terms []string
		for k := len(w.res) - 1; k >= 0; k-- {
			a := w.res[k]
			if w.fixed[a] >= 0 {
				at += stride * w.fixed[a]
			} else {
				terms = append(terms, fmt.Sprintf("%s * %d", w.pos[a], stride))
			}
			stride *= w.m.size[a]
		}
		if l.array {
			terms = append(terms, strconv.Itoa(at))
			w.line("L%d[%s] = %s;", o.val, strings.Join(terms, " + "), text)
		} else {
			if strings.ContainsAny(text, " (") {
				text = w.name(value{text: text, vec: l.vec, dt: v.dt, late: v.late}).text
			}
			l.names[at] = text
		}
	}
	if w.g.leaves(w.f, w.m, o) && !w.m.dup {
		w.write(o, v)
	}
}

// write stores an element, or a vector of them.
func (w *writer) write(o *store, v value) {
	at := w.placeOut(o, w.m, w.f)
	w.roots[at.root] = true
	p := fmt.Sprintf("p%d", at.root)
	where, lane := w.offset(at.c, at.coef)
	via, viaVec := w.throughIndex(o.Index, o.Aval.Shape, at.strides)
	if via != "" {
		where += " + " + via
	}
	op := "="
	if o.Scatter {
		op = "+="
	}
	depends := w.f.vec >= 0 && (lane != 0 || viaVec || o.Scatter)
	switch {
	case !depends:
		w.line("%s[%s] %s %s;", p, where, op, v.text)
	case lane == 1 && !viaVec && !o.Scatter:
		w.line("st_%s(%s + %s, %s, on);", typeNames[v.dt], p, where, w.wide(v))
	case lane == 1 && !viaVec:
		t := typeNames[v.dt]
		w.line("st_%s(%s + %s, ld_%s(%s + %s, on) + %s, on);", t, p, where, t, p, where, w.wide(v))
	default:
		if lane != 0 {
			where += fmt.Sprintf(" + %d * l", lane)
		}
		text := v.text
		if v.vec {
			if strings.ContainsAny(text, " (") {
				text = w.name(v).text
			}
			text += "[l]"
			if v.dt == device.Bool {
				text += " != 0"
			}
		}
		w.line("CT_EACH if (l < n) %s[%s] %s %s;", p, where, op, text)
	}
}
