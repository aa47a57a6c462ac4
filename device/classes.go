package device

// Size classes: which block sizes there are.

import "math/bits"

// Requests are rounded up to multiples of 64 bytes up to 512 bytes, and from
// there to one of eight sizes between two powers of two: at most 1/9 of a
// block above 512 bytes (11.1 %) is unused.
const (
	align      = 64
	linear     = 8 // classes of 64 .. 512 bytes
	perDouble  = 8
	maxRequest = 1 << 47
	numClasses = linear + (47-9)*perDouble
)

// classOf returns the smallest class whose blocks hold n bytes, n at most
// maxRequest.
func classOf(n int) int {
	if n <= linear*align {
		return max(0, (n-1)/align)
	}
	e := bits.Len(uint(n - 1)) // 2^(e-1) < n <= 2^e
	step := 1 << (e - 4)
	above := n - 1<<(e-1)
	return linear + (e-10)*perDouble + (above+step-1)/step - 1
}

// classSize returns the bytes of a class's blocks.
func classSize(c int) int {
	if c < linear {
		return (c + 1) * align
	}
	c -= linear
	base := linear * align << (c / perDouble)
	return base + base/perDouble*(c%perDouble+1)
}

// BlockSize returns the bytes of the block that a pool lends for n bytes, as its limit and
// its statistics count them: up to an eighth more, or 63 bytes.
func BlockSize(n int) int {
	if n > maxRequest {
		return n
	}
	return classSize(classOf(n))
}

// BlockWithin returns the bytes of the largest block of at most n bytes, 0 where there is
// none.
func BlockWithin(n int) int {
	if n < align {
		return 0
	}
	c := classOf(min(n, maxRequest))
	if classSize(c) > n {
		c--
	}
	return classSize(c)
}
