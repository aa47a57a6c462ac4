package device

// Buffers used against their contract: counted and told, never a crash.

import (
	"fmt"
	"runtime"
	"strings"
)

// Misused enters a misuse of one of the pool's buffers into its Stats.
func (p *Pool) Misused(e *MisuseError) {
	e.Device = p.owner.Name()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Misuses++
	if p.stats.Err == nil {
		p.stats.Err = e
	}
}

// misused enters a misuse by the caller of the calling method.
func (p *Pool) misused(size int, what string) {
	var pc [16]uintptr
	frames := runtime.CallersFrames(pc[:runtime.Callers(3, pc[:])])
	var stack strings.Builder
	for {
		f, more := frames.Next()
		fmt.Fprintf(&stack, "\t%s %s:%d\n", f.Function, f.File, f.Line)
		if !more {
			break
		}
	}
	p.Misused(&MisuseError{What: what, Size: size, Stack: stack.String()})
}
