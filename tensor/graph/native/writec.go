package native

// Programs as C for embedding: one file that is header and implementation.

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// memoryTypes are C's names of the element types.
var memoryTypes = [device.NumDTypes]string{"uint8_t", "int32_t", "int64_t", "float", "double"}

// NameError tells that a program's name is no identifier of C.
type NameError struct{ Name string }

func (e *NameError) Error() string { return fmt.Sprintf("native: %q is no name in C", e.Name) }

// WriteC writes a graph as C11 that needs nothing but the C library: a header,
// which declares the function name and tells the shapes, and, where the macro
// NAME_IMPLEMENTATION is defined, the function. Params and outputs are what the
// comments call the arguments and results. The name must not be one of the C library's.
//
// Errors: w's, a *NameError, an *UnsupportedError for an operation that is a
// kernel of its own, a *TooLargeError.
func WriteC(w io.Writer, g *graph.Graph, name string, params, outputs []string) error {
	if !identifier(name) {
		return &NameError{name}
	}
	p, err := translate(g, false)
	if err != nil {
		return err
	}
	g = p.graph
	for i := range p.steps {
		if s := &p.steps[i]; s.fn == "" {
			return &UnsupportedError{g.Instrs[s.call].Inst.Name}
		}
	}
	b := bufio.NewWriter(w)
	upper := strings.ToUpper(name)
	fmt.Fprintf(b, `/* Made by Cotangent. Include it for the declarations; in a file of C of its own, define %[1]s_IMPLEMENTATION before.
 * Compile that file with -std=c11 -O2 -ffp-contract=off -fno-math-errno -fno-trapping-math -fwrapv and the flags of the
 * instruction set, never with -ffast-math, and link with -lm. */
#ifndef %[1]s_H
#define %[1]s_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* The bytes of memory that a run needs beside its arguments and results, to be aligned to 64 bytes. */
#define %[1]s_MEMORY ((size_t)%[2]d)

/* Computes the results from the arguments. Arrays are row-major and dense; a result may not overlap anything else.
 * Returns 0; 2 for an index that is out of range; 3 where a loop did not end in as many steps as it may take.
`, upper, p.arena)
	if len(p.stacks) > 0 {
		b.WriteString(" * Loops of unknown length take what their derivatives need from malloc, and give it back: 4 where that is more than\n * its limit, 5 where there is none.\n")
	}
	for i, v := range g.Params {
		fmt.Fprintf(b, " *   a%d: %s%v, %s\n", i, memoryTypes[g.Aval(v).DType], g.Aval(v).Shape, params[i])
	}
	for i, v := range g.Outputs {
		fmt.Fprintf(b, " *   r%d: %s%v, %s\n", i, memoryTypes[g.Aval(v).DType], g.Aval(v).Shape, outputs[i])
	}
	proto := prototype(g, name)
	fmt.Fprintf(b, " */\n%[1]s;\n\n#ifdef __cplusplus\n}\n#endif\n#endif\n\n#ifdef %[2]s_IMPLEMENTATION\n#undef %[2]s_IMPLEMENTATION\n%[3]s", proto, upper, opening)
	b.WriteString(vmath.Source())
	b.WriteString(prelude)
	b.WriteString("#define CT_STEP static\n")
	var table []string
	for k, c := range p.consts {
		writeConstant(b, k, c)
		table = append(table, fmt.Sprintf("(char *)ct_k%d", k))
	}
	fmt.Fprintf(b, "static char *const ct_constants[] = {%s};\n\n", strings.Join(append(table, "0"), ", "))
	b.WriteString(strings.NewReplacer("\nint ct_run_", "\nCT_FUN int ct_run_", "\nvoid ct_run_", "\nCT_FUN void ct_run_").Replace(p.text))
	var args []string
	for i := range g.Params {
		args = append(args, fmt.Sprintf("(char *)a%d", i))
	}
	for i := range g.Outputs {
		args = append(args, fmt.Sprintf("(char *)r%d", i))
	}
	hosting, ending := "", ""
	if len(p.stacks) > 0 {
		b.WriteString(growing(p.stacks))
		hosting = fmt.Sprintf("\tct_stack stacks[%d] = {{0}};\n\trun.stacks = stacks, run.grow = ct_grow, run.owner = (uintptr_t)stacks;\n", len(p.stacks))
		ending = fmt.Sprintf("\tfor (int i = 0; i < %d; i++) free(stacks[i].p);\n", len(p.stacks))
	}
	fmt.Fprintf(b, `
%s {
	char *const table[] = {%s};
	ct_fault fault = {0};
	ct_run run = {.p = table, .k = ct_constants, .mem = (char *)memory, .f = &fault};
%s	const int end = ct_run_steps(&run, 0, %d);
%s	return end;
}
#pragma GCC diagnostic pop
#endif
`, proto, strings.Join(append(args, "0"), ", "), hosting, len(p.steps), ending)
	return b.Flush()
}

