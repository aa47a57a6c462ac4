//go:build race

package jacobian_test

// Under the race detector sync.Pool forgets at random, so kernels allocate.
func init() { kernelsAllocate = true }
