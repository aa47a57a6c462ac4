//go:build race || asan

package tensor_test

// Under the race detector and the sanitizers more is allocated than otherwise.
const instrumented = true
