//go:build !cgo

package native

func callEntry(uintptr, *run, int, int) int      { panic("native: no cgo") }
func callItems(uintptr, *run, int, int, int) int { panic("native: no cgo") }
func callHosted(uintptr, *run, int, int) int     { panic("native: no cgo") }
func hostEntries() (grow, call uintptr)          { panic("native: no cgo") }
