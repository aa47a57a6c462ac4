// Package vmath computes elementary functions over arrays of float64 and float32: to at most 2 units in the last place,
// with the same bits on every instruction set, from one source.
//
// What lives here: vmath.h, one branch-free C function each (ct_exp(double), ct_expf(float), ...); loops.h, the array
// loops over them, compiled once an instruction set into the tables of vmath_table.h; and the twins in Go (Exp, Exp32,
// ...), the same algorithms step by step, for small arrays and for builds without cgo. What does not: choosing the
// instruction set (ISAs says what can run, the caller picks), reductions, and anything with more than two operands.
// Start reading at exp.h, then loops.h.
//
// # Bits
//
// Every fused multiply-add is an explicit fma, contraction is off, and lanes never mix. So a result depends on its
// argument alone: not on the instruction set, the position, the length of the array, or C or Go. Only which NaN is
// returned may differ. float32 functions compute in float64 with shorter polynomials and round once.
//
// # Errors
//
// At most 2 ULP in both types for all arguments, subnormals included; tests compare with tables made by a
// multiple-precision library (internal/oracle) and log the worst of each function, which is below 1.7 in float64 and
// 0.51 in float32. Special values are those of C11 annex F. Exceptions are the neighbourhoods of roots, in absolute
// error: of lgamma on the negative axis, 2^-57 (2 + 2|x| log(1+|x|)); of digamma between 1 and 2, 2^-57, and on the
// negative axis 2^-57 (2 + log(1+|x|) + 1/d) with d the distance to the nearest integer; of polygammas of even order
// on the negative axis, 2^-90 n!/d^(n+1). lgamma's roots at 1 and 2 are exact.
//
// lgamma is +Inf at its poles and at -Inf, as in C. digamma is -Inf at +0, +Inf at -0, and NaN at negative integers and
// -Inf, as in SciPy. polygamma of order n >= 1 is (-1)^(n+1) Inf at its poles, as in SciPy, NaN at -Inf, and NaN for
// n < 0.
//
// # Rare arguments
//
// A few functions leave some arguments to scalar code, some 20 to 500 ns each, after the vector loop: sin, cos and tan
// beyond 2^30 (Payne and Hanek), lgamma, digamma and trigamma at x <= 0 (reflection). Polygammas of order 2 and up
// are scalar altogether. A generated program may call ct_sin and have it scalar, or do as CT_MENDED in loops.h does:
// store ct_sin_main(x), note in a flag whether ct_trig_rare(x) held for any x, and in that case go over the
// block again with ct_sin_slow.
//
// # Compilers
//
// cgo's flags are -std=c11 -O3 -g1 (lines for debuggers, but not where variables are, which takes a quarter of the
// compiler's time and changes no instruction); the files for an instruction set name it by pragma, and switch trapping-math off, for
// without that gcc does not turn selects around conversions into vector code. It changes no result. A header
// here that changes does not by itself rebuild other packages that include it: go build -a, or go clean -cache.
//
// The constants in coef.h and coef.go are minimax fits derived in gen/coef.py.
//
//go:generate python3 gen/coef.py
package vmath
