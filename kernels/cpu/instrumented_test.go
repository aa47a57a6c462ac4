//go:build race || asan

package cpu

// Under the race detector and the sanitizers more is allocated than otherwise.
const instrumented = true
