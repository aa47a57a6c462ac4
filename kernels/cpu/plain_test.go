//go:build !race && !asan

package cpu

const instrumented = false
