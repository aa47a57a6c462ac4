// Package ref is the backend "ref": every loop and every library op in plain
// Go, written to be right and read, not to be fast. It is the oracle that other
// backends are held against, what they fall back to, and all there is in a
// build without C.
//
// A loop is interpreted point by point (program.go, node.go), its sums
// compensated (combine.go). Elementary and special functions are computed to
// twice the precision of a float64 and rounded once, so that they are nearly
// always correctly rounded (dd.go, exp.go, trig.go, gamma.go); where Go's math
// package is known to be good, it is used. In float32 every node is computed in
// float64 and rounded. library.go holds the ops that are not loops.
//
// Importing the package registers the backend.
package ref
