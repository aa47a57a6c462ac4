package vmath

// ISA is a way to compute a function over an array.
type ISA uint8

const (
	Go       ISA = iota // the twins, one element at a time
	Baseline            // C without an instruction set asked for
	AVX2                // C for AVX2 and FMA
	AVX512              // C for AVX-512 F, DQ, BW, VL
	NEON                // C for arm64
)

var isaNames = [...]string{"go", "baseline", "avx2", "avx512", "neon"}

func (isa ISA) String() string {
	if int(isa) < len(isaNames) {
		return isaNames[isa]
	}
	return "unknown"
}
