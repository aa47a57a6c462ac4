// What the printed forms of a record have in common.

package graph

import (
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// entry is one line of a listing: an input or an instruction.
type entry struct {
	Input bool
	Op    string // "input", "param", "const", or the instruction's name
	Attr  string // the op's attribute; of a parameter its number, of a constant its value if that is one number
	In    []Ref
	First Ref // the first result
	Out   []kernels.Aval
	Place string
	Time  time.Duration // 0 where it is not known
	// Of control flow what the bodies are for, and the bodies.
	Roles  []string
	Bodies []*Graph
}

// roles names the bodies of each form.
var roles = map[Form][]string{Cond: {"true", "false"}, Scan: {"body"}, While: {"condition", "body"}, Call: {"body"}}

// entries lists a record in the order of its values. Inputs are named by label.
func (r *Record) entries(label func(Ref) (op, attr string), place func(int) string) []entry {
	var list []entry
	for v := Ref(0); int(v) < len(r.def); {
		d := r.def[v]
		if d < 0 {
			op, attr := label(v)
			list = append(list, entry{Input: true, Op: op, Attr: attr, First: v, Out: []kernels.Aval{r.Aval(v)}})
			v++
			continue
		}
		inst := r.Instrs[d].Inst
		e := entry{Op: inst.Name, Attr: attrText(inst.Attr), In: r.Args(int(d)), First: v, Out: inst.Out, Place: place(int(d))}
		if c := ControlOf(inst); c != nil {
			e.Roles, e.Bodies = roles[c.Form], c.Bodies
		}
		list = append(list, e)
		v += Ref(len(inst.Out))
	}
	return list
}

func (r *Record) list() []entry {
	return r.entries(func(Ref) (string, string) { return "input", "" }, func(int) string { return "" })
}

func (g *Graph) list() []entry {
	labels := make(map[Ref][2]string)
	for i, v := range g.Params {
		labels[v] = [2]string{"param", fmt.Sprint(i)}
	}
	for i := range g.Consts {
		c := &g.Consts[i]
		labels[c.Ref] = [2]string{"const", constText(&c.Array)}
	}
	list := g.entries(func(v Ref) (string, string) { return labels[v][0], labels[v][1] }, g.PlaceOf)
	for i := range list {
		if e := &list[i]; !e.Input {
			e.Time = g.TimeOf(g.Def(e.First))
		}
	}
	return list
}

// constText returns a constant's value where it is one number, or one number
// repeated, and lies in Go's memory: other memory may be written to later.
func constText(a *kernels.Array) string {
	if a.Buf != nil || a.Size() == 0 {
		return ""
	}
	for d, n := range a.Shape {
		if n > 1 && a.Stride(d) != 0 {
			return ""
		}
	}
	return fmt.Sprint(element(a.DType, a.Ptr))
}

func element(dt device.DType, p unsafe.Pointer) any {
	switch dt {
	case device.Float64:
		return *(*float64)(p)
	case device.Float32:
		return *(*float32)(p)
	case device.Int64:
		return *(*int64)(p)
	case device.Int32:
		return *(*int32)(p)
	}
	return *(*bool)(p)
}

func avalsText(avals []kernels.Aval) string {
	parts := make([]string, len(avals))
	for i, a := range avals {
		parts[i] = a.String()
	}
	return strings.Join(parts, ", ")
}

// attrText prints an op's attribute: "axes=[0 1] keep", say.
func attrText(attr any) string {
	if attr == nil {
		return ""
	}
	return valueText(reflect.ValueOf(attr))
}

func valueText(v reflect.Value) string {
	if v.CanInterface() {
		if s, ok := v.Interface().(fmt.Stringer); ok {
			return s.String()
		}
	}
	if v.Kind() != reflect.Struct {
		return fmt.Sprint(v)
	}
	// A field N counts the elements of the arrays beside it.
	n := -1
	if f := v.FieldByName("N"); f.IsValid() && f.Kind() == reflect.Int8 {
		n = int(f.Int())
	}
	var parts []string
	for i := range v.NumField() {
		name, f := strings.ToLower(v.Type().Field(i).Name), v.Field(i)
		switch {
		case f.Kind() == reflect.Array:
			parts = append(parts, name+"="+arrayText(f, n))
		case f.Kind() == reflect.Bool:
			if f.Bool() {
				parts = append(parts, name)
			}
		case name != "n" || n < 0:
			parts = append(parts, name+"="+braced(f))
		}
	}
	return strings.Join(parts, " ")
}

// arrayText prints the first n elements, or all up to the last that is not zero.
func arrayText(v reflect.Value, n int) string {
	if n < 0 || n > v.Len() {
		for n = v.Len(); n > 0 && v.Index(n-1).IsZero(); n-- {
		}
	}
	parts := make([]string, n)
	for i := range parts {
		parts[i] = braced(v.Index(i))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func braced(v reflect.Value) string {
	if v.Kind() == reflect.Struct {
		return "{" + valueText(v) + "}"
	}
	return valueText(v)
}
