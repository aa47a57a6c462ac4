//go:build cuda && cgo

package cuda_test

import (
	"flag"
	"strings"
	"testing"

	_ "github.com/cotangent-ad/cotangent/kernels/cuda"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
	"github.com/cotangent-ad/cotangent/kernels/spec"
)

// some are operations of every kind of kernel that there is.
var some = []string{
	"add", "where", "tanh", "digamma", "sum", "logsumexp", "max", "matmul", "take", "gather", "cumsum", "argmax",
	"index_set", "scatter_add", "sparse_matmul", "pad", "concat", "softmax",
}

// TestSpec is the conformance suite, of some operations only where time is short.
func TestSpec(t *testing.T) {
	o := spec.Options{Device: openDevice(t)}
	if testing.Short() {
		o.Ops = some
	}
	n := spec.Run(t, "cuda", o)
	filtered := strings.Contains(flag.Lookup("test.run").Value.String(), "/")
	if testing.Short() && !filtered && n.Ops != len(some) {
		t.Errorf("%d of %d operations tested", n.Ops, len(some))
	}
}
