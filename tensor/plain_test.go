//go:build !race && !asan

package tensor_test

const instrumented = false
