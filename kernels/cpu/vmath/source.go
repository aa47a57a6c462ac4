package vmath

import (
	_ "embed"
	"strings"
)

//go:embed core.h
var coreH string

//go:embed coef.h
var coefH string

//go:embed exp.h
var expH string

//go:embed log.h
var logH string

//go:embed pow.h
var powH string

//go:embed trig.h
var trigH string

//go:embed erf.h
var erfH string

//go:embed gamma.h
var gammaH string

// Source returns the C text of vmath.h with everything that it includes but the standard headers: what a generated C
// program starts with. Its functions are static and, unused, cost nothing. Compile it with -std=c11 -O3
// -fno-trapping-math (gcc vectorises few of them without the last one) and never with -ffast-math.
func Source() string {
	var b strings.Builder
	for _, h := range []string{coreH, coefH, expH, logH, powH, trigH, erfH, gammaH} {
		for line := range strings.Lines(h) {
			if !strings.HasPrefix(line, "#include \"") {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}
