// Package device is where memory and workers come from: a Device lends
// reference-counted Buffers out of a pool, runs work on a Stream, and shares
// out loops among its Workers.
//
// Here live the interfaces, the registry (Open, Register), the pool with its
// size classes, limit and collection trigger, scopes, worker pools, and Host,
// the device over the machine's own memory that "cpu" and "ref" are made of.
// What a machine can compute is not known here: instruction sets are in
// device/cpu, the fake accelerator in device/sim, kernels elsewhere. Nothing
// here knows shapes or derivatives.
//
// A program imports the devices it wants for their registration:
//
//	import _ "github.com/cotangent-ad/cotangent/device/cpu"
//
// Start reading at device.go (the interface and the registry), then buffer.go
// (how long memory lives), pool.go (where it comes from) and workers.go.
package device
