//go:build !cgo || !unix

package gemm

// Without cgo no library can be loaded.

type library struct{}

func openLibrary(name string) (*library, string) { return nil, "needs cgo and dlopen" }

func (*library) name() string { return "" }
func (*library) run(*product) {}
