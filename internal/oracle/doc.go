// Package oracle holds tables of the elementary functions computed with a multiple-precision library, for tests.
//
// Table(fn) gives several thousand rows a function: arguments spread over the exponents, near roots, singularities
// and the ends of the range, subnormals, float32 values (Row.Single), and the special values that IEEE 754 and C
// define. Row.ULP64 and Row.ULP32 measure a result against a row, to a small part of a unit in the last place.
// "polygamma" has the order as its first argument; the others take theirs as the function's name says (atan2: y, x).
//
// The tables in testdata are written by make_tables.py with mpmath; points.py chooses the arguments.
//
//go:generate python3 make_tables.py
package oracle
