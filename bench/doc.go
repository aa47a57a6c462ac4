// Package bench holds the objectives and scenarios on which the library is
// measured, written as a user of the library would write them: no derivative
// here is by hand.
//
// The objectives are those of GradBench (github.com/gradbench/gradbench), the
// field's benchmark of automatic differentiation tools, which contains the
// problems of ADBench (F. Šrajer, Z. Kukelova, A. Fitzgibbon, A Benchmark of
// Selected Algorithmic Differentiation Tools on Some Problems in Computer
// Vision and Machine Learning, 2018) and of cmpad. One file holds one objective.
// Package bench/gradbench speaks its protocol; scenario.go measures.
package bench

import "github.com/cotangent-ad/cotangent/tensor"

// T abbreviates the type that everything here is about.
type T = tensor.Tensor