// opening is the text at the beginning of the implementation. What is printed may compute
// more than it uses.
const opening = `#if defined __cplusplus
#error "the implementation is C: compile this file as C11"
#elif defined CT_IMPLEMENTATION
#error "there is one implementation in a file"
#endif
#define CT_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable"
`

// growing is the text of what makes room for rows of stacks.
func growing(stacks []stackRows) string {
	var s strings.Builder
	s.WriteString("#include <stdlib.h>\nstatic const int64_t ct_rows[][2] = {")
	for _, x := range stacks {
		fmt.Fprintf(&s, "{%d, %d}, ", x.row, x.most)
	}
	fmt.Fprintf(&s, `}; /* bytes of each, and how many at the most */
static int ct_grow(uintptr_t owner, int64_t stack, int64_t rows) {
	ct_stack *s = (ct_stack *)owner + stack;
	int64_t n = 2 * s->rows < %[1]d ? %[1]d : 2 * s->rows;
	n = n < rows ? rows : n > ct_rows[stack][1] ? ct_rows[stack][1] : n;
	char *p = realloc(s->p, (size_t)(n * ct_rows[stack][0]) + 1);
	if (!p) return CT_HOST;
	s->p = p, s->rows = n;
	return CT_DONE;
}
`, firstRows)
	return s.String()
}

func prototype(g *graph.Graph, name string) string {
	var list []string
	for i, v := range g.Params {
		list = append(list, fmt.Sprintf("const %s *a%d", memoryTypes[g.Aval(v).DType], i))
	}
	for i, v := range g.Outputs {
		list = append(list, fmt.Sprintf("%s *r%d", memoryTypes[g.Aval(v).DType], i))
	}
	return fmt.Sprintf("int %s(%s)", name, strings.Join(append(list, "void *memory"), ", "))
}

// keywords are those of C11 and C++, and main.
var keywords = strings.Fields("alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class co_await " +
	"co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do double dynamic_cast else " +
	"enum explicit export extern false float for friend goto if inline int long main mutable namespace new noexcept not not_eq nullptr operator or " +
	"or_eq private protected public register reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct " +
	"switch template this thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while xor xor_eq")

// identifier reports whether a name is one in C and C++ that nothing of ours has.
func identifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	_, taken := slices.BinarySearch(keywords, name)
	return name != "" && !taken && !strings.HasPrefix(name, "ct_") && !strings.HasPrefix(name, "_")
}

// writeConstant writes the elements of a constant, as the text reads them.
func writeConstant(b *bufio.Writer, k int, c constant) {
	dt := c.array.DType
	fmt.Fprintf(b, "static const %s ct_k%d[] = {", memoryTypes[dt], k)
	m := elementsOf(c)
	for i, x := range m {
		if i%8 == 0 {
			b.WriteString("\n\t")
		}
		n := inst(dt, x)
		b.WriteString(literal(&n))
		b.WriteString(", ")
	}
	if len(m) == 0 {
		b.WriteString("0")
	}
	b.WriteString("};\n")
}
