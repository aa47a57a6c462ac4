// Package spec is the conformance suite of backends: every case of every op,
// in float64 and float32, its value, JVP, VJP, second derivatives and batches,
// on operands of every layout, held against the backend "ref"; and ref itself
// against differences, values known from elsewhere, and its own float64.
//
//	func TestConformance(t *testing.T) { spec.Run(t, "cpu", spec.Options{}) }
//
// A backend is found by its registered name, so its package must be imported,
// and kernels/ref with it.
//
// Derivatives are taken with four interpreters of a few lines each over
// kernels.Array: evaluation (eval.go), dual numbers (forward.go), a tape
// (reverse.go) and batching (batch.go), which nest. Start at spec.go.
package spec
